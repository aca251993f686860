"""Hooks: real programs, found, run, listened to, and ended."""

from __future__ import annotations

import os
import shlex
import sys
import time
from pathlib import Path
from typing import NoReturn

import pytest

from poetry_aegis.errors import HookFailed, SettingsError
from poetry_aegis.release import hooks
from poetry_aegis.release.hooks import ReleaseFacts, hook_environment, require_hooks, run_hook
from poetry_aegis.settings import HookSettings, Settings

FACTS = ReleaseFacts(
    project="demo",
    previous_version="1.0.0",
    version="1.1.0",
    tag="v1.1.0",
    bump="minor",
    branch=None,
    changelog=Path("/work/CHANGELOG.md"),
)


def python(code: str) -> str:
    """Return the line of a hook that runs *code*."""
    return f"{shlex.quote(sys.executable)} -c {shlex.quote(code)}"


def run(line: str, root: Path) -> list[str]:
    """Run *line* and return what it was heard saying."""
    heard: list[str] = []
    run_hook(line, root=root, environment=os.environ, say=heard.append)
    return heard


def settings_with(*lines: str) -> Settings:
    return Settings(hooks=HookSettings(pre_tag=lines))


def script(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_a_hook_runs_in_the_project_and_is_heard_line_by_line(tmp_path: Path) -> None:
    heard = run(
        python("import os, sys; print(os.getcwd()); print('판본', file=sys.stderr); print('end')"),
        tmp_path,
    )
    assert sorted(heard) == sorted([str(tmp_path.resolve()), "판본", "end"])


def test_no_shell_reads_the_line(tmp_path: Path) -> None:
    heard = run(python("import sys; print(sys.argv[1:])") + " '$HOME' ; echo `id` '*'", tmp_path)
    assert heard == ["['$HOME', ';', 'echo', '`id`', '*']"]


def test_standard_input_is_closed(tmp_path: Path) -> None:
    assert run(python("import sys; print(repr(sys.stdin.read()))"), tmp_path) == ["''"]


def test_a_hook_learns_of_the_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AEGIS_VERSION", "of another release")
    environment = hook_environment("pre_tag", FACTS)
    code = "import os; [print(k, '=', v) for k, v in sorted(os.environ.items()) if 'AEGIS_' in k]"
    heard: list[str] = []
    run_hook(python(code), root=tmp_path, environment=environment, say=heard.append)
    assert heard == [
        "AEGIS_BRANCH = ",
        "AEGIS_BUMP = minor",
        f"AEGIS_CHANGELOG = {FACTS.changelog}",
        "AEGIS_HOOK = pre_tag",
        "AEGIS_PREVIOUS_VERSION = 1.0.0",
        "AEGIS_PROJECT = demo",
        "AEGIS_TAG = v1.1.0",
        "AEGIS_VERSION = 1.1.0",
    ]
    assert environment["PATH"] == os.environ["PATH"]


def test_a_failing_hook_is_named_and_what_it_said_is_not_said_again(tmp_path: Path) -> None:
    line = python("print(); print('no way'); raise SystemExit(3)")
    heard: list[str] = []
    with pytest.raises(HookFailed) as caught:
        run_hook(line, root=tmp_path, environment=os.environ, say=heard.append)
    assert heard == ["", "no way"]
    assert str(caught.value) == f"The hook {line!r} failed with exit code 3."
    assert caught.value.hint == "What it printed stands above."


def test_a_hook_that_is_killed_says_by_what(tmp_path: Path) -> None:
    with pytest.raises(HookFailed, match=r"was ended by SIGKILL\.$") as caught:
        run(python("import os; os.kill(os.getpid(), 9)"), tmp_path)
    assert caught.value.hint.startswith("It printed nothing.")


def test_bytes_that_are_no_text_and_endless_lines_pass(tmp_path: Path) -> None:
    code = "import sys; sys.stdout.buffer.write(b'\\xff' * 70000 + b'\\rnext\\n')"
    heard = run(python(code), tmp_path)
    assert [len(line) for line in heard] == [65_536, 70_000 - 65_536, 4]
    assert set("".join(heard[:2])) == {"\ufffd"}


def test_what_a_hook_leaves_running_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "LINGER", 0.1)
    pid_file = tmp_path / "pid"
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(pid_file)!r}, 'w').write(str(child.pid))\n"
        "print('started')"
    )
    try:
        assert run(python(code), tmp_path) == ["started"]
        assert _runs(int(pid_file.read_text()))
    finally:
        os.kill(int(pid_file.read_text()), 9)


