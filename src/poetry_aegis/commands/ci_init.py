"""``poetry aegis ci init``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument, option

from poetry_aegis.commands.base import DRY_RUN, JSON, AegisCommand, plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option

    from poetry_aegis.ci.files import Change
    from poetry_aegis.ci.project import PipelineProject
    from poetry_aegis.ci.rendering import Kind


class CiInitCommand(AegisCommand):
    """Writes the files of a pipeline, or a Makefile."""

    name = "aegis ci init"
    description = "Writes a pipeline for the project."
    arguments: ClassVar[list[Argument]] = [
        argument("kind", "github, gitlab, gitea, jenkins or make.")
    ]
    options: ClassVar[list[Option]] = [
        option("force", None, "Overwrite what was edited by hand, or is another folder's."),
        DRY_RUN,
        JSON,
    ]
    help = """\
Writes a pipeline that checks the commit messages, tests the project, and
publishes: what is pushed to <c1>main</c1> is released to the private index, what is
pushed to <c1>develop</c1> goes to the test index as a development version, and a tag
is published and gets a release on the forge. <c1>make</c1> writes a Makefile instead.

Run it again to bring the files up to date. Files of yours are left alone: in
a Jenkinsfile, a Makefile and .gitlab-ci.yml only a marked block is written.
What was edited by hand in the command's own part is shown, and overwritten
only with <c1>--force</c1>. So is the pipeline of a project in another folder of the
repository: several packages have one pipeline, which their root writes.

Branches, indexes, the Python and the command that tests are settings, in
[tool.poetry-aegis.ci] of pyproject.toml.

