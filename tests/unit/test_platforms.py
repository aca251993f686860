"""What POSIX alone has is used where something else is there for Windows, and nowhere else."""

from __future__ import annotations

import ast
import io
import json
import os
import sys
from pathlib import Path

import pytest

import poetry_aegis
from tests.support.commands import aegis
from tests.unit.commands.test_json import WITHOUT_JSON, alone, given
from tests.unit.test_docs import RUNNABLE

__all__ = ["alone"]  # a fixture

SOURCES = Path(poetry_aegis.__file__).parent
OF_OS = {
    *(
        "chown",
        "chroot",
        "fchmod",
        "fchown",
        "fork",
        "fwalk",
        "geteuid",
        "getgid",
        "getegid",
        "getgroups",
    ),
    *("getloadavg", "getpgid", "getpgrp", "getuid", "getxattr", "killpg", "lchown", "mkfifo"),
    *("mknod", "nice", "posix_fadvise", "pread", "preadv", "pwrite", "sendfile", "setsid"),
    *("setuid", "setgid", "statvfs", "sync", "uname", "wait", "waitpid", "O_DIRECTORY"),
    *("O_NOFOLLOW", "O_CLOEXEC", "O_NONBLOCK", "set_blocking"),
}
OF_SIGNAL = {"SIGHUP", "SIGKILL", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGCHLD", "SIGALRM", "alarm"}
MODULES = {"fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"}
# Each of these was looked at: there is a check of the platform before it.
KNOWN = {
    "atomic.py": {"geteuid", "fchown"},
    "commands/server_backup.py": {"geteuid"},
    "registry/locks.py": {"fcntl"},
    "registry/web/readme.py": {"resource"},
    "release/hooks.py": {"SIGKILL", "killpg"},
    "server/backup/lending.py": {"fchown", "geteuid"},
    "server/backup/reading.py": {"sync"},
    "server/doctor/backups.py": {"getuid"},
    "server/doctor/context.py": {"getxattr", "resource", "statvfs"},
    "server/doctor/files.py": {"geteuid", "getgid", "getuid"},
    "server/drivers/preflight.py": {"geteuid"},
    "server/stack/owner.py": {"chown", "fwalk", "geteuid", "getgid", "getuid"},
}


def posix_only(path: Path) -> set[str]:
    """Return what a module uses that Windows does not have."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            names = {"os": OF_OS, "signal": OF_SIGNAL}.get(node.value.id, set())
            found |= {node.attr} & names
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & MODULES
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or ""} & MODULES
    return found


def test_each_use_of_what_posix_alone_has_is_known() -> None:
    used = {
        path.relative_to(SOURCES).as_posix(): names
        for path in sorted(SOURCES.rglob("*.py"))
        if (names := posix_only(path))
    }
    assert used == KNOWN


@pytest.fixture
def poor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away from ``os`` what Windows does not have, as far as Python itself does without."""
    for name in OF_OS - {"O_CLOEXEC", "O_NONBLOCK", "waitpid", "set_blocking", "statvfs"}:
        monkeypatch.delattr(os, name, raising=False)
    monkeypatch.setenv("USERNAME", "ada")  # as Windows tells who asks


@pytest.mark.parametrize("name", [name for name in RUNNABLE if name not in WITHOUT_JSON])
def test_a_command_does_without_what_posix_alone_has(name: str, alone: Path, poor: None) -> None:
    done = aegis(*name.split()[1:], *given(name), "--json")
    assert not str(json.loads(done.out).get("message", "")).startswith("Unexpected"), done.err


def test_a_server_at_rest_does_without_it(
    alone: Path, poor: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [
        "server init --port 0 --password-stdin",
        "server user add bob --role publisher --password-stdin",
        "server token create --user bob",
        "server reindex",
        "server prune",
        "server backup",
        "server doctor",
        "server stats",
        "server stop",
    ]
    for command in runs:
        monkeypatch.setattr(sys, "stdin", io.StringIO("a long enough password\n"))
        done = aegis(*command.split(), "--json", "-v")
        assert "error" not in done.document, (command, done.err)
