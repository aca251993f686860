"""``poetry aegis key passphrase``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument, option

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.key_base import KeyCommand

if TYPE_CHECKING:
    from collections.abc import Callable

    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option

    from poetry_aegis.signing.private import Ask


class KeyPassphraseCommand(KeyCommand):
    """Gives a private key another passphrase."""

    name = "aegis key passphrase"
    description = "Changes the passphrase of a key."
    arguments: ClassVar[list[Argument]] = [argument("name", "Which of your keys.")]
    options: ClassVar[list[Option]] = [
        option(
            "passphrase-stdin",
            description="Read the old passphrase and the new one from standard input, a line each.",
        ),
        JSON,
    ]
    help = """\
Encrypts the private key anew. The old passphrase is asked for, or taken
from <c1>AEGIS_SIGNING_PASSPHRASE</c1>, then the new one, twice. The key itself stays
the same: what it has signed and who trusts it do not change.

The new file is in OpenSSH's format, however the old one was written, and so
costs about half a second to open, and each guess as much. The new one may
be the same as the old one, to give an older file that much.

Copies of the file still open with the old passphrase. Where others may know
that one and have a copy, use another key, and <c1>poetry aegis key revoke</c1>.

<b>Examples:</b>
  <c1>poetry aegis key passphrase ada-2026</c1>"""

    def perform(self) -> int:
        """Ask for both passphrases, then write the key."""
        from poetry_aegis.signing.passphrases import change_passphrase
        from poetry_aegis.signing.sharing import describe

        store = self.store
        key = change_passphrase(store, self.argument("name"), *self._answers())
        if self.wants_json:
            self.print_json({**describe(key), "file": str(store.private_file(key.name))})
        else:
            self.say(f"<success>The key {plain(key.name)} has a new passphrase.</success>")
        return 0

    def _answers(self) -> tuple[Ask, Callable[[], str]]:
        """Return what asks for the old passphrase, and what asks for the new one."""
        from poetry_aegis.commands.key_base import new_passphrase, passphrase_from

        hint = "Type one on a terminal, or add --passphrase-stdin and give both, a line each."
        if self.option("passphrase-stdin"):
            # Both now: a key that is not encrypted asks for no old one, and that is not the new.
            old, new = [self.read_secret("", from_stdin=True) for _ in range(2)]
            return lambda _: old, lambda: new_passphrase(lambda _: new, once=True, hint=hint)

        def typed(question: str) -> str | None:
            return self.read_secret(question, from_stdin=False)

        # What the environment has is the old one.
        old_one = passphrase_from(self, from_stdin=False)
        return old_one, lambda: new_passphrase(typed, once=False, hint=hint)
