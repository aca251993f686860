"""Drivers: the ways to run a server. Each one implements `interface.Driver`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poetry_aegis.server.config import ServerSettings
    from poetry_aegis.server.drivers.interface import Driver
    from poetry_aegis.server.home import ServerHome


def driver_of(home: ServerHome, settings: ServerSettings) -> Driver:
    """Return the driver that *settings* name for the server in *home*."""
    if settings.is_stack:
        from poetry_aegis.server.drivers.compose import ComposeDriver

        return ComposeDriver(home, settings)
    from poetry_aegis.server.drivers.embedded import EmbeddedDriver

    return EmbeddedDriver(home, settings)
