"""What is found of distributions, and what a lock pins them to: plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from poetry_aegis.publish.distributions import name_and_version
from poetry_aegis.signatures.verdict import Finding

if TYPE_CHECKING:
    from poetry_aegis.signatures.verdict import Verdict

# Beside those of a verdict:
UNAVAILABLE = "unavailable"  # the index did not give the file, or what is signed of it
UNVERIFIABLE = "unverifiable"  # nobody can sign it: built here, or from elsewhere than an index
EXCUSED = "excused"  # the project says that it needs no signature

VERIFIED = Finding.VERIFIED.value
ALTERED = Finding.ALTERED.value

_SHA256 = "sha256:"


@dataclass(frozen=True)
class Checked:
    """What is found of a file, or of a release as a whole where *file* is ``None``.

    *finding* is a word for machines, *sentence* one for people; *signers* are the names of the
    keys that count.
    """

    project: str
    version: str
    file: str | None
    finding: str
    sentence: str
    signers: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether nothing is to be said against it."""
        return self.finding in (VERIFIED, EXCUSED)

    @property
    def subject(self) -> str:
        """What it is about, for a terminal: the file's name, else the release."""
        return _printable(self.file or f"{self.project} {self.version}".rstrip())

    @property
    def said(self) -> str:
        """The sentence, for a terminal."""
        return _printable(self.sentence)

    def to_json(self) -> dict[str, object]:
        """Return it as ``--json`` prints it."""
        return {
            "project": self.project,
            "version": self.version or None,
            "file": self.file,
            "finding": self.finding,
            "signers": list(self.signers),
            "sentence": self.sentence,
        }


@dataclass(frozen=True)
class FileName:
    """What the name of a distribution says."""

    project: str
    version: Version


@dataclass(frozen=True)
class LockedFile:
    """A file as a lock pins it: *digest* is spelled with its algorithm, ``sha256:...``."""

    name: str
    digest: str

    @property
    def sha256(self) -> str | None:
        """The SHA-256 in hex, ``None`` where the lock pins another digest."""
        found = self.digest.removeprefix(_SHA256)
        return found.lower() if self.digest.startswith(_SHA256) else None


@dataclass(frozen=True)
class Objection:
    """What is wrong with the place that a lock takes a package from, whoever has signed it."""

    finding: str
    sentence: str


@dataclass(frozen=True)
class LockedPackage:
    """A package of a lock that comes from the private index *source*.

    Where *source* is empty it comes from elsewhere, which *origin* tells people. *objection* is
    what is wrong with that place, if anything is. *is_local* is code of the project's own, in a
    directory that it declares.
    """

    name: str
    version: str
    source: str
    files: tuple[LockedFile, ...]
    origin: str = ""
    objection: Objection | None = None
    is_local: bool = False

    def holds(self, file_name: str) -> bool:
        """Tell whether *file_name* is the name of a file of this package and version."""
        found = read_file_name(file_name)
        return (
            found is not None
            and found.project == canonicalize_name(self.name)
            and found.version == _version(self.version)
        )


def read_file_name(file_name: str) -> FileName | None:
    """Return what the name of a wheel or sdist says, ``None`` for that of anything else."""
    found = name_and_version(file_name)
    return None if found is None else FileName(*found)


def checked(project: str, version: str, file: str, verdict: Verdict) -> Checked:
    """Return *verdict* as what is found of *file*."""
    return Checked(project, version, file, verdict.finding.value, verdict.sentence, verdict.signers)


def _printable(text: str) -> str:
    """Return *text*, in which an index has its say, without what could steer a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None
