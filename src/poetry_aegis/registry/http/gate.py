"""The gate: who asks, and whether they may."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal, NoReturn

from poetry_aegis.registry.errors import (
    Forbidden,
    NoSuchProject,
    TooManyFailures,
    Unauthorized,
    Unavailable,
    UnreadableUsers,
)
from poetry_aegis.registry.names import is_project_name, normalized
from poetry_aegis.registry.people.credentials import Credential, credential_of
from poetry_aegis.registry.people.decisions import Decisions
from poetry_aegis.registry.people.identity import Action
from poetry_aegis.registry.people.shared_attempts import attempts_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from poetry_aegis.registry.http.exchange import Exchange
    from poetry_aegis.registry.http.proxies import Proxies
    from poetry_aegis.registry.options import RegistrySettings
    from poetry_aegis.registry.people.identity import Identity
    from poetry_aegis.registry.people.users import Users

    LoginOutcome = Literal["ok", "wrong", "limited"]
    # Told of each login that was decided now, and not out of memory: its request, what became of
    # it, and the name that was tried, None for a token's.
    OnLogin = Callable[[Exchange, LoginOutcome, str | None], None]

logger = logging.getLogger(__name__)


class Gate:
    """Lets requests through.

    *on_login* hears of logins, *on_token* of each request that an API token let in, by its id:
    both are called on the event loop and must not wait for anything.
    """

    def __init__(
        self,
        users: Users,
        settings: RegistrySettings,
        proxies: Proxies,
        *,
        on_login: OnLogin,
        on_token: Callable[[str], None],
    ) -> None:
        self.anonymous_read = settings.anonymous_read
        self._decisions = Decisions(users)
        self._attempts = attempts_of(settings)
        self._proxies = proxies
        self._on_login = on_login
        self._on_token = on_token

    def close(self) -> None:
        """Return when no credential is looked at any more."""
        self._decisions.close()

    async def admit(self, exchange: Exchange, action: Action, project: str | None = None) -> None:
        """Return when the request may do *action*; its user and address are then known.

        Raises `Unauthorized` for a wrong or missing credential, a wrong one where none is needed
        included; `TooManyFailures` before one is looked at after too many wrong ones;
        `NoSuchProject` and `Forbidden` as `require` does; `Unavailable` where the users cannot be
        read or too many passwords are to be checked; and `ClientGone`.
        """
        exchange.address = self._proxies.client_of(exchange.scope)
        authorization = exchange.headers.get(b"authorization")
        if authorization is not None:
            exchange.user = user = await self._user_of(exchange, authorization)
            if user.token is not None:
                self._on_token(user.token)
        self.require(exchange, action, project)

    async def admit_to(self, exchange: Exchange, action: Action, name: str) -> str:
        """Return the project that *name*, as a client spells it, names (PEP 503).

        It is one that the request may do *action* with. Raises as `admit` does, and
        `NoSuchProject` for what is no project's name.
        """
        if not is_project_name(name):
            await self.admit(exchange, action)
            raise no_such_project(name)
        project = normalized(name)
        await self.admit(exchange, action, project)
        return project

    def require(self, exchange: Exchange, action: Action, project: str | None = None) -> None:
        """Return if an admitted request may do *action*, too, on *project* where one is given.

        Raises `Unauthorized` for nobody, `NoSuchProject` for a project that the user may not know
        of, and `Forbidden` for a right that is missing.
        """
        if self.may(exchange, action, project):
            return
        user = exchange.user
        if user is None:
            raise Unauthorized(f"To {action.value}, send a user name and a password, or a token.")
        if project is not None and not self.knows(exchange, project):
            raise no_such_project(project)
        _refuse(user, action, project)

    def may(self, exchange: Exchange, action: Action, project: str | None = None) -> bool:
        """Tell whether an admitted request may do *action*, on *project* where one is given."""
        if action is Action.READ and self.anonymous_read:
            return True  # No credential takes away what anybody may do without one.
        return exchange.user is not None and exchange.user.may(action, project)

    def knows(self, exchange: Exchange, project: str) -> bool:
        """Tell whether an admitted request may know that *project* is there."""
        user = exchange.user
        return self.anonymous_read or (user is not None and user.knows(project))

    def knows_all(self, exchange: Exchange) -> bool:
        """Tell whether no project is hidden from an admitted request."""
        user = exchange.user
        return self.anonymous_read or (user is not None and user.knows_all)

    async def _user_of(self, exchange: Exchange, authorization: bytes) -> Identity:
        """Return whose credential it is; raise for nobody's, and count it."""
        decision = self._decisions.known(authorization)
        if decision is not None and decision.user is not None:
            return decision.user
        credential = credential_of(authorization)
        if credential is None:
            raise Unauthorized("The credential is neither a user name and a password nor a token.")
        # A right token is let in always: nobody guesses one, and to check it costs nothing. So is
        # a password that was right before, or strangers could lock its user out.
        if not credential.is_token and not self._decisions.was_right(authorization):
            await self._check_attempts(exchange, credential)
        user = await self._decide(exchange, authorization)
        if user is not None:
            self._on_login(exchange, "ok", credential.name)
            return user
        await self._check_attempts(exchange, credential)
        await self._attempts.failed(exchange.address, credential.name)
        self._on_login(exchange, "wrong", credential.name)
        what = "token is wrong, expired or revoked" if credential.is_token else _WRONG_PASSWORD
        raise Unauthorized(f"The {what}.")

    async def _check_attempts(self, exchange: Exchange, credential: Credential) -> None:
        try:
            await self._attempts.check(exchange.address, credential.name)
        except TooManyFailures:
            self._on_login(exchange, "limited", credential.name)
            raise

    async def _decide(self, exchange: Exchange, authorization: bytes) -> Identity | None:
        try:
            return await exchange.unless_gone(self._decisions.user_of(authorization))
        except UnreadableUsers as error:
            logger.error("%s", error)
            raise Unavailable("The registry cannot read its users for now.") from error


def no_such_project(name: str) -> NoSuchProject:
    """Return the error for a project that is not there, or not for this user."""
    shown = name if is_project_name(name) else ascii(name[:_LONGEST_SHOWN])
    return NoSuchProject(f"There is no project {shown} in this index.")


_LONGEST_SHOWN = 100  # characters of what is no project's name
_WRONG_PASSWORD = "user name or the password is wrong"  # noqa: S105 -- a part of a sentence


def _refuse(user: Identity, action: Action, project: str | None) -> NoReturn:
    if not user.has_role_for(action):
        raise Forbidden(
            f"User {user.name!r} has the role {user.role}, and so may not {action.value}."
        )
    who = f"User {user.name!r}" if user.token is None else f"The token of user {user.name!r}"
    where = "" if project is None or not user.may(action) else f" for the project {project}"
    raise Forbidden(f"{who} has no right to {action.value}{where}.")
