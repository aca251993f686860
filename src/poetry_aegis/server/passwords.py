"""New passwords for users that are there."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from poetry_aegis.registry.errors import NoSuchUser
from poetry_aegis.server.locks import locked
from poetry_aegis.server.trail import recording
from poetry_aegis.server.users import open_users, registry_errors

if TYPE_CHECKING:
    from poetry_aegis.registry.people.identity import Identity
    from poetry_aegis.server.home import ServerHome


def require_user(home: ServerHome, name: str) -> None:
    """Raise `UserError` where *home* has no user *name*, and as `change_password` does."""
    home.require()
    with registry_errors(home):
        known = {user.name for user in open_users(home).list()}
        if unicodedata.normalize("NFC", name) not in known:
            raise NoSuchUser(f"There is no user {name!r}.")


def change_password(home: ServerHome, name: str, password: str) -> Identity:
    """Give a user another password, and leave rights and tokens as they are; return the user.

    Raises `NoServer`, `MissingExtra`, `UserError` and `UnreadableUsers`.
    """
    home.require()
    with locked(home), registry_errors(home), recording(home) as record:
        require_user(home, name)  # Else one would be added.
        user = open_users(home).add(name, password, replace=True)
        record("user-changed", detail=f"{user.name}, new password")
        return user
