"""``poetry aegis key list``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from poetry_aegis.commands.base import JSON
from poetry_aegis.commands.key_base import KeyCommand

if TYPE_CHECKING:
    from cleo.io.inputs.option import Option

    from poetry_aegis.signatures.trust import Trust
    from poetry_aegis.signing.listing import KeyState


class KeyListCommand(KeyCommand):
    """Lists keys."""

    name = "aegis key list"
    description = "Lists your keys and the trusted ones."
    options: ClassVar[list[Option]] = [JSON]
    help = """\
Shows your own keys, with which you can sign, and in a project those that it
trusts: in [tool.poetry-aegis.trust] and in the team's file. A key that is
your own is not thereby trusted.

<b>Examples:</b>
  <c1>poetry aegis key list</c1>
  <c1>poetry aegis key list --json</c1>"""

    def perform(self) -> int:
        """Print what is known of each key."""
        from poetry_aegis.signing.listing import list_keys

        trust = self._trust()
        found = list_keys(self.store, trust, self.today)
        if self.wants_json:
            keys = [key.to_json() for key in found]
            self.print_json({"threshold": trust.threshold, "keys": keys})
        elif found:
            self.say_columns([_HEADINGS, *map(_cells, found)])
        else:
            self.say("There are no keys. Make one with: poetry aegis key generate NAME")
        return 0

    def _trust(self) -> Trust:
        from poetry_aegis import poetry_api
        from poetry_aegis.errors import NoProject
        from poetry_aegis.settings import load_settings
        from poetry_aegis.signatures.trust import Trust
        from poetry_aegis.signing.team import load_trust

        try:
            pyproject = poetry_api.load_project(self).pyproject
        except NoProject:
            return Trust()  # One's own keys are listed anywhere.
        return load_trust(load_settings(pyproject).trust, pyproject)


_HEADINGS = ("NAME", "KIND", "ID", "WHOSE", "UNTIL", "STATE")


def _cells(key: KeyState) -> tuple[str, ...]:
    from poetry_aegis.signing.listing import SHORT

    trusted = key.trusted_as and key.trusted_as != key.name
    state = f"{key.state}, as {key.trusted_as}" if trusted else key.state
    until = key.trusted.valid_until if key.trusted else None
    whose = "own" if key.own else "trusted"
    return key.name, key.kind, key.id[:SHORT], whose, until.isoformat() if until else "-", state
