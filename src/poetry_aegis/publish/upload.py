"""One distribution to one repository, by the legacy upload API that every index speaks."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from poetry_aegis.errors import FileConflict, Forbidden
from poetry_aegis.publish.patience import Failure, persist

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from poetry_aegis.publish.answers import Answer
    from poetry_aegis.publish.distributions import Distribution
    from poetry_aegis.publish.index import Index
    from poetry_aegis.publish.patience import Patience
    from poetry_aegis.publish.reporter import Reporter
    from poetry_aegis.publish.web import Web

# Asks a poetry-aegis registry to replace a file of the same name; other servers ignore it.
OVERWRITE = {"Aegis-Overwrite": "true"}

_NEW_VERSION = "Release a new version: poetry aegis publish --bump patch"


@dataclass(frozen=True)
class Uploader:
    """Sends distributions through *web* and reads *index*, where there is one, when in doubt."""

    web: Web
    index: Index | None
    patience: Patience
    reporter: Reporter
    overwrite: bool = False
    _doubtful: set[str] = field(default_factory=set, init=False)

    def upload(self, distribution: Distribution) -> None:
        """Send *distribution* and return once the server has it.

        Failures that pass are repeated. That is safe: before a repeat the index is read, and an
        upload that was stored before its answer got lost is not sent again. Raises
        `FileConflict` where another file of that name is there, and other `PublishError`.
        """
        try:
            persist(lambda: self._attempt(distribution), self.patience, self.reporter.note)
        except FileConflict as error:
            name = self.web.repository.name
            found = self.index.hash_of(distribution) if self.index else None
            if found is None:
                message = f"{distribution.filename} is refused: {error}"
            else:
                message = different(distribution, found, name)
            raise conflict(message, name, overwrite=self.overwrite) from error
        except Forbidden as error:
            if self.overwrite:
                error.hint = f"To replace files takes more rights than to upload. {_NEW_VERSION}"
            raise

    def _attempt(self, distribution: Distribution) -> Answer | Failure | None:
        outcome = self._post(distribution)
        if isinstance(outcome, Failure) and outcome.reached:
            stored = self.index.holds(distribution) if self.index else None
            if stored:
                return None
            self._weigh(distribution, ruled_out=stored is False, refused=outcome.refused)
        return outcome

    def _weigh(self, distribution: Distribution, *, ruled_out: bool, refused: bool) -> None:
        """Tell whether the server may have *distribution*, an attempt at which has failed."""
        name = distribution.filename
        # A refusal says nothing of an earlier attempt, whose answer was lost.
        if ruled_out or (refused and name not in self._doubtful):
            self._doubtful.discard(name)
            self.reporter.absent(distribution)
        else:
            self._doubtful.add(name)
            self.reporter.sent(distribution)

    def _post(self, distribution: Distribution) -> Answer | Failure:
        def tell(sent: int) -> None:
            self.reporter.advanced(distribution, sent)
            if sent >= distribution.size:
                self.reporter.sent(distribution)

        with _Counted(distribution.path, tell) as stream:
            return self.web.post(
                self.web.repository.upload_url,
                fields=upload_form(distribution),
                files={"content": (distribution.filename, stream, "application/octet-stream")},
                headers=OVERWRITE if self.overwrite else {},
            )


def upload_form(distribution: Distribution) -> dict[str, list[str]]:
    """Return the fields of the legacy upload form for *distribution*, the file itself aside."""
    form: dict[str, list[str]] = {}
    for key, value in (
        (":action", "file_upload"),
        ("protocol_version", "1"),
        *distribution.metadata,
        ("filetype", distribution.filetype),
        ("pyversion", distribution.pyversion),
        ("md5_digest", distribution.md5),
        ("sha256_digest", distribution.sha256),
        ("blake2_256_digest", distribution.blake2_256),
    ):
        form.setdefault(key, []).append(value)
    return form


def different(distribution: Distribution, found: str, name: str) -> str:
    """Return the sentence for a file that is on repository *name* with another hash, *found*."""
    return (
        f"{name} already has another {distribution.filename}: "
        f"its sha256 is {found}, the one here has {distribution.sha256}."
    )


def conflict(message: str, name: str, *, overwrite: bool) -> FileConflict:
    """Return the error for a file name that is taken on repository *name*, with its way out."""
    if overwrite:
        hint = f"{name} does not let the file be replaced. {_NEW_VERSION}"
    else:
        hint = (
            f"{_NEW_VERSION}\n"
            "Or replace the file, where the server allows it, knowing that lock files pin its "
            "hash: poetry aegis publish --force"
        )
    return FileConflict(message, hint=hint)


class _Counted(io.FileIO):
    """A file that tells how many bytes of it have been read."""

    def __init__(self, path: Path, tell_sent: Callable[[int], None]) -> None:
        super().__init__(path, "rb")
        self._tell_sent = tell_sent

    def read(self, size: int | None = -1, /) -> bytes:
        chunk = super().read(size)
        self._tell_sent(self.tell())
        return chunk
