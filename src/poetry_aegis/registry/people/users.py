"""The users of an index: who they are, and whether a password or a token is theirs.

Imports no web server, so that a command line can call it.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from poetry_aegis.registry.errors import (
    InvalidUserName,
    NoSuchUser,
    TokenError,
    UserExists,
    UsersError,
)
from poetry_aegis.registry.people import access, tokens
from poetry_aegis.registry.people.access import TokenEntry, UserEntry
from poetry_aegis.registry.people.credentials import TOKEN_USER
from poetry_aegis.registry.people.files import AuthFiles
from poetry_aegis.registry.people.htpasswd import (
    ROUNDS,
    hash_password,
    is_bcrypt,
    nobodys_hash,
    verifies,
)
from poetry_aegis.registry.people.identity import ANY
from poetry_aegis.registry.people.tokens import Token

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence
    from pathlib import Path

    from poetry_aegis.registry.people.access import Access
    from poetry_aegis.registry.people.files import Contents, Signature
    from poetry_aegis.registry.people.identity import Identity

logger = logging.getLogger(__name__)

_LONGEST_NAME = 255  # bytes, as htpasswd has it
_LONGEST_COMMENT = 200  # characters


@dataclass(frozen=True)
class _Snapshot:
    signature: Signature
    hashes: Mapping[str, str]
    access: Access

    def identify(self, name: str) -> Identity:
        return self.access.user(name).identify(name)


class Users:
    """The users in *auth_directory*: ``htpasswd`` holds passwords, ``access.toml`` all else.

    Every method raises `UnreadableUsers` where a file cannot be read or written. Changes are made
    under a lock, each file atomically and readable by its owner only.
    """

    def __init__(self, auth_directory: Path, *, rounds: int = ROUNDS) -> None:
        """Take the directory as it is; *rounds* is bcrypt's cost for new passwords."""
        self.directory = auth_directory
        self._files = AuthFiles(auth_directory)
        self._rounds = rounds
        self._snapshot: _Snapshot | None = None
        self._reading = threading.Lock()
        self._reported: set[tuple[str, str]] = set()

    def add(  # noqa: PLR0913 -- each is an option of the command line
        self,
        name: str,
        password: str,
        role: str | None = None,
        *,
        reads: Iterable[str] | None = None,
        publishes: Iterable[str] | None = None,
        replace: bool = False,
    ) -> Identity:
        """Add a user and return it.

        *reads* and *publishes* are patterns of projects, all of them unless given. Without a
        *role* the first user becomes admin, later ones publishers. One that is replaced keeps what
        is not given. Raises `UserExists` unless *replace*, `InvalidUserName`, `InvalidPassword`,
        `InvalidRole` and, for a pattern, `UsersError`.
        """
        name = _valid_name(name)
        given = _given(role, reads, publishes)
        password_hash = hash_password(password, self._rounds)
        with self._files.changing() as contents:
            if name in contents.htpasswd.hashes and not replace:
                raise UserExists(f"There is already a user {name!r}.")
            entry = dataclasses.replace(_entry_before(contents, name), **given)
            text = contents.access_text
            if name not in contents.htpasswd.hashes:
                # Of somebody who had the name before, and whose removal was cut off.
                text = access.without_tokens_of(text, name)
            # The rights first: a user without a password cannot log in, whatever the rights.
            self._files.write_access(access.with_user(text, name, entry))
            self._files.write_htpasswd(contents.htpasswd.with_user(name, password_hash))
        return entry.identify(name)

    def change(
        self,
        name: str,
        role: str | None = None,
        *,
        reads: Iterable[str] | None = None,
        publishes: Iterable[str] | None = None,
    ) -> Identity:
        """Give a user other rights and keep the password; return the user.

        What is not given stays. Raises `NoSuchUser`, `InvalidRole` and, for a pattern,
        `UsersError`.
        """
        given = _given(role, reads, publishes)
        with self._files.changing() as contents:
            name = _spelled(name, contents.htpasswd.hashes)
            _require_user(contents, name)
            entry = dataclasses.replace(contents.access.user(name), **given)
            self._files.write_access(access.with_user(contents.access_text, name, entry))
        return entry.identify(name)

    def remove(self, name: str) -> None:
        """Remove a user, with all tokens, or what is left of one. Raises `NoSuchUser`."""
        with self._files.changing() as contents:
            name = _spelled(name, contents.htpasswd.hashes)
            if not contents.access.knows(name):
                _require_user(contents, name)
            # The password first: without rights of its own a name may read everything.
            rights = access.without_user(contents.access_text, name)
            self._files.write_htpasswd(contents.htpasswd.without_user(name))
            self._files.write_access(rights)

    def list(self) -> list[Identity]:
        """Return all users, by name."""
        current = self._current()
        return [current.identify(name) for name in sorted(current.hashes)]

    def authenticate(self, name: str, password: str) -> Identity | None:
        """Return the user if *password* is theirs, else ``None``.

        Runs bcrypt once, in any case: call it off the event loop.
        """
        current = self._current()
        name = _spelled(name, current.hashes)
        password_hash = current.hashes.get(name, "")
        if password_hash and not is_bcrypt(password_hash):
            self._report_foreign(name, password_hash)
        known = is_bcrypt(password_hash)
        matches = verifies(password, password_hash if known else nobodys_hash(current.hashes))
        return current.identify(name) if known and matches else None

    def authenticate_token(self, text: str) -> Identity | None:
        """Return the user whose API token *text* is, limited to its scope, else ``None``.

        A token is as good as its user is there; whether a password can log in does not matter.
        """
        current = self._current()
        token_id, secret = tokens.split(text) or ("", "")
        entry = current.access.tokens.get(token_id)
        if not tokens.is_secret_of(secret, entry) or entry is None:
            return None
        if entry.user not in current.hashes or Token(token_id, entry).expired(_now()):
            return None
        return dataclasses.replace(
            current.identify(entry.user),
            token=token_id,
            scope=entry.scope,
            expires=None if entry.expires is None else entry.expires.timestamp(),
        )

    def tokens(self) -> Sequence[Token]:
        """Return all API tokens, the oldest first."""
        known = self._current().access.tokens
        found = [Token(token_id, entry) for token_id, entry in known.items()]
        # Those of one second stay in the file's order, which is the order they were made in.
        return sorted(found, key=lambda token: token.entry.created)

    def create_token(
        self,
        user: str,
        *,
        actions: Iterable[str] = (),
        projects: Iterable[str] = ANY,
        expires: datetime | None = None,
        comment: str = "",
    ) -> tuple[Token, str]:
        """Return a new API token of *user*, and its text, which nobody can find out later.

        Without *actions*, such as ``upload``, it may do what the user may. Raises `NoSuchUser`,
        and `UsersError` for an action, a pattern or a comment that makes no sense.
        """
        access.as_actions(actions := tuple(actions))
        if len(comment) > _LONGEST_COMMENT or not comment.isprintable():
            raise UsersError(
                f"The comment is not one line of at most {_LONGEST_COMMENT} characters."
            )
        secret = tokens.new_secret()
        entry = TokenEntry(
            user=unicodedata.normalize("NFC", user),
            hash=tokens.hash_secret(secret),
            created=_now().replace(microsecond=0),
            actions=actions,
            projects=access.as_patterns(projects),
            expires=expires,
            comment=comment,
        )
        token = Token(tokens.new_id(), entry)
        with self._files.changing() as contents:
            _require_user(contents, entry.user)
            self._files.write_access(access.with_token(contents.access_text, token.id, entry))
        return token, tokens.spell(token.id, secret)

    def revoke_token(self, token_id: str) -> Token:
        """Remove an API token and return what it was. Raises `TokenError`."""
        with self._files.changing() as contents:
            entry = contents.access.tokens.get(token_id)
            if entry is None:
                # What was given is not repeated: it may be the token itself.
                raise TokenError("There is no token of this id.")
            self._files.write_access(access.without_token(contents.access_text, token_id))
        return Token(token_id, entry)

    def signature(self) -> Signature:
        """Return a value that changes when a file does; cheap enough for each request."""
        return self._files.signature()

    def _current(self) -> _Snapshot:
        with self._reading:
            signature = self.signature()
            if self._snapshot is None or self._snapshot.signature != signature:
                contents = self._files.read()
                self._snapshot = _Snapshot(signature, contents.htpasswd.hashes, contents.access)
            return self._snapshot

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
    if name == TOKEN_USER:
        raise InvalidUserName(f"The user name {TOKEN_USER} is what clients send beside a token.")
    if any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in name):
        raise InvalidUserName("The user name has control characters.")
    if len(name.encode()) > _LONGEST_NAME:
        raise InvalidUserName(f"The user name is longer than {_LONGEST_NAME} bytes.")
    return name


def _spelled(name: str, known: Container[str]) -> str:
    """Return *name* as it is *known*: as it is given, or else composed, as `_valid_name` has it."""
    return name if name in known else unicodedata.normalize("NFC", name)


def _given(
    role: str | None, reads: Iterable[str] | None, publishes: Iterable[str] | None
) -> dict[str, Any]:
    """Return what was given of a user's rights, by the keys of the entry."""
    rights = {
        "role": None if role is None else access.as_role(role),
        "read": None if reads is None else access.as_patterns(reads),
        "publish": None if publishes is None else access.as_patterns(publishes),
    }
    return {key: value for key, value in rights.items() if value is not None}


def _entry_before(contents: Contents, name: str) -> UserEntry:
    """Return the entry of *name*; of one that is new, what users get to begin with."""
    known = contents.htpasswd.hashes
    if name in known:
        return contents.access.user(name)
    return UserEntry("publisher" if known else "admin")


def _require_user(contents: Contents, name: str) -> None:
    if name not in contents.htpasswd.hashes:
        raise NoSuchUser(f"There is no user {name!r}.")


def _now() -> datetime:
    return datetime.now(timezone.utc)
