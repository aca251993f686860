from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.server.processes import (
    ProcessRecord,
    creation_mark,
    end_child,
    end_process,
    read_pid_file,
    record_of,
    spawn_detached,
    write_pid_file,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

DEAF = (
    "import signal, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "print('up', flush=True)\n"
    "time.sleep(60)"
)
URL = "http://127.0.0.1:1/"


@contextlib.contextmanager
def child(
    code: str = "import time; print('up', flush=True); time.sleep(60)",
) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield process
        finally:
            process.kill()


def test_a_record_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    record = record_of(os.getpid(), url=URL)
    write_pid_file(tmp_path / "pid", record)
    assert read_pid_file(tmp_path / "pid") == record
    assert record.is_alive


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"123",
        b"[1]",
        b"{}",
        b'{"pid": "x", "created": "", "started_at": 0, "url": ""}',
        b"\xff",
    ],
)
def test_what_is_no_record_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "pid").write_bytes(content)
    assert read_pid_file(tmp_path / "pid") is None


def test_no_pid_file(tmp_path: Path) -> None:
    assert read_pid_file(tmp_path / "pid") is None


def test_another_process_with_the_same_pid_is_another_process() -> None:
    with child() as process:
        record = record_of(process.pid, url=URL)
        recycled = replace(record, created="earlier")
        assert record.is_alive
        assert not recycled.is_alive
        end_process(recycled)
        assert process.poll() is None, "a process that is not ours was ended"


def test_a_process_that_nobody_waited_for_does_not_run() -> None:
    with child("print('up')") as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert Path(f"/proc/{process.pid}").exists()
        assert creation_mark(process.pid) is None


@pytest.mark.parametrize("pid", [0, -1, 2**22 + 1])
def test_pids_that_are_nobodys(pid: int) -> None:
    assert creation_mark(pid) is None


def test_ending_asks_first() -> None:
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
        "print('up', flush=True)\n"
        "time.sleep(60)"
    )
    with child(code) as process:
        end_process(record_of(process.pid, url=URL))
        assert process.wait() == 7


def test_ending_insists() -> None:
    with child(DEAF) as process:
        end_process(record_of(process.pid, url=URL), patience=0.2)
        assert process.wait() == -signal.SIGKILL


def test_ending_our_own_child_insists_too() -> None:
    with child(DEAF) as process:
        end_child(process, patience=0.2)
        assert process.returncode == -signal.SIGKILL


def test_ending_what_has_ended_does_nothing() -> None:
    with child("print('up')") as process:
        record = record_of(process.pid, url=URL)
        process.wait()
        end_process(record)
    end_process(ProcessRecord(pid=2**22 + 1, created="x", started_at=0, url=URL))


def test_a_detached_process_has_a_session_of_its_own_and_no_input(tmp_path: Path) -> None:
    code = "import os, sys; print(os.getsid(0) == os.getpid(), repr(sys.stdin.read()), os.getcwd())"
    with (tmp_path / "log").open("ab") as log:
        process = spawn_detached(
            [sys.executable, "-c", code], cwd=tmp_path, environment={}, output=log
        )
    assert process.wait() == 0
    assert (tmp_path / "log").read_text() == f"True '' {tmp_path}\n"
