"""What ``poetry aegis client setup`` shows: the changes, what the clients say, JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from poetry_aegis.commands.base import plain
from poetry_aegis.commands.client_base import ClientCommand

if TYPE_CHECKING:
    from poetry_aegis.client.checks import Check
    from poetry_aegis.client.poetry import Index
    from poetry_aegis.client.setup import Plan


class SetupReport(ClientCommand):
    """The output of a setup, or of taking one back."""

    @property
    def profile(self) -> str:
        """The profile that is set up. Raises `UsageError` for what cannot be the name of one."""
        from poetry_aegis.client.records import NAME as SPELLING
        from poetry_aegis.client.setup import DEFAULT_PROFILE
        from poetry_aegis.errors import UsageError

        profile: str = self.option("profile") or DEFAULT_PROFILE
        if not SPELLING.fullmatch(profile):
            raise UsageError(
                f"{profile[:80]!a} cannot be the name of a profile.",
                hint='Use letters, digits, "-" and "_".',
            )
        return profile

    def show(self, plan: Plan) -> None:
        """Show what *plan* changes, before it does."""
        for edit in plan.edits:
            if edit.changes:
                self.say(plain(edit.diff()))
        self.warn(plan.notes)

    def tell(self, plans: list[Plan], checks: list[Check], index: Index | None) -> int:
        """Tell what was done; return the exit code, which is that of a client that fails."""
        from poetry_aegis.errors import Unreachable

        if self.wants_json:
            self.print_json(self._document(plans, checks, index))
        else:
            self._tell_people(plans, checks)
            self._tell_next(plans, index)
        return Unreachable.exit_code if any(item.state == "fails" for item in checks) else 0

    def _tell_people(self, plans: list[Plan], checks: list[Check]) -> None:
        changed = [edit.path for plan in plans for edit in plan.edits if edit.changes]
        if self.option("dry-run"):
            self.say("Nothing was changed.")
        elif changed:
            self.say("\nWritten: " + plain(", ".join(map(str, changed))))
        elif plans:
            self.say("It is all there already: nothing was changed.")
        for item in checks:
            mark = {"works": "info", "fails": "error"}.get(item.state, "comment")
            self.say(f"<{mark}>{item.state:<8}</> {plain(item.sentence)}")

    def _tell_next(self, plans: list[Plan], index: Index | None) -> None:
        if index is None or self.option("dry-run") or "poetry" not in {p.tool for p in plans}:
            return
        profile = f" --profile {self.profile}" if self.option("profile") else ""
        url = f" --url {index.base_url}" if self.option("url") else ""
        name = f" --name {index.name}" if self.option("name") else ""
        self.say(
            "\nTo install from it with Poetry, add it to a project as its source, once:\n"
            f"  <c1>poetry aegis client source{profile}{plain(url)}{name}</c1>\n"
            f"\nTo publish a project:\n  <c1>poetry aegis publish -r {index.name}</c1>"
        )

    def _document(
        self, plans: list[Plan], checks: list[Check], index: Index | None
    ) -> dict[str, Any]:
        known = {"name": index.name, "simple_url": index.simple_url} if index else {}
        return {
            **known,
            "profile": self.profile,
            "undo": bool(self.option("undo")),
            "dry_run": bool(self.option("dry-run")),
            "files": [
                {
                    "tool": plan.tool,
                    "path": str(edit.path),
                    "changed": edit.changes,
                    "diff": edit.diff(),
                }
                for plan in plans
                for edit in plan.edits
            ],
            "notes": [note for plan in plans for note in plan.notes],
            "checks": [
                {"tool": item.tool, "state": item.state, "sentence": item.sentence}
                for item in checks
            ],
        }
