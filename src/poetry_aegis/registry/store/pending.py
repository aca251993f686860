"""Markers of what is under way: what a crash leaves half-done is known from them, and nothing else.

A marker is durable before the first thing changes and goes when all of it is done, so that a start
looks at the markers alone, however large the store is.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from poetry_aegis.atomic import write_bytes
from poetry_aegis.registry.names import is_normalized

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Intent:
    """What is being done to a project: *writing* a file, *deleting* some, or the whole of it."""

    writing: str | None = None
    deleting: tuple[str, ...] = ()
    removing_project: bool = False


class Pending:
    """The markers in *folder*, one for each project that is being changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextlib.contextmanager
    def changing(self, project: str, intent: Intent) -> Iterator[None]:
        """Mark *project* until the block ends well; after an error the marker stays."""
        write_bytes(self._folder / project, json.dumps(asdict(intent)).encode())
        yield
        (self._folder / project).unlink()

    def of(self, project: str) -> Intent | None:
        """Return what was begun with *project* and not ended."""
        try:
            content = (self._folder / project).read_bytes()
        except FileNotFoundError:
            return None
        try:
            marker = json.loads(content)
            return Intent(marker["writing"], tuple(marker["deleting"]), marker["removing_project"])
        except (ValueError, KeyError, TypeError):
            return Intent()  # Damaged: the files themselves tell what is there.

    def projects(self) -> list[str]:
        """Return the projects that are marked, by name."""
        return sorted(path.name for path in self._folder.iterdir() if is_normalized(path.name))
