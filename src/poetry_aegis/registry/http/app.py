"""The application: which path leads where, and what becomes of an error."""

from __future__ import annotations

import errno
import logging
import time
from typing import TYPE_CHECKING

from poetry_aegis.registry.errors import Forbidden, HttpError, StoreFull
from poetry_aegis.registry.http.exchange import Answer, ClientGone, Exchange, error_answer
from poetry_aegis.registry.http.routing import Route, Router
from poetry_aegis.registry.log import Logged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from poetry_aegis.registry.log import AccessLog

    Observe = Callable[[Exchange, int, float], None]

logger = logging.getLogger(__name__)

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_CLIENT_GONE = 499  # as nginx logs it; nobody is there to be told


class Application:
    """The registry as an ASGI application: its routes, its errors, its access log."""

    def __init__(self, routes: Iterable[Route], access_log: AccessLog, observe: Observe) -> None:
        self.router = Router(routes)
        self._access_log = access_log
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and log it."""
        began, clock = time.time(), time.perf_counter()
        exchange = Exchange(scope, receive, send)
        try:
            await exchange.answer_with(await self._respond(exchange))
        except ClientGone:
            pass
        except Exception as error:
            if exchange.status is not None:
                raise  # The answer has begun: the connection is cut, so that it looks cut.
            await exchange.answer_with(_error_answer(exchange, error))
        finally:
            seconds = time.perf_counter() - clock
            status = _CLIENT_GONE if exchange.status is None else exchange.status
            self._access_log.write(_logged(exchange, status, began, seconds))
            self._observe(exchange, status, seconds)

    async def _respond(self, exchange: Exchange) -> ASGIApp:
        route = self.router.find(exchange)
        exchange.route = route.name
        if route.method != "GET":
            refuse_cross_site(exchange)
        return await route.answer(exchange)


def _logged(exchange: Exchange, status: int, began: float, seconds: float) -> Logged:
    return Logged(
        began,
        seconds,
        method=exchange.method,
        path=exchange.path,
        route=exchange.route,
        status=status,
        user=exchange.user.name if exchange.user else None,
        client=exchange.address,
        agent=exchange.header(b"user-agent"),
    )


def refuse_cross_site(exchange: Exchange) -> None:
    """Raise `Forbidden` for a change that a page of another site asks a browser for.

    Browsers send the credentials they know with it. They also say where it comes from (Fetch
    Metadata, or the older ``Origin``); upload clients say neither.
    """
    site = exchange.header(b"sec-fetch-site")
    origin = exchange.header(b"origin")
    foreign = site not in ("", "same-origin", "none")
    if not site and origin:
        foreign = origin.partition("://")[2] != exchange.header(b"host")
    if foreign:
        raise Forbidden("A page of another site asked for this change.")


def _error_answer(exchange: Exchange, error: Exception) -> Answer:
    return error_answer(_as_http_error(error), exchange.header(b"accept"))


def _as_http_error(error: Exception) -> HttpError:
    if isinstance(error, HttpError):
        return error
    if isinstance(error, OSError) and error.errno in _FULL:
        logger.error("The store is full: %s", error)
        return StoreFull("The registry has no space left for the file.")
    logger.error("A request failed.", exc_info=error)
    return HttpError("The registry failed on this request; its log says why.")
