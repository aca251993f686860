"""``poetry aegis server stats``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from cleo.helpers import argument, option

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option

    from poetry_aegis.registry.state.downloads import Count

_MOST = 20  # projects, or lines of one kind
_SHOWN = ("version", "client", "python")


class ServerStatsCommand(ServerCommand):
    """Tells how often what was downloaded."""

    name = "aegis server stats"
    description = "Counts the downloads from the index."
    arguments: ClassVar[list[Argument]] = [
        argument("name", "A project; without one, those with the most downloads.", optional=True)
    ]
    options: ClassVar[list[Option]] = [
        option("days", description="How many days to look back.", flag=False, default="30"),
        HOME,
        JSON,
    ]
    help = """\
Tells how often the files of a project were downloaded, by version, by
client and by the Python they were for; with <c1>--json</c1> by day, too. A
day ends at midnight UTC.

Reads of metadata alone are no downloads, nor is a file that a client had
already. Which client and which Python is what the client says.

<b>Examples:</b>

  <c1>poetry aegis server stats</c1>
  <c1>poetry aegis server stats my-library --days 90</c1>"""

    def perform(self) -> int:
        """Print the downloads of one project, or the projects with the most."""
        days = self.number_option("days", most=3660)
        if self.argument("name"):
            return self._show_project(self.argument("name"), days)
        from poetry_aegis.server.statistics import most_downloaded

        projects = most_downloaded(self.home, days=days, limit=1000 if self.wants_json else _MOST)
        if self.wants_json:
            self.print_json({"days": days, "projects": _documents("project", projects)})
        elif projects:
            self.say(f"Downloads of {_last(days)}, the most first:")
            self._say_counts(projects)
        else:
            self.say(f"Downloads of {_last(days)}: none.")
        return 0

    def _show_project(self, project: str, days: int) -> int:
        from poetry_aegis.server.statistics import downloads_of

        found = downloads_of(self.home, project, days=days)
        if self.wants_json:
            by = {name: _documents(name, counts) for name, counts in found.by.items()}
            self.print_json({**_document("project", found.total), "days": days, "by": by})
            return 0
        name, downloads, size = found.total
        self.say(f"{plain(name)}, {_last(days)}: {_told(downloads, size)}.")
        for kind in _SHOWN if downloads else ():
            self.say(f"\nby {kind}:")
            self._say_counts(found.by[kind][:_MOST])
        return 0

    def _say_counts(self, counts: Sequence[Count]) -> None:
        self.say_table([(name, _told(downloads, size)) for name, downloads, size in counts])


def _last(days: int) -> str:
    return "today" if days == 1 else f"the last {days} days"


def _told(downloads: int, size: int) -> str:
    from poetry_aegis.server.units import format_size

    plural = "" if downloads == 1 else "s"
    return f"{downloads:,} download{plural}, {format_size(size)}"


def _documents(kind: str, counts: Sequence[Count]) -> list[dict[str, Any]]:
    return [_document(kind, count) for count in counts]


def _document(kind: str, count: Count) -> dict[str, Any]:
    return {kind: count.name, "downloads": count.downloads, "bytes": count.size}
