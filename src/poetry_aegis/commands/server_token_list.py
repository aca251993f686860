"""``poetry aegis server token list``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from poetry_aegis.commands.base import JSON
from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cleo.io.inputs.option import Option

    from poetry_aegis.server.tokens import TokenState


class ServerTokenListCommand(ServerCommand):
    """Lists the API tokens."""

    name = "aegis server token list"
    description = "Lists the API tokens."
    options: ClassVar[list[Option]] = [HOME, JSON]
    help = """\
Shows for each token whose it is, what it is limited to, when it ends and
when it was used last, to the minute. The tokens themselves are not kept.

<b>Examples:</b>
  <c1>poetry aegis server token list</c1>"""

    def perform(self) -> int:
        """Print what is known of each token."""
        from poetry_aegis.server.tokens import list_tokens

        found = list_tokens(self.home)
        if self.wants_json:
            self.print_json({"tokens": [state.to_json() for state in found]})
        elif found:
            self.say_table([(state.token.id, "; ".join(_facts(state))) for state in found])
        else:
            self.say(
                "There are no tokens. Make one with: poetry aegis server token create --user NAME"
            )
        return 0


def _facts(state: TokenState) -> Iterator[str]:
    entry = state.token.entry
    limits = ", ".join(entry.actions) or "what the user may"
    where = "" if "*" in entry.projects else f" on {', '.join(entry.projects)}"
    yield f"{entry.user}: {limits}{where}"
    if entry.expires:
        yield f"{'expired' if state.expired else 'expires'} {entry.expires:%Y-%m-%d %H:%M}"
    yield f"used {state.used:%Y-%m-%d %H:%M}" if state.used else "never used"
    if entry.comment:
        yield entry.comment
