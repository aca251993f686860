"""Distributions in a directory, flat or nested, as pypiserver serves them."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from poetry_aegis.registry.errors import ImportFailed
from poetry_aegis.registry.importing.sources import Candidate, sort_out
from poetry_aegis.registry.names import (
    METADATA_SUFFIX,
    PROVENANCE_SUFFIX,
    parse_file_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from poetry_aegis.registry.importing.sources import Survey, Surveyed

_BLOCK = 1024 * 1024


class DistributionDirectory:
    """The wheels and sdists below *root*, which is only read.

    Hidden files and folders are passed over, and so is what an index keeps beside a distribution.
    Of a registry's own data directory its packages are meant.
    """

    def __init__(self, root: Path) -> None:
        packages = root / "packages"
        is_registry = packages.is_dir() and (root / "simple").is_dir()
        self._root = packages if is_registry else root

    @property
    def description(self) -> str:
        """The directory."""
        return str(self._root)

    def survey(self, only: Sequence[str], surveyed: Surveyed) -> Survey:
        """Return the distributions by their file names. Raises `ImportFailed`."""
        shown = ((path.relative_to(self._root).as_posix(), path) for path in _files(self._root))
        attempts = ((origin, partial(local_candidate, path, origin)) for origin, path in shown)
        survey = sort_out(attempts, only)
        surveyed(1, 1)
        return survey


def local_candidate(
    path: Path,
    origin: str,
    *,
    digests: Mapping[str, str] | None = None,
    uploaded: float | None = None,
) -> Candidate:
    """Return the distribution in the file *path*, uploaded when it was last changed unless told.

    Raises `BadUpload` where it is not named as a distribution, and `ImportFailed`.
    """
    name = parse_file_name(path.name)
    try:
        found = path.stat()
    except OSError as error:
        raise ImportFailed(f"{path} cannot be read: {error.strerror or error}.") from error
    return Candidate(
        name=name,
        origin=origin,
        read=partial(_blocks, path),
        size=found.st_size,
        digests=digests or {},
        uploaded=found.st_mtime if uploaded is None else uploaded,
        path=path,
    )


def _files(root: Path) -> Iterator[Path]:
    for folder, below, names in os.walk(root, onerror=_refuse):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and not name.endswith((METADATA_SUFFIX, PROVENANCE_SUFFIX)):
                yield Path(folder, name)


def _refuse(error: OSError) -> None:
    raise ImportFailed(f"{error.filename} cannot be read: {error.strerror}.") from error


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            yield block
