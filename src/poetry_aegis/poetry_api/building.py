"""A project built by Poetry's own command."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

from poetry_aegis.errors import BuildFailed
from poetry_aegis.poetry_api.projects import first_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cleo.io.io import IO
    from cleo.io.outputs.output import Output
    from poetry.console.commands.build import BuildCommand
    from poetry.console.commands.command import Command

    from poetry_aegis.poetry_api.projects import Project


def build(
    command: Command,
    project: Project,
    output: Path,
    messages: Output,
    *,
    formats: Sequence[str] = (),
) -> None:
    """Build the *formats* of *project*, or all, into *output* through Poetry's own command.

    Running the command, not its builder, lets other plugins that hook builds do their part; the
    environment is Poetry's own, so that no virtual environment is made. What the build prints goes
    to *messages*. Raises `BuildFailed`.
    """
    from cleo.io.inputs.argv_input import ArgvInput
    from cleo.io.io import IO
    from poetry.factory import Factory
    from poetry.utils.env import EnvManager

    application = command.get_application()
    poetry_build = cast("BuildCommand", application.find("build"))
    poetry_build.set_env(EnvManager.get_system_env(naive=True))
    # There are two, and Poetry takes one name, or none for both.
    wanted = ["--format", *formats] if len(formats) == 1 else []
    tokens = ["poetry", "build", "--output", str(output), *wanted]
    io = IO(ArgvInput(tokens), messages, command.io.error_output)
    interrupts = _noting_interrupts(poetry_build)
    try:
        with _working_directory(project.root), _logging_to(io):
            # Fresh, because the version may have changed, and from an absolute path, because
            # after a relative `-C` poetry-core looks for the packages of a src/ layout twice.
            poetry_build.set_poetry(Factory().create_poetry(project.root, io=io))
            # The same call that cleo's Command.call makes, which takes only a string to parse.
            code = application._run_command(poetry_build, io)  # noqa: SLF001
    except Exception as error:
        raise BuildFailed(
            f"The build of {project.name} failed: {first_line(error)}",
            hint="See all of it with: poetry build -v",
        ) from error
    finally:
        application.reset_poetry()
    if interrupts:
        raise interrupts[0]
    if code:
        raise BuildFailed(
            f"The build of {project.name} failed with exit code {code}.",
            hint="Try it alone with: poetry build",
        )


def _noting_interrupts(command: Command) -> list[KeyboardInterrupt]:
    """Return a list that gets the Ctrl-C that ends *command*: cleo makes it an exit code of 1."""
    handle = command.handle
    interrupts: list[KeyboardInterrupt] = []

    def handle_and_note() -> int:
        try:
            return handle()
        except KeyboardInterrupt as interrupt:
            interrupts.append(interrupt)
            raise

    command.handle = handle_and_note  # type: ignore[method-assign]
    return interrupts


@contextlib.contextmanager
def _logging_to(io: IO) -> Iterator[None]:
    """Send what Poetry's builders log to *io*; Poetry binds it to the first command's output."""
    import logging

    from poetry.console.logging.io_handler import IOHandler

    handlers = [item for item in logging.getLogger().handlers if isinstance(item, IOHandler)]
    before = [handler._io for handler in handlers]  # noqa: SLF001 - there is no other way in
    for handler in handlers:
        handler._io = io  # noqa: SLF001
    try:
        yield
    finally:
        for handler, usual in zip(handlers, before, strict=True):
            handler._io = usual  # noqa: SLF001


@contextlib.contextmanager
def _working_directory(path: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(path)
    try:
        yield
    finally:
        os.chdir(before)
