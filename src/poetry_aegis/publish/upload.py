"""One distribution to one repository, by the legacy upload API that every index speaks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from poetry_aegis.errors import FileConflict, Forbidden, PublishError
from poetry_aegis.publish.form import UploadForm
from poetry_aegis.publish.patience import Failure, persist

if TYPE_CHECKING:
    from collections.abc import Mapping

    from poetry_aegis.publish.answer import Answer
    from poetry_aegis.publish.distributions import Distribution
    from poetry_aegis.publish.index import Index
    from poetry_aegis.publish.patience import Patience
    from poetry_aegis.publish.relay import Relay
    from poetry_aegis.publish.web import Web

# Asks a poetry-aegis registry to replace a file of the same name; other servers ignore it.
OVERWRITE = {"Aegis-Overwrite": "true"}

_NEW_VERSION = "Release a new version: poetry aegis publish --bump patch"
_CO_SIGN = (
    "To only add a signature to what is there, sign the very same files, with a copy of them in "
    "dist/: poetry aegis sign && poetry aegis publish --skip-build"
)


@dataclass(frozen=True)
class Uploader:
    """Sends distributions through *web* and reads *index*, where there is one, when in doubt.

    *attestations* are sent with the files that have the names in it. May be shared by threads.
    """

    web: Web
    index: Index | None
    patience: Patience
    attestations: Mapping[str, str]
    overwrite: bool = False
    _doubtful: set[str] = field(default_factory=set, init=False)

    def upload(self, distribution: Distribution, relay: Relay, *, to_sign: bool = False) -> None:
        """Send *distribution* and return once the server has it; *relay* hears of the way there.

        Failures that pass are repeated. That is safe: before a repeat the index is read, and an
        upload that was stored before its answer got lost is not sent again. Where the file is
        there already and is sent *to_sign* it, that would tell nothing. Raises `FileConflict`
        where another file of that name is there, and other `PublishError`.
        """
        try:
            persist(
                lambda: self._attempt(distribution, relay, to_sign=to_sign),
                self.patience,
                relay.note,
                pause=relay.pause,
            )
        except FileConflict as error:
            name = self.web.repository.name
            found = self._hash_there(distribution)
            if to_sign and found == distribution.sha256:
                relay.note(f"{name} takes no further signatures of {distribution.filename}.")
                return
            if found is None:
                message = f"{distribution.filename} is refused: {error}"
            else:
                message = different(distribution, found, name)
            raise conflict(
                message, name, overwrite=self.overwrite, signs=bool(self.attestations)
            ) from error
        except Forbidden as error:
            if self.overwrite:
                error.hint = f"To replace files takes more rights than to upload. {_NEW_VERSION}"
            raise

    def _hash_there(self, distribution: Distribution) -> str | None:
        """Return the hash of what is in the way, ``None`` where the index does not tell."""
        try:
            return self.index.hash_of(distribution) if self.index else None
        except PublishError:
            return None  # That there is one is known all the same.

    def _attempt(
        self, distribution: Distribution, relay: Relay, *, to_sign: bool
    ) -> Answer | Failure | None:
        form = self._form(distribution, relay)
        headers = OVERWRITE if self.overwrite else {}
        outcome = self.web.post(self.web.repository.upload_url, form, headers)
        if isinstance(outcome, Failure) and outcome.reached:
            stored = None if to_sign or self.index is None else self.index.holds(distribution)
            if stored:
                return None
            # A refusal says nothing of an earlier attempt, whose answer was lost.
            lost = form.has_left and not outcome.refused
            doubtful = lost or distribution.filename in self._doubtful
            self._weigh(distribution, relay, absent=stored is False or not doubtful)
        return outcome

    def _weigh(self, distribution: Distribution, relay: Relay, *, absent: bool) -> None:
        """Tell whether the server may have *distribution*, an attempt at which has failed."""
        if absent:
            self._doubtful.discard(distribution.filename)
            relay.absent(distribution)
        else:
            self._doubtful.add(distribution.filename)
            relay.possible(distribution)

    def _form(self, distribution: Distribution, relay: Relay) -> UploadForm:
        fields = upload_fields(distribution)
        if distribution.filename in self.attestations:
            fields["attestations"] = [self.attestations[distribution.filename]]
        return UploadForm(fields, distribution.path, lambda sent: relay.leaving(distribution, sent))


def upload_fields(distribution: Distribution) -> dict[str, list[str]]:
    """Return the fields of the legacy upload form for *distribution*, the file itself aside."""
    form: dict[str, list[str]] = {}
    for key, value in (
        (":action", "file_upload"),
        ("protocol_version", "1"),
        *distribution.metadata,
        ("filetype", distribution.filetype),
        ("pyversion", distribution.pyversion),
        ("md5_digest", distribution.digests.md5),
        ("sha256_digest", distribution.digests.sha256),
        ("blake2_256_digest", distribution.digests.blake2_256),
    ):
        form.setdefault(key, []).append(value)
    return form


def different(distribution: Distribution, found: str, name: str) -> str:
    """Return the sentence for a file that is on repository *name* with another hash, *found*."""
    return (
        f"{name} already has another {distribution.filename}: "
        f"its sha256 is {found}, the one here has {distribution.sha256}."
    )


def conflict(message: str, name: str, *, overwrite: bool, signs: bool) -> FileConflict:
    """Return the error for a file name that is taken on repository *name*, with its way out.

    *signs* where signatures were to be sent, so that it may have been all about those.
    """
    if overwrite:
        hint = f"{name} does not let the file be replaced. {_NEW_VERSION}"
    else:
        hint = (
            f"{_NEW_VERSION}\n"
            "Or replace the file, where the server allows it, knowing that lock files pin its "
            "hash: poetry aegis publish --force"
        )
    if signs:
        hint += f"\n{_CO_SIGN}"
    return FileConflict(message, hint=hint)
