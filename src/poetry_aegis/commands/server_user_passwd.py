"""``poetry aegis server user passwd``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.server_base import HOME, PASSWORD_STDIN, ServerCommand

if TYPE_CHECKING:
    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option


class ServerUserPasswdCommand(ServerCommand):
    """Gives a user a new password."""

    name = "aegis server user passwd"
    description = "Gives a user a new password."
    arguments: ClassVar[list[Argument]] = [argument("user", "The user's name.")]
    options: ClassVar[list[Option]] = [PASSWORD_STDIN, HOME, JSON]
    help = """\
Without <c1>--password-stdin</c1> the password is asked for on a terminal; where
nobody can be asked, one is generated and shown once.

The old password ends at once. Rights and API tokens stay as they are: what
a token may do is not the password's. Revoke tokens that others may know with
<c1>poetry aegis server token revoke</c1>.

<b>Examples:</b>
  <c1>poetry aegis server user passwd ada</c1>
  <c1>poetry aegis server user passwd ada --password-stdin</c1>"""

    def perform(self) -> int:
        """Ask for the password, then set it."""
        from poetry_aegis.server.passwords import change_password, require_user
        from poetry_aegis.server.users import describe, generate_password

        name = self.argument("user")
        require_user(self.home, name)  # Before anybody types a password for nothing.
        generated = None
        password = self.new_password(name)
        if password is None:
            password = generated = generate_password()
        user = change_password(self.home, name, password)
        if self.wants_json:
            self.print_json(describe(user))
            return 0
        self.say(f"User {plain(user.name)} has a new password.")
        if generated:
            self.say_table([("password", f"{generated}  (shown only this once)")])
        return 0
