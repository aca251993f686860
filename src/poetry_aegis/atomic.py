"""Files that are either wholly there or not there at all.

Imported by every room, the stand-alone registry included, so it knows only the standard library.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LEFTOVERS = ".tmp-*.part"  # what a killed process may leave beside the file it was writing


def write_bytes(path: Path, content: bytes, *, mode: int | None = None) -> None:
    """Replace *path* with *content*: a temporary file beside it, fsync, rename.

    *mode* sets the permission bits. Without it an existing file keeps its own, and a new one
    gets what the umask allows. A reader sees the old content or the new, never a part of it; a
    symbolic link stays a link and its target is replaced. Raises ``OSError``.
    """
    path = Path(os.path.realpath(path))
    with _durable_beside(path, content) as temporary:
        temporary.chmod(_permissions(path) if mode is None else mode)
        temporary.replace(path)
    fsync_directory(path.parent)


def write_all(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Replace the files of *folder* that *contents* names: all durable first, then each renamed.

    They are renamed in the order given, each atomically, and their folder is synced once. Raises
    ``OSError``.
    """
    with contextlib.ExitStack() as stack:
        written = [
            (stack.enter_context(_durable_beside(folder / name, content)), folder / name)
            for name, content in contents.items()
        ]
        for temporary, path in written:
            temporary.chmod(_permissions(path))
            temporary.replace(path)
    fsync_directory(folder)


def write_text(path: Path, content: str, *, mode: int | None = None) -> None:
    """Replace *path* with *content* in UTF-8, its line endings as given. See `write_bytes`."""
    write_bytes(path, content.encode("utf-8"), mode=mode)


@contextlib.contextmanager
def _durable_beside(path: Path, content: bytes) -> Iterator[Path]:
    with temporary_beside(path) as (stream, temporary):
        stream.write(content)
        make_durable(stream)
        stream.close()  # Windows renames only what nobody holds open.
        yield temporary


@contextlib.contextmanager
def temporary_beside(path: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """Open a private temporary file in *path*'s directory; what was not renamed is removed."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".tmp-", suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            _give_to_owner(descriptor, path)
            yield stream, temporary
    finally:
        temporary.unlink(missing_ok=True)


def make_durable(stream: IO[bytes]) -> None:
    """Return only when what was written to *stream* would survive a power cut."""
    stream.flush()
    os.fsync(stream.fileno())


def fsync_directory(directory: Path) -> None:
    """Make a rename in *directory* durable, where the platform can open directories."""
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _give_to_owner(descriptor: int, path: Path) -> None:
    """Let root replace a file without taking it from its owner, a new one from the folder's."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return
    held = (path if path.exists() else path.parent).stat()
    if held.st_uid != 0:
        os.fchown(descriptor, held.st_uid, held.st_gid)


def _permissions(path: Path) -> int:
    try:
        return path.stat().st_mode & 0o7777
    except FileNotFoundError:
        return 0o666 & ~_UMASK


def _read_umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


# Read once, at import: reading it means setting it, which is not safe between threads.
_UMASK = _read_umask()
