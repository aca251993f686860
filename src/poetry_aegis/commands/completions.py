"""``poetry aegis completions``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument

from poetry_aegis.commands.base import JSON, AegisCommand

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cleo.commands.command import Command
    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option

    from poetry_aegis.completion import Entry, Values, Word


class CompletionsCommand(AegisCommand):
    """Prints what a shell completes the commands by."""

    name = "aegis completions"
    description = "Prints a completion script for a shell."
    arguments: ClassVar[list[Argument]] = [argument("shell", "bash, zsh or fish.")]
    options: ClassVar[list[Option]] = [JSON]
    help = """\
The shell then completes the subcommands of <c1>poetry aegis</c1>, their options, and
values where there is a choice of a few, by the tab key. Poetry's own commands
are left to the script that <c1>poetry completions</c1> prints, where that one is
loaded before.

Put the script into a file, and write it anew after an upgrade. bash and zsh
read it by a line in <c1>.bashrc</c1> or, after <c1>compinit</c1>, in <c1>.zshrc</c1>, such as
<c1>source ~/.poetry-aegis.bash</c1>; fish reads what is in its folder.

<b>Examples:</b>
  <c1>poetry aegis completions bash > ~/.poetry-aegis.bash</c1>
  <c1>poetry aegis completions zsh > ~/.poetry-aegis.zsh</c1>
  <c1>poetry aegis completions fish > ~/.config/fish/conf.d/poetry-aegis.fish</c1>"""

    def perform(self) -> int:
        """Print the script."""
        from cleo.io.outputs.output import Type, Verbosity

        from poetry_aegis.completion import SHELLS, script_for
        from poetry_aegis.errors import UsageError

        shell = self.argument("shell")
        if shell not in SHELLS:
            raise UsageError(
                f"There is no script for {shell[:80]!a}.", hint=f"One of: {', '.join(SHELLS)}."
            )
        script = script_for(shell, list(self._entries()))
        if self.wants_json:
            self.print_json({"shell": shell, "script": script})
            return 0
        self.io.output.write(script, verbosity=Verbosity.QUIET, type=Type.RAW)
        return 0

    def _entries(self) -> Iterator[Entry]:
        from poetry_aegis.commands.choices import known_values
        from poetry_aegis.completion import ROOT

        values = known_values()
        loader = self.get_application().command_loader
        for name in loader.names:
            if name == ROOT or name.startswith(f"{ROOT} "):
                yield _entry(name, loader.get(name), values)


def _entry(name: str, command: Command, values: Mapping[str, Values]) -> Entry:
    from poetry_aegis.completion import FREE, Entry

    options = tuple(_options(name, command, values))
    for argument_ in command.definition.arguments:  # No command has two.
        value = values.get(f"{name} {argument_.name}", FREE)
        return Entry(name, command.description, options, value, repeats=argument_.is_list())
    return Entry(name, command.description, options)


def _options(name: str, command: Command, values: Mapping[str, Values]) -> Iterator[Word]:
    """Yield a command's own options, and Poetry's that is always wanted."""
    from poetry_aegis.completion import FREE, Word

    for option in command.definition.options:
        long, value = f"--{option.name}", None
        if option.accepts_value():
            value = values.get(f"{name} {long}") or values.get(long, FREE)
        yield Word(long, option.description, value)
        if option.shortcut:
            yield Word(f"-{option.shortcut}", option.description, value)
    yield Word("--help", "Say what the command does, and what it takes.")
