"""``htpasswd`` and ``access.toml``: read as they are now, changed under one lock."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from poetry_aegis.atomic import write_text
from poetry_aegis.registry.errors import UnreadableUsers
from poetry_aegis.registry.locks import exclusive
from poetry_aegis.registry.people.access import Access, parse_access
from poetry_aegis.registry.people.htpasswd import Htpasswd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Signature: TypeAlias = "tuple[tuple[int, int, int] | None, ...]"

_PRIVATE = 0o600


@dataclass(frozen=True)
class Contents:
    """What the files say; *access_text* is where *access* was read from."""

    htpasswd: Htpasswd
    access: Access
    access_text: str


class AuthFiles:
    """The files of the users in *directory*.

    Every method raises `UnreadableUsers` where a file cannot be read or written.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._htpasswd = directory / "htpasswd"
        self._access = directory / "access.toml"
        self._names = (str(self._htpasswd), str(self._access))

    def signature(self) -> Signature:
        """Return a value that changes when a file does; cheap enough for each request."""
        return (_file_signature(self._names[0]), _file_signature(self._names[1]))

    def read(self) -> Contents:
        """Return what the files say; one that is missing says nothing."""
        text = _read(self._access)
        return Contents(Htpasswd.parse(_read(self._htpasswd)), parse_access(text), text)

    @contextlib.contextmanager
    def changing(self) -> Iterator[Contents]:
        """Hold the lock of all who change the files, which are made where missing."""
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with exclusive(self.directory / ".lock"):
                yield self.read()
        except OSError as error:
            raise UnreadableUsers(
                f"The users in {self.directory} cannot be changed: {error.strerror or error}."
            ) from error

    def write_htpasswd(self, htpasswd: Htpasswd) -> None:
        """Replace ``htpasswd``. Inside of `changing` only."""
        write_text(self._htpasswd, htpasswd.render(), mode=_PRIVATE)

    def write_access(self, text: str) -> None:
        """Replace ``access.toml``. Inside of `changing` only."""
        write_text(self._access, text, mode=_PRIVATE)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise UnreadableUsers(f"{path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise UnreadableUsers(f"{path} is not UTF-8 text.") from error


def _file_signature(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 -- each request does so, and Path takes its time
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns)
