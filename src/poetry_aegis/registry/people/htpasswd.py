"""Apache's htpasswd file, as ``htpasswd -B`` writes it: one ``name:hash`` a line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import bcrypt

from poetry_aegis.registry.errors import InvalidPassword

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROUNDS = 12  # bcrypt's cost is 2 to this power: about a quarter of a second
LONGEST_PASSWORD = 72  # bytes; bcrypt looks at no more, and some versions drop the rest in silence

_BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# What a name that nobody has is checked against: no password has this hash.
_NOBODY = "$2b${rounds:02}$NobodyNobodyNobodyNobO" + "." * 31


@dataclass(frozen=True)
class Htpasswd:
    """An htpasswd file: its lines as they are, comments and foreign schemes included."""

    lines: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Htpasswd:
        """Return *text* as lines. Nothing in it is an error."""
        return cls(tuple(text.splitlines()))

    @property
    def hashes(self) -> Mapping[str, str]:
        """Each user's password hash, whatever its scheme; of two lines the first one counts."""
        found: dict[str, str] = {}
        for name, password_hash in map(_entry, self.lines):
            if name is not None:
                found.setdefault(name, password_hash)
        return found

    def with_user(self, name: str, password_hash: str) -> Htpasswd:
        """Return the file with *name* added, or with its line replaced where it stands."""
        line = f"{name}:{password_hash}"
        if name not in self.hashes:
            return Htpasswd((*self.lines, line))
        return Htpasswd(tuple(self._replaced(name, line)))

    def without_user(self, name: str) -> Htpasswd:
        """Return the file without any line of *name*."""
        return Htpasswd(tuple(line for line in self.lines if _entry(line)[0] != name))

    def render(self) -> str:
        """Return the file's text."""
        return "".join(f"{line}\n" for line in self.lines)

    def _replaced(self, name: str, replacement: str) -> Iterator[str]:
        replaced = False
        for line in self.lines:
            if _entry(line)[0] != name:
                yield line
            elif not replaced:
                yield replacement
                replaced = True


def hash_password(password: str, rounds: int = ROUNDS) -> str:
    """Return *password*'s bcrypt hash as ``htpasswd -B`` spells it.

    Raises `InvalidPassword` for one that is empty, has control characters or is longer than 72
    bytes in UTF-8: bcrypt would not see the rest.
    """
    if not password:
        raise InvalidPassword("The password is empty.")
    if _CONTROL.search(password):
        raise InvalidPassword("The password has control characters, which HTTP Basic forbids.")
    encoded = password.encode("utf-8", "surrogatepass")
    if len(encoded) > LONGEST_PASSWORD:
        raise InvalidPassword(
            f"The password is {len(encoded)} bytes long; bcrypt takes at most {LONGEST_PASSWORD}."
        )
    salted = bcrypt.hashpw(encoded, bcrypt.gensalt(rounds))
    return "$2y$" + salted.decode("ascii")[4:]


def is_bcrypt(password_hash: str) -> bool:
    """Tell whether *password_hash* is one that `verifies` can check."""
    return _BCRYPT.fullmatch(password_hash) is not None


def verifies(password: str, password_hash: str) -> bool:
    """Tell whether *password* has *password_hash* (``$2a$``, ``$2b$`` or ``$2y$``)."""
    encoded = password.encode("utf-8", "surrogatepass")
    # Always one run of bcrypt, so that the time taken tells nothing.
    matches = bcrypt.checkpw(
        encoded[:LONGEST_PASSWORD].replace(b"\0", b"?"), password_hash.encode("ascii")
    )
    return matches and len(encoded) <= LONGEST_PASSWORD and b"\0" not in encoded


def nobodys_hash(hashes: Mapping[str, str]) -> str:
    """Return a hash that no password has, as costly to check as the costliest of *hashes*."""
    found = (_BCRYPT.fullmatch(password_hash) for password_hash in hashes.values())
    rounds = max((int(match[1]) for match in found if match), default=ROUNDS)
    return _NOBODY.format(rounds=rounds)


def _entry(line: str) -> tuple[str | None, str]:
    if line.lstrip().startswith("#"):
        return None, ""
    name, colon, rest = line.partition(":")
    # Fields after a second colon are comments, as Apache reads them.
    return (name, rest.partition(":")[0].strip()) if colon and name else (None, "")
