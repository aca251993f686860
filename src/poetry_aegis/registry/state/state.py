"""All that a registry remembers and counts, in one hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from poetry_aegis.registry.metrics import Metrics
from poetry_aegis.registry.state.audit import AuditTrail
from poetry_aegis.registry.state.catalog import Catalog
from poetry_aegis.registry.state.database import Database
from poetry_aegis.registry.state.downloads import Downloads

if TYPE_CHECKING:
    from poetry_aegis.registry.data import DataDirectory


@dataclass(frozen=True)
class State:
    """The database with what is kept in it, and the counters of this process."""

    database: Database
    audit: AuditTrail
    downloads: Downloads
    catalog: Catalog
    metrics: Metrics = field(default_factory=Metrics)

    @classmethod
    def open(cls, data: DataDirectory) -> State:
        """Return the state in *data*. Raises `UnusableData`."""
        database = Database.open(data.database)
        return cls(database, AuditTrail(database), Downloads(database), Catalog(database, data))
