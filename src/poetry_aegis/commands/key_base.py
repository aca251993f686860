"""What the commands about keys share: the store, passphrases, and what the project trusts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo.helpers import option

from poetry_aegis.commands.base import AegisCommand, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from poetry_aegis.signing.keystore import KeyStore
    from poetry_aegis.signing.trusting import TrustEdit

PASSPHRASE_STDIN = option(
    "passphrase-stdin", description="Read the passphrase from standard input."
)


class KeyCommand(AegisCommand):
    """A command about keys."""

    @property
    def store(self) -> KeyStore:
        """The user's own keys."""
        from poetry_aegis.signing.keystore import locate_store

        return locate_store()

    @property
    def today(self) -> date:
        """The day it is, in UTC."""
        from datetime import datetime, timezone

        return datetime.now(timezone.utc).date()

    def say_columns(self, rows: Sequence[Sequence[str]]) -> None:
        """Write *rows* of as many cells each, one below the other."""
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.say(plain("  ".join(cells).rstrip()))

    def carry_out(self, change: TrustEdit, *, dry_run: bool) -> str:
        """Write *change*, or show it, and return the name of the file that it is in."""
        if dry_run:
            self.say(plain(change.edit.diff()) or "There is nothing to change.")
            self.say("Nothing was changed.")
        elif change.edit.changes:
            change.edit.write()
        return change.edit.path.name


def passphrase_from(command: AegisCommand, *, from_stdin: bool) -> Callable[[str], str | None]:
    """Return what asks for passphrases: standard input, else the environment, else a terminal."""
    import os

    from poetry_aegis.signing.signers import PASSPHRASE_VARIABLE

    def ask(question: str) -> str | None:
        if not from_stdin and (known := os.environ.get(PASSPHRASE_VARIABLE)):
            return known
        return command.read_secret(question, from_stdin=from_stdin)

    return ask


def new_passphrase(ask: Callable[[str], str | None], *, once: bool, hint: str) -> str:
    """Return the new passphrase that *ask* returns, asked *once* of a program, twice of a person.

    Raises `UsageError`, with the *hint* where there is none, and `SigningError` for a bad one.
    """
    from poetry_aegis.errors import UsageError
    from poetry_aegis.signing.private import check_passphrase

    passphrase = ask("New passphrase:")
    if not passphrase:
        raise UsageError(
            "The private key is encrypted with a passphrase, and there is none.", hint=hint
        )
    check_passphrase(passphrase)
    if not once and ask("The same again:") != passphrase:
        raise UsageError("The two passphrases are not the same.", hint="Nothing was written.")
    return passphrase
