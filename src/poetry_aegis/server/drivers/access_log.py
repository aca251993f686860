"""nginx's access log, put aside when it has grown: nothing else would ever make it shorter."""

from __future__ import annotations

import contextlib
import stat
from typing import TYPE_CHECKING

from poetry_aegis.errors import ServerError, StackError
from poetry_aegis.server.docker.project import ComposeProject, project_of
from poetry_aegis.server.locks import locked

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.server.home import ServerHome

NAME = "access.log"
LARGEST = 64 * 1024 * 1024  # bytes
# The registry reads a log that was put aside to its end within seconds. Until it goes, as much as
# it holds is written twice more.
KEPT = 2


def rotate(project: ComposeProject, *, largest: int = LARGEST) -> bool:
    """Put the log aside as ``access.log.1`` where it is larger than *largest* bytes.

    What was ``.1`` becomes ``.2``, and what was ``.2`` goes. nginx then opens a new one, and loses
    no line. Returns whether that was done; what cannot be done now is left to the next time, for
    it must not keep a server from starting. To be called by one at a time.
    """
    log = project.home.nginx_logs / NAME
    with contextlib.suppress(OSError, StackError):
        size = _size(log)
        # Without a log nginx writes to the one that was put aside: it was not told, or not reached.
        if size is None and _size(_aside(log, 1)) is not None:
            return _reopened(project)
        if (size or 0) > largest:
            for number in range(KEPT, 0, -1):
                _put_aside(log, number)
            return _reopened(project)
    return False


def rotate_beside_others(home: ServerHome, *, largest: int = LARGEST) -> bool:
    """Do as `rotate` does for the stack in *home*, unless another command is at work on it."""
    project = project_of(home)
    if project is None:
        return False
    with contextlib.suppress(ServerError), locked(home, patience=0):
        return rotate(ComposeProject(home, project), largest=largest)
    return False


def _reopened(project: ComposeProject) -> bool:
    project.signal("nginx", "USR1")
    return True


def _put_aside(log: Path, number: int) -> None:
    """Make what was put aside last time the one *number*; the first is the log itself."""
    with contextlib.suppress(FileNotFoundError):
        (_aside(log, number - 1) if number > 1 else log).replace(_aside(log, number))


def _aside(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")


def _size(log: Path) -> int | None:
    """Return the size of *log*; ``None`` where there is no such file. Raises ``OSError``."""
    try:
        found = log.lstat()
    except FileNotFoundError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None
