"""``poetry aegis server user remove``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option


class ServerUserRemoveCommand(ServerCommand):
    """Removes a user."""

    name = "aegis server user remove"
    description = "Removes a user from the index."
    arguments: ClassVar[list[Argument]] = [argument("user", "The user's name.")]
    options: ClassVar[list[Option]] = [HOME, JSON]
    help = """\
The user's password and all the user's API tokens end at once. What the user
has uploaded stays, and so do the entries of the audit trail. The last admin
cannot be removed.

<b>Examples:</b>
  <c1>poetry aegis server user remove ada</c1>"""

    def perform(self) -> int:
        """Remove the user, unless it is the last admin."""
        from poetry_aegis.server.users import remove_user

        name = self.argument("user")
        remove_user(self.home, name)
        if self.wants_json:
            self.print_json({"removed": name})
        else:
            self.say(f"User {plain(name)} is removed.")
        return 0
