"""``poetry aegis changelog``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument, option

from poetry_aegis.commands.base import JSON, AegisCommand

if TYPE_CHECKING:
    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option


class ChangelogCommand(AegisCommand):
    """Prints the section of a version; with ``--write`` puts it into the file."""

    name = "aegis changelog"
    description = "Prints the changelog of a version."
    arguments: ClassVar[list[Argument]] = [
        argument(
            "version", "The version; without it, what has happened since the last.", optional=True
        )
    ]
    options: ClassVar[list[Option]] = [
        option("write", None, "Put the section into the changelog file."),
        JSON,
    ]
    help = (
        "  <c1>poetry aegis changelog</c1>                 what the next release will say\n"
        "  <c1>poetry aegis changelog 1.2.3</c1>           what 1.2.3 says\n"
        "  <c1>poetry aegis changelog 1.2.3 --write</c1>   the same, put into the file\n\n"
        "A section that stands in the file already is printed as it stands there."
    )

    def perform(self) -> int:
        """Print the section, and write it where that was asked for."""
        from cleo.io.outputs.output import Type

        from poetry_aegis import poetry_api
        from poetry_aegis.release.notes import find_notes, write_notes
        from poetry_aegis.settings import load_settings

        project = poetry_api.load_project(self)
        settings = load_settings(project.pyproject)
        notes = find_notes(project.pyproject, settings, self.argument("version"))
        written = self.option("write") and write_notes(notes)
        if self.wants_json:
            self.print_json(notes.to_json() | {"written": written})
            return 0
        self.io.output.write(notes.text, type=Type.RAW)
        if self.option("write"):
            outcome = "Written to" if written else "Already in"
            self.io.write_error_line(f"{outcome} {notes.file}")
        return 0
