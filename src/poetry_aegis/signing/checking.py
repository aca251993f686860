"""Distributions checked: their hashes, and the signatures of those whom the project trusts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.errors import NotVerified, PublishError
from poetry_aegis.signatures.statement import Malformed
from poetry_aegis.signatures.verdict import Subject, judge
from poetry_aegis.signing.findings import ALTERED, UNAVAILABLE, Checked, checked
from poetry_aegis.signing.sources import Altered

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.publish.index import IndexedFile
    from poetry_aegis.signatures.trust import Trust
    from poetry_aegis.signing.sources import Source

# What reading a file, or what is signed of it, raises.
PROBLEMS = (PublishError, Malformed, Altered)


@dataclass(frozen=True)
class Wanted:
    """A file to be checked. *sha256* is what it must have, ``None`` where the index says it."""

    project: str
    version: str
    file: str
    sha256: str | None = None

    def found(self, problem: Exception) -> Checked:
        """Return one of `PROBLEMS` as what is found of the file."""
        finding, sentence = ALTERED, str(problem)
        if isinstance(problem, Malformed):
            sentence = f"Its signatures cannot be read: {problem}."
        elif isinstance(problem, PublishError):
            finding = UNAVAILABLE
        return Checked(self.project, self.version, self.file, finding, sentence)


@dataclass(frozen=True)
class Checker:
    """Judges files of indexes as somebody does who has *trust*.

    With *download* their content is read, too; without it the hash that is signed is compared with
    those that the lock and the index tell.
    """

    trust: Trust
    download: bool = True

    def check(self, wanted: Wanted, source: Source, keep_in: Path | None = None) -> Checked:
        """Return what is found of the file on the index *source*.

        What is downloaded is kept in *keep_in*, and is not to be read where it is not found good.
        """
        try:
            file = source.files(wanted.project).get(wanted.file)
            if file is None:
                raise PublishError(f"{source.name} does not show it.")
            sha256 = self._sha256(wanted, file, source, keep_in)
            attestations = source.attestations(file)
        except PROBLEMS as problem:
            return wanted.found(problem)
        subject = Subject(wanted.project, wanted.file, sha256)
        verdict = judge(subject, attestations, self.trust)
        return checked(wanted.project, wanted.version, wanted.file, verdict)

    def _sha256(
        self, wanted: Wanted, file: IndexedFile, source: Source, keep_in: Path | None
    ) -> str:
        """Return the hash of *file* on which the lock, the index and the content agree."""
        expected = wanted.sha256 or file.sha256
        if file.sha256 is not None and file.sha256 != expected:
            raise Altered(
                f"{source.name} shows it with the sha256 {file.sha256}, not with {expected}."
            )
        if expected is not None and not self.download:
            return expected
        given = source.sha256(file, keep_in)
        if expected is not None and given != expected:
            raise Altered(f"{source.name} gives it with the sha256 {given}, not with {expected}.")
        return given


def require_keys(trust: Trust) -> None:
    """Raise `NotVerified` where nobody is trusted, so that nothing could ever verify."""
    if not trust.keys:
        raise NotVerified(
            "The project trusts no key, so nothing can be verified.",
            hint="Trust one with: poetry aegis key trust NAME|FILE",
        )
