"""The programs of ``[tool.poetry-aegis.hooks]``: found before anything is written, then run.

A hook is a line, split as a POSIX shell splits it, on Windows too, and run without a shell in the
project's directory. Its standard input is closed, what it prints is passed on line by line, and it
learns of the release from environment variables.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, fields
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, TYPE_CHECKING, Literal, cast

from poetry_aegis.errors import HookFailed, SettingsError
from poetry_aegis.signals import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from poetry_aegis.settings import Settings

HookName = Literal["pre_bump", "pre_commit", "pre_tag", "post_release"]

LONGEST_LINE = 65_536  # characters; a longer one is passed on in pieces
POLL = 0.05  # seconds
LINGER = 1.0  # seconds that the output of a hook which has ended is waited for
PATIENCE = 5.0  # seconds that an interrupted hook has to end by itself


def require_hooks(settings: Settings, root: Path) -> None:
    """Raise unless every hook can be started from *root*, the project's directory.

    Raises `SettingsError` for a line that cannot be split, `HookFailed` for a missing program.
    """
    for field in fields(settings.hooks):
        for line in getattr(settings.hooks, field.name):
            _command(line, root)


@dataclass(frozen=True)
class ReleaseFacts:
    """What hooks are told of a release. *changelog* is the file, *branch* ``None`` for none."""

    project: str
    previous_version: str
    version: str
    tag: str
    bump: str
    branch: str | None
    changelog: Path


def hook_environment(hook: HookName, facts: ReleaseFacts) -> dict[str, str]:
    """Return this process's environment with ``AEGIS_HOOK``, the hook's name, and the *facts*.

    Each fact is a variable, ``AEGIS_PREVIOUS_VERSION`` for example; what is ``None`` is empty.
    """
    told = {field.name: getattr(facts, field.name) for field in fields(facts)}
    own = {f"AEGIS_{name.upper()}": str(fact or "") for name, fact in told.items()}
    return {**os.environ, **own, "AEGIS_HOOK": hook}


def run_hook(
    line: str, *, root: Path, environment: Mapping[str, str], say: Callable[[str], None]
) -> None:
    """Run the hook *line* in *root* to its end, handing each line that it prints to *say*.

    Raises `HookFailed` where it fails. Where this is interrupted, the hook and all that it started
    are ended before the interrupt goes on.
    """
    spoke = False

    def note(text: str) -> None:
        nonlocal spoke
        spoke = spoke or bool(text.strip())
        say(text)

    process = _start(line, root, environment)
    try:
        status = _follow(process, note)
    except BaseException:
        with uninterrupted():
            _end(process)
        raise
    if status:
        raise HookFailed(
            f"The hook {line!r} {_describe(status)}.",
            hint="What it printed stands above."
            if spoke
            else "It printed nothing. Run it alone to see why.",
        )


def _command(line: str, root: Path) -> list[str]:
    """Return *line* as the program's full path and its arguments."""
    try:
        program, *arguments = shlex.split(line)
        if "\0" in line:
            raise ValueError("a null character")
    except ValueError as error:
        reason = str(error) if line.strip() else "it is empty"
        raise SettingsError(
            f"The hook {line!r} is not a command: {reason}.",
            hint="Hooks are written as in a POSIX shell: quote what has spaces in it, and use "
            "forward slashes.",
        ) from None
    with_directory = "/" in program or os.path.dirname(program)  # noqa: PTH120 - a Path drops "./"
    found = shutil.which(str(root / program) if with_directory else program)
    if found is None:
        raise HookFailed(
            f"The hook {line!r} cannot be run: there is no program {program!r}.",
            hint=f"It has to be executable, on PATH or, named with a slash, in {root}.",
        )
    return [found, *arguments]


def _start(line: str, root: Path, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    try:
        # A group of its own, so that all of it can be ended together.
        return subprocess.Popen(
            _command(line, root),
            cwd=root,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    except OSError as error:
        raise HookFailed(
            f"The hook {line!r} cannot be run: {error.strerror}.",
            hint="A script needs a first line that names its interpreter, such as #!/bin/sh.",
        ) from error


def _follow(process: subprocess.Popen[str], say: Callable[[str], None]) -> int:
    """Hand on what *process* prints until it ends; return its exit code.

    Something that it leaves running may hold its output open for ever, so its own end counts.
    """
    lines: SimpleQueue[str] = SimpleQueue()
    output = cast("IO[str]", process.stdout)
    reader = Thread(target=_read, args=(output, lines), daemon=True)
    reader.start()
    while process.poll() is None:
        with contextlib.suppress(Empty):
            say(lines.get(timeout=POLL))
    reader.join(LINGER)
    for _ in range(lines.qsize()):
        say(lines.get())
    return process.returncode


def _read(stream: IO[str], lines: SimpleQueue[str]) -> None:
    with stream:
        while line := stream.readline(LONGEST_LINE):
            lines.put(line.rstrip("\n"))


if sys.platform == "win32":

    def _end(process: subprocess.Popen[str]) -> None:
        with contextlib.suppress(OSError):
            process.send_signal(signal.CTRL_BREAK_EVENT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
        process.kill()
        process.wait()
else:

    def _end(process: subprocess.Popen[str]) -> None:
        """End the whole group of *process*: asked first, by force what has not ended then."""
        _signal_group(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
        _signal_group(process.pid, signal.SIGKILL)
        process.wait()

    def _signal_group(pid: int, number: int) -> None:
        # macOS denies to signal a group of which only zombies are left.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, number)


def _describe(status: int) -> str:
    if status > 0:
        return f"failed with exit code {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"
