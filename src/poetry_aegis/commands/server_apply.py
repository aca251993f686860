"""``poetry aegis server apply``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import option

from poetry_aegis.commands.base import DRY_RUN, JSON, plain
from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cleo.io.inputs.option import Option

    from poetry_aegis.server.drivers.interface import Applied
    from poetry_aegis.server.stack.writing import Change

_OF_IMAGE = "stack/image/"  # a copy of the plugin's own code, which nobody needs to read here
_EDITED = "edited by hand"


class ServerApplyCommand(ServerCommand):
    """Brings a running server to a changed ``server.toml``."""

    name = "aegis server apply"
    description = "Brings the index to a changed server.toml."
    options: ClassVar[list[Option]] = [
        option("yes", "y", "Overwrite what was edited by hand without asking."),
        DRY_RUN,
        HOME,
        JSON,
    ]
    help = """\
Shows how the generated files change, writes them, and restarts no more than
needed: a changed nginx.conf is read again without losing a request, changed
settings of the registry restart the registry alone. A server that does not
run is not started.

All but server.toml is generated. What was edited by hand is overwritten only
with <c1>--yes</c1>, or after a question on a terminal.

<b>Examples:</b>

  <c1>poetry aegis server apply --dry-run</c1>   what would change
  <c1>poetry aegis server apply</c1>             changes it"""

    def perform(self) -> int:
        """Show the changes, then make them."""
        self.warn(self.settings.warnings)
        driver, dry_run = self.driver, bool(self.option("dry-run"))
        changes = driver.plan()
        if not self.wants_json:
            self._show(changes)
        if dry_run:
            self._end_dry_run(changes)
            return 0
        from poetry_aegis.commands.server_view import StartView

        overwrite = self._may_overwrite(changes)
        applied = driver.apply(StartView(self.messages), overwrite=overwrite)
        if self.wants_json:
            self.print_json({"dry_run": False, **applied.to_json()})
        else:
            self._tell(applied)
        return 0

    def _show(self, changes: Sequence[Change]) -> None:
        copies = [] if self.io.is_verbose() else [item for item in changes if _is_copy(item)]
        for change in changes:
            if _is_copy(change) and copies:
                continue
            if str(change.path).startswith(_OF_IMAGE) or change.kind == "new":
                self._name(change.kind, change.path)
            else:
                self.say(plain(change.diff().rstrip("\n")))
        self._count(copies)

    def _count(self, copies: Sequence[Change]) -> None:
        """Tell of *copies* in one line."""
        kinds = {change.kind for change in copies}
        if kinds:
            files = "1 file" if len(copies) == 1 else f"{len(copies)} files"
            self._name(kinds.pop() if len(kinds) == 1 else "changed", f"{_OF_IMAGE} ({files})")

    def _name(self, kind: str, what: str) -> None:
        self.say(f"<c1>{plain(f'{kind}: {what}')}</c1>")

    def _end_dry_run(self, changes: Sequence[Change]) -> None:
        if self.wants_json:
            listed = [
                {"path": str(change.path), "kind": change.kind, "diff": change.diff()}
                for change in changes
            ]
            self.print_json({"dry_run": True, "changes": listed})
        else:
            self.say("Nothing was changed." if changes else "All is as server.toml says.")

    def _may_overwrite(self, changes: Sequence[Change]) -> bool:
        """Return whether files that were edited by hand may be lost; ask where that can be done."""
        from poetry_aegis.errors import UsageError

        edited = [str(change.path) for change in changes if change.kind == _EDITED]
        if self.option("yes") or not edited:
            return bool(self.option("yes"))
        if not self.can_ask:
            return False
        if not self.agrees(f"Lose what was edited by hand in {plain(', '.join(edited))}?"):
            raise UsageError("Nothing was changed.")
        return True

    def _tell(self, applied: Applied) -> None:
        done = {
            "recreated": applied.recreated,
            "restarted": applied.restarted,
            "reloaded": applied.reloaded,
        }
        self.say_table([(what, ", ".join(names)) for what, names in done.items() if names])
        if applied.running:
            self.say("The server is up to date with server.toml.")
        else:
            self.say(
                "The files are up to date; the server is not running. Start it with: "
                f"<c1>poetry aegis server start{plain(self.home_option)}</c1>"
            )


def _is_copy(change: Change) -> bool:
    """Return whether *change* is one of many that tell nothing each by itself."""
    return str(change.path).startswith(_OF_IMAGE) and change.kind != _EDITED
