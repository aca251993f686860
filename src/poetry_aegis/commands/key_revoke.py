"""``poetry aegis key revoke``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument, option

from poetry_aegis.commands.base import DRY_RUN, JSON, plain
from poetry_aegis.commands.key_base import KeyCommand

if TYPE_CHECKING:
    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option


class KeyRevokeCommand(KeyCommand):
    """Revokes a key that the project trusts."""

    name = "aegis key revoke"
    description = "Revokes a key that is trusted."
    arguments: ClassVar[list[Argument]] = [argument("name", "What the project calls it.")]
    options: ClassVar[list[Option]] = [
        option("reason", description="Why, for those who ask.", flag=False),
        DRY_RUN,
        JSON,
    ]
    help = """\
Writes the day and the reason beside the key, where the project trusts it.
From that day nothing counts that it has signed, at whatever time: only the
signer says when something was signed. What is still wanted is signed
again, with another key.

The key is left where it is, so that what it has signed is found to be
revoked, and not merely unknown.

<b>Examples:</b>
  <c1>poetry aegis key revoke ada --reason "the laptop was stolen"</c1>
  <c1>poetry aegis key revoke ada --dry-run</c1>"""

    def perform(self) -> int:
        """Write the revocation, or show what would be written."""
        from poetry_aegis import poetry_api
        from poetry_aegis.settings import load_settings
        from poetry_aegis.signing.trusting import revoke_key

        pyproject = poetry_api.load_project(self).pyproject
        trust = load_settings(pyproject).trust
        name, reason = self.argument("name"), self.option("reason") or ""
        change = revoke_key(trust, pyproject, name, self.today, reason)
        dry_run = bool(self.option("dry-run"))
        file = self.carry_out(change, dry_run=dry_run)
        day = str(change.trusted.revoked)
        if self.wants_json:
            self.print_json(
                {
                    "name": name,
                    "revoked": day,
                    "reason": change.trusted.reason,
                    "file": file,
                    "changed": change.edit.changes,
                    "dry_run": dry_run,
                }
            )
        elif not change.edit.changes:
            self.say(f"The key {name} has been revoked since {day}.")
        elif not dry_run:
            self.say(f"The key {name} is revoked in {plain(file)}: nothing it signed counts now.")
            self.say("Hand the change to all who verify.")
        return 0
