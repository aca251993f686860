"""The API tokens of a server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from poetry_aegis.server.locks import locked
from poetry_aegis.server.trail import recording
from poetry_aegis.server.users import list_users, open_users, registry_errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from poetry_aegis.registry.people.tokens import Token
    from poetry_aegis.server.home import ServerHome


@dataclass(frozen=True)
class TokenState:
    """A token, and when it was used last: to the minute, ``None`` for never."""

    token: Token
    used: datetime | None

    @property
    def expired(self) -> bool:
        """Whether the token has come to its end."""
        return self.token.expired(datetime.now(timezone.utc))

    def to_json(self) -> dict[str, Any]:
        """Return what is known of the token, which is not the token itself."""
        return {**describe(self.token), "last_used": _iso(self.used), "expired": self.expired}


def describe(token: Token) -> dict[str, Any]:
    """Return *token* as JSON has it, without its hash."""
    entry = token.entry
    return {
        "id": token.id,
        "user": entry.user,
        "actions": list(entry.actions),
        "projects": list(entry.projects),
        "created": _iso(entry.created),
        "expires": _iso(entry.expires),
        "comment": entry.comment,
    }


def create_token(  # noqa: PLR0913 -- each is an option of the command line
    home: ServerHome,
    user: str,
    *,
    actions: Iterable[str] = (),
    projects: Iterable[str] = (),
    expires: str | None = None,
    comment: str = "",
) -> tuple[Token, str]:
    """Return a new token of *user*, and its text, which is kept nowhere.

    No *actions* and no *projects* are all that the user may; *expires* is a time such as ``90d``
    or a day. Raises `NoServer`, `MissingExtra`, `UserError` and `UnreadableUsers`.
    """
    home.require()
    with locked(home), registry_errors(home), recording(home) as record:
        from poetry_aegis.registry.people.tokens import parse_expiry

        users = open_users(home)
        token, text = users.create_token(
            user,
            actions=actions,
            projects=tuple(projects) or ("*",),
            expires=parse_expiry(expires, datetime.now(timezone.utc)) if expires else None,
            comment=comment,
        )
        record("token-created", detail=f"{token.id} of {token.entry.user}")
        return token, text


def powerless(home: ServerHome, token: Token) -> tuple[str, ...]:
    """Return the actions that *token* allows and the role of its user does not, by name."""
    from poetry_aegis.registry.people.identity import Action

    (user,) = (user for user in list_users(home) if user.name == token.entry.user)
    allowed = {action.name.lower() for action in Action if user.has_role_for(action)}
    return tuple(name for name in token.entry.actions if name not in allowed)


def list_tokens(home: ServerHome) -> list[TokenState]:
    """Return the tokens of *home*, the oldest first. Raises as `create_token`."""
    home.require()
    with registry_errors(home):
        found = open_users(home).tokens()
        used = _last_uses(home) if found else {}
        return [TokenState(token, used.get(token.id)) for token in found]


def revoke_token(home: ServerHome, token_id: str) -> Token:
    """Remove a token and return what it was. Raises as `create_token`."""
    home.require()
    with locked(home), registry_errors(home), recording(home) as record:
        token = open_users(home).revoke_token(token_id)
        record("token-revoked", detail=f"{token.id} of {token.entry.user}")
        return token


def _last_uses(home: ServerHome) -> dict[str, datetime]:
    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.registry.people.uses import last_uses
    from poetry_aegis.registry.state.database import Database

    database = Database.open(DataDirectory(home.data).database)
    try:
        return last_uses(database)
    finally:
        database.close()


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(timezone.utc).isoformat()
