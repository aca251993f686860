"""``poetry aegis server token revoke``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option


class ServerTokenRevokeCommand(ServerCommand):
    """Revokes an API token."""

    name = "aegis server token revoke"
    description = "Revokes an API token."
    arguments: ClassVar[list[Argument]] = [
        argument("token", "The token's id, the part between the underscores.")
    ]
    options: ClassVar[list[Option]] = [HOME, JSON]
    help = """\
The token is refused within a fraction of a second, and cannot be brought
back. Give its id, as <c1>poetry aegis server token list</c1> shows it, and not
the token itself: others on this machine can read the command line.

<b>Examples:</b>
  <c1>poetry aegis server token revoke ID</c1>"""

    def perform(self) -> int:
        """Revoke the token."""
        from poetry_aegis.server.tokens import describe, revoke_token

        token = revoke_token(self.home, self.argument("token"))
        if self.wants_json:
            self.print_json({"revoked": describe(token)})
        else:
            self.say(f"Token {token.id} of user {plain(token.entry.user)} is revoked.")
        return 0
