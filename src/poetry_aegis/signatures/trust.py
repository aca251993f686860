"""Whom a team believes: keys with the projects and the time they are for, and how many must sign.

Read from ``[tool.poetry-aegis.trust]``, from a file of the team's, or from a registry's settings::

    threshold = 2

    [keys.ada-2026]
    keytype = "ed25519"
    scheme = "ed25519"
    public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    projects = ["acme-*"]
    valid_until = 2027-12-31

Nobody but the signer says when something was signed, so there is no "signed while the key was
good": a key that is past its time, or revoked, speaks for nothing any more, old or new.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date  # noqa: TC003 - read_table resolves the annotations
from fnmatch import fnmatchcase
from functools import cached_property

from packaging.utils import canonicalize_name

from poetry_aegis.signatures.attestation import MOST
from poetry_aegis.signatures.keys import PublicKey
from poetry_aegis.signatures.material import UnusableKey
from poetry_aegis.tables import InvalidTable

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class TrustedKey:
    """``[keys.NAME]``: a public key, as `PublicKey` spells it, and what it may sign.

    *projects* are shell-like patterns of names. *valid_from* and *valid_until* are its first and
    last day (UTC). From the day *revoked*, for the *reason*, nothing it ever signed counts.
    """

    keytype: str
    scheme: str
    public: str
    fingerprint: str = ""
    projects: tuple[str, ...] = ("*",)
    valid_from: date | None = None
    valid_until: date | None = None
    revoked: date | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise InvalidTable("valid_until is before valid_from.")
        if not self.reason.isprintable():
            raise InvalidTable("reason must be one line of plain text.")

    @cached_property
    def key(self) -> PublicKey:
        """The key itself."""
        return PublicKey(self.keytype, self.scheme, self.public, self.fingerprint)

    def is_for(self, project: str) -> bool:
        """Tell whether the key may sign *project*, in any spelling of its name."""
        return matches_any(project, self.projects)

    def is_revoked(self, today: date) -> bool:
        """Tell whether the key has been revoked."""
        return self.revoked is not None and self.revoked <= today

    def is_out_of_time(self, today: date) -> bool:
        """Tell whether *today* is before the key's first day, or after its last."""
        return bool(
            (self.valid_from and today < self.valid_from)
            or (self.valid_until and today > self.valid_until)
        )

    def standing(self, today: date) -> str:
        """Return ``valid``, ``not yet valid``, ``expired`` or ``revoked``."""
        if self.is_revoked(today):
            return "revoked"
        if not self.is_out_of_time(today):
            return "valid"
        early = self.valid_from is not None and today < self.valid_from
        return "not yet valid" if early else "expired"


@dataclass(frozen=True)
class Trust:
    """Keys by name, and the *threshold*: how many different ones must have signed a file."""

    threshold: int = 1
    keys: dict[str, TrustedKey] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 1 <= self.threshold <= MOST:
            raise InvalidTable(f"threshold must be 1 to {MOST}.")
        for name in self.keys:
            check_key_name(name)

    @cached_property
    def by_id(self) -> dict[str, tuple[str, TrustedKey]]:
        """The keys with their names, by identifier.

        Raises `InvalidTable` for a key that is none, and for one with two names, however it is
        spelled. Not sooner: it takes a library that is loaded only where signatures are looked at.
        """
        names: dict[str, str] = {}
        for name, trusted in self.keys.items():
            try:
                same = {trusted.key.id, trusted.key.identity}
            except UnusableKey as error:
                raise InvalidTable(f"keys.{name}: {error}") from error
            if taken := same & names.keys():
                # It would count for two.
                raise InvalidTable(f"keys.{name} and keys.{names[taken.pop()]} are the same key.")
            names |= dict.fromkeys(same, name)
        return {trusted.key.id: (name, trusted) for name, trusted in self.keys.items()}


def check_key_name(name: str) -> None:
    """Raise `InvalidTable` unless *name* can be a key's: of a file, a table, and on a screen."""
    if not _NAME.fullmatch(name):
        raise InvalidTable(
            f"{name[:80]!a} cannot be the name of a key: it has 1 to 64 letters, digits, dots, "
            "hyphens and underscores, and begins with a letter or digit."
        )


def matches_any(project: str, patterns: tuple[str, ...]) -> bool:
    """Tell whether *project* matches one of the shell-like *patterns*, in any spelling."""
    name = canonicalize_name(project)
    return any(fnmatchcase(name, canonicalize_name(pattern)) for pattern in patterns)
