"""Where lines are broken for a terminal, and that nothing else is; in a real one, too."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from cleo.io.outputs.stream_output import StreamOutput
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.terminal import fit, fitted, width_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.poetry import PoetryHome

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("It is short enough.", ["It is short enough."]),
        ("It is forty columns wide, to the letter.", ["It is forty columns wide, to the letter."]),
        (
            "A sentence that goes on for longer than that, to its end.",
            ["A sentence that goes on for longer than", "that, to its end."],
        ),
        (
            "  - commit 'chore(release): 0.1.0' with all its files",
            ["  - commit 'chore(release): 0.1.0' with", "    all its files"],
        ),
        (
            "too-few  demo.whl  Signed by ada alone; 2 signatures are wanted.",
            [
                "too-few  demo.whl  Signed by ada alone;",
                "                   2 signatures are",
                "                   wanted.",
            ],
        ),
        (
            "well  a-column-as-long-as-this-one-is  and what is told of it at the end",
            ["well  a-column-as-long-as-this-one-is  and", "what is told of it at the end"],
        ),
        (
            "<error>It costs <c1>no width</c1> that a word is coloured.</error>",
            ["<error>It costs <c1>no width</c1> that a word is", "coloured.</error>"],
        ),
        (r"<b>Pointed \<brackets> are shown as one</b> wide", None),
        (
            "한국어는 한 글자가 두 칸을 차지합니다, 모두 다",
            ["한국어는 한 글자가 두 칸을 차지합니다,", "모두 다"],
        ),
    ],
)
def test_a_line_is_broken_between_words(line: str, lines: list[str] | None) -> None:
    assert fit(line, 40).split("\n") == (lines or [line])


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("Set it with: poetry config http-basic.corp ada", None),
        ("Or go on: git push --force-with-lease origin main v1.0", None),
        ("Set it: HTTP_PROXY=http://USER:PASSWORD@127.0.0.1:80", None),
        ("See: PYPI_INDEX_URL=http://h/ poetry aegis publish -r corp", None),
        ("poetry aegis sign && poetry aegis publish --skip-build", ""),
        ("Do: <c1>anything that is to be copied as it is</c1>", None),
    ],
)
def test_a_line_to_copy_stays_in_one_piece(line: str, command: str | None) -> None:
    assert fit(line, 30).split("\n")[-1] in (line, line.partition(": ")[2])
    assert fit(line, 30).count("\n") == (0 if command == "" else 1)


def test_a_sentence_about_a_program_is_broken() -> None:
    assert "\n" in fit("poetry add would install what nobody has verified.", 30)


@given(st.text(st.sampled_from("ab :-<>/c1\\."), max_size=80), st.integers(30, 60))
def test_nothing_is_lost(line: str, width: int) -> None:
    assert fit(line, width).replace("\n", "").replace(" ", "") == line.replace(" ", "")


@given(st.lists(st.text("abc,", min_size=1, max_size=20), min_size=1), st.integers(30, 60))
def test_no_line_of_a_sentence_is_wider(words: list[str], width: int) -> None:
    broken = fit(" ".join(words), width)
    assert broken.split() == words
    assert all(len(line) <= width for line in broken.split("\n"))


# Terminals


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A terminal of 40 columns: the end that programs write to."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    yield theirs
    os.close(ours)
    os.close(theirs)


def test_only_a_terminal_has_a_width(
    terminal: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(terminal, "w", closefd=False) as stream, (tmp_path / "log").open("w") as file:
        shown = StreamOutput(stream)
        assert width_of(shown) == 40
        assert fitted("word " * 12, shown).count("\n") == 1
        assert width_of(StreamOutput(file)) is None
        assert width_of(StreamOutput(StringIO())) is None
        assert fitted("word " * 12, StreamOutput(file)) == "word " * 12
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 0, 0, 0, 0))
        assert width_of(shown) is None  # of a size that nobody has told
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        assert width_of(shown) == 80
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        assert width_of(shown) is None


@pytest.mark.parametrize("piped", [False, True], ids=["terminal", "pipe"])
def test_an_error_is_broken_where_it_is_shown(
    poetry: PoetryHome, tmp_path: Path, piped: bool
) -> None:
    asked = ("poetry", "aegis", "yank", "demo==1.0", "-r", "a-repository-of-nobody", "--json")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    run = subprocess.run(
        [sys.executable, "-m", *asked],
        cwd=tmp_path,
        env=poetry.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if piped else theirs,
        check=False,
    )
    os.close(theirs)
    said = run.stderr if piped else os.read(ours, 65536)
    os.close(ours)
    lines = COLOUR.sub("", said.decode()).splitlines()
    widest = max(len(line) for line in lines if "poetry config" not in line)
    assert (widest > 40) is piped, lines
    config = "poetry config repositories.a-repository-of-nobody URL"
    assert any(line.endswith(config) for line in lines)
    assert b'"message": "Poetry has no repository \'a-repository-of-nobody\'; ' in run.stdout