<b>Examples:</b>
  <c1>poetry aegis ci init github --dry-run</c1>   what would be written
  <c1>poetry aegis ci init github</c1>"""

    def perform(self) -> int:
        """Show what changes, then write it."""
        from poetry_aegis.ci.files import REFUSED, compare, write
        from poetry_aegis.ci.needs import needs, notes
        from poetry_aegis.ci.rendering import render

        kind, (root, project) = self._kind(), self._project()
        changes = compare(root, kind, render(kind, project))
        refused = [change for change in changes if change.state in REFUSED]
        dry_run = bool(self.option("dry-run"))
        if not self.wants_json or refused:
            self._show(changes, with_new=dry_run)
        if refused and not (dry_run or self.option("force")):
            raise _refusal(refused, project)
        if not dry_run:
            write(changes)
        if self.wants_json:
            listed = [change.to_json() for change in changes]
            needed = {"needs": dict(needs(kind, project)), "notes": list(notes(kind, project))}
            self.print_json({"dry_run": dry_run, "files": listed, **needed})
        else:
            self._tell(kind, project, changes, dry_run=dry_run)
        self._warn_of_forge(kind, root)
        self._warn_of_tests(kind, project)
        return 0

    def _kind(self) -> Kind:
        from poetry_aegis.ci.rendering import KINDS
        from poetry_aegis.errors import UsageError

        asked = self.argument("kind")
        for kind in KINDS:
            if asked == kind:
                return kind
        raise UsageError(
            f"There is no pipeline {asked!r}.", hint=f"Choose one of: {', '.join(KINDS)}."
        )

    def _project(self) -> tuple[Path, PipelineProject]:
        """Return the top of the repository, and what a pipeline has to know of the project."""
        from importlib.metadata import version

        from poetry_aegis import poetry_api
        from poetry_aegis.ci.project import Tools, read_project
        from poetry_aegis.release.packages.workspace import find_workspace, repository_root
        from poetry_aegis.settings import load_settings

        pyproject = poetry_api.load_project(self).pyproject
        root = repository_root(pyproject)
        workspace = find_workspace(pyproject, root)
        if workspace is None:
            tags: tuple[str, ...] = (load_settings(pyproject).tag_format,)
            is_package = True
        else:
            pyproject = workspace.root
            tags = tuple(package.settings.tag_format for package in workspace.packages)
            is_package = any(package.pyproject == pyproject for package in workspace.packages)
        tools = Tools(poetry=version("poetry"), plugin=version("poetry-aegis"))
        project = read_project(
            pyproject,
            root,
            tools,
            tags=tags,
            several=workspace is not None,
            is_package=is_package,
        )
        return root, project

    def _warn_of_forge(self, kind: Kind, root: Path) -> None:
        """Warn where the releases on the forge, which the pipeline makes, will not find it."""
        from poetry_aegis import poetry_api
        from poetry_aegis.forge.remote import find_links
        from poetry_aegis.release.git import GitRepository
        from poetry_aegis.settings import load_settings

        settings = load_settings(poetry_api.load_project(self).pyproject)
        if kind not in {"github", "gitlab", "gitea"} or settings.forge != "auto":
            return
        remote = GitRepository(root).try_run("remote", "get-url", settings.remote)
        if not remote.status and not find_links(remote.output.strip(), "auto", settings.forge_url):
            self.warn_of(
                "The remote's address does not say which forge it is on, and the pipeline makes "
                f'releases there. Set forge = "{kind}" in [tool.poetry-aegis]; "none" for no '
                "releases."
            )

    def _warn_of_tests(self, kind: Kind, project: PipelineProject) -> None:
        """Warn where the pipeline would test with what nothing installs."""
        if kind != "make" and project.lacks_pytest:
            self.warn_of(
                f"The pipeline tests with: {project.test}. Neither pyproject.toml nor poetry.lock "
                "names pytest. Add it: poetry add --group dev pytest; or set another test in "
                "[tool.poetry-aegis.ci]."
            )

    def _show(self, changes: Sequence[Change], *, with_new: bool) -> None:
        """Show each change as a diff; a new file is only named, unless nothing is written."""
        for change in changes:
            if change.state != "unchanged":
                self.say(f"<c1>{plain(f'{change.state}: {change.name}')}</c1>")
            if change.state not in {"unchanged", "new"} or (with_new and change.state == "new"):
                self.say(plain(change.diff()))

    def _tell(
        self, kind: Kind, project: PipelineProject, changes: Sequence[Change], *, dry_run: bool
    ) -> None:
        from poetry_aegis.ci.needs import HEADLINES, needs, notes

        if all(change.state == "unchanged" for change in changes):
            self.say("All is up to date.")
            return
        if dry_run:
            self.say("Nothing was changed.")
            return
        rows = needs(kind, project)
        if not rows:
            self.say("\nSee what it makes with: <c1>make pypi-help</c1>")
            return
        self.say(f"\n{HEADLINES[kind]}:")
        width = max(len(name) for name, _ in rows)
        for name, purpose in rows:
            self.say(f"  <c1>{name:<{width}}</c1>  {plain(purpose)}")
        self.say("\nMake its tokens where the index runs:")
        for note in notes(kind, project):
            self.say(plain(note))


def _refusal(changes: Sequence[Change], project: PipelineProject) -> Exception:
    from poetry_aegis.errors import SettingsError

    names = ", ".join(change.name for change in changes)
    for change in changes:
        if change.state == "of another folder":
            return _taken(change, project)
    if any(change.state == "edited by hand" for change in changes):
        what = f"{names} was edited by hand, and would be written anew."
    else:
        what = f"{names} is there already, and was not written by this command."
    return SettingsError(what, hint="Overwrite it with --force, or move it away.")


def _taken(change: Change, project: PipelineProject) -> Exception:
    """Return the error for a pipeline of another folder, which names what to do instead."""
    from pathlib import PurePosixPath

    from poetry_aegis.errors import SettingsError

    folders = [folder for folder in (change.folder, project.folder) if folder]
    globs = dict.fromkeys(str(PurePosixPath(folder).with_name("*")) for folder in folders)
    listed = ", ".join(f'"{glob}"' for glob in globs)
    there, here = (f or "the top of the repository" for f in (change.folder, project.folder))
    return SettingsError(
        f"{change.name} is the pipeline of {there}, and would become that of {here}.",
        hint="One pipeline for all packages: write discover = "
        f"[{listed}] into [tool.poetry-aegis] of the pyproject.toml at the top of the repository, "
        "and run the command there, with --force.\n"
        f"Or put the pipeline of {here} in its place, from here: with --force.",
    )
