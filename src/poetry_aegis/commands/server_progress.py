"""How far the work on a server's data is, as a bar where the output is a terminal."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cleo.io.outputs.output import Output
    from cleo.ui.progress_bar import ProgressBar

    from poetry_aegis.server.docker.services import ServiceStatus


class UpkeepProgress(AbstractContextManager["UpkeepProgress"]):
    """A bar on *output*, gone when the block ends; nothing in a log file."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._bar: ProgressBar | None = None

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.clear()

    def projects(self, done: int, of_all: int) -> None:
        """Show that so many projects are done."""
        self._show(done, of_all, "projects")

    def surveyed(self, pages: int, of_pages: int) -> None:
        """Show that so many pages of a source are read."""
        self._show(pages, of_pages, "pages read")

    def arrived(self, files: int, of_files: int, size: int) -> None:
        """Show that so many files are done, and so many bytes have come."""
        from poetry_aegis.server.units import format_size

        self._show(files, of_files, f"files, {format_size(size)}")

    def step(self, what: str) -> None:
        """Say what is done now, in the bar's stead."""
        if self._bar is not None:
            self._bar.clear()
            self._bar = None
        self._output.write_line(f"{what.capitalize()}.")

    def services(self, services: Sequence[ServiceStatus]) -> None:
        """Say nothing of single services; with `step` it makes a `Listener`."""

    def _show(self, done: int, of_all: int, what: str) -> None:
        if not self._output.is_decorated():
            return
        if self._bar is None or self._bar.get_max_steps() != max(of_all, 1):
            from cleo.ui.progress_bar import ProgressBar

            if self._bar is not None:
                self._bar.clear()
            self._bar = ProgressBar(self._output, max=max(of_all, 1))
            self._bar.set_format("  %bar% %current% of %max% %what%")
            self._bar.set_message(what, "what")
            self._bar.start()
        self._bar.set_message(what, "what")
        self._bar.set_progress(done)
