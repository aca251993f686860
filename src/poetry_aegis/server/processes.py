"""Background processes: started apart from their parent, recognised again, and ended.

A pid alone names no process for long: the system gives it to another one later. Here a process is
its pid together with the moment the system says it was created.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from poetry_aegis import atomic

POLL = 0.05  # seconds

# Windows has no sessions to leave; there a process is detached from the console by these flags.
_DETACHED: int = getattr(subprocess, "DETACHED_PROCESS", 0) | getattr(
    subprocess, "CREATE_NEW_PROCESS_GROUP", 0
)


@dataclass(frozen=True)
class ProcessRecord:
    """A process as a pid file remembers it: who it is, since when it runs, where it serves.

    *started_at* is in seconds since the epoch, *url* the address for clients on this machine.
    """

    pid: int
    created: str
    started_at: float
    url: str

    @property
    def is_alive(self) -> bool:
        """Whether this very process, and not a later one of the same pid, still runs."""
        return creation_mark(self.pid) == self.created


def record_of(pid: int, *, url: str) -> ProcessRecord:
    """Return the record of process *pid*, just started to serve at *url*."""
    return ProcessRecord(pid, created=creation_mark(pid) or "", started_at=time.time(), url=url)


def write_pid_file(path: Path, record: ProcessRecord) -> None:
    """Write *record* to *path* as one line of JSON, wholly or not at all. Raises ``OSError``."""
    atomic.write_text(path, json.dumps(asdict(record)) + "\n", mode=0o600)


def read_pid_file(path: Path) -> ProcessRecord | None:
    """Return the record in *path*; ``None`` where there is none or it is not one."""
    try:
        values = json.loads(path.read_bytes())
        return ProcessRecord(
            pid=int(values["pid"]),
            created=str(values["created"]),
            started_at=float(values["started_at"]),
            url=str(values["url"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def spawn_detached(
    arguments: list[str], *, cwd: Path, environment: dict[str, str], output: IO[bytes] | None
) -> subprocess.Popen[bytes]:
    """Start a process that outlives its parent and its terminal, with standard input closed.

    What it prints goes to *output*, or where this process prints. Raises ``OSError``.
    """
    return subprocess.Popen(
        arguments,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
        start_new_session=True,
        creationflags=_DETACHED if output else 0,
    )


def end_process(record: ProcessRecord, *, patience: float = 15.0) -> None:
    """Ask the process to end, wait up to *patience* seconds, then end it by force.

    Does nothing where it has ended. Raises ``PermissionError`` where it belongs to another user.
    """
    _signal(record, signal.SIGTERM)
    if not _wait_for_end(record, patience):
        _signal(record, getattr(signal, "SIGKILL", signal.SIGTERM))
        _wait_for_end(record, patience)


def end_child(process: subprocess.Popen[bytes], *, patience: float = 15.0) -> None:
    """End a process of our own, as `end_process` does, and take note of its end."""
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _signal(record: ProcessRecord, number: int) -> None:
    if record.is_alive:
        with contextlib.suppress(ProcessLookupError):
            os.kill(record.pid, number)


def _wait_for_end(record: ProcessRecord, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while record.is_alive:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL)
    return True


def creation_mark(pid: int) -> str | None:
    """Return a text that tells process *pid* from any other; ``None`` where it does not run.

    A process that has ended and waits only for its parent to notice does not run.
    """
    return _creation_mark(pid) if pid > 0 else None


if sys.platform == "win32":

    def _creation_mark(pid: int) -> str | None:
        import ctypes
        from ctypes import wintypes

        query_limited_information, still_active = 0x1000, 259
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.OpenProcess.restype = wintypes.HANDLE
        handle = wintypes.HANDLE(kernel.OpenProcess(query_limited_information, 0, pid))
        if not handle.value:
            return None
        try:
            code = wintypes.DWORD()
            created, *others = (wintypes.FILETIME() for _ in range(4))
            times = [ctypes.byref(time) for time in (created, *others)]
            kernel.GetExitCodeProcess(handle, ctypes.byref(code))
            kernel.GetProcessTimes(handle, *times)
        finally:
            kernel.CloseHandle(handle)
        return (
            f"{created.dwHighDateTime}.{created.dwLowDateTime}"
            if code.value == still_active
            else None
        )
elif sys.platform == "linux":

    def _creation_mark(pid: int) -> str | None:
        """Read the boot's id and the clock ticks from then to the process's start. See proc(5)."""
        boot = ""
        with contextlib.suppress(OSError):
            boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        try:
            line = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        except OSError:
            return None
        # The second field is the program's name in parentheses, which may hold anything.
        state, *fields = line.rpartition(")")[2].split()
        return None if state in "ZX" else f"{boot}/{fields[18]}"
else:

    def _creation_mark(pid: int) -> str | None:
        answer = subprocess.run(
            ["ps", "-o", "stat=,lstart=", "-p", str(pid)],
            env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        state, _, created = answer.stdout.strip().partition(" ")
        return created.strip() if state and not state.startswith("Z") else None
