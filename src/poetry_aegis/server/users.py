"""The users of a server, kept in the registry's own user file."""

from __future__ import annotations

import contextlib
import secrets
import unicodedata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from poetry_aegis.errors import UnreadableUsers, UserError
from poetry_aegis.server.extra import require_registry
from poetry_aegis.server.locks import locked
from poetry_aegis.server.trail import recording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

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
    with registry_errors(home):
        return open_users(home).list()


def describe(user: Identity) -> dict[str, object]:
    """Return *user* as JSON has it."""
    return {
        "name": user.name,
        "role": user.role,
        "read": list(user.reads),
        "publish": list(user.publishes),
    }


def rights_of(user: Identity) -> str:
    """Return the role of *user* with its limits, such as ``publisher (publishes acme-*)``."""
    limits = {"reads": user.reads, "publishes": user.publishes}
    shown = [
        f"{verb} {', '.join(patterns) or 'nothing'}"
        for verb, patterns in limits.items()
        if patterns != ("*",)
    ]
    return f"{user.role} ({'; '.join(shown)})" if shown else user.role


def first_admin(home: ServerHome) -> str | None:
    """Return the name of an admin of *home*, the first by name. Raises as `list_users`."""
    return next((user.name for user in list_users(home) if user.role == ADMIN), None)


def add_user(  # noqa: PLR0913 -- each is an option of the command line
    home: ServerHome,
    name: str,
    password: str | None,
    *,
    role: str | None,
    replace: bool,
    reads: Iterable[str] | None = None,
    publishes: Iterable[str] | None = None,
) -> Identity:
    """Add a user, or give an existing one a new password and other rights; return the user.

    Without a *password* an existing one is given other rights alone. *reads* and *publishes* are
    patterns of the projects that the user may know of, and change. Without *role* the first user
    becomes an admin, later ones publishers. Raises `NoServer`, `MissingExtra`, `UserError` and
    `UnreadableUsers`.
    """
    home.require()
    with locked(home), registry_errors(home), recording(home) as record:
        users = open_users(home)
        if role not in (None, ADMIN):
            _keep_an_admin(users.list(), without=name)
        known = {user.name for user in users.list()}
        if password is None:
            user = users.change(name, role, reads=reads, publishes=publishes)
        else:
            user = users.add(
                name, password, role, reads=reads, publishes=publishes, replace=replace
            )
        action = "user-changed" if user.name in known else "user-added"
        record(action, detail=f"{user.name}, {rights_of(user)}")
        return user


def add_first_user(home: ServerHome, name: str, password: str) -> None:
    """Add the admin of a server that is being set up.

    Whom an attempt that was cut short has left behind is replaced. Raises as `add_user`.
    """
    with registry_errors(home):
        open_users(home).add(name, password, role=ADMIN, replace=True)


def require_valid(home: ServerHome, name: str, password: str) -> None:
    """Raise `UserError` for what the registry would refuse, before anything is written."""
    with registry_errors(home), TemporaryDirectory() as scratch:
        from poetry_aegis.registry.people.htpasswd import hash_password
        from poetry_aegis.registry.people.users import Users

        hash_password(password, CHEAPEST)
        Users(Path(scratch), rounds=CHEAPEST).add(name, "nobody's password")


def remove_user(home: ServerHome, name: str) -> None:
    """Remove a user with all tokens, but never the last admin. Raises as `add_user`."""
    home.require()
    with locked(home), registry_errors(home), recording(home) as record:
        users = open_users(home)
        _keep_an_admin(users.list(), without=name)
        users.remove(name)
        record("user-removed", detail=name)


def _keep_an_admin(users: Sequence[Identity], *, without: str) -> None:
    admins = {user.name for user in users if user.role == ADMIN}
    if admins == {unicodedata.normalize("NFC", without)}:
        raise UserError(
            f"User {without!r} is the only admin of this server.",
            hint="Make another one first: poetry aegis server user add NAME --role admin",
        )


def open_users(home: ServerHome) -> Users:
    """Return the registry's own hand on the users. Raises `MissingExtra`."""
    require_registry()
    from poetry_aegis.registry.people.users import Users

    return Users(home.auth)


@contextlib.contextmanager
def registry_errors(home: ServerHome) -> Iterator[None]:
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
        raise UserError(str(error), hint=_way_out(type(error).__name__, home.option)) from error


def _way_out(error: str, there: str) -> str:
    ways = {
        "UserExists": "Give the user a new password with --replace, or other rights and the same "
        "password with --keep-password.",
        "NoSuchUser": f"See who there is: poetry aegis server user list{there}\n"
        f"Or add one: poetry aegis server user add NAME{there}",
        "TokenError": f"See which there are: poetry aegis server token list{there}",
    }
    return ways.get(error, "")
