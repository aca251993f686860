"""Every command that a page shows is run, in the page's order, and prints what the page says.

Of the Korean pages nothing is run: tests/unit/test_docs.py says that their blocks are the same.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from tests.docs import stage
from tests.docs.likeness import difference
from tests.docs.pages import ROOT, SHELL, Block, blocks
from tests.docs.terminal import Terminal
from tests.support.needs import needs_program
from tests.support.server import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

    from tests.docs.scenes import Key


pytestmark = pytest.mark.skipif(os.name == "nt", reason="the pages show a POSIX shell")

LOGIN = re.compile(r"login (?P<user>\w+) password \S+")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    for program in ("bash", "curl", "git", "make", "ps", "sed"):
        needs_program(program)
    port, other_port = free_ports(2)
    terminal = Terminal(tmp_path / "reader", port, other_port)
    yield terminal
    terminal.run("poetry aegis server stop")


@pytest.mark.parametrize("page", stage.PAGES)
def test_the_blocks_of_a_page_do_what_it_says(page: str, terminal: Terminal) -> None:
    for program in stage.PROGRAMS.get(page, ()):
        needs_program(program)
    wrong = []
    for block in blocks(ROOT / page, stage.PAGES[page]):
        if block.language in stage.FILES:
            write_file(terminal, block)
        elif block.key in stage.SETTINGS:
            write_table(terminal, block)
        elif is_run(block):
            wrong += [f"{block}\n{complaint}" for complaint in follow(terminal, block)]
    assert not wrong, "\n\n".join(wrong)


def is_run(block: Block, tables: ModuleType = stage) -> bool:
    return block.language in SHELL and block.key not in tables.BLOCKS_THAT_CANNOT_RUN


def follow(terminal: Terminal, block: Block, tables: ModuleType = stage) -> Iterator[str]:
    """Do what *block* shows, and yield what is not as the page says."""
    yield from prepare(terminal, tables.BEFORE.get(block.key, ""))
    lines = lines_to_run(block, tables)
    code, printed = run(terminal, "\n".join(lines))
    expected = tables.EXIT_CODES.get(block.key, 0)
    if code != expected:
        yield f"It ended with exit code {code} and not {expected}:\n{printed}"
    elif block.output is not None:
        terminal.learn_names(block.output, printed)
        printed = terminal.shown(printed)
        differing = difference(block.output, printed, of_the_last=len(lines) > 1)
        if differing:
            yield differing
    yield from prepare(terminal, tables.AFTER.get(block.key, ""))


def prepare(terminal: Terminal, scene: str) -> Iterator[str]:
    code, printed = run(terminal, scene) if scene else (0, "")
    if code:
        yield f"What the page takes for granted could not be set up:\n{printed}"


def run(terminal: Terminal, code: str) -> tuple[int, str]:
    return terminal.run(f"set -e\n{terminal.here(code)}\n")


def lines_to_run(block: Block, tables: ModuleType) -> list[str]:
    left_away = tables.LINES_THAT_CANNOT_RUN
    return [line for line in block.code.splitlines() if bare(line) not in left_away]


def bare(line: str) -> str:
    """Return a line of shell without the comment at its end."""
    return re.sub(r" {2,}# .*$| +# .*$", "", line).strip()


def write_file(terminal: Terminal, block: Block) -> None:
    """Write what the reader is told to write, with the passwords that there are here."""

    def with_password(found: re.Match[str]) -> str:
        return f"login {found['user']} password {terminal.passwords[found['user']]}"

    file = terminal.home / stage.FILES[block.language]
    file.touch(mode=0o600)
    file.write_text(LOGIN.sub(with_password, block.code))


def write_table(terminal: Terminal, block: Block) -> None:
    """Write a table of TOML into the file it is for: below its heading where that is there."""
    file = terminal.home / stage.SETTINGS[block.key]
    heading, _, lines = block.code.partition("\n")
    before, found, after = file.read_text().partition(f"\n{heading}\n")
    file.write_text(f"{before}\n{heading}\n{lines}{after}" if found else f"{before}\n{block.code}")


# The tables of what is different here

CANNOT_RUN = set(stage.LINES_THAT_CANNOT_RUN)
EVERY_BLOCK = [block for page, until in stage.PAGES.items() for block in blocks(ROOT / page, until)]


def test_every_line_that_cannot_run_stands_on_a_page() -> None:
    lines = {bare(line) for block in EVERY_BLOCK for line in block.code.splitlines()}
    assert lines >= CANNOT_RUN


@pytest.mark.parametrize(
    "table",
    [stage.BLOCKS_THAT_CANNOT_RUN, stage.EXIT_CODES, stage.BEFORE, stage.AFTER],
    ids=["cannot run", "exit codes", "before", "after"],
)
def test_every_block_with_an_entry_in_a_table_stands_on_its_page(
    table: dict[Key, object],
) -> None:
    keys = [block.key for block in EVERY_BLOCK if block.language in SHELL]
    assert {key: keys.count(key) for key in table} == dict.fromkeys(table, 1)


def test_what_cannot_run_has_a_reason() -> None:
    reasons = [*stage.LINES_THAT_CANNOT_RUN.values(), *stage.BLOCKS_THAT_CANNOT_RUN.values()]
    assert all(len(reason.split()) > 3 for reason in reasons)


def test_every_table_that_is_written_stands_on_its_page() -> None:
    keys = [block.key for block in EVERY_BLOCK if block.language == "toml"]
    assert {key: keys.count(key) for key in stage.SETTINGS} == dict.fromkeys(stage.SETTINGS, 1)


def test_every_kind_of_file_stands_on_a_page() -> None:
    assert {block.language for block in EVERY_BLOCK} >= set(stage.FILES)


# The comparison itself


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("Done.\n", "Done.\n"),
        ("...\nDone.\n", "much\nmore\nDone.\n"),
        ("...\nDone.\n", "Done.\n"),
        ("- greet (fe90a78)\n", "- greet (0a1b2c3)\n"),
        ("running (pid 2079).\n", "running (pid 7).\n"),
        ("with the key bob (527a4c9264a021f4).\n", "with the key bob (57244da5e50570ec).\n"),
        (
            "  password  RU8ynYc  (shown only this once)\n",
            "  password  x-1  (shown only this once)\n",
        ),
        (
            "  token  aegis_94e7f0f5dd5d_jTMN-n3  (shown only this once)\n",
            "  token  aegis_94e7f0f5dd5d_x-1  (shown only this once)\n",
        ),
        (
            "nginx  running  healthy  1.28.0  1m 39s  0.0%   7.2 MiB\n",
            "nginx  running  healthy  bookworm  5s  12.5%  10.4 MiB\n",
        ),
        ("  a.whl uploaded\n  b.tar.gz uploaded\n", "  b.tar.gz uploaded\n  a.whl uploaded\n"),
        ("  a.whl signed\n  b.tar.gz signed\n", "  b.tar.gz signed\n  a.whl signed\n"),
        ("Killed\n", "bash: line 9:  4711 Killed     poetry aegis release auto\n"),
    ],
)
def test_what_differs_each_time_is_no_difference(shown: str, printed: str) -> None:
    assert difference(shown, printed) == ""


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("Done.\n", "Failed.\n"),
        ("Done.\n", "Done.\nAnd more.\n"),
        ("...\nDone.\n", "Done.\nAnd more.\n"),
        ("Released 0.1.0.\n", "Released 0.1.1.\n"),
        ("- default (fe90a78)\n", "- defaced (fe90a78)\n"),
        (
            "nginx  running  healthy  1  5s  0.0%  7 MiB\n",
            "nginx  running  -  1  5s  0.0%  7 MiB\n",
        ),
    ],
)
def test_other_words_are_a_difference(shown: str, printed: str) -> None:
    assert "the page" in difference(shown, printed)


def test_what_comes_before_the_last_command_need_not_be_shown() -> None:
    assert difference("Done.\n", "[main 1f401c7] feat\nDone.\n", of_the_last=True) == ""
    assert difference("Done.\n", "Done.\nAnd more.\n", of_the_last=True)


# The terminal


def test_a_terminal_remembers_where_it_is_and_what_was_exported(terminal: Terminal) -> None:
    assert terminal.run("mkdir 'a place'; cd 'a place'; export WORD='two words'")[0] == 0
    assert terminal.run('echo "$(basename "$PWD"): $WORD"') == (0, "a place: two words\n")


def test_a_terminal_has_the_indexes_of_the_pages_elsewhere(terminal: Terminal) -> None:
    on_page = "http://127.0.0.1:8080/ http://127.0.0.1:8090/"
    here = terminal.here(on_page)
    assert here == f"http://127.0.0.1:{terminal.port}/ http://127.0.0.1:{terminal.other_port}/"
    assert terminal.run(f"echo {here}") == (0, f"{on_page}\n")


def test_a_terminal_sees_no_repository_outside_of_its_home(terminal: Terminal) -> None:
    code, printed = terminal.run(
        f"cd {terminal.root} && git -C {terminal.home} rev-parse --git-dir"
    )
    assert code == 128
    assert "not a git repository" in printed


def test_a_terminal_tells_how_a_command_ended(terminal: Terminal) -> None:
    assert terminal.run("exit 7") == (7, "")
    assert terminal.run("set -e\nfalse\necho never") == (1, "")


def test_a_terminal_knows_what_a_page_calls_otherwise(terminal: Terminal) -> None:
    terminal.learn_names("Token 94e7f0f5dd5d is new.", "Token 0a1b2c3d4e5f is new.")
    assert terminal.here("revoke 94e7f0f5dd5d") == "revoke 0a1b2c3d4e5f"
    assert terminal.run("echo 0a1b2c3d4e5f") == (0, "94e7f0f5dd5d\n")


def test_a_terminal_agrees_where_it_is_asked(terminal: Terminal) -> None:
    code, printed = terminal.run("read -p 'Delete it? [y/N] ' answer; echo \"it was $answer\"")
    assert (code, printed) == (0, "Delete it? [y/N] y\nit was y\n")
