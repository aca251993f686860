"""What the audit trail is told of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.registry.state.audit import Event

if TYPE_CHECKING:
    from poetry_aegis.registry.http.exchange import Exchange


def event_of(
    exchange: Exchange, action: str, project: str, file: str | None = None, detail: str = ""
) -> Event:
    """Return what the user of *exchange*, which the gate has let in, did to *project*."""
    user = exchange.user
    name, token = (user.name, user.token) if user else (None, None)
    return Event(action, name, exchange.address, project, file, detail, token)
