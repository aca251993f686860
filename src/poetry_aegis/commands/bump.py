"""``poetry aegis bump``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument

from poetry_aegis.commands.base import DRY_RUN, JSON, AegisCommand
from poetry_aegis.commands.release import PRERELEASE_TYPE

if TYPE_CHECKING:
    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option


class BumpCommand(AegisCommand):
    """Writes the next version into ``pyproject.toml`` and does nothing else."""

    name = "aegis bump"
    description = "Writes the next version, nothing else."
    arguments: ClassVar[list[Argument]] = [argument("level", "patch, minor, major or prerelease.")]
    options: ClassVar[list[Option]] = [PRERELEASE_TYPE, DRY_RUN, JSON]
    help = (
        "  <c1>poetry aegis bump patch</c1>                                1.2.3 -> 1.2.4\n"
        "  <c1>poetry aegis bump prerelease --prerelease-type alpha</c1>   1.2.3 -> 1.2.4a0\n\n"
        "Commits nothing: <c1>poetry aegis release</c1> does the whole of it."
    )

    def perform(self) -> int:
        """Write the version, or with --dry-run say it."""
        from poetry_aegis import atomic, poetry_api
        from poetry_aegis.release.pyproject import read_version, with_version
        from poetry_aegis.release.version import parse_prerelease_type, parse_version, step

        kind = self.option("prerelease-type")
        pyproject = poetry_api.load_project(self).pyproject
        current = parse_version(read_version(pyproject))
        version = step(
            current, self.argument("level"), parse_prerelease_type(kind) if kind else None
        )
        content = with_version(pyproject, version.text)
        if not self.option("dry-run"):
            atomic.write_bytes(pyproject, content)
            poetry_api.reload_project(self)
        self.say(f"<c2>{current} -> {version}</c2>")
        if self.wants_json:
            self.print_json(
                {
                    "current": current.text,
                    "version": version.text,
                    "file": str(pyproject),
                    "dry_run": self.option("dry-run"),
                }
            )
        return 0
