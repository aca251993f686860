"""Bare group names: ``poetry aegis`` and ``poetry aegis server`` list what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument

from poetry_aegis.commands.base import AegisCommand, plain

if TYPE_CHECKING:
    from cleo.io.inputs.argument import Argument


class _Group(AegisCommand):
    arguments: ClassVar[list[Argument]] = [
        argument("subcommand", "The subcommand to run.", optional=True, multiple=True)
    ]
    help = "Run <c1>{command_full_name} SUBCOMMAND --help</c1> for the options of a subcommand."

    def perform(self) -> int:
        """List the subcommands, or say which one was meant."""
        from poetry_aegis.plugin import COMMANDS

        names = [name for name in COMMANDS if name.startswith(f"{self.name} ")]
        if asked := " ".join(self.argument("subcommand")):
            raise self._unknown(asked, names)
        width = max(map(len, names)) + 2
        self.say(f"{self.description}\n\n<b>Commands:</b>")
        for name in names:
            command = self.get_application().get(name)
            if not isinstance(command, _Group):
                self.say(f"  <c1>poetry {name:<{width}}</c1>{command.description}")
        self.say(f"\nRun <c1>poetry {self.name} SUBCOMMAND --help</c1> for what each one takes.")
        return 0

    def _unknown(self, asked: str, names: list[str]) -> Exception:
        from difflib import get_close_matches

        from poetry_aegis.errors import UsageError

        words = {name.removeprefix(f"{self.name} "): name for name in names}
        near = get_close_matches(asked, words, n=1)
        meant = f"Did you mean: poetry {words[near[0]]}\n" if near else ""
        return UsageError(
            f"poetry {self.name} has no subcommand {asked!r}.",
            hint=f"{meant}List them with: poetry {self.name}",
        )


class AegisCommands(_Group):
    """``poetry aegis``."""

    name = "aegis"
    description = "Releases, publishes and hosts private Python packages."


class ServerCommands(_Group):
    """``poetry aegis server``."""

    name = "aegis server"
    description = "Sets up and drives a private package index."


class ServerUserCommands(_Group):
    """``poetry aegis server user``."""

    name = "aegis server user"
    description = "Manages the users of the private package index."


class ClientCommands(_Group):
    """``poetry aegis client``."""

    name = "aegis client"
    description = "Configures clients for the private package index."
