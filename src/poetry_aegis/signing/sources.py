"""An index that distributions and their attestations are read from, by several threads."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from poetry_aegis.errors import PublishError, Unreachable
from poetry_aegis.publish.index import Index
from poetry_aegis.publish.patience import DEFAULT_PATIENCE, Failure, Patience, persist
from poetry_aegis.publish.repository import check_upload_url
from poetry_aegis.publish.web import Web
from poetry_aegis.signatures.attestation import parse_provenance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from poetry_aegis.publish.answer import Answer
    from poetry_aegis.publish.index import IndexedFile
    from poetry_aegis.publish.repository import Repository
    from poetry_aegis.signatures.attestation import Attestation

T = TypeVar("T")

_LARGEST_FILE = 16 << 30  # bytes, where the index does not tell a file's size
_LARGEST_PROVENANCE = 4 << 20  # bytes
_PROVENANCE = {
    "Accept": "application/vnd.pypi.integrity.v1+json, application/json;q=0.9, */*;q=0.1",
    "Cache-Control": "no-cache",  # somebody may have signed, or an admin mended it, just now
}


class Altered(Exception):
    """The index gave something else than it announced; the sentence says what."""


class Source:
    """The index of *repository*, open. *tell* hears of each repeated request.

    All methods raise `PublishError` and its kinds. An index that cannot be reached is not asked
    again.
    """

    def __init__(
        self, repository: Repository, tell: Callable[[str], None], patience: Patience
    ) -> None:
        self.name = repository.name
        self._web = Web(repository)
        self._patience = patience
        self._tell = tell
        self._pages: dict[str, _Page] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._index = Index(self._web, repository.index_url or "", patience, tell, self._pause)
        self._unreachable: Unreachable | None = None

    def close(self) -> None:
        """Close the connections."""
        self._web.close()

    def stop(self) -> None:
        """End what threads are doing here, at once."""
        self._stopped.set()
        self._web.cut()

    def files(self, project: str) -> dict[str, IndexedFile]:
        """Return the files of *project* by name, read once; none for an unknown project."""
        with self._lock:
            page = self._pages.setdefault(project, _Page())
        with page.lock:
            if page.files is None:
                page.files = self._asking(lambda: self._index.project_page(project))
        return page.files

    def attestations(self, file: IndexedFile) -> tuple[Attestation, ...]:
        """Return the attestations that the index has of *file*. Raises `Malformed`."""
        url = file.provenance
        if url is None:
            return ()
        answer = self._asking(lambda: self._persist(lambda: self._web.get(url, _PROVENANCE)))
        return parse_provenance(self._text(answer, file))

    def sha256(self, file: IndexedFile, keep_in: Path | None = None) -> str:
        """Download *file* and return its SHA-256 in hex; its content is kept in *keep_in*.

        Raises `Altered` where it is larger than the index says.
        """
        return self._asking(lambda: self._persist(lambda: self._download(file, keep_in)))

    def _download(self, file: IndexedFile, keep_in: Path | None) -> str | Failure:
        most = _LARGEST_FILE if file.size is None else file.size
        with contextlib.ExitStack() as stack:
            stream = stack.enter_context(keep_in.open("wb")) if keep_in else None
            size = 0

            def hear(chunk: bytes) -> None:
                nonlocal size
                size += len(chunk)
                if size > most:
                    raise Altered(f"It is larger than the {most} bytes that {self.name} tells.")
                if stream is not None:
                    stream.write(chunk)

            found = self._web.sha256(file.url, hear)
        if self._stopped.is_set():  # A connection that is cut may look like the end of a file.
            raise PublishError(f"The download from {self.name} was stopped.")
        return found

    def _text(self, answer: Answer, file: IndexedFile) -> str:
        if answer.status == 404:
            raise PublishError(
                f"{self.name} announces signatures of {file.filename} that it lacks."
            )
        if len(answer.body) > _LARGEST_PROVENANCE:
            raise Altered(f"{self.name} gives signatures of it that are larger than 4 MiB.")
        return answer.text

    def _persist(self, attempt: Callable[[], T | Failure]) -> T:
        return persist(attempt, self._patience, self._tell, pause=self._pause)

    def _pause(self, seconds: float) -> bool:
        return not self._stopped.wait(seconds)

    def _asking(self, ask: Callable[[], T]) -> T:
        if self._unreachable is not None:
            raise self._unreachable
        try:
            return ask()
        except Unreachable as error:
            self._unreachable = error
            raise


@dataclass
class _Page:
    lock: threading.Lock = field(default_factory=threading.Lock)
    files: dict[str, IndexedFile] | None = None


@contextlib.contextmanager
def open_source(
    repository: Repository,
    tell: Callable[[str], None],
    patience: Patience = DEFAULT_PATIENCE,
) -> Iterator[Source]:
    """Yield the index of *repository*. Raises `NotAnUploadUrl` for what is no address."""
    check_upload_url(repository)
    source = Source(repository, tell, patience)
    try:
        yield source
    except BaseException:
        source.stop()
        raise
    finally:
        source.close()
