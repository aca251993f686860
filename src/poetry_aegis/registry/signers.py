"""Whose signatures an upload needs here, and what those of a file are worth.

The keys that count stand in a file of their own, which is read anew when it changes. Where it
cannot be read, what has to be signed is refused: nothing gets in by breaking that file.
"""

from __future__ import annotations

import logging
import sys
import threading
from dataclasses import dataclass
from datetime import date, datetime, timezone
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poetry_aegis.registry.attestations import attestations_in, further, with_more
from poetry_aegis.registry.errors import BadAttestations, InvalidSettings, NotSigned, Unavailable
from poetry_aegis.registry.names import matches_any
from poetry_aegis.signatures.statement import Malformed, check_statement
from poetry_aegis.signatures.trust import Trust
from poetry_aegis.signatures.verdict import Subject, Verdict, judge
from poetry_aegis.tables import InvalidTable, read_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poetry_aegis.registry.names import DistributionName
    from poetry_aegis.registry.options import SignatureSettings
    from poetry_aegis.signatures.attestation import Attestation

logger = logging.getLogger(__name__)

_MOST_NAMES = 5  # of keys, in a sentence
_SHOWN = 16  # characters of a key's identifier, as people compare them


def load_trust(path: Path) -> Trust:
    """Return the keys that the TOML file *path* trusts. Raises `InvalidSettings`."""
    toml: Any = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        trust = read_table(Trust, toml.loads(path.read_text(encoding="utf-8")), where=str(path))
        _ = trust.by_id  # A key that is none is said now.
    except OSError as error:
        raise InvalidSettings(f"{path} cannot be read: {error.strerror or error}.") from error
    except InvalidTable as error:
        raise InvalidSettings(f"{path} cannot be used: {error} {error.hint}".strip()) from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise InvalidSettings(f"{path} is not valid TOML: {error}.") from error
    return trust


class TrustFile:
    """The trust in the file *path*, as it is now. Any thread may ask."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._asking = threading.Lock()
        self._seen: tuple[tuple[int, int, int], Trust] | None = None
        self._complaint = ""

    def read(self) -> Trust | None:
        """Return what the file says, ``None`` where it cannot be read; the log then says why."""
        with self._asking:
            try:
                return self._read()
            except InvalidSettings as error:
                self._seen = None
                if str(error) != self._complaint:
                    self._complaint = str(error)
                    logger.error("What has to be signed is not taken. %s", error)
                return None

    def _read(self) -> Trust:
        # Looked at before it is read: what changes meanwhile is read the next time.
        found = _status(self._path)
        if self._seen is None or self._seen[0] != found:
            trust = load_trust(self._path)
            logger.info("%d keys are trusted, as %s says.", len(trust.keys), self._path)
            self._seen = (found, trust)
            self._complaint = ""
        return self._seen[1]


@dataclass(frozen=True)
class Signers:
    """The projects whose uploads must be signed, as patterns, and the keys that count for them."""

    required: tuple[str, ...] = ()
    file: TrustFile | None = None

    @classmethod
    def of(cls, settings: SignatureSettings) -> Signers:
        """Return the signers of *settings*, their file read for the first time."""
        file = TrustFile(Path(settings.trust)) if settings.trust else None
        if file is not None:
            file.read()
        return cls(settings.required, file)

    def wants(self, project: str) -> bool:
        """Tell whether uploads to *project* must be signed."""
        return matches_any(project, self.required)

    def admit(
        self, name: DistributionName, sha256: str, present: bytes | None, given: bytes | None
    ) -> bytes | None:
        """Return the provenance of the file *name* after an upload that brings *given*.

        *present* is what lies beside the same bytes already. A project that must be signed takes
        only what a key of the trust file has signed: nobody else can fill the places that a file
        has for attestations. In another project, too, what such a key has signed finds a place.

        Raises `NotSigned`, `BadAttestations` for what is not taken, and `Unavailable` where nobody
        can tell.
        """
        if not self.wants(name.project):
            trust = self._trust()
            return with_more(present, given, partial(_is_signed, trust, name, sha256))
        trust, more = self._needed(name.project), further(present, given)
        _require_signed(trust, name, sha256, (*attestations_in(present), *more))
        for attestation in more:
            if not _is_signed(trust, name, sha256, attestation):
                raise BadAttestations(_refusal(trust, name, attestation))
        # What this leaves out has not counted.
        return with_more(present, given, partial(_is_signed, trust, name, sha256))

    def verdict(self, subject: Subject, provenance: bytes | None) -> Verdict | None:
        """Return what *provenance* says of *subject*, ``None`` where nobody's word counts here."""
        trust = self._trust()
        if trust is None:
            return None
        return judge(subject, attestations_in(provenance), trust, _today())

    def account(self, name: DistributionName, sha256: str, provenance: bytes | None) -> str:
        """Return a sentence for the audit trail, empty where there is nothing to be told."""
        verdict = self.verdict(_subject(name, sha256), provenance) if provenance else None
        return verdict.sentence if verdict else ""

    def _needed(self, project: str) -> Trust:
        trust = self._trust()
        if trust is None:
            raise Unavailable(
                f"Uploads to {project} must be signed, and this registry cannot read whose "
                f"signatures count; its log says why."
            )
        return trust

    def _trust(self) -> Trust | None:
        return self.file.read() if self.file else None


def _require_signed(
    trust: Trust, name: DistributionName, sha256: str, attestations: Sequence[Attestation]
) -> None:
    today = _today()
    verdict = judge(_subject(name, sha256), attestations, trust, today)
    if not verdict.is_good:
        raise NotSigned(
            f"{name.project} {name.version} must be signed "
            f"{_by_whom(trust, name.project, today)}. {verdict.sentence}"
        )


def _is_signed(
    trust: Trust | None, name: DistributionName, sha256: str, attestation: Attestation
) -> bool:
    """Tell whether a key of *trust* has signed the file, be it one that counts no longer."""
    signature = attestation.signature
    if trust is None or signature is None or signature.key_id not in trust.by_id:
        return False
    try:
        check_statement(attestation.statement, name.file_name, sha256)
    except Malformed:
        return False
    return attestation.is_signed_by(trust.by_id[signature.key_id][1].key)


def _refusal(trust: Trust, name: DistributionName, attestation: Attestation) -> str:
    signature = attestation.signature
    what = f"An attestation of {name.file_name}"
    if signature is None:
        return f"{what} names no key, and is not taken for {name.project}. Leave it out."
    shown = ascii(signature.key_id[:_SHOWN])
    if signature.key_id in trust.by_id:
        return f"{what} bears the name of the key {shown}, which has not signed it. Leave it out."
    return (
        f"{what} is by the key {shown}, which is unknown here, and is not taken for "
        f"{name.project}. Leave it out, or let the operator of this registry trust the key."
    )


def _by_whom(trust: Trust, project: str, today: date) -> str:
    """Return ``by 2 of ada, bob, eve``, of the keys that count for *project*."""
    names = [
        name
        for name, key in trust.keys.items()
        if key.is_for(project) and not key.is_revoked(today) and not key.is_out_of_time(today)
    ]
    if len(names) < trust.threshold:
        return f"by {trust.threshold}, of whom this registry knows {len(names)}"
    if len(names) == 1:
        return f"by {names[0]}"
    return f"by {trust.threshold} of {_listed(names)}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def _subject(name: DistributionName, sha256: str) -> Subject:
    return Subject(name.project, name.file_name, sha256)


def _status(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise InvalidSettings(f"{path} cannot be read: {error.strerror or error}.") from error
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def _today() -> date:
    return datetime.now(timezone.utc).date()
