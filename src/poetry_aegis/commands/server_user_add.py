"""``poetry aegis server user add``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument, option

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.server_base import HOME, PASSWORD_STDIN, ServerCommand

if TYPE_CHECKING:
    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option


class ServerUserAddCommand(ServerCommand):
    """Adds a user."""

    name = "aegis server user add"
    description = "Adds a user to the index."
    arguments: ClassVar[list[Argument]] = [argument("user", "The user's name.")]
    options: ClassVar[list[Option]] = [
        option(
            "role",
            description="What the user may do: reader, publisher (the default) or admin.",
            flag=False,
        ),
        option(
            "read",
            description="Limit the user to knowing projects that match a pattern; repeatable.",
            flag=False,
            multiple=True,
        ),
        option(
            "publish",
            description="Limit the user to changing projects that match a pattern; repeatable.",
            flag=False,
            multiple=True,
        ),
        PASSWORD_STDIN,
        option("replace", description="Give an existing user a new password, and what is given."),
        HOME,
        JSON,
    ]
    help = """\
Without <c1>--password-stdin</c1> the password is asked for on a terminal; where
nobody can be asked, one is generated and shown once.

A pattern is a project's name, or has <c1>*</c1>, <c1>?</c1> and <c1>[]</c1> in the place of what
varies. Without one, all projects are meant. A project that a user may
not know of is not there for that user: it is in no list, and its page
is a 404.

<b>Example:</b>
  <c1>poetry aegis server user add ci --publish 'acme-*' --publish tools</c1>"""

    def perform(self) -> int:
        """Ask for the password, then add."""
        from poetry_aegis.server import users

        name, role, replace = self.argument("user"), self.option("role"), self.option("replace")
        self.home.require()
        given = self.new_password(name)
        password = given or users.generate_password()
        user = users.add_user(
            self.home,
            name,
            password,
            role=role,
            reads=self.option("read") or None,
            publishes=self.option("publish") or None,
            replace=replace,
        )
        if self.wants_json:
            self.print_json(users.describe(user))
            return 0
        self.say(f"User {plain(user.name)} can log in, as {plain(users.rights_of(user))}.")
        if not given:
            self.say_table([("password", f"{password}  (shown only this once)")])
        return 0
