from __future__ import annotations

from typing import TYPE_CHECKING

from cleo.io.outputs.buffered_output import BufferedOutput

from poetry_aegis.commands.progress import ConsoleReporter

if TYPE_CHECKING:
    from poetry_aegis.publish.distributions import Distribution

CLEARED = "\x1b[1G\x1b[2K"  # cleo's way to the beginning of an emptied line


def terminal(*, decorated: bool = True) -> BufferedOutput:
    """Return an output with the styles that Poetry adds to cleo's."""
    output = BufferedOutput(decorated=decorated)
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
        reporter.started(wheel)
        reporter.advanced(wheel, wheel.size)
        bar = output.fetch()
        reporter.finished(wheel, "uploaded")
        line = output.fetch()
    assert "0%" in bar
    assert "=====" in bar
    assert bar.endswith(" 100%")
    assert line.startswith(CLEARED)
    assert line.endswith("uploaded\n")


def test_a_bar_that_was_under_way_is_cleared_when_the_upload_fails(wheel: Distribution) -> None:
    output = terminal()
    with ConsoleReporter(output) as reporter:
        reporter.started(wheel)
        output.fetch()
    assert output.fetch() == CLEARED


def test_a_note_does_not_end_the_bar(wheel: Distribution) -> None:
    output = terminal()
    with ConsoleReporter(output) as reporter:
        reporter.started(wheel)
        reporter.note("Trying again.")
        output.fetch()
        reporter.advanced(wheel, wheel.size)
        assert "100%" in output.fetch()
