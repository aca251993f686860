"""``poetry aegis server reindex``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument, option

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option

    from poetry_aegis.registry.store.report import Report


class ServerReindexCommand(ServerCommand):
    """Brings the pages up to date with the files."""

    name = "aegis server reindex"
    description = "Brings the index up to date with its files."
    arguments: ClassVar[list[Argument]] = [
        argument(
            "projects", "The projects; all of them unless named.", optional=True, multiple=True
        )
    ]
    options: ClassVar[list[Option]] = [
        option("check", None, "Read every file, say what does not match, change nothing."),
        HOME,
        JSON,
    ]
    help = """\
Files that were copied into data/packages/PROJECT by hand, or removed from
there, appear and disappear with this command; with <c1>watch = true</c1> in
server.toml a running server notices them itself. It works while the server
runs, and writes only pages that change.

What is found is

  missing      a page tells of a file that is not there
  extra        a file is there and no page tells of it
  changed      a file, its metadata or a page is not what it should be
  unreadable   no distribution, or damaged; it is not listed
  unverified   with <c1>--check</c1>: it must be signed to be uploaded, and is not

With <c1>--check</c1> the exit code is 58 where anything is found but the last,
which is no matter of pages and files.

<b>Examples:</b>
  <c1>poetry aegis server reindex --check</c1>
  <c1>poetry aegis server reindex</c1>"""

    def perform(self) -> int:
        """Print what did not match; with --check that decides the exit code."""
        from poetry_aegis.commands.server_progress import UpkeepProgress
        from poetry_aegis.errors import IndexMismatch
        from poetry_aegis.server.upkeep import reindex

        check = bool(self.option("check"))
        with UpkeepProgress(self.messages) as progress:
            report = reindex(self.home, self.argument("projects"), progress.projects, check=check)
        if self.wants_json:
            self.print_json(report.to_json())
        else:
            self._tell(report, check=check)
        return IndexMismatch.exit_code if check and not report.is_clean else 0

    def _tell(self, report: Report, *, check: bool) -> None:
        from poetry_aegis.server.units import counted

        self.say_table(
            [
                (kind, finding)
                for kind in ("missing", "extra", "changed", "unreadable", "unverified")
                for finding in getattr(report, kind)
            ]
        )
        broken = report.unreadable
        only_broken = broken and not (report.missing or report.extra or report.changed)
        looked = f"{counted(report.projects, 'project')} with {counted(report.files, 'file')}"
        if report.is_clean:
            self.say(f"{looked}: pages and files agree.")
        elif check and not only_broken:
            command = f"poetry aegis server reindex{plain(self.home_option)}"
            self.say(f"{looked}. Bring the pages up to date with: <c1>{command}</c1>")
        else:
            self.say(f"{looked}: the pages are up to date.")
        if report.unverified:
            self.say(
                f"{counted(len(report.unverified), 'file')} without the signatures that uploads "
                "need."
            )
        if broken:
            self.say("What is unreadable is not listed. Mend or remove it, then reindex.")
