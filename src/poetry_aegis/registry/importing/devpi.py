"""What ``devpi-export`` writes: a ``dataindex.json``, and the files of each index in folders."""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from poetry_aegis.registry.errors import ImportFailed
from poetry_aegis.registry.importing.directory import local_candidate
from poetry_aegis.registry.importing.sources import sort_out

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from poetry_aegis.registry.importing.sources import Candidate, Survey, Surveyed

DATA_INDEX = "dataindex.json"


class DevpiExport:
    """The release files of one *index* of the export in *root*; it need not be named if alone.

    An index has the files that were uploaded to it, not those it inherits from its bases. Raises
    `ImportFailed` for an export that cannot be read, and for an index that is not in it.
    """

    def __init__(self, root: Path, index: str | None) -> None:
        self._root = root
        indexes = _indexes_with_files(root / DATA_INDEX)
        self._index = _choose(indexes, index)
        self._files = indexes[self._index]

    @property
    def description(self) -> str:
        """The directory, and the index in it."""
        return f"{self._root}, index {self._index}"

    def survey(self, only: Sequence[str], surveyed: Surveyed) -> Survey:
        """Return the release files. Documentation and test results are passed over."""
        survey = sort_out(
            ((str(entry.get("relpath")), partial(self._candidate, entry)) for entry in self._files),
            only,
        )
        surveyed(1, 1)
        return survey

    def _candidate(self, entry: Mapping[str, Any]) -> Candidate:
        relative = entry.get("relpath")
        if not isinstance(relative, str) or not self._holds(relative):
            raise ImportFailed(f"{DATA_INDEX} names a file that is not in the export.")
        facts = entry.get("entrymapping")
        facts = facts if isinstance(facts, dict) else {}
        return local_candidate(
            self._root / relative, relative, digests=_digests(facts), uploaded=_uploaded(facts)
        )

    def _holds(self, relative: str) -> bool:
        try:
            return (self._root / relative).resolve().is_relative_to(self._root.resolve())
        except ValueError:  # a null character
            return False


def _indexes_with_files(path: Path) -> dict[str, list[Mapping[str, Any]]]:
    try:
        indexes = json.loads(path.read_bytes())["indexes"]
        files = {
            name: [entry for entry in index.get("files", ()) if entry["type"] == "releasefile"]
            for name, index in indexes.items()
        }
    except OSError as error:
        raise ImportFailed(f"{path} cannot be read: {error.strerror or error}.") from error
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ImportFailed(f"{path} is not the index of a devpi export.") from error
    return {name: entries for name, entries in files.items() if entries}


def _choose(indexes: Mapping[str, object], asked: str | None) -> str:
    names = ", ".join(sorted(indexes)) or "none at all"
    if asked is None and len(indexes) == 1:
        return next(iter(indexes))
    if asked is None:
        raise ImportFailed(f"Name one index of the export; those with files are: {names}.")
    if asked not in indexes:
        raise ImportFailed(
            f"The export has no files of an index {asked}; those with files are: {names}."
        )
    return asked


def _digests(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return the digests of a file: those of today's exports, else the one of older ones."""
    hashes = facts.get("hashes")
    if isinstance(hashes, dict) and hashes:
        return {str(name): str(digest) for name, digest in hashes.items()}
    name, equals, digest = str(facts.get("hash_spec", "")).partition("=")
    if equals:
        return {name: digest}
    return {"md5": str(facts["md5"])} if "md5" in facts else {}


def _uploaded(facts: Mapping[str, Any]) -> float | None:
    try:
        return parsedate_to_datetime(str(facts.get("last_modified"))).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
