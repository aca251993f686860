from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import ServerError
from poetry_aegis.server.locks import locked

if TYPE_CHECKING:
    from poetry_aegis.server.home import ServerHome

HOLD = """
import sys, pathlib
from poetry_aegis.server.home import ServerHome
from poetry_aegis.server.locks import locked
with locked(ServerHome(pathlib.Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_another_process_has_to_wait(home: ServerHome) -> None:
    home.make_directories()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(ServerError, match="Another command is at work"),
            locked(home, patience=0.1),
        ):
            pass
        holder.kill()
    # Killed, not released: the lock goes with its holder.
    with locked(home, patience=5):
        pass


def test_a_lock_that_cannot_be_opened(home: ServerHome) -> None:
    home.lock_file.mkdir(parents=True)
    with pytest.raises(ServerError, match="cannot be opened"), locked(home):
        pass
