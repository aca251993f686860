"""The users of an index: who they are, and whether a password is theirs.

Imports no web server, so that a command line can call it.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from poetry_aegis.atomic import write_text
from poetry_aegis.registry.errors import (
    InvalidUserName,
    NoSuchUser,
    UnreadableUsers,
    UserExists,
)
from poetry_aegis.registry.locks import exclusive
from poetry_aegis.registry.people.access import as_role, parse_roles, with_role
from poetry_aegis.registry.people.htpasswd import (
    ROUNDS,
    Htpasswd,
    hash_password,
    is_bcrypt,
    nobodys_hash,
    verifies,
)
from poetry_aegis.registry.people.identity import Identity, Role

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

logger = logging.getLogger(__name__)

Signature: TypeAlias = "tuple[tuple[int, int, int] | None, ...]"

_LONGEST_NAME = 255  # bytes, as htpasswd has it
_PRIVATE = 0o600


@dataclass(frozen=True)
class _Snapshot:
    signature: Signature
    hashes: Mapping[str, str]
    roles: Mapping[str, Role]


class Users:
    """The users in *auth_directory*: ``htpasswd`` holds passwords, ``access.toml`` roles.

    Every method raises `UnreadableUsers` where a file cannot be read or written. Changes are made
    under a lock, each file atomically and readable by its owner only.
    """

    def __init__(self, auth_directory: Path, *, rounds: int = ROUNDS) -> None:
        """Take the directory as it is; *rounds* is bcrypt's cost for new passwords."""
        self.directory = auth_directory
        self._htpasswd = auth_directory / "htpasswd"
        self._access = auth_directory / "access.toml"
        self._rounds = rounds
        self._snapshot: _Snapshot | None = None
        self._reading = threading.Lock()
        self._reported: set[tuple[str, str]] = set()

    def add(
        self, name: str, password: str, role: str | None = None, *, replace: bool = False
    ) -> Identity:
        """Add a user and return it.

        Without a *role* the first user becomes admin, later ones publishers, and one that is
        replaced keeps the role it has. Raises `UserExists` unless *replace*, `InvalidUserName`,
        `InvalidPassword` and `InvalidRole`.
        """
        checked_name = _valid_name(name)
        checked_role = None if role is None else as_role(role)
        password_hash = hash_password(password, self._rounds)
        with self._changing() as (htpasswd, roles):
            known = htpasswd.hashes
            if checked_name in known and not replace:
                raise UserExists(f"There is already a user {checked_name!r}.")
            if checked_role is None:
                kept = roles.get(checked_name, "reader") if checked_name in known else "publisher"
                checked_role = kept if known else "admin"
            # The role first: a user without a password cannot log in, whatever the role.
            self._write_role(checked_name, checked_role)
            self._write_htpasswd(htpasswd.with_user(checked_name, password_hash))
        return Identity(checked_name, checked_role)

    def remove(self, name: str) -> None:
        """Remove a user. Raises `NoSuchUser`."""
        with self._changing() as (htpasswd, _):
            if name not in htpasswd.hashes:
                raise NoSuchUser(f"There is no user {name!r}.")
            self._write_htpasswd(htpasswd.without_user(name))
            self._write_role(name, None)

    def list(self) -> list[Identity]:
        """Return all users, by name."""
        current = self._current()
        return [Identity(name, _role(current, name)) for name in sorted(current.hashes)]

    def authenticate(self, name: str, password: str) -> Identity | None:
        """Return the user if *password* is theirs, else ``None``.

        Runs bcrypt once, in any case: call it off the event loop.
        """
        current = self._current()
        name = name if name in current.hashes else unicodedata.normalize("NFC", name)
        password_hash = current.hashes.get(name, "")
        if password_hash and not is_bcrypt(password_hash):
            self._report_foreign(name, password_hash)
        known = is_bcrypt(password_hash)
        matches = verifies(password, password_hash if known else nobodys_hash(current.hashes))
        return Identity(name, _role(current, name)) if known and matches else None

    def signature(self) -> Signature:
        """Return a value that changes when a file does; cheap enough for each request."""
        return (_file_signature(self._htpasswd), _file_signature(self._access))

    def _current(self) -> _Snapshot:
        with self._reading:
            signature = self.signature()
            if self._snapshot is None or self._snapshot.signature != signature:
                hashes = Htpasswd.parse(_read(self._htpasswd)).hashes
                self._snapshot = _Snapshot(signature, hashes, parse_roles(_read(self._access)))
            return self._snapshot

    @contextlib.contextmanager
    def _changing(self) -> Iterator[tuple[Htpasswd, Mapping[str, Role]]]:
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with exclusive(self.directory / ".lock"):
                yield Htpasswd.parse(_read(self._htpasswd)), parse_roles(_read(self._access))
        except OSError as error:
            raise UnreadableUsers(
                f"The users in {self.directory} cannot be changed: {error.strerror or error}."
            ) from error

    def _write_htpasswd(self, htpasswd: Htpasswd) -> None:
        write_text(self._htpasswd, htpasswd.render(), mode=_PRIVATE)

    def _write_role(self, name: str, role: Role | None) -> None:
        write_text(self._access, with_role(_read(self._access), name, role), mode=_PRIVATE)

    def _report_foreign(self, name: str, password_hash: str) -> None:
        """Say once that a user has a password hash of a scheme that is not bcrypt."""
        if (name, password_hash) not in self._reported:
            self._reported.add((name, password_hash))
            logger.warning(
                "User %r cannot log in: the password in htpasswd is not a bcrypt hash.", name
            )


def _valid_name(name: str) -> str:
    """Return *name* in Unicode's composed form, which clients send. Raises `InvalidUserName`."""
    name = unicodedata.normalize("NFC", name)
    if not name or name != name.strip():
        raise InvalidUserName("A user name is not empty and neither begins nor ends with a space.")
    if ":" in name or name.startswith("#"):
        raise InvalidUserName(f"The user name {name!r} has a colon or begins with a hash sign.")
    if any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in name):
        raise InvalidUserName("The user name has control characters.")
    if len(name.encode()) > _LONGEST_NAME:
        raise InvalidUserName(f"The user name is longer than {_LONGEST_NAME} bytes.")
    return name


def _role(snapshot: _Snapshot, name: str) -> Role:
    return snapshot.roles.get(name, "reader")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise UnreadableUsers(f"{path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise UnreadableUsers(f"{path} is not UTF-8 text.") from error


def _file_signature(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns)
