"""Remembers for seconds which credentials were right, so that bcrypt runs once for each."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import os
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poetry_aegis.registry.users import Signature, User, Users

_LIFETIME = 10.0  # seconds
_MOST = 4096  # decisions


@dataclass(frozen=True)
class _Decision:
    user: User | None
    expires: float


class Decisions:
    """Decides on ``Authorization`` headers, the same one at most once per *lifetime*.

    A credential is kept only as its HMAC under a key that dies with the process. Everything is
    forgotten as soon as a file of the users changes.
    """

    def __init__(self, users: Users, *, lifetime: float = _LIFETIME) -> None:
        self._users = users
        self._lifetime = lifetime
        self._key = secrets.token_bytes(32)
        self._signature: Signature = ()
        self._decided: dict[bytes, _Decision] = {}
        self._deciding: dict[bytes, asyncio.Task[User | None]] = {}
        # Of its own, and small: bcrypt is all work, and must not hold up uploads.
        self._workers = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="bcrypt")

    async def user_of(self, authorization: bytes) -> User | None:
        """Return whose credential *authorization* is, ``None`` for nobody's.

        Raises `UnreadableUsers`.
        """
        self._forget_if_changed()
        fingerprint = hmac.digest(self._key, authorization, "sha256")
        decision = self._decided.get(fingerprint)
        if decision is not None and decision.expires > time.monotonic():
            return decision.user
        credential = basic_credential(authorization)
        if credential is None:
            return None
        task = self._deciding.get(fingerprint)
        if task is None:
            task = asyncio.ensure_future(self._decide(fingerprint, *credential))
            self._deciding[fingerprint] = task
        # One request that goes away must not take the decision from the others.
        return await asyncio.shield(task)

    async def _decide(self, fingerprint: bytes, name: str, password: str) -> User | None:
        signature = self._signature
        loop = asyncio.get_running_loop()
        try:
            user = await loop.run_in_executor(
                self._workers, self._users.authenticate, name, password
            )
        finally:
            if self._deciding.get(fingerprint) is asyncio.current_task():
                del self._deciding[fingerprint]
        if signature == self._users.signature():
            self._remember(fingerprint, user)
        return user

    def _remember(self, fingerprint: bytes, user: User | None) -> None:
        self._decided.pop(fingerprint, None)
        while len(self._decided) >= _MOST:
            del self._decided[next(iter(self._decided))]
        self._decided[fingerprint] = _Decision(user, time.monotonic() + self._lifetime)

    def _forget_if_changed(self) -> None:
        signature = self._users.signature()
        if signature != self._signature:
            self._signature = signature
            self._decided.clear()
            self._deciding.clear()


def basic_credential(authorization: bytes) -> tuple[str, str] | None:
    """Return name and password of an HTTP Basic header (RFC 7617), ``None`` for anything else."""
    scheme, _, encoded = authorization.strip().partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True)
    except binascii.Error:
        return None
    try:
        text = decoded.decode("utf-8")
    except UnicodeDecodeError:
        text = decoded.decode("latin-1")  # as older clients encode what fits into it
    name, colon, password = text.partition(":")
    return (name, password) if colon else None
