"""The progress of uploads on a terminal: a bar while a file leaves, a line once it is there."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from poetry_aegis.commands.base import plain

if TYPE_CHECKING:
    from cleo.io.outputs.output import Output
    from cleo.ui.progress_bar import ProgressBar

    from poetry_aegis.publish.distributions import Distribution


class ConsoleReporter(AbstractContextManager["ConsoleReporter"]):
    """Tells *output* of a publication. A log file gets plain lines, a terminal also a bar.

    The names of the files that the server has, or may have, are in *arrived*.
    """

    def __init__(self, output: Output, arrived: set[str] | None = None) -> None:
        self._output = output
        self._arrived = set() if arrived is None else arrived
        self._bar: ProgressBar | None = None

    def __exit__(self, *_: object) -> None:
        self._remove_bar()

    def started(self, distribution: Distribution) -> None:
        """Show a bar, where the output is a terminal."""
        if self._output.is_decorated():
            from cleo.ui.progress_bar import ProgressBar

            self._bar = ProgressBar(self._output, max=distribution.size)
            self._bar.set_format(f"  <c1>{plain(distribution.filename)}</c1> %bar% %percent%%")
            self._bar.start()

    def advanced(self, distribution: Distribution, sent: int) -> None:
        """Move the bar to *sent* bytes."""
        if self._bar is not None:
            self._bar.set_progress(min(sent, distribution.size))

    def sent(self, distribution: Distribution) -> None:
        """Note that the server may have the file."""
        self._arrived.add(distribution.filename)

    def absent(self, distribution: Distribution) -> None:
        """Note that the server does not have the file."""
        self._arrived.discard(distribution.filename)

    def finished(self, distribution: Distribution, status: str) -> None:
        """Write a line for the file."""
        self._arrived.add(distribution.filename)
        self._write(f"  <c1>{plain(distribution.filename)}</c1> {status}")

    def skipped(self, distribution: Distribution, reason: str) -> None:
        """Write a line for the file."""
        self._write(f"  <c1>{plain(distribution.filename)}</c1> skipped: {reason}")

    def note(self, message: str) -> None:
        """Write *message* as a warning; a bar in progress goes on below it at the next byte."""
        self._write(f"<warning>{plain(message)}</>", keep_bar=True)

    def _write(self, line: str, *, keep_bar: bool = False) -> None:
        bar = self._bar
        self._remove_bar()
        self._output.write_line(line)
        self._bar = bar if keep_bar else None

    def _remove_bar(self) -> None:
        if self._bar is not None:
            self._bar.clear()
            self._bar = None
