"""Puts the application together: every room with what it needs, and their routes in one table."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from poetry_aegis.registry.http.api import Api
from poetry_aegis.registry.http.app import Application
from poetry_aegis.registry.http.authorisation import Authorisation
from poetry_aegis.registry.http.files import Files
from poetry_aegis.registry.http.gate import Gate
from poetry_aegis.registry.http.health import Health
from poetry_aegis.registry.http.legacy_json import LegacyJson
from poetry_aegis.registry.http.pages import FileCache, Pages
from poetry_aegis.registry.http.proxies import Proxies
from poetry_aegis.registry.http.statistics import Logins, Observer, Statistics
from poetry_aegis.registry.http.uploads import Uploads
from poetry_aegis.registry.http.upstream import Upstream
from poetry_aegis.registry.http.web import Web
from poetry_aegis.registry.people.uses import TokenUses
from poetry_aegis.registry.web.views import Views

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poetry_aegis.registry.log import AccessLog
    from poetry_aegis.registry.options import ServeOptions
    from poetry_aegis.registry.people.users import Users
    from poetry_aegis.registry.state.state import State
    from poetry_aegis.registry.store.store import Store


@contextlib.contextmanager
def assembled(
    options: ServeOptions, store: Store, users: Users, state: State, access_log: AccessLog
) -> Iterator[Application]:
    """Give the application that serves *store* to *users* until the block ends.

    Then what is under way is waited for, and what was noted is written.
    """
    settings = options.settings
    files = FileCache()
    logins = Logins(state)
    proxies = Proxies(settings.trusted_proxies)
    uses = TokenUses(state.database)
    gate = Gate(users, settings, proxies, on_login=logins, on_token=uses.note)
    health = Health(store.data, users, state.database, settings.minimum_free_bytes)
    metrics = state.metrics
    upstream = Upstream(
        store, gate, settings, failed=metrics.upstream_error, looked_up=metrics.cache
    )
    uploads = Uploads(store, gate, settings, state.audit, metrics.upload)
    views = Views(store, state.catalog, state.audit, state.downloads, uploads.signers)
    web = Web(views, gate, proxies, health.greet)
    rooms = (
        Pages(store, gate, upstream, files),
        upstream,
        Authorisation(store.data, gate),
        Files(store.data, gate, files, immutable=not settings.overwrite),
        uploads,
        Api(store, gate, state.audit, overwrites=settings.overwrite),
        LegacyJson(store.data, gate, proxies, files),
        web,
        Statistics(state, store, gate),
        health,
    )
    with contextlib.ExitStack() as held:
        for used in (uses, logins, gate, web, uploads):  # closed from the last to the first
            held.callback(used.close)
        routes = (route for room in rooms for route in room.routes())
        yield Application(routes, access_log, Observer(state))
