"""``poetry aegis project``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument, option

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.index_base import REPOSITORY, IndexCommand, count

if TYPE_CHECKING:
    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option

    from poetry_aegis.publish.administration import Administration
    from poetry_aegis.publish.contents import ProjectOnIndex, VersionOnIndex

STATUSES = ("active", "archived", "quarantined", "deprecated")


class ProjectCommand(IndexCommand):
    """Shows a project of an index, and sets its status."""

    name = "aegis project"
    description = "Shows a project, or sets its status."
    arguments: ClassVar[list[Argument]] = [argument("name", "The project's name.")]
    options: ClassVar[list[Option]] = [
        option("status", None, f"One of {', '.join(STATUSES)}.", flag=False),
        option("reason", None, "Why; beside the status, for all to read.", flag=False),
        REPOSITORY,
        JSON,
    ]
    help = (
        "Shows the versions and files that the index has, and what is yanked.\n\n"
        "A project's status (PEP 792) is one of\n"
        "  <c1>active</c1>       as usual\n"
        "  <c1>deprecated</c1>   still works, and should not be used any more\n"
        "  <c1>archived</c1>     takes no more uploads\n"
        "  <c1>quarantined</c1>  takes no uploads and offers no files, until it is looked into\n\n"
        '  <c1>poetry aegis project demo --status archived --reason "now in demo2"</c1>\n\n'
        "To set it, the user is an admin of a poetry-aegis server.\n\n"
        "An index that <c1>PYPI_INDEX_URL</c1> names is used in place of the repository's own\n"
        "address; beside <c1>-r</c1> it has to be the same one. A password that Poetry has goes\n"
        "to its own server alone."
    )

    @property
    def changes_index(self) -> bool:
        """Whether a status is set."""
        return self.option("status") is not None

    def perform(self) -> int:
        """Set the status where one is given, then show the project."""
        name = self._name()
        self._check_status()
        with self.index() as index:
            project = self._set_and_read(index, name)
        if self.wants_json:
            self.print_json({"repository": index.repository.name, **project.document})
            return 0
        self._show(index, project)
        return 0

    def _name(self) -> str:
        from poetry_aegis.errors import UsageError
        from poetry_aegis.publish.contents import parse_release

        release = parse_release(self.argument("name"))
        if release.version is not None:
            raise UsageError(
                "A project is shown with all its versions.",
                hint=f"Run: poetry aegis project {release.project}",
            )
        return release.project

    def _check_status(self) -> None:
        from poetry_aegis.errors import UsageError

        status = self.option("status")
        if status is None and self.option("reason") is not None:
            raise UsageError("A reason is one for a status.", hint="Add --status STATUS.")
        if status is not None and status not in STATUSES:
            raise UsageError(
                f"There is no status {status!r}.", hint=f"It is one of: {', '.join(STATUSES)}."
            )

    def _set_and_read(self, index: Administration, name: str) -> ProjectOnIndex:
        status = self.option("status")
        index.require_right("read" if status is None else "manage", name)
        if status is None:
            return index.project(name)
        return index.set_status(name, status, self.option("reason"))

    def _show(self, index: Administration, project: ProjectOnIndex) -> None:
        reason = f": {plain(project.reason)}" if project.reason else ""
        self.say(
            f"<c1>{plain(project.name)}</c1> on <info>{plain(index.repository.name)}</info> "
            f"is {plain(project.status)}{reason}"
        )
        self.say(f"{count(len(project.versions), 'version')}, newest first:")
        for version in reversed(project.versions):
            self._show_version(version)

    def _show_version(self, version: VersionOnIndex) -> None:
        from poetry_aegis.server.units import format_size

        self.say(f"  <c2>{version.version}</c2>")
        for file in version.files:
            facts = f"{format_size(file.size)}, {file.uploaded[:10]}"
            yanked = ""
            if file.yanked is not None:
                yanked = f" <warning>yanked{plain(f': {file.yanked}' if file.yanked else '')}</>"
            self.say(f"    {plain(file.name)} ({plain(facts)}){yanked}")
