"""The gate: who asks, and whether they may."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from poetry_aegis.registry.errors import (
    Forbidden,
    Unauthorized,
    Unavailable,
    UnreadableUsers,
)
from poetry_aegis.registry.people.decisions import Decisions
from poetry_aegis.registry.people.identity import Action

if TYPE_CHECKING:
    from poetry_aegis.registry.http.exchange import Exchange
    from poetry_aegis.registry.people.identity import Identity
    from poetry_aegis.registry.people.users import Users

logger = logging.getLogger(__name__)


class Gate:
    """Lets requests through. Where *anonymous_read* is on, reading needs no credential."""

    def __init__(self, users: Users, *, anonymous_read: bool) -> None:
        self._decisions = Decisions(users)
        self.anonymous_read = anonymous_read

    async def admit(self, exchange: Exchange, action: Action) -> None:
        """Return when the request may do *action*; its user is then known.

        Raises `Unauthorized` for a wrong or missing credential, a wrong one where none is needed
        included, `Forbidden` for a right that the user has not, `Unavailable` where the users
        cannot be read or too many passwords are to be checked, and `ClientGone`.
        """
        authorization = exchange.headers.get(b"authorization")
        if authorization is None:
            if action is Action.READ and self.anonymous_read:
                return
            raise Unauthorized(f"To {action.value}, send a user name and a password.")
        user = await self._user_of(exchange, authorization)
        if user is None:
            raise Unauthorized("The user name or the password is wrong.")
        exchange.user = user
        if not user.may(action):
            raise Forbidden(
                f"User {user.name!r} has the role {user.role}, and so may not {action.value}."
            )

    async def _user_of(self, exchange: Exchange, authorization: bytes) -> Identity | None:
        decision = self._decisions.known(authorization)
        if decision is not None:
            return decision.user
        try:
            return await exchange.unless_gone(self._decisions.user_of(authorization))
        except UnreadableUsers as error:
            logger.error("%s", error)
            raise Unavailable("The registry cannot read its users for now.") from error
