"""``poetry aegis bump``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument, option

from poetry_aegis.commands.base import DRY_RUN, JSON, AegisCommand, plain
from poetry_aegis.commands.release import PRERELEASE_TYPE

if TYPE_CHECKING:
    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option


class BumpCommand(AegisCommand):
    """Writes the next version where the project names it, and does nothing else."""

    name = "aegis bump"
    description = "Writes the next version, nothing else."
    arguments: ClassVar[list[Argument]] = [
        argument("level", "patch, minor, major, prerelease or final.")
    ]
    options: ClassVar[list[Option]] = [
        PRERELEASE_TYPE,
        option("package", None, "A package of a repository that holds several.", flag=False),
        DRY_RUN,
        JSON,
    ]
    help = (
        "  <c1>poetry aegis bump patch</c1>                                1.2.3 -> 1.2.4\n"
        "  <c1>poetry aegis bump prerelease --prerelease-type alpha</c1>   1.2.3 -> 1.2.4a0\n"
        "  <c1>poetry aegis bump final</c1>                                1.2.4rc1 -> 1.2.4\n\n"
        "Changes pyproject.toml, and the version_files of its [tool.poetry-aegis].\n"
        "Commits nothing: <c1>poetry aegis release</c1> does the whole of it."
    )

    def perform(self) -> int:
        """Write the version, or with --dry-run say it."""
        from poetry_aegis import poetry_api
        from poetry_aegis.commands.ci_report import tell_of_bump
        from poetry_aegis.release.packages.workspace import find_scope, repository_root
        from poetry_aegis.release.version.bumping import plan_bump
        from poetry_aegis.release.version.numbers import parse_prerelease_type

        kind = self.option("prerelease-type")
        pyproject = poetry_api.load_project(self).pyproject
        scope = find_scope(pyproject, repository_root(pyproject), self.option("package"))
        bump = plan_bump(
            scope.pyproject,
            scope.settings,
            self.argument("level"),
            parse_prerelease_type(kind) if kind else None,
        )
        if not self.option("dry-run"):
            bump.write()
            poetry_api.reload_project(self)
            tell_of_bump(self, bump.version.text)
        self.say(f"<c2>{bump.current} -> {bump.version}</c2>")
        for change in bump.others:
            for note in change.notes:
                self.say(plain(note))
        if self.wants_json:
            self.print_json(
                {
                    "current": bump.current.text,
                    "version": bump.version.text,
                    "file": str(scope.pyproject),
                    "version_files": [str(change.path) for change in bump.others],
                    "dry_run": self.option("dry-run"),
                }
            )
        return 0
