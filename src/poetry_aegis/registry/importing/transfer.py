"""Brings one candidate into the store, checked like an upload."""

from __future__ import annotations

import hashlib
import threading
from enum import Enum
from typing import TYPE_CHECKING

from poetry_aegis.atomic import make_durable
from poetry_aegis.registry.archives.distributions import inspect
from poetry_aegis.registry.digests import sha256_of
from poetry_aegis.registry.errors import BadUpload, FileExists, TooLarge
from poetry_aegis.registry.importing.patience import retried
from poetry_aegis.registry.store.admission import Outcome, Overwriting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import IO, Literal, TypeAlias

    from poetry_aegis.registry.importing.sources import Candidate
    from poetry_aegis.registry.store.listing import ListedFile
    from poetry_aegis.registry.store.store import Store

    Done: TypeAlias = Callable[[Literal["import", "yank"], Candidate], None]

_KNOWN_DIGESTS = frozenset({"md5", "sha1", "sha224", "sha256", "sha384", "sha512"})


class Stopped(Exception):
    """The import was told to stop."""


class Fate(Enum):
    """What became of a candidate that has not failed."""

    ADDED = "added"
    PRESENT = "present"


class Transfer:
    """Takes candidates into *store*, none of them of more than *largest* bytes.

    *advanced* is called with each number of bytes that has arrived, *done* with what was done to
    the store: ``import`` or ``yank``, of which candidate. *stopped* ends it all. Safe to use from
    several threads, which are those that the two are called from.
    """

    def __init__(
        self,
        store: Store,
        largest: int,
        stopped: threading.Event,
        advanced: Callable[[int], None],
        done: Done,
    ) -> None:
        self._store = store
        self._largest = largest
        self._stopped = stopped
        self._advanced = advanced
        self._done = done
        self._counting = threading.Lock()
        self.added_bytes = 0
        self._foreseen: dict[str, str] = {}  # titles, and the sha256 of the first such file

    def take_in(self, candidate: Candidate) -> Fate:
        """Bring *candidate* in, unless it is there, and yank it where its source has.

        Raises `HttpError` for what an upload would be refused for, `ImportFailed` and
        `SourceBroke` where it cannot be read, `Stopped`, and ``OSError``.
        """
        fate = self.foresee(candidate, look_inside=False)
        if fate is Fate.ADDED:
            fate = self._bring(candidate)
        if fate is Fate.ADDED:
            self._done("import", candidate)
        self._keep_yank(candidate)
        return fate

    def foresee(self, candidate: Candidate, *, look_inside: bool = True) -> Fate:
        """Return what would become of *candidate*, as far as it can be told from here.

        A file on this machine is checked as a whole, one of another server by what that says of
        it. Raises as `take_in` does.
        """
        self._require_small(candidate.size or 0)
        name = candidate.name
        listed = self._store.listing(name.project).file(name.file_name)
        if listed is not None and (sha256 := _sha256(candidate, listed)) is not None:
            _require_same(candidate, sha256, listed.sha256)
            return Fate.PRESENT
        if look_inside and candidate.path is not None:
            sha256 = sha256_of(candidate.path)
            inspect(candidate.path, name, sha256)
            _require_same(candidate, sha256, self._foreseen.setdefault(candidate.title, sha256))
        return Fate.ADDED

    def _bring(self, candidate: Candidate) -> Fate:
        with self._store.incoming() as (stream, path):
            sha256, size = retried(lambda: self._copy(candidate, stream), self._stopped)
            stream.close()  # Windows renames only what nobody holds open.
            distribution = inspect(path, candidate.name, sha256)
            outcome = self._store.add(
                path, distribution, Overwriting.NOT_ASKED, uploaded=candidate.uploaded
            )
        if outcome is Outcome.UNCHANGED:
            return Fate.PRESENT
        with self._counting:
            self.added_bytes += size
        return Fate.ADDED

    def _copy(self, candidate: Candidate, stream: IO[bytes]) -> tuple[str, int]:
        """Write the file to *stream*, durably, and return its sha256 and size."""
        stream.seek(0)
        stream.truncate()
        wanted = {key: value for key, value in candidate.digests.items() if key in _KNOWN_DIGESTS}
        running = {name: hashlib.new(name, usedforsecurity=False) for name in {*wanted, "sha256"}}
        size = 0
        for block in candidate.read():
            if self._stopped.is_set():
                raise Stopped
            size += len(block)
            self._require_small(size)
            for digest in running.values():
                digest.update(block)
            stream.write(block)
            self._advanced(len(block))
        _require_declared(candidate, size, {name: d.hexdigest() for name, d in running.items()})
        make_durable(stream)
        return running["sha256"].hexdigest(), size

    def _require_small(self, size: int) -> None:
        if size > self._largest:
            raise TooLarge(f"The file is larger than this registry takes, {self._largest} bytes.")

    def _keep_yank(self, candidate: Candidate) -> None:
        if candidate.yanked is None:
            return
        project, file_name = candidate.name.project, candidate.name.file_name
        listed = self._store.listing(project).file(file_name)
        if listed is not None and listed.yanked != candidate.yanked:
            self._store.yank(project, [file_name], candidate.yanked)
            self._done("yank", candidate)


def _sha256(candidate: Candidate, listed: ListedFile) -> str | None:
    """Return the digest of *candidate* if that takes no download; ``None`` if it is not known."""
    if "sha256" in candidate.digests:
        return candidate.digests["sha256"].lower()
    path: Path | None = candidate.path
    if path is None:
        return None
    return sha256_of(path) if candidate.size == listed.size else "of another size"


def _require_same(candidate: Candidate, sha256: str, present: str) -> None:
    if sha256 != present:
        raise FileExists(f"File already exists: {candidate.name.file_name}, with other content.")


def _require_declared(candidate: Candidate, size: int, digests: Mapping[str, str]) -> None:
    if candidate.size not in (None, size):
        raise BadUpload(f"It has {size} bytes, and its source tells of {candidate.size}.")
    for name, digest in candidate.digests.items():
        if name in digests and digests[name] != digest.lower():
            raise BadUpload(f"Its {name} is not the one that its source tells of.")
