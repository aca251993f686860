"""What ``poetry aegis client setup`` shows: the changes, what the clients say, JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from poetry_aegis.commands.base import plain
from poetry_aegis.commands.client_base import ClientCommand

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from poetry_aegis.client.checks import Check
    from poetry_aegis.client.poetry import Index
    from poetry_aegis.client.setup import Plan

TOOLS = ("poetry", "pip", "uv", "twine", "hosts")
ALL_TOOLS = "all"


class Seen(NamedTuple):
    """What was found out after a setup; *may_publish* is ``None`` where it is not known."""

    checks: Sequence[Check] = ()
    remarks: Sequence[str] = ()
    may_publish: bool | None = None


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
        self.show_replaced([plan])
        self.warn(plan.notes)

    def attempt(self, plan: Plan, carry_out: Callable[[], None]) -> None:
        """Run *carry_out*, which is *plan*'s; where the right is missing, say what helps.

        Raises `AegisError`.
        """
        from pathlib import Path

        from poetry_aegis.errors import AegisError

        try:
            carry_out()
        except PermissionError as error:
            helps = "Look at the rights of the file and of its folder: they have to be yours."
            if plan.tool == "hosts":
                helps = "Run the command with an administrator's rights, for hosts alone."
            folder = Path(error.filename or "").parent
            # What is refused is at times the file beside it that is to take its place.
            about = (edit.path for edit in plan.edits if edit.path.parent == folder)
            path = next(about, error.filename)
            raise AegisError(f"{path} cannot be written: {error.strerror}.", hint=helps) from error

    def tell(self, plans: list[Plan], index: Index, seen: Seen) -> int:
        """Tell what was done; return the exit code, which is that of a client that fails."""
        from poetry_aegis.errors import Unreachable

        if self.wants_json:
            known = {"name": index.name, "simple_url": index.simple_url}
            self.print_json({**known, **self.document(plans, seen)})
        else:
            self.tell_people(plans, seen.checks)
            self.warn(seen.remarks)
            self._tell_next(plans, index, may_publish=seen.may_publish)
        failed = any(item.state == "fails" for item in seen.checks)
        return Unreachable.exit_code if failed else 0

    def tell_people(self, plans: list[Plan], checks: Sequence[Check] = ()) -> None:
        """Tell which files were written, and what the clients make of them."""
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

    def _tell_next(self, plans: list[Plan], index: Index, *, may_publish: bool | None) -> None:
        if self.option("dry-run") or "poetry" not in {p.tool for p in plans}:
            return
        profile = f" --profile {self.profile}" if self.option("profile") else ""
        url = f" --url {index.base_url}" if self.option("url") else ""
        name = f" --name {index.name}" if self.option("name") else ""
        self.say(
            "\nTo install from it with Poetry, add it to a project as its source, once:\n"
            f"  <c1>poetry aegis client source{profile}{plain(url)}{name}</c1>"
        )
        if may_publish is not False:
            condition = "" if may_publish else ", where this user may"
            self.say(
                f"\nTo publish a project{condition}:\n"
                f"  <c1>poetry aegis publish -r {index.name}</c1>"
            )

    def document(self, plans: list[Plan], seen: Seen | None = None) -> dict[str, Any]:
        """Return what was done, as JSON has it."""
        return {
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
            "replaces": [
                {"tool": plan.tool, "username": item.username, "path": str(item.path)}
                for plan in plans
                for item in plan.logins
            ],
            "notes": [
                *(note for plan in plans for note in plan.notes),
                *(seen.remarks if seen else ()),
            ],
            "checks": [
                {"tool": item.tool, "state": item.state, "sentence": item.sentence}
                for item in (seen.checks if seen else ())
            ],
        }
