"""``poetry aegis key generate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.key_base import PASSPHRASE_STDIN, KeyCommand

if TYPE_CHECKING:
    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option


class KeyGenerateCommand(KeyCommand):
    """Makes a key to sign with."""

    name = "aegis key generate"
    description = "Makes a key to sign with."
    arguments: ClassVar[list[Argument]] = [
        argument("name", "What to call it: letters, digits, dots, hyphens and underscores.")
    ]
    options: ClassVar[list[Option]] = [PASSPHRASE_STDIN, JSON]
    help = """\
Makes an ed25519 key. Its private part is encrypted with a passphrase, which
is asked for twice, and stays in a folder of yours: <c1>AEGIS_KEYS_HOME</c1>, or
the user's data folder. Have a copy of it; nobody can make it again.

Where nobody can be asked, the passphrase is read from standard input, with
<c1>--passphrase-stdin</c1>, or from <c1>AEGIS_SIGNING_PASSPHRASE</c1>.

What is printed is the public part. Whoever is to trust it adds it to a
project with <c1>poetry aegis key trust</c1>.

<b>Examples:</b>
  <c1>poetry aegis key generate ada-2026</c1>
  <c1>poetry aegis key export ada-2026 > ada.toml</c1>"""

    def perform(self) -> int:
        """Ask for the passphrase, make the key and show its public part."""
        from poetry_aegis.signing.extra import require_signing
        from poetry_aegis.signing.sharing import describe, share

        require_signing()
        store, name = self.store, self.argument("name")
        store.require_free(name)
        key = store.generate(name, self._new_passphrase())
        if self.wants_json:
            self.print_json({**describe(key), "file": str(store.private_file(name))})
            return 0
        self.say(f"<success>The key {name} is in {plain(str(store.private_file(name)))}.</success>")
        self.say("\nHand its public part to those who are to trust it:\n")
        self.say(plain(share(key)))
        self.say(f"Trust it in this project with: <c1>poetry aegis key trust {name}</c1>")
        return 0

    def _new_passphrase(self) -> str:
        """Return a passphrase, given once by a program or twice by a person."""
        from poetry_aegis.commands.key_base import new_passphrase, passphrase_from

        from_stdin = bool(self.option("passphrase-stdin"))
        return new_passphrase(
            passphrase_from(self, from_stdin=from_stdin),
            once=from_stdin,
            hint="Type one on a terminal, add --passphrase-stdin, or set AEGIS_SIGNING_PASSPHRASE.",
        )
