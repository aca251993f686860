"""The progress of uploads on a terminal: bars while files leave, a line for each that is there."""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from poetry_aegis.ci.report import annotation
from poetry_aegis.commands.base import plain
from poetry_aegis.release.history.pipelines import is_pipeline
from poetry_aegis.terminal import fitted, width_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cleo.io.outputs.output import Output
    from cleo.io.outputs.section_output import SectionOutput

    from poetry_aegis.publish.distributions import Distribution

_BAR, _SHORTEST_BAR = 28, 5  # characters
_WIDE = 1000  # columns, of what is no terminal or does not tell
_MOST_BARS = 8
_REDRAWN_AFTER = 0.1  # seconds


class ConsoleReporter(AbstractContextManager["ConsoleReporter"]):
    """Tells *output* of a publication. A log file gets plain lines, a terminal also bars.

    The names of the files that the server has, or may have, are in *arrived*. Only one thread may
    use it.
    """

    def __init__(self, output: Output, arrived: set[str] | None = None) -> None:
        self._output = output
        self._arrived = set() if arrived is None else arrived
        # A pipeline may ask for colour; what is drawn over and over would fill its log.
        draws = output.is_decorated() and not is_pipeline(os.environ)
        self._bars = _Bars(output) if draws else None

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.clear()

    def planned(self, distributions: Sequence[Distribution]) -> None:
        """Take note of what there is to send in all."""
        if self._bars is not None:
            self._bars.expect(distributions)

    def started(self, distribution: Distribution) -> None:
        """Show a bar, where the output is a terminal."""
        if self._bars is not None:
            self._bars.move(distribution, 0)

    def advanced(self, distribution: Distribution, sent: int) -> None:
        """Move the bar to *sent* bytes."""
        if self._bars is not None:
            self._bars.move(distribution, sent)

    def sent(self, distribution: Distribution) -> None:
        """Note that the server may have the file."""
        self._arrived.add(distribution.filename)

    def absent(self, distribution: Distribution) -> None:
        """Note that the server does not have the file."""
        self._arrived.discard(distribution.filename)

    def finished(self, distribution: Distribution, status: str) -> None:
        """Write a line for the file."""
        self._arrived.add(distribution.filename)
        if self._bars is not None:
            self._bars.end(distribution)
        self._write(f"  <c1>{plain(distribution.filename)}</c1> {status}")

    def skipped(self, distribution: Distribution, reason: str) -> None:
        """Write a line for the file."""
        self._write(f"  <c1>{plain(distribution.filename)}</c1> skipped: {reason}")

    def unsent(self, distribution: Distribution, reason: str) -> None:
        """Write a line for the file."""
        if self._bars is not None:
            self._bars.end(distribution)
        self._write(f"  <c1>{plain(distribution.filename)}</c1> {plain(reason)}")

    def note(self, message: str) -> None:
        """Write *message* as a warning."""
        self._write(f"<warning>{plain(message)}</>")
        if line := annotation("warning", message, os.environ):
            self._write(plain(line))

    def _write(self, line: str) -> None:
        line = fitted(line, self._output)
        if self._bars is None:
            self._output.write_line(line)
        else:
            self._bars.write_above(line)


class _Bars:
    """A bar for each file that is under way, and one for all, at the end of a terminal's output."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._section: SectionOutput | None = None
        self._expected = 0
        self._ended = 0
        self._under_way: dict[str, tuple[int, int]] = {}
        self._drawn_at = 0.0

    def expect(self, distributions: Sequence[Distribution]) -> None:
        """Let the bar for all be of *distributions*; one file alone needs none."""
        self._expected = sum(file.size for file in distributions) if len(distributions) > 1 else 0

    def move(self, distribution: Distribution, sent: int) -> None:
        """Show that *sent* bytes have left."""
        new = distribution.filename not in self._under_way
        self._under_way[distribution.filename] = (min(sent, distribution.size), distribution.size)
        now = time.monotonic()
        if new or sent >= distribution.size or now - self._drawn_at >= _REDRAWN_AFTER:
            self._draw()
            self._drawn_at = now

    def end(self, distribution: Distribution) -> None:
        """Show no bar for *distribution* any more."""
        if self._under_way.pop(distribution.filename, None):
            self._ended += distribution.size

    def write_above(self, line: str) -> None:
        """Write *line* to stay, and the bars below it."""
        self.clear()
        self._output.write_line(line)
        if self._under_way:
            self._draw()

    def clear(self) -> None:
        """Remove the bars."""
        if self._section is not None:
            self._section.clear()

    def _draw(self) -> None:
        if self._section is None:
            self._section = self._output.section()
        self._section.overwrite("\n".join(self._lines()))

    def _lines(self) -> Iterable[str]:
        # Before a terminal is at its end it goes to the next line: one column is left free.
        columns = (width_of(self._output) or _WIDE) - 1
        for name, (sent, size) in list(self._under_way.items())[:_MOST_BARS]:
            yield f"  <c1>{plain(name)}</c1>{_bar(sent, size, columns - 2 - len(name))}"
        if self._expected:
            sent = self._ended + sum(sent for sent, _ in self._under_way.values())
            yield f"  all files{_bar(sent, self._expected, columns - len('  all files'))}"


def _bar(sent: int, size: int, room: int) -> str:
    """Return a space, a bar that has *room* with it, and the share; without room only the share."""
    share = min(sent / size, 1.0) if size else 1.0
    length = min(_BAR, room - len(" [] 100%"))
    done = round(share * length)
    bar = f" [{'=' * done}{'-' * (length - done)}]" if length >= _SHORTEST_BAR else ""
    return f"{bar} {share:4.0%}"
