"""``poetry aegis delete``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument, option

from poetry_aegis.commands.base import DRY_RUN, JSON, plain
from poetry_aegis.commands.index_base import REPOSITORY, IndexCommand, count, find_version

if TYPE_CHECKING:
    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option

    from poetry_aegis.publish.administration import Administration
    from poetry_aegis.publish.contents import FileOnIndex, Outcome, ProjectOnIndex, Release


class DeleteCommand(IndexCommand):
    """Deletes a version, a file or a whole project."""

    name = "aegis delete"
    description = "Deletes a version, a file or a project."
    arguments: ClassVar[list[Argument]] = [
        argument("release", "What to delete: NAME==VERSION, or NAME with --all or --file.")
    ]
    options: ClassVar[list[Option]] = [
        option("all", None, "Delete the project with all its versions."),
        option("file", None, "Delete only the file of this name.", flag=False),
        option("yes", None, "Do not ask."),
        REPOSITORY,
        DRY_RUN,
        JSON,
    ]
    help = (
        "What is deleted is gone for good, and whoever has locked it cannot install\n"
        "any more; <c1>poetry aegis yank</c1> is what a bad release needs. Delete what should\n"
        "never have been on the index: a secret, a name, gigabytes.\n\n"
        "  <c1>poetry aegis delete demo==1.4.0</c1>\n"
        "  <c1>poetry aegis delete demo --file demo-1.4.0-py3-none-any.whl</c1>\n"
        "  <c1>poetry aegis delete demo --all --dry-run</c1>\n\n"
        "A project whose versions are all deleted keeps its name; <c1>--all</c1> gives that up,\n"
        "too. It is shown what would go, and asked on a terminal; elsewhere <c1>--yes</c1> is\n"
        "needed. The user is an admin of a poetry-aegis server.\n\n"
        "An index that <c1>PYPI_INDEX_URL</c1> names is used in place of the repository's own\n"
        "address; beside <c1>-r</c1> it has to be the same one. A password that Poetry has goes\n"
        "to its own server alone."
    )

    changes_index = True

    def perform(self) -> int:
        """Ask, then delete; or say what would be deleted."""
        from poetry_aegis.errors import UsageError
        from poetry_aegis.publish.contents import parse_release

        release = parse_release(self.argument("release"))
        if self.option("all") and (release.version or self.option("file")):
            raise UsageError(
                "--all deletes the whole project, and goes with no version or file.",
                hint=f"Run: poetry aegis delete {release.project} --all",
            )
        with self.index() as index:
            index.require_right("delete", release.project)
            project = index.project(release.project)
            files = self._files(project, release)
            self._show(index, release, files)
            deleted: list[str] = []
            if not self.option("dry-run"):
                self._ask(files)
                deleted = list(self._delete(index, project, release).changed)
                self.say(f"<success>Deleted {count(len(deleted), 'file')}.</success>")
            if self.wants_json:
                self._print_json(index, project, files, deleted)
        return 0

    def _files(self, project: ProjectOnIndex, release: Release) -> tuple[FileOnIndex, ...]:
        from poetry_aegis.errors import PublishError

        if self.option("all"):
            return project.files
        file_name = self.option("file")
        if file_name is None:
            return find_version(project, release).files
        files = project.files if release.version is None else find_version(project, release).files
        found = tuple(file for file in files if file.name == file_name)
        if not found:
            names = ", ".join(file.name for file in files) or "no file"
            raise PublishError(
                f"The index has no {file_name} of {release}.", hint=f"It has: {names}."
            )
        return found

    def _show(
        self, index: Administration, release: Release, files: tuple[FileOnIndex, ...]
    ) -> None:
        from poetry_aegis.server.units import format_size

        total = format_size(sum(file.size for file in files))
        self.say(
            f"To be deleted of <c1>{plain(str(release))}</c1> on "
            f"<info>{plain(index.repository.name)}</info> "
            f"({plain(index.repository.upload_url)}), {count(len(files), 'file')}, {total}:"
        )
        for file in files:
            self.say(f"  {plain(file.name)}")
        if self.option("dry-run"):
            self.say("Nothing was changed.")

    def _ask(self, files: tuple[FileOnIndex, ...]) -> None:
        """Return if the files may go. Raises `UsageError` where nobody says so."""
        from poetry_aegis.errors import UsageError

        if self.option("yes"):
            return
        if not self.can_ask:
            raise UsageError(
                "Nobody can be asked here whether to delete that for good.",
                hint="Add --yes to delete it, or --dry-run to only look.",
            )
        if not self.agrees(f"Delete {count(len(files), 'file')} for good?"):
            raise UsageError("Nothing was deleted.")

    def _delete(self, index: Administration, project: ProjectOnIndex, release: Release) -> Outcome:
        if self.option("all"):
            return index.delete_project(project.name)
        if self.option("file") is not None:
            return index.delete_file(project.name, self.option("file"))
        return index.delete_version(project.name, str(release.version))

    def _print_json(
        self,
        index: Administration,
        project: ProjectOnIndex,
        files: tuple[FileOnIndex, ...],
        deleted: list[str],
    ) -> None:
        self.print_json(
            {
                "repository": index.repository.name,
                "project": project.name,
                "files": [file.name for file in files],
                "deleted": deleted,
                "dry_run": bool(self.option("dry-run")),
            }
        )
