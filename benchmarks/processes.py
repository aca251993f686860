"""One run of a program: how long it took and how much memory it held."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PEAK_UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
PAUSE = 0.001


@dataclass(frozen=True)
class Run:
    """How a run went. *megabytes* is the peak of the largest among the process and its children.

    Linux starts a process with the peak of its parent, so less than this benchmark's own is never
    told. *late* tells that the run was ended at the bound.
    """

    seconds: float
    megabytes: float
    status: int
    late: bool


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    bound: float,
    output: IO[bytes] | int = subprocess.DEVNULL,
) -> Run:
    """Run *command* for *bound* seconds at the most; what it prints goes to *output*."""
    silent = subprocess.DEVNULL
    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=cwd, env=env, stdin=silent, stdout=output, stderr=silent
    )
    try:
        # No call waits with a bound and tells of the memory, too.
        while (waited := os.wait4(process.pid, os.WNOHANG))[0] == 0:
            if time.perf_counter() - start > bound:
                os.kill(process.pid, 9)
                waited = os.wait4(process.pid, 0)
                break
            time.sleep(PAUSE)
    except BaseException:
        process.kill()
        raise
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(waited[1])
    peak = waited[2].ru_maxrss * PEAK_UNIT / 1e6
    return Run(seconds, peak, process.returncode, late=seconds > bound)
