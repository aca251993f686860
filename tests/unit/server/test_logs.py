from __future__ import annotations

import tempfile
from itertools import islice
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.server import logs

lines_of_text = st.lists(
    st.text(st.characters(exclude_categories=("C", "Z")), max_size=5000), max_size=30
)


@given(lines=lines_of_text, count=st.integers(0, 40))
def test_the_tail_is_the_end_of_the_whole(lines: list[str], count: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory) / "log"
        log.write_text("".join(f"{line}|\n" for line in lines), encoding="utf-8")
        expected = [f"{line}|" for line in lines]
        assert logs.read_tail(log, count) == (expected[-count:] if count else [])


def test_only_what_is_new(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("old\n")
    before = logs.size_of(log)
    with log.open("a") as stream:
        stream.write("new 1\nnew 2\n")
    assert logs.read_tail(log, 10, after=before) == ["new 1", "new 2"]


def test_no_log_yet(tmp_path: Path) -> None:
    assert logs.read_tail(tmp_path / "log", 5) == []
    assert logs.size_of(tmp_path / "log") == 0
    logs.rotate(tmp_path / "log")


def test_a_log_cannot_steer_the_terminal(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"\x1b]0;owned\x07 \xff\tGET /\r\n")
    (line,) = logs.read_tail(log, 1)
    assert line == "\\x1b]0;owned\\x07 \N{REPLACEMENT CHARACTER}\tGET /"


def test_a_large_log_is_put_aside(tmp_path: Path) -> None:
    log, aside = tmp_path / "log", tmp_path / "log.1"
    log.write_text("12345")
    logs.rotate(log, largest=5)
    assert not aside.exists()
    logs.rotate(log, largest=4)
    assert not log.exists()
    assert aside.read_text() == "12345"
    log.write_text("67890")
    logs.rotate(log, largest=4)
    assert aside.read_text() == "67890"


def test_following_yields_whole_lines_and_survives_rotation(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("old\n")
    following = logs.follow(log, after=logs.size_of(log))
    with log.open("a") as stream:
        stream.write("one\ntw")
    assert next(following) == "one"
    with log.open("a") as stream:
        stream.write("o\nthree\n")
    assert list(islice(following, 2)) == ["two", "three"]
    log.write_text("new\n")
    assert next(following) == "new"
