"""Remembers for seconds which credentials were right, so that bcrypt runs once for each."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.registry.bounded import Bounded
from poetry_aegis.registry.errors import Overloaded
from poetry_aegis.registry.people.credentials import credential_of

if TYPE_CHECKING:
    from poetry_aegis.registry.people.files import Signature
    from poetry_aegis.registry.people.identity import Identity
    from poetry_aegis.registry.people.users import Users

_LIFETIME = 10.0  # seconds
_RENEWED = 0.3  # of a lifetime: a password that is shown then is checked anew meanwhile
_LOOK_EVERY = 0.2  # seconds until a change of the users is noticed
_MOST = 4096  # decisions, and credentials that were right
_MOST_PENDING = 8  # undecided passwords for each worker: two seconds of bcrypt or so


@dataclass(frozen=True)
class Decision:
    """Whose a credential is, ``None`` for nobody's; *expires* is on the monotonic clock."""

    user: Identity | None
    expires: float


@dataclass(eq=False)
class _Pending:
    """A decision being made: the worker's part, the loop's part, and the requests in wait."""

    work: Future[Identity | None]
    task: asyncio.Task[Identity | None]
    waiting: int = 0


class Decisions:
    """Decides on ``Authorization`` headers, the same one at most once per *lifetime*.

    A credential is kept only as its hash under a key that dies with the process. Every decision is
    forgotten within *look_every* of a change of the users, and that on a token when it expires. Of
    the passwords that never were right, no more than a few for each of the *workers* are taken at a
    time, so that strangers cannot keep the known ones waiting for long.
    """

    def __init__(
        self,
        users: Users,
        *,
        lifetime: float = _LIFETIME,
        look_every: float = _LOOK_EVERY,
        workers: int | None = None,
    ) -> None:
        self._users = users
        self._lifetime = lifetime
        self._key = secrets.token_bytes(32)
        self._signature: Signature = ()
        self._look_every = look_every
        self._looked = float("-inf")
        self._decided: Bounded[bytes, Decision] = Bounded(_MOST)
        self._were_right: Bounded[bytes, bytes] = Bounded(_MOST)
        self._deciding: dict[bytes, _Pending] = {}
        count = workers or os.cpu_count() or 1
        self._most_pending = count * _MOST_PENDING
        # Of its own, and small: bcrypt is all work, and must not hold up uploads.
        self._workers = ThreadPoolExecutor(count, thread_name_prefix="bcrypt")
        # Tokens cost next to nothing, and so never wait behind passwords.
        self._token_worker = ThreadPoolExecutor(1, thread_name_prefix="tokens")

    def close(self) -> None:
        """Return when nothing is decided on any more; what no worker has begun never is."""
        self._workers.shutdown(cancel_futures=True)
        self._token_worker.shutdown(cancel_futures=True)

    def known(self, authorization: bytes) -> Decision | None:
        """Return the decision on *authorization* where it was made already, and lately."""
        if time.monotonic() > self._looked + self._look_every:
            self._forget_if_changed()
        fingerprint = self._fingerprint(authorization)
        decision = self._decided.get(fingerprint)
        left = decision.expires - time.monotonic() if decision else 0.0
        if left <= 0:
            return None
        if left < self._lifetime * _RENEWED and fingerprint not in self._deciding:
            self._renew(fingerprint, authorization)
        return decision

    def _renew(self, fingerprint: bytes, authorization: bytes) -> None:
        """Begin to decide anew, so that those in a stream of requests never wait for bcrypt."""
        credential = credential_of(authorization)
        if credential is None or credential.name is None or fingerprint not in self._were_right:
            return
        pending = self._begin(fingerprint, credential.name, credential.secret)
        # Nobody waits for it: an error is for whoever asks when the decision is over.
        pending.task.add_done_callback(lambda task: task.cancelled() or task.exception())

    def was_right(self, authorization: bytes) -> bool:
        """Tell whether *authorization* was right when it was last looked at, however long ago."""
        return self._fingerprint(authorization) in self._were_right

    async def user_of(self, authorization: bytes) -> Identity | None:
        """Return whose credential *authorization* is, ``None`` for nobody's.

        Cancelled by all who wait for it, a decision that no worker has begun is not made. Raises
        `Overloaded` and `UnreadableUsers`.
        """
        self._forget_if_changed()
        decision = self.known(authorization)
        if decision is not None:
            return decision.user
        credential = credential_of(authorization)
        if credential is None:
            return None
        fingerprint = self._fingerprint(authorization)
        if credential.name is None:
            return await self._user_of_token(fingerprint, credential.secret)
        return await self._user_of_password(fingerprint, credential.name, credential.secret)

    async def _user_of_token(self, fingerprint: bytes, secret: str) -> Identity | None:
        signature = self._signature
        user = await asyncio.wrap_future(
            self._token_worker.submit(self._users.authenticate_token, secret)
        )
        # A wrong one is not remembered: that would cost more than to look at it again.
        if user is not None and signature == self._users.signature():
            self._remember(fingerprint, user)
        return user

    async def _user_of_password(
        self, fingerprint: bytes, name: str, password: str
    ) -> Identity | None:
        pending = self._deciding.get(fingerprint) or self._begin(fingerprint, name, password)
        pending.waiting += 1
        try:
            # One request that goes away must not take the decision from the others.
            return await asyncio.shield(pending.task)
        finally:
            pending.waiting -= 1
            if not pending.waiting and pending.work.cancel():
                self._drop(fingerprint, pending.work)

    def _fingerprint(self, authorization: bytes) -> bytes:
        return hashlib.blake2b(authorization, key=self._key, digest_size=32).digest()

    def _begin(self, fingerprint: bytes, name: str, password: str) -> _Pending:
        if len(self._deciding) >= self._most_pending and fingerprint not in self._were_right:
            raise Overloaded("Too many passwords are being checked; try again in a second.")
        work = self._workers.submit(self._users.authenticate, name, password)
        pending = _Pending(work, asyncio.ensure_future(self._decide(fingerprint, work)))
        self._deciding[fingerprint] = pending
        return pending

    def _drop(self, fingerprint: bytes, work: Future[Identity | None]) -> None:
        pending = self._deciding.get(fingerprint)
        if pending is not None and pending.work is work:
            del self._deciding[fingerprint]

    async def _decide(self, fingerprint: bytes, work: Future[Identity | None]) -> Identity | None:
        signature = self._signature
        try:
            user = await asyncio.wrap_future(work)
        finally:
            self._drop(fingerprint, work)
        if signature == self._users.signature():
            self._remember(fingerprint, user)
        return user

    def _remember(self, fingerprint: bytes, user: Identity | None) -> None:
        lifetime = self._lifetime
        if user is None:
            self._were_right.drop(fingerprint)
        else:
            self._were_right.put(fingerprint, fingerprint)
            if user.expires is not None:
                lifetime = min(lifetime, user.expires - time.time())
        self._decided.put(fingerprint, Decision(user, time.monotonic() + lifetime))

    def _forget_if_changed(self) -> None:
        self._looked = time.monotonic()
        signature = self._users.signature()
        if signature != self._signature:
            self._signature = signature
            self._decided.clear()
            self._deciding.clear()