def test_an_interrupt_ends_the_hook_and_all_that_it_started(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    code = (
        "import signal, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(pid_file)!r}, 'w').write(str(child.pid))\n"
        "print('waiting', flush=True)\n"
        "time.sleep(60)"
    )

    def interrupt(line: str) -> NoReturn:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_hook(python(code), root=tmp_path, environment=os.environ, say=interrupt)
    child = int(pid_file.read_text())
    deadline = time.monotonic() + 20
    while _runs(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _runs(child)


def test_a_hook_that_does_not_listen_is_ended_by_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "PATIENCE", 0.1)
    heard: list[int] = []

    def interrupt(line: str) -> NoReturn:
        heard.append(int(line))
        raise KeyboardInterrupt

    code = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print(os.getpid(), flush=True)\n"
        "time.sleep(60)"
    )
    with pytest.raises(KeyboardInterrupt):
        run_hook(python(code), root=tmp_path, environment=os.environ, say=interrupt)
    assert not _runs(heard[0])


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")  # An orphan may wait for init to notice its end.
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


# Known before the first write


def test_hooks_that_can_be_started_are_in_order(tmp_path: Path) -> None:
    script(tmp_path / "check.sh", "#!/bin/sh\necho checked\n")
    (tmp_path / "bin").mkdir()
    script(tmp_path / "bin" / "with space", "#!/bin/sh\necho spaced $1\n")
    require_hooks(settings_with("git --version", "./check.sh", "'bin/with space' x"), tmp_path)
    assert run("./check.sh", tmp_path) == ["checked"]
    assert run("'bin/with space' x", tmp_path) == ["spaced x"]


@pytest.mark.parametrize("line", ["no-such-program-at-all x", "./gone.sh", "./plain.txt", "./sub"])
def test_a_program_that_cannot_be_found_is_known_before(tmp_path: Path, line: str) -> None:
    (tmp_path / "plain.txt").write_text("not executable")
    (tmp_path / "sub").mkdir()
    with pytest.raises(HookFailed, match="cannot be run: there is no program") as caught:
        require_hooks(settings_with("git --version", line), tmp_path)
    assert repr(line) in str(caught.value)
    assert str(tmp_path) in caught.value.hint


@pytest.mark.parametrize(
    ("line", "reason"),
    [("", "it is empty"), ("  ", "it is empty"), ("echo 'x", "No closing"), ("a\0b", "null")],
)
def test_a_line_that_is_no_command_is_refused(tmp_path: Path, line: str, reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        require_hooks(settings_with(line), tmp_path)


@pytest.mark.parametrize("name", ["pre_bump", "pre_commit", "pre_tag", "post_release"])
def test_hooks_of_every_moment_are_looked_at(tmp_path: Path, name: str) -> None:
    settings = Settings(hooks=HookSettings(**{name: ("no-such-program-at-all",)}))
    with pytest.raises(HookFailed):
        require_hooks(settings, tmp_path)


def test_a_script_without_an_interpreter_is_one_sentence(tmp_path: Path) -> None:
    script(tmp_path / "bare", "\x7f\x01 not a program")
    with pytest.raises(HookFailed, match=r"cannot be run: .*\.$") as caught:
        run("./bare", tmp_path)
    assert "#!/bin/sh" in caught.value.hint
