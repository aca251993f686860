"""What an import reads from: a place that can say which distributions it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from poetry_aegis.registry.errors import BadUpload, ImportFailed
from poetry_aegis.registry.names import matches_any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from poetry_aegis.registry.names import DistributionName

Surveyed = Callable[[int, int], None]


@dataclass(frozen=True)
class Candidate:
    """A distribution to take over.

    *origin* is what people know it by at the source, *read* gives its bytes from the beginning,
    each time it is called. What the source says of it, *size* in bytes, *digests* by the names of
    hashlib, *uploaded* in seconds since 1970 and *yanked*, the reason for a yank, is ``None`` or
    left out where it says nothing. *path* is the file itself, where that is on this machine.
    """

    name: DistributionName
    origin: str
    read: Callable[[], Iterator[bytes]]
    size: int | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    uploaded: float | None = None
    yanked: str | None = None
    path: Path | None = None

    @property
    def title(self) -> str:
        """The file's name, below its project's."""
        return f"{self.name.project}/{self.name.file_name}"


@dataclass(frozen=True)
class Finding:
    """Something that was not taken over, and why."""

    what: str
    reason: str


@dataclass(frozen=True)
class Survey:
    """What a source has: *skipped* is no distribution, of *failed* it could not be told."""

    candidates: tuple[Candidate, ...] = ()
    skipped: tuple[Finding, ...] = ()
    failed: tuple[Finding, ...] = ()


def sort_out(
    attempts: Iterable[tuple[str, Callable[[], Candidate]]], only: Sequence[str] = ()
) -> Survey:
    """Return what *attempts* make, each with the name that people know it by.

    An attempt returns a candidate, or raises `BadUpload` for what is not named as a distribution,
    or `ImportFailed`. Candidates of projects that do not match *only* are left out.
    """
    candidates: list[Candidate] = []
    skipped: list[Finding] = []
    failed: list[Finding] = []
    for what, attempt in attempts:
        made = _outcome(attempt)
        if isinstance(made, BadUpload):
            skipped.append(Finding(what, str(made)))
        elif isinstance(made, ImportFailed):
            failed.append(Finding(what, str(made)))
        elif not only or matches_any(made.name.project, only):
            candidates.append(made)
    return Survey(tuple(candidates), tuple(skipped), tuple(failed))


def _outcome(attempt: Callable[[], Candidate]) -> Candidate | BadUpload | ImportFailed:
    try:
        return attempt()
    except (BadUpload, ImportFailed) as error:
        return error


class Source(Protocol):
    """Where distributions come from. *description* is for people, and holds no credential."""

    @property
    def description(self) -> str:
        """The place, as the audit trail names it."""

    def survey(self, only: Sequence[str], surveyed: Surveyed) -> Survey:
        """Return what there is of the projects that match *only*, of all where that is empty.

        *surveyed* is told how many of how many pages are read. Raises `ImportFailed`.
        """


class SourceBroke(Exception):
    """The source broke off; it may go on when it is asked again."""


def open_source(location: str, index: str | None = None) -> Source:
    """Return the source at *location*, the address of a simple API or a directory.

    *index* chooses one of the indexes in a devpi export. Raises `ImportFailed`.
    """
    from poetry_aegis.registry.importing.devpi import DATA_INDEX, DevpiExport
    from poetry_aegis.registry.importing.directory import DistributionDirectory

    if location.startswith(("http://", "https://")):
        from poetry_aegis.registry.importing.simple_api import SimpleIndex

        return SimpleIndex(location)
    root = Path(location).expanduser()
    if not root.is_dir():
        raise ImportFailed(f"{location} is neither a directory nor the URL of an index.")
    if (root / DATA_INDEX).is_file():
        return DevpiExport(root, index)
    if index is not None:
        raise ImportFailed(f"{location} is no devpi export, so it has no index {index}.")
    return DistributionDirectory(root)
