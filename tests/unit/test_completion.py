"""The completion scripts, in real shells: each is read, and asked as by the tab key."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.completion import FILE, SHELLS, Entry, Word, script_for, words_below
from poetry_aegis.errors import UsageError
from poetry_aegis.plugin import COMMANDS
from tests.support.commands import aegis
from tests.support.needs import needs_program

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 10.0  # seconds
ENTRIES = [
    Entry("aegis", "All of it."),
    Entry("aegis release", "Releases: it's <c1>new</c1>.", (Word("--push-tag", "Push. [it]"),)),
    Entry("aegis server", "A group."),
    Entry("aegis server backup", "Backs up.", (Word("--output", "Where.", FILE),)),
    Entry("aegis server backup verify", "Reads one."),
]
ASKED = [  # what is typed before the tab key, and what stands there then
    ("poetry aegis rel", "poetry aegis release"),
    ("poetry aegis server sta", None),  # start, stats, status
    ("poetry aegis server star", "poetry aegis server start"),
    ("poetry aegis server token cre", "poetry aegis server token create"),
    ("poetry aegis server backup ver", "poetry aegis server backup verify"),
    ("poetry aegis release --push", "poetry aegis release --push-tag"),
    ("poetry aegis release patch --forge", "poetry aegis release patch --forge-release"),
    ("poetry aegis publish -r corp --skip", "poetry aegis publish -r corp --skip-build"),
    ("poetry -n aegis client set", "poetry -n aegis client setup"),
    # What a choice of a few has, as an argument and as the value of an option.
    ("poetry aegis ci init gitl", "poetry aegis ci init gitlab"),
    ("poetry aegis client setup tw", "poetry aegis client setup twine"),
    ("poetry aegis release prer", "poetry aegis release prerelease"),
    ("poetry aegis release --branch x finis", "poetry aegis release --branch x finish"),
    ("poetry aegis server logs graf", "poetry aegis server logs grafana"),
    ("poetry aegis completions zs", "poetry aegis completions zsh"),
    ("poetry aegis publish --format wh", "poetry aegis publish --format wheel"),
    ("poetry aegis publish --format=wh", "poetry aegis publish --format=wheel"),
    (
        "poetry aegis bump prerelease --prerelease-type al",
        "poetry aegis bump prerelease --prerelease-type alpha",
    ),
    ("poetry aegis project demo --status arch", "poetry aegis project demo --status archived"),
    (
        "poetry aegis server user add ada --role pub",
        "poetry aegis server user add ada --role publisher",
    ),
    ("poetry aegis server init --driver comp", "poetry aegis server init --driver compose"),
    # Files, where one is meant: there is wanted.txt.
    ("poetry aegis verify wan", "poetry aegis verify wanted.txt"),
    ("poetry aegis sign one.whl wan", "poetry aegis sign one.whl wanted.txt"),
    ("poetry aegis lint --message-file wan", "poetry aegis lint --message-file wanted.txt"),
    ("poetry aegis server start --home wan", "poetry aegis server start --home wanted.txt"),
    ("poetry aegis server start --home=wan", "poetry aegis server start --home=wanted.txt"),
]
NOTHING = [  # where nothing stands then: no file, and nothing that goes elsewhere
    "poetry aegis ci init wan",
    "poetry aegis ci init make wan",
    "poetry aegis ci init make gitl",
    "poetry aegis lint wan",
    "poetry aegis publish --format wan",
    "poetry aegis publish --user wan",
    "poetry aegis publish --user pub",
    "poetry aegis server start wan",
    "poetry aegis server star wan",
]


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("scripts")
    for shell in SHELLS:
        (folder / shell).write_text(aegis("completions", shell).out, encoding="utf-8")
    return {shell: folder / shell for shell in SHELLS}


def test_words_are_those_below_a_command() -> None:
    assert [word.text for word in words_below(ENTRIES, "aegis")] == ["release", "server"]
    assert [word.text for word in words_below(ENTRIES, "aegis server")] == ["backup"]
    assert words_below(ENTRIES, "aegis rel") == ()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_has_every_command(shell: str, scripts: dict[str, Path]) -> None:
    text = scripts[shell].read_text(encoding="utf-8")
    assert all(f"'{name}'" in text for name in COMMANDS)
    assert f"Written by: poetry aegis completions {shell}" in text


def test_an_unknown_shell_is_refused() -> None:
    refused = aegis("completions", "cmd", "--json")
    assert refused.code == UsageError.exit_code
    assert "bash, zsh, fish" in refused.document["hint"]
    assert set(aegis("completions", "bash", "--json").document) == {"shell", "script"}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_is_read_without_an_error(shell: str, scripts: dict[str, Path]) -> None:
    program = needs_program(shell)
    done = subprocess.run(
        [program, "-n", str(scripts[shell])],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("shell", SHELLS)
def test_descriptions_do_not_break_out_of_their_quotes(shell: str, tmp_path: Path) -> None:
    program = needs_program(shell)
    hostile = "'; touch broken; echo ' $(touch broken) `touch broken` \\' \" | & [a:b]\nnext"
    entries = [Entry("aegis", hostile), Entry("aegis one", hostile, (Word("--two", hostile),))]
    script = tmp_path / "script"
    script.write_text(script_for(shell, entries), encoding="utf-8")
    start = {"zsh": "autoload -U compinit; compinit -u -D; "}.get(shell, "")
    done = subprocess.run(
        [program, "-c", f"{start}source {script}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "broken").exists()


def completed_on_terminal(shell: str, script: Path, typed: str, home: Path, before: str) -> str:
    """Return the line that *typed* has become by the tab key in an interactive *shell*."""
    import pty

    program = needs_program(shell)
    bare = {"bash": ["--norc", "--noprofile", "-i"], "zsh": ["-f", "-i"]}[shell]
    terminal, theirs = pty.openpty()
    with subprocess.Popen(
        [program, *bare],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=home,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "TERM": "dumb",
            "PS1": "",
            "COLUMNS": "300",
        },
        start_new_session=True,
    ) as process:
        os.close(theirs)
        try:
            _tell(terminal, f"stty columns 300; {before}source {script}; echo rea''dy\n")
            _read_until(terminal, "ready\r")
            _tell(terminal, f"{typed}\t")
            time.sleep(0.3)  # the shell works on the key, and says nothing when it is done
            _tell(terminal, "\x01echo 'BEGIN<'\x05'>E''ND'\n")
            shown = _read_until(terminal, ">END\r")
        finally:
            process.kill()
            os.close(terminal)
    assert "rror" not in shown
    found = re.findall(r"BEGIN<(.*?) ?>END", shown.replace("'", ""))
    return str(found[-1]).strip()


def _tell(terminal: int, text: str) -> None:
    os.write(terminal, text.encode())


def _read_until(terminal: int, end: str) -> str:
    shown = ""
    deadline = time.monotonic() + PATIENCE
    while end not in shown:
        left = deadline - time.monotonic()
        assert left > 0, shown
        if select.select([terminal], [], [], left)[0]:
            shown += os.read(terminal, 65536).decode(errors="replace")
    return shown


BEFORE = {"bash": "", "zsh": "autoload -U compinit; compinit -u -D; "}


POETRYS = {
    "bash": "_own() { COMPREPLY=(add); }; complete -F _own poetry; ",
    "zsh": f"{BEFORE['zsh']}_own() {{ compadd add; }}; compdef _own poetry; ",
}


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal as POSIX has it")
@pytest.mark.parametrize("shell", BEFORE)
def test_everything_else_is_left_to_poetrys_own_script(
    shell: str, scripts: dict[str, Path], tmp_path: Path
) -> None:
    twice = f"{POETRYS[shell]}source {scripts[shell]}; "
    for before in (POETRYS[shell], twice):
        line = completed_on_terminal(shell, scripts[shell], "poetry ad", tmp_path, before)
        assert line == "poetry add"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "wanted.txt").touch()
    return tmp_path


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal as POSIX has it")
@pytest.mark.parametrize("shell", BEFORE)
@pytest.mark.parametrize(("typed", "wanted"), ASKED)
def test_the_tab_key_completes_it(
    shell: str, typed: str, wanted: str | None, scripts: dict[str, Path], folder: Path
) -> None:
    line = completed_on_terminal(shell, scripts[shell], typed, folder, BEFORE[shell])
    assert line == (wanted or typed)


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal as POSIX has it")
@pytest.mark.parametrize("shell", BEFORE)
@pytest.mark.parametrize("typed", NOTHING)
def test_the_tab_key_offers_nothing(
    shell: str, typed: str, scripts: dict[str, Path], folder: Path
) -> None:
    assert completed_on_terminal(shell, scripts[shell], typed, folder, BEFORE[shell]) == typed


def offered_by_fish(typed: str, script: Path, folder: Path) -> list[str]:
    program = needs_program("fish")
    done = subprocess.run(
        [program, "--no-config", "-c", f"source {script}; complete -C '{typed}'"],
        cwd=folder,
        env=os.environ | {"HOME": str(folder), "TERM": "dumb"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.stderr == ""
    return [line.split("\t")[0] for line in done.stdout.splitlines()]


@pytest.mark.parametrize(("typed", "wanted"), ASKED)
def test_fish_offers_it(
    typed: str, wanted: str | None, scripts: dict[str, Path], folder: Path
) -> None:
    offered = offered_by_fish(typed, scripts["fish"], folder)
    assert (
        (wanted.split()[-1] in offered) if wanted else {"start", "stats", "status"} <= set(offered)
    )


@pytest.mark.parametrize("typed", NOTHING)
def test_fish_offers_nothing(typed: str, scripts: dict[str, Path], folder: Path) -> None:
    assert offered_by_fish(typed, scripts["fish"], folder) == []
