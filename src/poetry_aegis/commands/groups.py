"""Bare group names: ``poetry aegis`` and ``poetry aegis server`` list what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument

from poetry_aegis.commands.base import JSON, AegisCommand

if TYPE_CHECKING:
    from cleo.commands.command import Command
    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option

    from poetry_aegis.errors import AegisError


class _Group(AegisCommand):
    arguments: ClassVar[list[Argument]] = [
        argument("subcommand", "The subcommand to run.", optional=True, multiple=True)
    ]
    options: ClassVar[list[Option]] = [JSON]

    @property
    def processed_help(self) -> str:
        """The subcommands, for ``--help`` to show."""
        return "\n".join([*self._listing(), "", self._where_next()])

    def perform(self) -> int:
        """List the subcommands, or say which one was meant."""
        if asked := " ".join(self.argument("subcommand")):
            raise self._unknown(asked)
        if self.wants_json:
            self.print_json({"commands": self._described()})
            return 0
        self.say(f"{self.description}\n\n<b>Commands:</b>")
        for line in self._listing():
            self.say(f"  {line}")
        self.say(f"\n{self._where_next()}")
        return 0

    def _names(self) -> list[str]:
        names = self.get_application().command_loader.names
        return [name for name in names if name.startswith(f"{self.name} ")]

    def _commands(self) -> list[Command]:
        loader = self.get_application().command_loader
        commands = [loader.get(name) for name in self._names()]
        return [command for command in commands if not isinstance(command, _Group)]

    def _described(self) -> list[dict[str, str]]:
        return [{"name": c.name or "", "description": c.description} for c in self._commands()]

    def _listing(self) -> list[str]:
        shown = {c.name or "": c.description for c in self._commands()}
        width = max(map(len, shown)) + 2
        return [f"<c1>poetry {name:<{width}}</c1>{text}" for name, text in shown.items()]

    def _where_next(self) -> str:
        return f"Run <c1>poetry {self.name} SUBCOMMAND --help</c1> for what each one takes."

    def _unknown(self, asked: str) -> AegisError:
        from difflib import get_close_matches

        from poetry_aegis.errors import UsageError

        words = {name.removeprefix(f"{self.name} "): name for name in self._names()}
        if self.wants_json and any(f"{asked} ".startswith(f"{word} ") for word in words):
            return UsageError(
                "--json stands before the subcommand.",
                hint=f"Give it after: poetry {self.name} {asked} --json",
            )
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
    description = "Manages the users of the index."


class ServerTokenCommands(_Group):
    """``poetry aegis server token``."""

    name = "aegis server token"
    description = "Manages the API tokens of the index."


class KeyCommands(_Group):
    """``poetry aegis key``."""

    name = "aegis key"
    description = "Manages the keys that sign and are trusted."


class CiCommands(_Group):
    """``poetry aegis ci``."""

    name = "aegis ci"
    description = "Writes pipelines, and works in them."


class ClientCommands(_Group):
    """``poetry aegis client``."""

    name = "aegis client"
    description = "Makes the index known to its clients."
