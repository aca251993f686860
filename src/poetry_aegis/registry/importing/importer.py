"""The import itself: several files at a time, each whole or not there, one bad one no obstacle.

It can be broken off at any moment. What has arrived is there to stay, and the next run passes it
over by its digest.
"""

from __future__ import annotations

import errno
import threading
from collections import defaultdict
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from poetry_aegis.registry.errors import HttpError, ImportFailed, StoreFull
from poetry_aegis.registry.importing.interrupts import interrupts_held_back
from poetry_aegis.registry.importing.sources import Finding, SourceBroke
from poetry_aegis.registry.importing.transfer import Fate, Stopped, Transfer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from concurrent.futures import Future
    from typing import TypeAlias

    from packaging.version import Version

    from poetry_aegis.registry.importing.sources import Candidate, Source
    from poetry_aegis.registry.importing.transfer import Done
    from poetry_aegis.registry.store.store import Store

    _Taken: TypeAlias = tuple[Candidate, Fate | Finding]

_AT_A_TIME = 4
_GLANCE = 0.2  # seconds between two looks at how far the workers are
_HOPELESS = frozenset({errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC)})


class Listener(Protocol):
    """Is told how far an import is, always by the thread that runs it."""

    def surveyed(self, pages: int, of_pages: int) -> None:
        """So many pages of the source are read."""

    def arrived(self, files: int, of_files: int, size: int) -> None:
        """So many files are done, and so many bytes have come."""


@dataclass(frozen=True)
class ImportReport:
    """What an import did, or would do: files as ``project/file``.

    *size* is of what was *added*, in bytes; *present* were there already, *skipped* are no
    distributions, *failed* are some and could not be taken over. *unverified* are those of *added*
    whose uploads would have to be signed: an import brings no signatures.
    """

    source: str
    added: tuple[str, ...] = ()
    present: tuple[str, ...] = ()
    skipped: tuple[Finding, ...] = ()
    failed: tuple[Finding, ...] = ()
    size: int = 0
    unverified: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the report as ``--json`` prints it."""
        return asdict(self)


class Import:
    """An import of *source* into *store*, of the projects that match *only* (all, if empty).

    Files of more than *largest* bytes are not taken. *done* is told of each change to the store, by
    the thread that made it.
    """

    def __init__(  # noqa: PLR0913 -- what to import, and whom to tell of it
        self,
        source: Source,
        store: Store,
        *,
        only: Sequence[str] = (),
        largest: int,
        listener: Listener,
        done: Done,
    ) -> None:
        self._source = source
        self._only = only
        self._listener = listener
        self._stopped = threading.Event()
        self._counting = threading.Lock()
        self._size = 0
        self._transfer = Transfer(store, largest, self._stopped, self._advance, done)

    def run(self, *, dry_run: bool = False) -> ImportReport:
        """Take all over that can be, and return what became of each file.

        Raises `ImportFailed` where the source cannot be read or the disk is full.
        """
        survey = self._source.survey(self._only, self._listener.surveyed)
        attempt = self._transfer.foresee if dry_run else self._transfer.take_in
        if self._only and not (survey.candidates or survey.failed):
            raise ImportFailed(
                f"{self._source.description} has no project that matches {', '.join(self._only)}."
            )
        taken = self._take_all(survey.candidates, attempt)
        failures = [fate for _, fate in taken if isinstance(fate, Finding)]
        return ImportReport(
            self._source.description,
            added=_with_fate(taken, Fate.ADDED),
            present=_with_fate(taken, Fate.PRESENT),
            skipped=_sorted(survey.skipped),
            failed=_sorted([*survey.failed, *failures]),
            size=self._transfer.added_bytes,
        )

    def _take_all(
        self, candidates: Sequence[Candidate], attempt: Callable[[Candidate], Fate]
    ) -> list[_Taken]:
        taken: list[_Taken] = []
        releases = iter(_releases(candidates))
        running: set[Future[None]] = set()
        with interrupts_held_back() as let_in, ThreadPoolExecutor(_AT_A_TIME) as pool:
            try:
                while True:
                    let_in()
                    room = 2 * _AT_A_TIME - len(running)
                    running |= {
                        pool.submit(self._take_release, release, attempt, taken)
                        for release in islice(releases, room)
                    }
                    if not running:
                        return taken
                    done, running = wait(running, _GLANCE, return_when=FIRST_COMPLETED)
                    _raise_failures(done)
                    self._listener.arrived(len(taken), len(candidates), self._size)
            except BaseException:
                self._stopped.set()
                raise

    def _take_release(
        self,
        release: Sequence[Candidate],
        attempt: Callable[[Candidate], Fate],
        taken: list[_Taken],
    ) -> None:
        for candidate in release:
            if self._stopped.is_set():
                return
            try:
                taken.append((candidate, attempt(candidate)))
            except (HttpError, ImportFailed, SourceBroke, OSError) as error:
                if _is_hopeless(error):
                    raise
                taken.append((candidate, Finding(candidate.origin, _reason(error))))

    def _advance(self, size: int) -> None:
        with self._counting:
            self._size += size


def _releases(candidates: Iterable[Candidate]) -> list[list[Candidate]]:
    """Return *candidates* by project and version, each to be taken one after the other.

    Two files of one name, or two spellings of it, are of one release: which of them comes first
    does not depend on the threads.
    """
    releases: defaultdict[tuple[str, Version], list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        releases[candidate.name.project, candidate.name.version].append(candidate)
    return [releases[key] for key in sorted(releases)]


def _raise_failures(done: Iterable[Future[None]]) -> None:
    for future in done:
        error = future.exception()
        if isinstance(error, (OSError, StoreFull)):
            raise ImportFailed(
                f"The import broke off: {_reason(error)} What has arrived stays; run it again "
                "when this is mended, and it goes on."
            ) from error
        if error is not None and not isinstance(error, Stopped):
            raise error


def _is_hopeless(error: Exception) -> bool:
    """Tell whether every further file would meet the same error."""
    return isinstance(error, StoreFull) or (isinstance(error, OSError) and error.errno in _HOPELESS)


def _reason(error: BaseException) -> str:
    text = error.strerror or str(error) if isinstance(error, OSError) else str(error)
    return text if text.endswith(".") else f"{text}."


def _with_fate(taken: Iterable[_Taken], wanted: Fate) -> tuple[str, ...]:
    return tuple(sorted({candidate.title for candidate, fate in taken if fate is wanted}))


def _sorted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda finding: (finding.what, finding.reason)))
