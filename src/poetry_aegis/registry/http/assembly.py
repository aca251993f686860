"""Puts the application together: every room with what it needs, and their routes in one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.registry.http.api import Api
from poetry_aegis.registry.http.app import Application
from poetry_aegis.registry.http.authorisation import Authorisation
from poetry_aegis.registry.http.files import Files
from poetry_aegis.registry.http.gate import Gate
from poetry_aegis.registry.http.health import Health
from poetry_aegis.registry.http.legacy_json import LegacyJson
from poetry_aegis.registry.http.pages import Pages
from poetry_aegis.registry.http.proxies import Proxies
from poetry_aegis.registry.http.statistics import Logins, Observer, Statistics
from poetry_aegis.registry.http.uploads import Uploads
from poetry_aegis.registry.http.upstream import Upstream
from poetry_aegis.registry.http.web import Web
from poetry_aegis.registry.people.uses import TokenUses
from poetry_aegis.registry.web.views import Views

if TYPE_CHECKING:
    from poetry_aegis.registry.log import AccessLog
    from poetry_aegis.registry.options import ServeOptions
    from poetry_aegis.registry.people.users import Users
    from poetry_aegis.registry.state.state import State
    from poetry_aegis.registry.store.store import Store


def assemble(
    options: ServeOptions, store: Store, users: Users, state: State, access_log: AccessLog
) -> Application:
    """Return the application that serves *store* to *users*."""
    settings = options.settings
    proxies = Proxies(settings.trusted_proxies)
    uses = TokenUses(state.database)
    gate = Gate(users, settings, on_login=Logins(state), on_token=uses.note)
    health = Health(store.data, users, state.database, settings.minimum_free_bytes)
    views = Views(store, state.catalog, state.audit, state.downloads)
    metrics = state.metrics
    upstream = Upstream(
        store, gate, settings, failed=metrics.upstream_error, looked_up=metrics.cache
    )
    rooms = (
        Pages(store, gate, upstream),
        upstream,
        Authorisation(store.data, gate),
        Files(store.data, gate, immutable=not settings.overwrite),
        Uploads(store, gate, settings, state.audit, state.metrics.upload),
        Api(store, gate, state.audit),
        LegacyJson(store.data, gate, proxies),
        Web(views, gate, proxies, health.greet),
        Statistics(state, store, gate),
        health,
    )
    routes = (route for room in rooms for route in room.routes())
    return Application(routes, access_log, Observer(state))
