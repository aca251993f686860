"""What the attestations of a file are worth to somebody who trusts certain keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timezone
from enum import Enum
from typing import TYPE_CHECKING

from poetry_aegis.signatures.statement import Malformed, check_statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poetry_aegis.signatures.attestation import Attestation
    from poetry_aegis.signatures.trust import Trust, TrustedKey


class Finding(str, Enum):
    """What is found about a file, from the best to the worst."""

    VERIFIED = "verified"
    UNSIGNED = "unsigned"
    UNKNOWN_KEY = "unknown-key"
    TOO_FEW = "too-few"
    EXPIRED = "expired"
    REVOKED = "revoked"
    ALTERED = "altered"


@dataclass(frozen=True)
class Subject:
    """The file that attestations are to be about; *sha256*, in hex, is of the content at hand."""

    project: str
    file_name: str
    sha256: str


_SEVERITY = {finding: place for place, finding in enumerate(Finding)}


@dataclass(frozen=True)
class Verdict:
    """What is found about a file, a sentence about it, and the names of the keys that count."""

    finding: Finding
    sentence: str
    signers: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether the file is what those who are trusted have signed."""
        return self.finding is Finding.VERIFIED


def judge(
    subject: Subject,
    attestations: Sequence[Attestation],
    trust: Trust,
    today: date | None = None,
) -> Verdict:
    """Return what *attestations* say of *subject* to those who have *trust*.

    An attestation that counts for nothing does no harm: where enough others count, the file is
    verified.
    """
    day = today or datetime.now(timezone.utc).date()
    found = [_judge_one(subject, attestation, trust, day) for attestation in attestations]
    signers = tuple(dict.fromkeys(name for verdict in found for name in verdict.signers))
    if len(signers) >= trust.threshold:
        return Verdict(Finding.VERIFIED, f"Signed by {', '.join(signers)}.", signers)
    if not found:
        return Verdict(Finding.UNSIGNED, "It is not signed.")
    too_few = Verdict(
        Finding.TOO_FEW,
        f"Signed by {', '.join(signers)} alone; {trust.threshold} signatures are wanted.",
    )
    rejected = [verdict for verdict in found if not verdict.is_good]
    worst = max([*rejected, too_few] if signers else rejected, key=_severity)
    return Verdict(worst.finding, worst.sentence, signers)


def that_count(
    subject: Subject,
    attestations: Sequence[Attestation],
    trust: Trust,
    today: date | None = None,
) -> tuple[Attestation, ...]:
    """Return those of *attestations* that say something of *subject* to those who have *trust*."""
    day = today or datetime.now(timezone.utc).date()
    return tuple(one for one in attestations if _judge_one(subject, one, trust, day).is_good)


def _severity(verdict: Verdict) -> int:
    return _SEVERITY[verdict.finding]


def _judge_one(subject: Subject, attestation: Attestation, trust: Trust, today: date) -> Verdict:
    signature = attestation.signature
    if signature is None:
        return Verdict(Finding.UNKNOWN_KEY, "It is signed in a way that names no key.")
    if signature.key_id not in trust.by_id:
        return Verdict(
            Finding.UNKNOWN_KEY, f"It is signed by an unknown key, {signature.key_id[:16]!a}."
        )
    name, trusted = trust.by_id[signature.key_id]
    if not attestation.is_signed_by(trusted.key):
        return Verdict(
            Finding.ALTERED, f"What bears the name of the key {name} was not signed by it."
        )
    try:
        check_statement(attestation.statement, subject.file_name, subject.sha256)
    except Malformed as error:
        return Verdict(Finding.ALTERED, f"What the key {name} signed does not hold: {error}.")
    return _judge_key(name, trusted, subject.project, today)


def _judge_key(name: str, trusted: TrustedKey, project: str, today: date) -> Verdict:
    """Return what a true signature by a key is worth."""
    if trusted.is_revoked(today):
        reason = f": {trusted.reason}" if trusted.reason else ""
        return Verdict(Finding.REVOKED, f"The key {name} was revoked{reason}.")
    if trusted.is_out_of_time(today):
        return Verdict(Finding.EXPIRED, f"The key {name} is not valid on {today.isoformat()}.")
    if not trusted.is_for(project):
        return Verdict(Finding.UNKNOWN_KEY, f"The key {name} is not trusted for {project}.")
    return Verdict(Finding.VERIFIED, f"Signed by {name}.", (name,))
