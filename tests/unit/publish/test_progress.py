from __future__ import annotations

import io
import os
import re
from typing import TYPE_CHECKING

import pytest
from cleo.io.outputs.stream_output import StreamOutput

from poetry_aegis.commands.progress import ConsoleReporter
from poetry_aegis.publish.distributions import Distribution, read_distribution
from tests.support.distributions import make_wheel

if TYPE_CHECKING:
    from pathlib import Path

CLEARED = "\x1b[1A\x1b[0J"  # a line up, and the rest of the screen emptied


class Terminal(StreamOutput):
    """An output that says what was written to it."""

    def __init__(self, *, decorated: bool) -> None:
        self.written = io.StringIO()
        super().__init__(self.written, decorated=decorated)

    def fetch(self) -> str:
        text = self.written.getvalue()
        self.written.seek(0)
        self.written.truncate()
        return text


def terminal(*, decorated: bool = True) -> Terminal:
    """Return an output with the styles that Poetry adds to cleo's."""
    output = Terminal(decorated=decorated)
    for style in ("c1", "warning"):
        output.formatter.set_style(style, output.formatter.style("info"))
    return output


def test_a_log_file_gets_a_line_per_file_and_no_bar(
    sdist: Distribution, wheel: Distribution
) -> None:
    output = terminal(decorated=False)
    arrived: set[str] = set()
    with ConsoleReporter(output, arrived) as reporter:
        reporter.started(wheel)
        for sent in range(0, wheel.size, 100):
            reporter.advanced(wheel, sent)
        reporter.note("<b>503</b>")
        reporter.finished(wheel, "uploaded")
        reporter.skipped(sdist, "already there")
    assert output.fetch() == (
        f"<b>503</b>\n  {wheel.filename} uploaded\n  {sdist.filename} skipped: already there\n"
    )
    assert arrived == {wheel.filename}


def test_a_file_that_has_left_counts_until_it_is_known_to_be_absent(wheel: Distribution) -> None:
    arrived: set[str] = set()
    with ConsoleReporter(terminal(), arrived) as reporter:
        reporter.sent(wheel)
        assert arrived == {wheel.filename}
        reporter.absent(wheel)
        assert arrived == set()


def test_a_terminal_gets_a_bar_that_makes_room_for_the_line(wheel: Distribution) -> None:
    output = terminal()
    with ConsoleReporter(output) as reporter:
        reporter.planned([wheel])
        reporter.started(wheel)
        reporter.advanced(wheel, wheel.size)
        bar = output.fetch()
        reporter.finished(wheel, "uploaded")
        line = output.fetch()
    assert " 0%" in bar
    assert "[=====" in bar
    assert bar.endswith(" 100%\n")
    assert "all files" not in bar
    assert line.startswith(CLEARED)
    assert line.endswith("uploaded\n")
    assert output.fetch() == ""


def test_several_files_have_a_bar_each_and_one_in_total(
    sdist: Distribution, wheel: Distribution
) -> None:
    output = terminal()
    with ConsoleReporter(output) as reporter:
        reporter.planned([sdist, wheel])
        reporter.started(sdist)
        reporter.started(wheel)
        reporter.advanced(wheel, wheel.size)
        bars = screen(output.fetch())
        assert [line.split()[0] for line in bars] == [sdist.filename, wheel.filename, "all"]
        assert [line.split()[-1] for line in bars[:2]] == ["0%", "100%"]
        assert bars[2].split()[-1] == f"{wheel.size / (sdist.size + wheel.size):.0%}"
        reporter.finished(wheel, "uploaded")
        left = screen(output.fetch())
        assert [line.split()[0] for line in left] == [wheel.filename, sdist.filename, "all"]


def test_bars_are_redrawn_a_few_times_a_second_at_most(tmp_path: Path) -> None:
    large = read_distribution(make_wheel(tmp_path, files={"a.bin": os.urandom(100_000)}))
    output = terminal()
    with ConsoleReporter(output) as reporter:
        reporter.started(large)
        for sent in range(large.size):
            reporter.advanced(large, sent)
        assert output.fetch().count("%") < 50


def test_a_bar_that_was_under_way_is_cleared_when_the_upload_fails(wheel: Distribution) -> None:
    output = terminal()
    with ConsoleReporter(output) as reporter:
        reporter.started(wheel)
        output.fetch()
    assert output.fetch() == CLEARED


def test_a_file_that_was_not_sent_has_a_line_and_no_bar(wheel: Distribution) -> None:
    output = terminal()
    with ConsoleReporter(output) as reporter:
        reporter.started(wheel)
        reporter.unsent(wheel, "not sent")
        assert screen(output.fetch()) == [f"  {wheel.filename} not sent"]


def test_a_note_does_not_end_the_bar(wheel: Distribution) -> None:
    output = terminal()
    with ConsoleReporter(output) as reporter:
        reporter.started(wheel)
        reporter.note("Trying again.")
        output.fetch()
        reporter.advanced(wheel, wheel.size)
        assert "100%" in output.fetch()


def screen(written: str) -> list[str]:
    """Return the lines that a terminal shows after *written*, without their colours."""
    lines = [""]
    for part in re.split(r"(\x1b\[\d+A|\x1b\[0J|\n)", re.sub(r"\x1b\[[\d;]*m", "", written)):
        if part.endswith("A") and part.startswith("\x1b"):
            del lines[-1 - int(part[2:-1]) :]
            lines.append("")
        elif part == "\n":
            lines.append("")
        elif part != "\x1b[0J":
            lines[-1] += part
    return lines[:-1]


@pytest.mark.parametrize(
    ("columns", "bar"), [(1000, 28), (76, 28), (60, 12), (53, 5), (52, 0), (20, 0)]
)
def test_a_bar_has_room_on_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: int, bar: int
) -> None:
    monkeypatch.setattr("poetry_aegis.commands.progress.width_of", lambda _: columns)
    wheel = read_distribution(make_wheel(tmp_path, "demo-of-a-name"))
    output = terminal()
    with ConsoleReporter(output) as reporter:
        reporter.started(wheel)
    shown = re.sub(r"\x1b\[[0-9;]*[a-zA-Z]", "", output.fetch()).splitlines()[0]
    assert shown == f"  {wheel.filename}{f' [{chr(45) * bar}]' if bar else ''}   0%"
    assert len(shown) < max(columns, len(wheel.filename) + 9)
