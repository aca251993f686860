"""``/_authorize``: tells nginx whether it may serve a file of the data directory by itself.

For its ``auth_request``, which knows three answers: 2xx, 401 and 403. 204 lets it serve the file as
it stands. 401 is for its client, and nginx hands it on. 403 says that the application has to
answer: it will refuse with the right status, or has something else to show than the file.

Anybody may ask. The headers ``X-Original-Method`` and ``X-Original-URI`` are questions, not
evidence: the answer tells no more than the request they name would.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from poetry_aegis.registry.errors import Forbidden, HttpError, Unauthorized
from poetry_aegis.registry.http.exchange import Answer, Exchange
from poetry_aegis.registry.http.routing import Route
from poetry_aegis.registry.names import (
    METADATA_SUFFIX,
    PROVENANCE_SUFFIX,
    is_file_name,
    is_normalized,
)
from poetry_aegis.registry.people.identity import Action

if TYPE_CHECKING:
    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.registry.http.gate import Gate

_PROJECT_LIST = "/simple/"
_STATIC = re.compile(r"/(?:simple/(?P<page>[^/]+)/|packages/(?P<project>[^/]+)/(?P<file>[^/]+))")
_BESIDE = (METADATA_SUFFIX, PROVENANCE_SUFFIX)


class Authorisation:
    """Decides on what a static file server is asked for."""

    def __init__(self, data: DataDirectory, gate: Gate) -> None:
        self._data = data
        self._gate = gate

    def routes(self) -> list[Route]:
        """Return the one route."""
        return [Route("GET", "/_authorize", self.decide, "authorize")]

    async def decide(self, exchange: Exchange) -> Answer:
        """Answer 204 where the file may be served as it stands.

        Raises `Unauthorized`, and `Forbidden` for all that the application answers itself.
        """
        try:
            await self._require_static(exchange)
        except (Unauthorized, Forbidden):
            raise
        except HttpError as error:
            raise Forbidden(str(error)) from error
        return Answer(204, [(b"cache-control", b"no-store")])

    async def _require_static(self, exchange: Exchange) -> None:
        path = _static_path(exchange)
        if path == _PROJECT_LIST:
            await self._gate.admit(exchange, Action.READ)
            if not self._gate.knows_all(exchange):
                raise Forbidden("This user gets a project list of their own.")
            return
        project, file_name = _project_and_file(path)
        await self._gate.admit(exchange, Action.READ, project)
        if file_name is not None and os.path.exists(self._data.withheld(project)):  # noqa: PTH110 -- on the hot way
            raise Forbidden("The project is quarantined.")


def _static_path(exchange: Exchange) -> str:
    """Return the path that was asked for, decoded once as nginx decodes it to find the file.

    Its other rewritings, of ``//`` and ``..``, are of paths that `_project_and_file` refuses.
    """
    if exchange.header(b"x-original-method") not in ("GET", "HEAD"):
        raise Forbidden("A file server only reads.")
    raw, query, _ = exchange.headers.get(b"x-original-uri", b"").partition(b"?")
    try:
        path = unquote_to_bytes(raw).decode("ascii")
    except UnicodeDecodeError:
        raise _not_static() from None
    if query and not path.startswith("/packages/"):
        raise Forbidden("The format is named in the query.")
    return path


def _project_and_file(path: str) -> tuple[str, str | None]:
    """Return what *path* is of: a project, and a file unless it is the project's page."""
    match = _STATIC.fullmatch(path)
    if match is None:
        raise _not_static()
    project, file_name = match["page"] or match["project"], match["file"]
    if not is_normalized(project) or not (file_name is None or _is_static_file(file_name)):
        raise _not_static()
    return project, file_name


def _is_static_file(name: str) -> bool:
    suffix = next((suffix for suffix in _BESIDE if name.endswith(suffix)), "")
    return is_file_name(name.removesuffix(suffix))


def _not_static() -> Forbidden:
    return Forbidden("There is no such file to serve.")
