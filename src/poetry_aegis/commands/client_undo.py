"""``poetry aegis client setup --undo``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.commands.client_report import ALL_TOOLS, SetupReport

if TYPE_CHECKING:
    from poetry_aegis.client.setup import Plan


class SetupUndo(SetupReport):
    """Taking a setup back, of one profile at a time."""

    def undo(self, tools: tuple[str, ...]) -> int:
        """Take back what was set up for *tools*, and say where else they still are."""
        from poetry_aegis.client import undoing

        parts = undoing.parts_of(self.profile, tools)
        found = [undoing.plan_undo(self.profile, part) for part in parts]
        plans = [plan for plan in found if plan is not None]
        self._take_back(plans)
        commands = [self._command(profile) for profile in self._remaining(tools)]
        if self.wants_json:
            self.print_json({**self.document(plans), "still_set_up": commands})
            return 0
        if not plans:
            what = f"in the profile {self.profile}, " if commands else ""
            self.say(f"Nothing was set up, {what}so there is nothing to take back.")
        self.tell_people(plans)
        if commands:
            self.say("\nThis is still set up. To take it back, too:")
            for command in commands:
                self.say(f"  <c1>{command}</c1>")
        return 0

    def _take_back(self, plans: list[Plan]) -> None:
        from functools import partial

        from poetry_aegis.client import undoing

        for plan in plans:
            self.show(plan)
        if self.option("dry-run"):
            return
        self.require_writable(plans)
        for plan in plans:
            self.attempt(plan, partial(undoing.take_back, plan))

    def _remaining(self, tools: tuple[str, ...]) -> list[str]:
        """Return the profiles that are still set up, or will be."""
        from poetry_aegis.client import undoing

        found = undoing.still_set_up(tools)
        if self.option("dry-run"):
            return [profile for profile in found if profile != self.profile]
        return found

    def _command(self, profile: str) -> str:
        """Return the command that takes back what is set up in *profile*."""
        from poetry_aegis.client.setup import DEFAULT_PROFILE

        asked = self.argument("tool")
        tool = "" if asked == ALL_TOOLS else f" {asked}"
        named = "" if profile == DEFAULT_PROFILE else f" --profile {profile}"
        return f"poetry aegis client setup{tool}{named} --undo"
