"""The index itself: whether pages and files agree, and the database is whole."""

from __future__ import annotations

import contextlib
import random
import sqlite3
from typing import TYPE_CHECKING

from poetry_aegis.server.doctor.verdicts import Check, Verdict, has_registry, skip, well, wrong
from poetry_aegis.server.units import counted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from poetry_aegis.registry.store.report import Report
    from poetry_aegis.server.doctor.context import Context

MOST_PROJECTS = 20
MOST_BYTES = 256 * 1024 * 1024  # of all files that are read, but those of one project always


def look_at_drift(context: Context) -> Verdict:
    """Look whether pages and files agree, in a sample of the projects."""
    home = context.home
    if not (home.data / "state.db").is_file():
        return skip("The server has not been started yet.")
    projects = _projects(home.data)
    sample = _sample(home.data, projects)
    looked = f"{len(sample)} of {counted(len(projects), 'project')}"
    report = _checked(context, sample)
    if report.is_clean:
        return well(f"Pages and files agree in {looked}.")
    drifted = [project for project in sample if _names(report, project)]
    return wrong(
        f"Pages and files do not agree ({looked} looked at): {_first(report)}.",
        context.command(f"reindex {' '.join(drifted)}"),
        reindexing(context, drifted),
    )


def _projects(data: Path) -> list[str]:
    from poetry_aegis.registry.names import is_normalized

    found = {
        path.name
        for folder in (data / "packages", data / "simple")
        if folder.is_dir()
        for path in folder.iterdir()
        if path.is_dir() and is_normalized(path.name)
    }
    return sorted(found)


def _sample(data: Path, projects: list[str]) -> list[str]:
    """Return some of *projects*, by chance, whose files are not more than can be read soon."""
    chosen: list[str] = []
    left = MOST_BYTES
    for project in random.sample(projects, min(len(projects), MOST_PROJECTS)):
        left -= _size(data / "packages" / project)
        if left >= 0 or not chosen:
            chosen.append(project)
    return sorted(chosen)


def _size(folder: Path) -> int:
    total = 0
    for path in folder.glob("*"):
        with contextlib.suppress(FileNotFoundError):  # gone meanwhile
            total += path.stat().st_size
    return total


def _checked(context: Context, projects: list[str]) -> Report:
    from poetry_aegis.registry.store.report import Report
    from poetry_aegis.server.upkeep import reindex

    # Without a project it would be all of them.
    return reindex(context.home, projects, _unseen, check=True) if projects else Report()


def _findings(report: Report) -> tuple[str, ...]:
    return (*report.missing, *report.extra, *report.changed, *report.unreadable)


def _names(report: Report, project: str) -> bool:
    return any(finding.startswith((f"{project}/", f"{project}:")) for finding in _findings(report))


def _first(report: Report) -> str:
    return _findings(report)[0].rstrip(".")


def reindexing(context: Context, projects: list[str]) -> Callable[[], str]:
    """Return what brings the pages of *projects* up to date."""

    def bring_up_to_date() -> str:
        from poetry_aegis.server.upkeep import reindex

        reindex(context.home, projects, _unseen, check=False)
        return f"{counted(len(projects), 'project')} brought up to date."

    return bring_up_to_date


def _unseen(_done: int, _all: int) -> None:
    """Take progress that nobody looks at."""


def look_at_database(context: Context) -> Verdict:
    """Look whether SQLite finds the database of the registry whole."""
    path = context.home.data / "state.db"
    if not path.is_file():
        return skip("The server has not been started yet.")
    from poetry_aegis.server.stack.owner import keeping_ownership

    try:
        with keeping_ownership(context.home):
            found = _quick_check(path)
    except sqlite3.Error as error:
        found = str(error)
    if found == "ok":
        return well(f"{path} is whole.")
    return wrong(
        f"{path}: {found.splitlines()[0]}",
        f"Stop the server and put {path.name} aside, which loses counts and the audit trail; "
        f"or: {context.command('restore FILE')}",
    )


def _quick_check(path: Path) -> str:
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        return str(database.execute("PRAGMA quick_check(1)").fetchone()[0])


CHECKS = (
    Check("index", "Pages and files agree", look_at_drift, has_registry),
    Check("database", "The database is whole", look_at_database, has_registry),
)
