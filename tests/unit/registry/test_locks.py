from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from poetry_aegis.registry.locks import exclusive, exclusive_if_free

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys, pathlib
from poetry_aegis.registry.locks import exclusive, exclusive_if_free
with exclusive(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_only_one_thread_is_inside_at_a_time(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def enter() -> None:
        for _ in range(50):
            with exclusive(tmp_path / "lock"):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(most) == 200
    assert max(most) == 1


def test_a_lock_ends_with_the_process_that_holds_it(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    entered = threading.Event()

    def enter() -> None:
        with exclusive(lock):
            entered.set()

    waiting = threading.Thread(target=enter)
    waiting.start()
    assert not entered.wait(0.2)

    holder.kill()
    holder.communicate()

    assert entered.wait(10)
    waiting.join()


def test_a_lock_that_somebody_holds_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with exclusive_if_free(path) as first, exclusive_if_free(path) as second:
        assert (first, second) == (True, False)
    with exclusive_if_free(path) as again:
        assert again
