"""``poetry aegis key export``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.key_base import KeyCommand

if TYPE_CHECKING:
    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option


class KeyExportCommand(KeyCommand):
    """Prints the public part of a key."""

    name = "aegis key export"
    description = "Prints the public part of a key."
    arguments: ClassVar[list[Argument]] = [
        argument("name", "Which of your keys; not needed where you have one.", optional=True)
    ]
    options: ClassVar[list[Option]] = [JSON]
    help = """\
Prints the public part of a key of yours, as TOML, to be handed to those who
are to trust it. It holds no secret; that it is yours should reach them in a
way that they believe.

<b>Examples:</b>
  <c1>poetry aegis key export ada > ada.toml</c1>
  <c1>poetry aegis key trust ada.toml</c1>      whoever got the file"""

    def perform(self) -> int:
        """Print the TOML table, or JSON."""
        from poetry_aegis.signing.sharing import describe, share

        key = self.store.choose(self.argument("name"))
        if self.wants_json:
            self.print_json(describe(key))
        else:
            self.say(plain(share(key)).rstrip("\n"))
        return 0
