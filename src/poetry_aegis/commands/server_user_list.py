"""``poetry aegis server user list``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from poetry_aegis.commands.base import JSON
from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from cleo.io.inputs.option import Option


class ServerUserListCommand(ServerCommand):
    """Lists the users."""

    name = "aegis server user list"
    description = "Lists the users of the index."
    options: ClassVar[list[Option]] = [HOME, JSON]
    help = """\
Shows for each user the role and, where there are limits, the patterns of the
projects that the user may know of and may change. A role is one of

  reader      may install
  publisher   may upload and yank, too
  admin       may delete and overwrite, too, and read the audit trail

Rights are changed with <c1>poetry aegis server user add NAME --keep-password</c1>.

<b>Examples:</b>
  <c1>poetry aegis server user list</c1>"""

    def perform(self) -> int:
        """Print names, roles and the projects that users are limited to."""
        from poetry_aegis.server.users import describe, list_users, rights_of

        users = list_users(self.home)
        if self.wants_json:
            self.print_json({"users": [describe(user) for user in users]})
        elif users:
            self.say_table([(user.name, rights_of(user)) for user in users])
        else:
            self.say("There are no users. Add one with: poetry aegis server user add NAME")
        return 0
