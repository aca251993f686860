from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.importing.importer import Import, ImportReport
from poetry_aegis.registry.importing.sources import open_source
from poetry_aegis.registry.store.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from poetry_aegis.registry.importing.sources import Candidate

LARGEST = 10_000


@dataclass
class Heard:
    """What an import has told of its progress."""

    pages: list[tuple[int, int]] = field(default_factory=list)
    files: list[tuple[int, int, int]] = field(default_factory=list)

    changes: list[tuple[str, str]] = field(default_factory=list)

    def done(self, action: str, candidate: Candidate) -> None:
        self.changes.append((action, candidate.title))

    def surveyed(self, pages: int, of_pages: int) -> None:
        self.pages.append((pages, of_pages))

    def arrived(self, files: int, of_files: int, size: int) -> None:
        self.files.append((files, of_files, size))


@dataclass(frozen=True)
class Importing:
    """Imports into *store*, and what was heard of it."""

    store: Store
    heard: Heard

    def run(
        self,
        source: str | Path,
        only: Sequence[str] = (),
        *,
        index: str | None = None,
        dry_run: bool = False,
    ) -> ImportReport:
        work = Import(
            open_source(str(source), index),
            self.store,
            only=only,
            largest=LARGEST,
            listener=self.heard,
            done=self.heard.done,
        )
        return work.run(dry_run=dry_run)


@pytest.fixture
def importing(tmp_path: Path) -> Importing:
    return Importing(open_store(DataDirectory.open(tmp_path / "data")), Heard())
