"""``poetry aegis server token create``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import option

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from cleo.io.inputs.option import Option


class ServerTokenCreateCommand(ServerCommand):
    """Makes an API token."""

    name = "aegis server token create"
    description = "Makes an API token for a user."
    options: ClassVar[list[Option]] = [
        option("user", description="Whose rights the token has, or a part of them.", flag=False),
        option(
            "allow",
            description="Limit it to actions, such as <c1>read,upload</c1>; may be repeated.",
            flag=False,
            multiple=True,
        ),
        option(
            "projects",
            description="Limit it to projects that match a pattern; may be repeated.",
            flag=False,
            multiple=True,
        ),
        option(
            "expires",
            description="When it ends: in 90d, 12w, 6m or 1y, or as 2027-01-31 begins in UTC.",
            flag=False,
        ),
        option("comment", description="What it is for.", flag=False),
        HOME,
        JSON,
    ]
    help = """\
A token takes the place of a password: for CI, and for all that is not a
person. It may do what its user may, unless it is limited, and is gone
with its user. It is shown once and kept only as a hash.

The actions are <c1>read</c1>, <c1>upload</c1>, <c1>yank</c1> and, for tokens of admins,
<c1>overwrite</c1>, <c1>delete</c1>, <c1>manage</c1> (the state of a project) and <c1>audit</c1>.
Clients that upload often read first: allow both.

<b>Examples:</b>
  <c1>poetry aegis server token create --user ci --allow read --expires 90d</c1>
  <c1>poetry aegis server token create --user ci --projects 'acme-*'</c1>

Clients send it as the password of the user <c1>__token__</c1>:
  <c1>poetry config http-basic.REPOSITORY __token__</c1>"""

    def perform(self) -> int:
        """Make the token and show it."""
        from poetry_aegis.errors import UsageError
        from poetry_aegis.server import tokens

        user = self.option("user")
        if not user:
            raise UsageError(
                "A token belongs to a user, and none is named.",
                hint="Add --user NAME. List the users with: poetry aegis server user list",
            )
        token, text = tokens.create_token(
            self.home,
            user,
            actions=self._actions(),
            projects=self.option("projects"),
            expires=self.option("expires"),
            comment=self.option("comment") or "",
        )
        if idle := tokens.powerless(self.home, token):
            actions = " or ".join(idle)
            self.warn([f"{token.entry.user} may not {actions}, and so the token cannot either."])
        if self.wants_json:
            self.print_json({**tokens.describe(token), "token": text})
            return 0
        self.say(f"Token {token.id} belongs to user {plain(token.entry.user)}.")
        self.say_table([("token", f"{text}  (shown only this once)")])
        return 0

    def _actions(self) -> list[str]:
        given = ",".join(self.option("allow")).split(",")
        return [action.strip().lower() for action in given if action.strip()]
