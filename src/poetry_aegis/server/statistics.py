"""The downloads and the audit trail of a server, read from its database, running or not."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from poetry_aegis.registry.state.audit import Entry
    from poetry_aegis.registry.state.downloads import Count
    from poetry_aegis.registry.state.state import State
    from poetry_aegis.server.home import ServerHome


@dataclass(frozen=True)
class ProjectDownloads:
    """A project's downloads: all of them, and by ``day``, ``version``, ``client``, ``python``."""

    total: Count
    by: Mapping[str, Sequence[Count]]


def most_downloaded(home: ServerHome, *, days: int, limit: int) -> list[Count]:
    """Return the *limit* projects with the most downloads in the last *days* days.

    Raises `NoServer`, and `ServerError` where the database cannot be read.
    """
    with _state(home) as state:
        return state.downloads.totals(days, limit) if state else []


def downloads_of(home: ServerHome, project: str, *, days: int) -> ProjectDownloads:
    """Return the downloads of *project* in the last *days* days.

    Raises as `most_downloaded`, and `ServerError` for one that is not here and was not downloaded.
    """
    from poetry_aegis.registry.names import normalized
    from poetry_aegis.registry.state.downloads import DIMENSIONS, Count

    name = normalized(project)
    with _state(home) as state:
        if state is None:
            found = ProjectDownloads(Count(name, 0, 0), {by: [] for by in DIMENSIONS})
        else:
            found = ProjectDownloads(
                state.downloads.of(name, days),
                {by: state.downloads.by(name, by, days) for by in DIMENSIONS},
            )
    if not found.total.downloads:
        _require_project(home, name, project)
    return found


def audit_entries(
    home: ServerHome,
    *,
    limit: int,
    project: str | None = None,
    user: str | None = None,
    action: str | None = None,
) -> list[Entry]:
    """Return the newest entries of the audit trail, the newest first. See `most_downloaded`."""
    from poetry_aegis.registry.names import normalized

    with _state(home) as state:
        if state is None:
            return []
        return state.audit.entries(
            limit, project=project and normalized(project), user=user, action=action
        )


def _require_project(home: ServerHome, name: str, asked: str) -> None:
    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.registry.names import is_normalized

    if not is_normalized(name) or not DataDirectory(home.data).project_pages(name).is_dir():
        raise ServerError(
            f"There is no project {asked} in this index.",
            hint="The downloads of what comes from the index behind it are not counted.",
        )


@contextlib.contextmanager
def _state(home: ServerHome) -> Iterator[State | None]:
    """Open what the registry of *home* remembers; ``None`` where it has never run.

    The registry's errors, which know nothing of this command line, become its own.
    """
    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.registry.errors import RegistryError
    from poetry_aegis.registry.state.state import State

    home.require()
    data = DataDirectory(home.data)
    if not data.database.exists():  # To make one is the server's part.
        yield None
        return
    try:
        state = State.open(data)
        try:
            yield state
        finally:
            state.database.close()
    except RegistryError as error:
        raise ServerError(str(error), hint="The packages are not in it, and served as ever.") from (
            error
        )
