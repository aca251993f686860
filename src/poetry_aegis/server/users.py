"""The users of a server, kept in the registry's own user file."""

from __future__ import annotations

import contextlib
import secrets
import unicodedata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from poetry_aegis.errors import UnreadableUsers, UserError
from poetry_aegis.registry.people.identity import ROLES
from poetry_aegis.server.extra import require_registry
from poetry_aegis.server.locks import locked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from poetry_aegis.registry.people.identity import Identity
    from poetry_aegis.registry.people.users import Users
    from poetry_aegis.server.home import ServerHome

ADMIN = "admin"
CHEAPEST = 4  # bcrypt's lowest cost, for hashes that are thrown away


def generate_password() -> str:
    """Return a new password of 144 random bits."""
    return secrets.token_urlsafe(18)


def list_users(home: ServerHome) -> list[Identity]:
    """Return the users of *home*. Raises `NoServer`, `MissingExtra`, `UnreadableUsers`."""
    home.require()
    with _registry_errors(home):
        return _users(home).list()


def first_admin(home: ServerHome) -> str | None:
    """Return the name of an admin of *home*, the first by name. Raises as `list_users`."""
    return next((user.name for user in list_users(home) if user.role == ADMIN), None)


def add_user(
    home: ServerHome, name: str, password: str, *, role: str | None, replace: bool
) -> Identity:
    """Add a user, or give an existing one a new password and role; return the user.

    Without *role* the first user becomes an admin, later ones publishers. Raises `NoServer`,
    `MissingExtra`, `UserError` and `UnreadableUsers`.
    """
    home.require()
    with locked(home), _registry_errors(home):
        users = _users(home)
        if role not in (None, ADMIN):
            _keep_an_admin(users.list(), without=name)
        return users.add(name, password, role=role, replace=replace)


def add_first_user(home: ServerHome, name: str, password: str) -> None:
    """Add the admin of a server that is being set up.

    Whom an attempt that was cut short has left behind is replaced. Raises as `add_user`.
    """
    with _registry_errors(home):
        _users(home).add(name, password, role=ADMIN, replace=True)


def require_valid(home: ServerHome, name: str, password: str) -> None:
    """Raise `UserError` for what the registry would refuse, before anything is written."""
    with _registry_errors(home), TemporaryDirectory() as scratch:
        from poetry_aegis.registry.people.htpasswd import hash_password
    from poetry_aegis.registry.people.users import Users

        hash_password(password, CHEAPEST)
        Users(Path(scratch), rounds=CHEAPEST).add(name, "nobody's password")


def remove_user(home: ServerHome, name: str) -> None:
    """Remove a user, but never the last admin. Raises as `add_user`."""
    home.require()
    with locked(home), _registry_errors(home):
        users = _users(home)
        _keep_an_admin(users.list(), without=name)
        users.remove(name)


def _keep_an_admin(users: Sequence[Identity], *, without: str) -> None:
    admins = {user.name for user in users if user.role == ADMIN}
    if admins == {unicodedata.normalize("NFC", without)}:
        raise UserError(
            f"User {without!r} is the only admin of this server.",
            hint="Make another one first: poetry aegis server user add NAME --role admin",
        )


def _users(home: ServerHome) -> Users:
    require_registry()
    from poetry_aegis.registry.people.users import Users

    return Users(home.auth)


@contextlib.contextmanager
def _registry_errors(home: ServerHome) -> Iterator[None]:
    """Turn the registry's errors, which know nothing of this command line, into its own."""
    require_registry()
    from poetry_aegis.registry import errors

    try:
        yield
    except errors.UnreadableUsers as error:
        raise UnreadableUsers(
            str(error), hint=f"Mend or restore the file in {home.auth}; nothing was changed."
        ) from error
    except errors.RegistryError as error:
        raise UserError(str(error), hint=_WAYS_OUT.get(type(error).__name__, "")) from error


_WAYS_OUT = {
    "UserExists": "Give the user a new password with --replace.",
    "InvalidRole": f"The roles are: {', '.join(ROLES)}.",
    "NoSuchUser": "See who there is: poetry aegis server user list",
}
