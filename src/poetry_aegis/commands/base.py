"""What every command shares: a safe standard input, errors with exit codes, and --json."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, ClassVar

from cleo.helpers import option
from poetry.console.commands.command import Command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cleo.io.io import IO
    from cleo.io.outputs.output import Output

    from poetry_aegis.ci.report import Level
    from poetry_aegis.errors import AegisError

JSON = option("json", description="Print one JSON object on standard output, all else on stderr.")
DRY_RUN = option("dry-run", description="Say what would be done and change nothing.")

INTERRUPTED = 130  # 128 + SIGINT, as shells report it


class AegisCommand(Command):
    """A command of ``poetry aegis``. Subclasses implement `perform`."""

    loggers: ClassVar[list[str]] = ["poetry_aegis"]
    _is_read = True  # the command line

    def perform(self) -> int:
        """Do the work and return the exit code. Raises `AegisError` where it cannot."""
        raise NotImplementedError

    def run(self, io: IO) -> int:
        """Run as cleo does; a command line that it cannot read is an error as others are."""
        from cleo.exceptions import CleoError

        self._is_read = False
        try:
            return super().run(io)
        except CleoError as error:
            if self._is_read:
                raise
            from poetry_aegis.commands.mishaps import unreadable

            self._io = io
            self._settle()
            return self._refuse(unreadable(error, self.name or ""))

    def handle(self) -> int:
        """Run `perform`; a failure becomes one sentence, its way out and its exit code."""
        from poetry_aegis.commands.mishaps import refused_by_system, unexpected
        from poetry_aegis.errors import AegisError

        self._is_read = True
        self._settle()
        try:
            return self.perform()
        except AegisError as error:
            return self._refuse(error)
        except KeyboardInterrupt as interrupt:
            self._report_interrupt(interrupt)
            return INTERRUPTED
        except BrokenPipeError:
            raise  # Poetry ends quietly when nobody reads its output any more.
        except OSError as error:
            return self._refuse(refused_by_system(error))
        except Exception as error:
            if self.io.is_verbose() and not self.wants_json:
                raise
            return self._refuse(unexpected(error))

    def _refuse(self, error: AegisError) -> int:
        self.report(error)
        return error.exit_code

    def _settle(self) -> None:
        """Ask nothing where nobody answers, and write so that it can be read, in colour or not."""
        import os

        from poetry_aegis.commands.spelling import let_spell
        from poetry_aegis.release.history.pipelines import is_pipeline

        let_spell(self.io.output)
        in_pipeline = is_pipeline(os.environ)
        if in_pipeline or not (sys.stdin and sys.stdin.isatty()):
            # Poetry keeps asking on a closed standard input, for ever.
            self.io.interactive(interactive=False)
        if self.io.input.has_parameter_option(["--ansi", "--no-ansi"], only_params=True):
            return
        if os.environ.get("FORCE_COLOR") and "NO_COLOR" not in os.environ:
            self.io.decorated(decorated=True)
        elif in_pipeline:
            self.io.decorated(decorated=False)  # Its log is a file, even where it is a terminal.

    def merge_application_definition(self, merge_args: bool = True) -> None:  # noqa: FBT001, FBT002
        """Join Poetry's own options, as cleo wants it; to be shown, all of them in 80 columns."""
        super().merge_application_definition(merge_args)
        if merge_args:
            return
        from poetry_aegis.commands.columns import in_columns

        # Without its arguments, a definition is joined only to be shown by --help.
        self._full_definition = in_columns(self.definition)

    # Output

    @property
    def wants_json(self) -> bool:
        """Whether this run prints JSON, so that standard output must hold nothing else."""
        if not self._is_read:  # cleo stops at what it does not know.
            return self.io.input.has_parameter_option("--json", only_params=True)
        return bool(self.option("json", default=False))

    @property
    def messages(self) -> Output:
        """Where sentences for people go: standard output, or standard error beside JSON."""
        return self.io.error_output if self.wants_json else self.io.output

    def say(self, message: str = "") -> None:
        """Write a line for people. *message* may hold cleo's tags: `plain` what is not ours.

        On a terminal it is broken between words; several lines are written as they are.
        """
        from poetry_aegis.terminal import fitted

        several = "\n" in message.strip("\n")
        self.messages.write_line(message if several else fitted(message, self.messages))

    def say_aside(self, message: str) -> None:
        """Write *message* for people on standard error, whatever else the command prints."""
        from poetry_aegis.terminal import fitted

        self.io.write_error_line(fitted(message, self.io.error_output))

    def print_json(self, document: Mapping[str, Any]) -> None:
        """Write *document* as the one JSON object of this run."""
        from cleo.io.outputs.output import Type, Verbosity

        from poetry_aegis.commands.spelling import json_text

        text = json_text(document, self.io.output)
        # What was asked for as JSON is wanted with --quiet, too.
        self.io.output.write_line(text, verbosity=Verbosity.QUIET, type=Type.RAW)

    def report(self, error: AegisError) -> None:
        """Tell of *error* on standard error, and as JSON where that was asked for."""
        self.say_aside(f"<error>{plain(str(error))}</error>")
        self._write_notes(error)
        if error.hint:
            self.say_aside(plain(error.hint))
        cause = error.__cause__
        if cause is not None and self.io.is_verbose():
            import traceback

            self.io.write_error_line(plain("".join(traceback.format_exception(cause))))
        self.annotate("error", f"{error}\n{error.hint}".strip(), file=self._place_of(error))
        if self.wants_json:
            self.print_json(error.to_json())

    def warn_of(self, sentence: str) -> None:
        """Write *sentence* as a warning, which a pipeline shows beside its result, too."""
        self.say(f"<warning>{plain(sentence)}</>")
        self.annotate("warning", sentence)

    def annotate(self, level: Level, message: str, *, file: str | None = None) -> None:
        """Have GitHub show *message* beside the result of the run, where it is one of GitHub's."""
        import os

        from cleo.io.outputs.output import Type, Verbosity

        from poetry_aegis.ci.report import annotation

        line = annotation(level, message, os.environ, file=file)
        if line:
            self.io.error_output.write_line(line, verbosity=Verbosity.QUIET, type=Type.RAW)

    def _place_of(self, error: AegisError) -> str | None:
        """Return the file of the project that *error* is about, as a pipeline names it."""
        import os
        from pathlib import Path

        from poetry_aegis.errors import NoProject, ProjectError

        top = os.environ.get("GITHUB_WORKSPACE")
        if not (top and isinstance(error, ProjectError)) or isinstance(error, NoProject):
            return None
        from poetry_aegis.poetry_api.projects import locate

        try:
            return locate(self).relative_to(Path(top).resolve()).as_posix()
        except (NoProject, ValueError):
            return None

    def _report_interrupt(self, interrupt: KeyboardInterrupt) -> None:
        self.io.write_error_line("<warning>Interrupted.</>")
        self._write_notes(interrupt)
        if self.wants_json:
            self.print_json(_INTERRUPTED)

    def _write_notes(self, error: BaseException) -> None:
        for note in getattr(error, "__notes__", ()):
            self.say_aside(plain(note))

    # Input

    def number_option(self, name: str, *, most: int) -> int:
        """Return the value of an option, a number from 1 to *most*. Raises `UsageError`."""
        from poetry_aegis.errors import UsageError

        asked = str(self.option(name))
        if asked.isascii() and asked.isdigit() and len(asked) < 20 and 1 <= int(asked) <= most:
            return int(asked)
        raise UsageError(f"--{name} {asked} is not a number from 1 to {most}.")

    def read_jobs(self) -> int | None:
        """Return what ``--jobs`` says, ``None`` where it is not given. Raises `UsageError`."""
        from poetry_aegis.settings import MOST_JOBS

        given = self.option("jobs") is not None
        return self.number_option("jobs", most=MOST_JOBS) if given else None

    @property
    def can_ask(self) -> bool:
        """Whether somebody reads a question and answers it."""
        return self.io.is_interactive() and not self.wants_json

    def agrees(self, question: str) -> bool:
        """Ask *question* on standard error, and return whether the answer is yes."""
        # Not cleo's question, which is put for ever where the input has ended.
        self.io.write_error(f"{question} [y/N] ")
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def read_secret(self, question: str, *, from_stdin: bool) -> str | None:
        """Return a password: a line of standard input, or an answer typed unseen.

        ``None`` where nobody can be asked. A password never comes from the command line, which
        other users of the machine can read.
        """
        if from_stdin:
            return sys.stdin.readline().rstrip("\r\n") if sys.stdin else None
        if not self.io.is_interactive():
            return None
        import getpass

        try:
            # Not cleo's: after an empty answer it asks again, with the typing to be seen.
            return getpass.getpass(f"{question} ")
        except EOFError:
            return None


# What an error is as JSON, for what is none.
_INTERRUPTED = {
    "error": "Interrupted",
    "message": "Interrupted.",
    "hint": "",
    "exit_code": INTERRUPTED,
}


def plain(text: str) -> str:
    """Return *text* so that cleo prints it as it is, less what could steer a terminal."""
    from cleo.formatters.formatter import Formatter

    from poetry_aegis.commands.spelling import harmless

    return Formatter.escape(harmless(text))
