"""``poetry aegis changelog``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument, option

from poetry_aegis.commands.base import JSON, AegisCommand

if TYPE_CHECKING:
    from pathlib import Path

    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option

    from poetry_aegis.release.packages.workspace import Scope


class ChangelogCommand(AegisCommand):
    """Prints the section of a version, or all; with ``--write`` puts it into the file."""

    name = "aegis changelog"
    description = "Prints the changelog of a version."
    arguments: ClassVar[list[Argument]] = [
        argument(
            "version", "The version; without it, what has happened since the last.", optional=True
        )
    ]
    options: ClassVar[list[Option]] = [
        option("unreleased", None, "What has happened since the last version, as without VERSION."),
        option("all", None, "The whole changelog, from history."),
        option("check", None, "Fail where the changelog file does not agree with history."),
        option("package", None, "A package of a repository that holds several.", flag=False),
        option("write", None, "Put what is printed into the file, where the file lacks it."),
        JSON,
    ]
    help = (
        "  <c1>poetry aegis changelog</c1>                 what the next release will say\n"
        "  <c1>poetry aegis changelog 1.2.3</c1>           what 1.2.3 says\n"
        "  <c1>poetry aegis changelog 1.2.3 --write</c1>   the same, put into the file\n"
        "  <c1>poetry aegis changelog --all --write</c1>   every section that the file lacks\n"
        "  <c1>poetry aegis changelog --check</c1>         for CI: is a release missing?\n\n"
        "A section that stands in the file already is printed as it stands there, and\n"
        "is never changed but for entries that it lacks."
    )

    def perform(self) -> int:
        """Print what was asked for, and write it where that was asked for."""
        from poetry_aegis import poetry_api
        from poetry_aegis.release.packages.workspace import find_scope, repository_root

        self._require_one_question()
        pyproject = poetry_api.load_project(self).pyproject
        scope = find_scope(pyproject, repository_root(pyproject), self.option("package"))
        if self.option("check"):
            self._check(scope)
        elif self.option("all"):
            self._show_all(scope)
        else:
            self._show_one(scope)
        return 0

    def _require_one_question(self) -> None:
        from poetry_aegis.errors import UsageError

        asked = [f"--{name}" for name in ("unreleased", "all", "check") if self.option(name)]
        asked += ["a version"] if self.argument("version") else []
        if len(asked) > 1:
            raise UsageError(f"{asked[0]} and {asked[1]} do not go together.", hint="Ask for one.")
        if self.option("check") and self.option("write"):
            raise UsageError("--check changes nothing, so --write does not go with it.")

    def _show_one(self, scope: Scope) -> None:
        from poetry_aegis.release.changelog.notes import find_notes, write_notes

        notes = find_notes(
            scope.pyproject, scope.settings, self.argument("version"), owns=scope.owns
        )
        written = self.option("write") and write_notes(notes)
        if self.wants_json:
            self.print_json(notes.to_json() | {"written": written})
            return
        self._print_raw(notes.text)
        if self.option("write"):
            self._tell_of(notes.file, written=written, there=notes.stands)

    def _show_all(self, scope: Scope) -> None:
        import gc

        from poetry_aegis.release.changelog.chronicle import Chronicle
        from poetry_aegis.release.changelog.notes import section_to_json

        # A history makes no circles; looking for them among all of Poetry's objects takes long.
        gc.disable()
        chronicle = Chronicle(scope.pyproject, scope.settings, owns=scope.owns)
        if self.wants_json:
            versions = [
                section_to_json(told.edition, told.text, told.changes)
                for told in chronicle.sections()
            ]
            written = self.option("write") and chronicle.write()
            self.print_json({"versions": versions, "file": str(chronicle.path), "written": written})
        elif self.option("write"):
            self._tell_of(chronicle.path, written=chronicle.write(), there=True)
        else:
            for part in chronicle.text():
                self._print_raw(part)

    def _check(self, scope: Scope) -> None:
        from poetry_aegis.release.changelog.agreement import require_agreement

        path = require_agreement(scope.pyproject, scope.settings, owns=scope.owns)
        self.say(f"<success>{path.name} agrees with the history.</success>")
        if self.wants_json:
            self.print_json({"file": str(path), "agrees": True})

    def _print_raw(self, text: str) -> None:
        from cleo.io.outputs.output import Type

        self.io.output.write(text, type=Type.RAW)

    def _tell_of(self, path: Path, *, written: bool, there: bool) -> None:
        nothing = "Already in" if there else "Nothing to write to"
        self.io.write_error_line(f"{'Written to' if written else nothing} {path}")
