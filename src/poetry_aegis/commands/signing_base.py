"""What the commands that may sign share: nothing that they run gets what they sign with."""

from __future__ import annotations

from poetry_aegis.commands.base import AegisCommand


class SigningCommand(AegisCommand):
    """A command that may sign."""

    def handle(self) -> int:
        """Run the command, with the secrets in the environment for itself alone."""
        from poetry_aegis.publish.withholding import withheld

        with withheld():
            return super().handle()
