"""``poetry aegis server prune``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument, option

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option

    from poetry_aegis.registry.store.retention import Removal
    from poetry_aegis.registry.upkeep import PlannedRemoval


_SHOWN = 50  # files, beyond which each project is one line


class ServerPruneCommand(ServerCommand):
    """Deletes what the retention rules let go."""

    name = "aegis server prune"
    description = "Deletes what the retention rules let go."
    arguments: ClassVar[list[Argument]] = [
        argument(
            "projects", "The projects; all of them unless named.", optional=True, multiple=True
        )
    ]
    options: ClassVar[list[Option]] = [
        option("apply", None, "Delete the files; without it they are only listed."),
        HOME,
        JSON,
    ]
    help = """\
The rules stand in server.toml:

  [[retention]]
  projects = ["acme-*"]
  keep_pre_releases = 3   # the newest three; 0, the default, keeps all
  keep_dev_releases = 1
  older_than = 30         # days since the upload

A version goes as a whole, and only where every rule that matches its project
and has a number for its kind lets it go: a rule can protect what another one
gives up, and their order does not matter. Yanked versions do not count among
those that are kept. The newest version of each kind stays, and nothing goes
of a quarantined project.

<c1>Without --apply nothing is deleted.</c1> Of more than 50 files each project is
one line; --json has them all.

<b>Examples:</b>
  <c1>poetry aegis server prune</c1>
  <c1>poetry aegis server prune --apply</c1>"""

    def perform(self) -> int:
        """Print the plan, or what was deleted."""
        from poetry_aegis.server.upkeep import prune

        settings, apply = self.settings, bool(self.option("apply"))
        planned = prune(self.home, settings, self.argument("projects"), apply=apply)
        if self.wants_json:
            removals = [removal.to_json() for removal in planned]
            self.print_json({"applied": apply, "removals": removals})
        elif not settings.retention:
            self.say(f"There are no retention rules in {plain(str(self.home.settings_file))}.")
            self.say("See how they are written with: <c1>poetry aegis server prune --help</c1>")
        else:
            self._tell(planned, apply=apply)
        return 0

    def _tell(self, planned: Sequence[PlannedRemoval], *, apply: bool) -> None:
        from poetry_aegis.server.units import counted, format_size

        self.say_table(_rows(planned))
        files = counted(len(planned), "file")
        size = format_size(sum(item.removal.size for item in planned))
        if apply or not planned:
            self.say(f"{files} deleted, {size}." if planned else "The rules let nothing go.")
        else:
            self.say(f"{files} would go, {size}. Delete them with: <c1>--apply</c1>")


def _rows(planned: Sequence[PlannedRemoval]) -> list[tuple[str, str]]:
    """Return what is shown of a plan: each file, or each project where there are many files."""
    if len(planned) <= _SHOWN:
        return [
            (f"{item.project}/{item.removal.file_name}", item.removal.reason) for item in planned
        ]
    from itertools import groupby

    return [
        (project, _summary([item.removal for item in items]))
        for project, items in groupby(planned, lambda item: item.project)
    ]


def _summary(removals: Sequence[Removal]) -> str:
    from poetry_aegis.server.units import counted, format_size

    files, versions = len(removals), {removal.version: None for removal in removals}
    size = format_size(sum(removal.size for removal in removals))
    newest, oldest = next(iter(versions)), next(reversed(versions))
    which = newest if len(versions) == 1 else f"{len(versions)} versions, {oldest} to {newest}"
    return f"{counted(files, 'file')} of {which}, {size}"
