"""Which path leads where. Each room of the application brings its own routes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.routing import compile_path

from poetry_aegis.registry.errors import MethodNotAllowed, NotFound

if TYPE_CHECKING:
    import re
    from collections.abc import Awaitable, Callable, Iterable

    from starlette.types import ASGIApp

    from poetry_aegis.registry.http.exchange import Exchange


@dataclass(frozen=True)
class Route:
    """What answers requests of *method* for *path*, such as ``/simple/{project}/``.

    *name* stands for it in metrics and the access log. A route of GET answers HEAD, too.
    """

    method: str
    path: str
    answer: Callable[[Exchange], Awaitable[ASGIApp]]
    name: str


class Router:
    """Finds the route of a request, by the first segment of its path and then one by one."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._by_first: dict[str, list[tuple[re.Pattern[str], Route]]] = defaultdict(list)
        for route in self.routes:
            self._by_first[_first_segment(route.path)].append((compile_path(route.path)[0], route))

    def find(self, exchange: Exchange) -> Route:
        """Return the route, its path's parameters handed to *exchange*.

        Raises `NotFound` and `MethodNotAllowed`.
        """
        method = "GET" if exchange.method == "HEAD" else exchange.method
        allowed: set[str] = set()
        for first in (_first_segment(exchange.path), "{"):
            for pattern, route in self._by_first.get(first, ()):
                if match := pattern.match(exchange.path):
                    if route.method == method:
                        exchange.parameters = match.groupdict()
                        return route
                    allowed |= {"GET", "HEAD"} if route.method == "GET" else {route.method}
        if allowed:
            names = ", ".join(sorted(allowed))
            raise MethodNotAllowed(f"{exchange.path[:200]!a} takes only {names}.", names)
        raise NotFound("There is nothing at this address; the index is at /simple/.")


def _first_segment(path: str) -> str:
    first = path[1:].partition("/")[0]
    return "{" if first.startswith("{") else first
