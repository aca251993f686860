"""``poetry aegis server import``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument, option

from poetry_aegis.commands.base import DRY_RUN, JSON
from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option

    from poetry_aegis.registry.importing.importer import ImportReport
    from poetry_aegis.registry.importing.sources import Finding

_SHOWN = 20  # of the files that are no distributions


class ServerImportCommand(ServerCommand):
    """Takes over the files of another index."""

    name = "aegis server import"
    description = "Takes over the files of another index."
    arguments: ClassVar[list[Argument]] = [
        argument("source", "A directory, or the URL of an index's simple API.")
    ]
    options: ClassVar[list[Option]] = [
        option(
            "only",
            None,
            "Only projects that match this pattern, as acme-*; may be repeated.",
            flag=False,
            multiple=True,
        ),
        option("index", None, "Which index of a devpi export to take, as user/name.", flag=False),
        DRY_RUN,
        HOME,
        JSON,
    ]
    help = (
        "  <c1>poetry aegis server import ~/packages</c1>\n"
        "      the wheels and sdists of a pypiserver, in one folder or in many\n"
        "  <c1>poetry aegis server import ./export --index team/prod</c1>\n"
        "      what devpi-export has written\n"
        "  <c1>poetry aegis server import https://index.example.com/simple/ --only 'acme-*'</c1>\n"
        "      another index; a user and password come from the URL or from netrc\n\n"
        "Each file is checked as an upload is, its digest too. Upload times are kept,\n"
        "and yanks where the other index tells of them. The source is only read. What\n"
        "is here already is passed over, so an import that broke off goes on when it\n"
        "is run again; the server may run meanwhile. One file that cannot be taken\n"
        "over stops nothing: it is told of at the end, and the exit code is 59."
    )

    def perform(self) -> int:
        """Import, and tell of what stayed behind."""
        from poetry_aegis.commands.server_progress import UpkeepProgress
        from poetry_aegis.errors import ImportFailed
        from poetry_aegis.server.upkeep import ImportOrder, take_over

        dry_run = bool(self.option("dry-run"))
        order = ImportOrder(self.argument("source"), self.option("only"), self.option("index"))
        with UpkeepProgress(self.messages) as progress:
            report = take_over(self.home, order, progress, dry_run=dry_run)
        if self.wants_json:
            self.print_json({"dry_run": dry_run, **report.to_json()})
        else:
            self._tell(report, dry_run=dry_run)
        return ImportFailed.exit_code if report.failed else 0

    def _tell(self, report: ImportReport, *, dry_run: bool) -> None:
        from poetry_aegis.server.units import format_size

        if dry_run:
            self.say_table([("add", title) for title in report.added])
        self._tell_findings("skipped", report.skipped[:_SHOWN])
        if len(report.skipped) > _SHOWN:
            more = len(report.skipped) - _SHOWN
            self.say(f"  ... and {more} more; --json has them all.")
        self._tell_findings("failed", report.failed)
        added = f"{len(report.added)} to add" if dry_run else f"{len(report.added)} added"
        size = "" if dry_run else f" ({format_size(report.size)})"
        self.say(
            f"{added}{size}, {len(report.present)} here already, "
            f"{len(report.skipped)} skipped, {len(report.failed)} failed."
        )
        if report.unverified:
            self.say(f"{len(report.unverified)} of them without the signatures that uploads need.")

    def _tell_findings(self, kind: str, findings: Sequence[Finding]) -> None:
        self.say_table([(kind, f"{found.what}: {found.reason}") for found in findings])
