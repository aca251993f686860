"""Puts the application together: every room with what it needs, and their routes in one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.registry.http.app import Application
from poetry_aegis.registry.http.files import Files
from poetry_aegis.registry.http.gate import Gate
from poetry_aegis.registry.http.health import Health
from poetry_aegis.registry.http.pages import Pages
from poetry_aegis.registry.http.uploads import Uploads

if TYPE_CHECKING:
    from poetry_aegis.registry.log import AccessLog
    from poetry_aegis.registry.options import ServeOptions
    from poetry_aegis.registry.people.users import Users
    from poetry_aegis.registry.store.store import Store


def assemble(
    options: ServeOptions, store: Store, users: Users, access_log: AccessLog
) -> Application:
    """Return the application that serves *store* to *users*."""
    settings = options.settings
    gate = Gate(users, anonymous_read=settings.anonymous_read)
    rooms = (
        Pages(store.data, gate),
        Files(store.data, gate),
        Uploads(store, gate, settings.max_upload_bytes),
        Health(store, users),
    )
    return Application((route for room in rooms for route in room.routes()), access_log)
