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
    description = "Adds a user, or changes one."
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
        option(
            "keep-password",
            description="Give an existing user only the rights that are given.",
        ),
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

A new password ends the old one at once. With <c1>--keep-password</c1> a user is
given other rights alone, and what is not given stays as it is.

<b>Examples:</b>
  <c1>poetry aegis server user add ci --publish 'acme-*' --publish tools</c1>
  <c1>poetry aegis server user add ci --keep-password --role reader</c1>
  <c1>poetry aegis server user add ada --replace</c1>"""

    def perform(self) -> int:
        """Ask for the password, then add."""
        from poetry_aegis.server import users

        name = self.argument("user")
        self.home.require()
        password = generated = None
        if self.option("keep-password"):
            self._require_rights_alone()
        else:
            password = self.new_password(name)
            if password is None:
                password = generated = users.generate_password()
        user = users.add_user(
            self.home,
            name,
            password,
            role=self.option("role"),
            reads=self.option("read") or None,
            publishes=self.option("publish") or None,
            replace=self.option("replace"),
        )
        if self.wants_json:
            self.print_json(users.describe(user))
            return 0
        self.say(f"User {plain(user.name)} can log in, as {plain(users.rights_of(user))}.")
        if generated:
            self.say_table([("password", f"{generated}  (shown only this once)")])
        return 0

    def _require_rights_alone(self) -> None:
        """Raise `UsageError` where a password is given beside rights, or nothing at all."""
        from poetry_aegis.errors import UsageError

        if not any(map(self.option, ("role", "read", "publish"))):
            raise UsageError("There is nothing to change.", hint="Add --role, --read or --publish.")
        if self.option("password-stdin") or self.option("replace"):
            raise UsageError(
                "A password cannot be both kept and set.",
                hint="Leave --keep-password away, or --password-stdin and --replace.",
            )
