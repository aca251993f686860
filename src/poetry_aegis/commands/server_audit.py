"""``poetry aegis server audit``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument, option

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option

    from poetry_aegis.registry.state.audit import Entry


class ServerAuditCommand(ServerCommand):
    """Shows who did what, when and from where."""

    name = "aegis server audit"
    description = "Shows who changed what in the index."
    arguments: ClassVar[list[Argument]] = [
        argument("name", "Only what was done to this project.", optional=True)
    ]
    options: ClassVar[list[Option]] = [
        option("user", description="Only what this user did, or tried.", flag=False),
        option("action", description="Only this: upload, yank, login-failed and more.", flag=False),
        option("limit", description="How many entries, 1000 at most.", flag=False, default="50"),
        HOME,
        JSON,
    ]
    help = """\
Shows the audit trail: each change to the index and each login that failed,
the newest last. It is kept for good, whether the server runs or not.

The actions are: upload, overwrite, sign, upload-refused, yank, unyank,
delete-file, delete-project, status, locations, login-failed,
token-created, token-revoked, user-added, user-changed, user-removed,
import, prune, reindex and restore.

<b>Examples:</b>

  <c1>poetry aegis server audit my-library</c1>
  <c1>poetry aegis server audit --action login-failed --limit 200</c1>"""

    def perform(self) -> int:
        """Print the entries, in the order of time; as JSON the newest first."""
        from dataclasses import asdict

        from poetry_aegis.server.statistics import audit_entries

        entries = audit_entries(
            self.home,
            limit=self.number_option("limit", most=1000),
            project=self.argument("name"),
            user=self.option("user"),
            action=self._action(),
        )
        if self.wants_json:
            self.print_json({"entries": [asdict(entry) for entry in entries]})
        elif entries:
            for entry in reversed(entries):
                self.say(plain(_line(entry)))
        else:
            self.say("The audit trail has no such entries.")
        return 0

    def _action(self) -> str | None:
        from poetry_aegis.errors import UsageError
        from poetry_aegis.registry.state.audit import ACTIONS

        action: str | None = self.option("action")
        if action is not None and action not in ACTIONS:
            raise UsageError(
                f"--action {action} is no action.", hint=f"The actions are: {', '.join(ACTIONS)}"
            )
        return action


def _line(entry: Entry) -> str:
    detail = f"({entry.detail})" if entry.detail else None
    user = f"by {entry.user}" if entry.user else None
    token = f"with token {entry.token}" if entry.token else None
    where = f"from {entry.address}" if entry.address else "on the command line"
    what = (entry.action, entry.project, entry.file, detail, user, token, where)
    told = " ".join([entry.time[:19].replace("T", " "), *filter(None, what)])
    # A name that failed to log in is a stranger's, and could steer the terminal.
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in told)
