"""What commands do to an index, in its audit trail."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

from poetry_aegis.server.stack.owner import keeping_ownership

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poetry_aegis.server.home import ServerHome


class Record(Protocol):
    """Records an action of the audit trail, done on the command line by the system's user."""

    def __call__(self, action: str, *, detail: str) -> None:
        """Return when it is on the disk."""


@contextlib.contextmanager
def recording(home: ServerHome) -> Iterator[Record]:
    """Open the audit trail of *home* before something is changed.

    Raises `ServerError` where the data is gone, and `UnusableData`, an error of the registry's,
    where the trail cannot be written.
    """
    home.require_data()
    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.registry.state.audit import AuditTrail, Event
    from poetry_aegis.registry.state.database import Database
    from poetry_aegis.registry.upkeep import operator

    with keeping_ownership(home):
        database = Database.open(DataDirectory(home.data).database)
        trail, user = AuditTrail(database), operator()

        def record(action: str, *, detail: str) -> None:
            trail.record(Event(action, user=user, address=None, detail=detail))

        try:
            yield record
        finally:
            database.close()
