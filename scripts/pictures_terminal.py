"""A session in a real terminal: what the shell and the programs in it print, and when.

Keys are pressed by a program, and evenly. All that is to be seen comes from bash and from what it
runs; only the times are changed afterwards: nobody waits long for anything, and has time to read.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pyte

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

ROWS, COLUMNS = 24, 80
PATIENCE = 120.0  # seconds for one command
QUIET = 0.03  # seconds after which a key has been answered
AT_ONCE = 0.005  # seconds within which what is printed belongs together
# At each prompt the shell says, unseen, how the last command ended (OSC 133, as terminals know it).
ENDED = re.compile(rb"\x1b\]133;D;(\d+)\x07")
UP = re.compile(rb"\x1b\[\d*A")  # the cursor goes back to earlier lines
PS1 = r"\[\e]133;D;$?\a\]\[\e[1;34m\]{place}\[\e[0m\] $ "

KEY = 0.026  # seconds from key to key
LINE = 0.04  # from line to line of what comes at once
THINKING = 0.35  # before the first key, and before Enter
LONGEST = 0.2  # between two things that are printed
SHORTEST = 0.025  # what comes sooner than this is one picture


@dataclass(frozen=True)
class Step:
    """A *command*, what is typed when it asks, and for how many seconds its output is read."""

    command: str
    reading: float = 1.5
    answers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Piece:
    """What the terminal was sent, and so many seconds *after* the piece before it."""

    after: float
    data: bytes


@dataclass(frozen=True)
class Look:
    """What a character looks like, in the names that terminals have for colours."""

    colour: str = "default"
    background: str = "default"
    is_bold: bool = False
    is_underlined: bool = False


@dataclass(frozen=True)
class Cell:
    """A character on the screen."""

    text: str = " "
    look: Look = Look()


@dataclass(frozen=True)
class Screen:
    """What is to be seen from *time* on: cells by row and column, rows counted from the first ever.

    *top* is the row that the screen begins with.
    """

    time: float
    top: int
    cells: Mapping[tuple[int, int], Cell]
    cursor: tuple[int, int] | None


def record(steps: Sequence[Step], folder: Path, env: Mapping[str, str]) -> list[Piece]:
    """Type *steps* into a shell in *folder*; return what it showed, at the times of a recording.

    Raises `RuntimeError` for a command that fails or does not end.
    """
    place = f"~/{folder.name}"
    shell = _Shell(folder, {**env, "PS1": PS1.format(place=place), "INPUTRC": os.devnull})
    try:
        return list(_session(shell, steps))
    finally:
        shell.close()


def _session(shell: _Shell, steps: Sequence[Step]) -> Iterator[Piece]:
    yield from shell.wait({})
    for step in steps:
        yield Piece(THINKING, b"")
        for key in step.command:
            yield Piece(KEY, shell.press(key))
        yield Piece(THINKING, b"")
        shell.type("\n")
        yield from shell.wait(step.answers)
        yield Piece(step.reading, b"")


class _Shell:
    """A bash whose screen and keyboard are ours."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._process = subprocess.Popen(
            ["setsid", "--ctty", "bash", "--norc", "--noprofile", "-i"],
            cwd=folder,
            env=env,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)

    def type(self, keys: str) -> None:
        """Press *keys*."""
        os.write(self._ours, keys.encode())

    def press(self, key: str) -> bytes:
        """Press one key and return what it brings to the screen."""
        self.type(key)
        return self._read(1.0, QUIET)

    def wait(self, answers: Mapping[str, str]) -> Iterator[Piece]:
        """Yield what is printed until the next prompt; *answers* are typed where it is asked."""
        seen, unanswered = b"", dict(answers)
        began = last = time.monotonic()
        while not ((ended := ENDED.search(seen)) and seen.endswith(b"$ ")):
            if time.monotonic() - began > PATIENCE:
                raise RuntimeError(f"This does not end:\n{seen.decode()}")
            data = self._read(0.1, AT_ONCE)
            now = time.monotonic()
            if data:
                yield from _by_line(min(now - last, LONGEST), data)
                seen, last = seen + data, now
            for question in [each for each in unanswered if each.encode() in seen]:
                yield Piece(2 * THINKING, b"")
                self.type(f"{unanswered.pop(question)}\n")
        if ended[1] != b"0":
            raise RuntimeError(f"This has failed with {ended[1].decode()}:\n{seen.decode()}")

    def _read(self, seconds: float, quiet: float) -> bytes:
        """Return what comes within *seconds*, and what follows it without a pause of *quiet*."""
        data, patience = b"", seconds
        while select.select([self._ours], [], [], patience)[0]:
            data += os.read(self._ours, 65536)
            patience = quiet
        return data

    def close(self) -> None:
        """End the shell."""
        self._process.kill()
        self._process.wait()
        os.close(self._ours)


def _by_line(after: float, data: bytes) -> Iterator[Piece]:
    """Yield *data* in lines, which can be read as they pass; what is drawn anew comes as one."""
    lines = [data] if UP.search(data) else data.splitlines(keepends=True)
    for number, line in enumerate(lines):
        yield Piece(LINE if number else after, line)


def screens(pieces: Sequence[Piece], shown: Mapping[str, str]) -> list[Screen]:
    """Return what the terminal shows after each of *pieces*; the last one's time is the end.

    *shown* maps texts of this machine to what stands in their place. What is replaced within the
    time that nobody would see it for is left out.
    """
    screen = pyte.HistoryScreen(COLUMNS, ROWS, history=10_000)
    stream = pyte.ByteStream(screen)
    seen: list[Screen] = []
    now = 0.0
    for piece in pieces:
        now += piece.after
        data = piece.data
        for real, instead in shown.items():
            data = data.replace(real.encode(), instead.encode())
        stream.feed(data)
        now_seen = _look_at(screen, now)
        if seen and now - seen[-1].time < SHORTEST:
            seen[-1] = replace(now_seen, time=seen[-1].time)
        else:
            seen.append(now_seen)
    return seen


def _look_at(screen: pyte.HistoryScreen, now: float) -> Screen:
    top = len(screen.history.top)
    lines = [*screen.history.top, *(screen.buffer[row] for row in range(ROWS))]
    cells = {
        (row, column): cell
        for row, line in enumerate(lines)
        for column, char in line.items()
        if _is_seen(cell := _cell(char))
    }
    cursor = None if screen.cursor.hidden else (top + screen.cursor.y, screen.cursor.x)
    return Screen(now, top, cells, cursor)


def _cell(char: pyte.screens.Char) -> Cell:
    colour, background = char.fg, char.bg
    if char.reverse:
        colour, background = background, colour
    return Cell(char.data, Look(colour, background, char.bold, char.underscore))


def _is_seen(cell: Cell) -> bool:
    look = cell.look
    return bool(cell.text.strip()) or look.background != "default" or look.is_underlined
