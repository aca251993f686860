"""Changes of the user's files: shown before they are made, and made as a whole."""

from __future__ import annotations

import contextlib
import os
import shlex
import stat
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from poetry_aegis import atomic
from poetry_aegis.client import lines as text
from poetry_aegis.errors import AegisError

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal["ini", "toml", "credentials", "netrc", "hosts"]


@dataclass(frozen=True)
class Edit:
    """What the file at *path* holds, and what it is to hold; ``None`` stands for no file.

    A *private* one holds a password: it is nobody's but the user's from then on. *kind* tells how
    it is read.
    """

    path: Path
    kind: Kind
    before: bytes | None
    after: bytes | None
    private: bool = False

    @property
    def changes(self) -> bool:
        """Whether there is anything to write, or a right to take away."""
        return self.before != self.after or self._is_open()

    def diff(self) -> str:
        """Return the change as a unified diff, with a mark for every secret."""
        old = "/dev/null" if self.before is None else str(self.path)
        new = "/dev/null" if self.after is None else str(self.path)
        contents = (_readable(content) for content in (self.before, self.after))
        before, after = text.masked(self.kind, *contents)
        lines = unified_diff(before.splitlines(), after.splitlines(), old, new, lineterm="")
        return "\n".join(lines)

    def write(self) -> None:
        """Make the file what it is to be, its mode kept, a symbolic link followed.

        Raises ``OSError``, and `AegisError` where another has changed the file meanwhile, and
        where it is read-only.
        """
        self.require_writable()
        if read(self.path) != self.before:
            raise AegisError(f"{self.path} was changed by another meanwhile.", hint="Try again.")
        if self.after is None:
            Path(os.path.realpath(self.path)).unlink(missing_ok=True)
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_bytes(self.path, self.after, mode=self._mode())

    def require_writable(self) -> None:
        """Raise `AegisError` where a file is to change that its owner has made read-only.

        It could be replaced all the same, as its folder says; but somebody did not want that.
        """
        mode = mode_of(self.path)
        if self.changes and mode is not None and not mode & 0o222:
            raise AegisError(
                f"{self.path} is read-only, and is left as it is.",
                hint=f"To let it be changed: chmod u+w {shlex.quote(str(self.path))}",
            )

    def _mode(self) -> int | None:
        if not self.private:
            return None
        return (mode_of(self.path) or 0o600) & 0o700

    def _is_open(self) -> bool:
        """Tell whether others may read a private file: Windows keeps them out of a home anyway."""
        mode = mode_of(self.path)
        return self.private and os.name != "nt" and mode is not None and bool(mode & 0o077)


def read(path: Path) -> bytes | None:
    """Return the content of the file at *path*, ``None`` where there is none.

    Raises ``OSError``.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def mode_of(path: Path) -> int | None:
    """Return the permission bits of the file at *path*, ``None`` where there is none."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def named(path: Path) -> Iterator[None]:
    """Name the file that an error is about."""
    try:
        yield
    except AegisError as error:
        if str(path) not in str(error):
            error.args = (f"{path}: {error}",)
        raise


def _readable(content: bytes | None) -> str:
    return (content or b"").decode("utf-8", "replace")
