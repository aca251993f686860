"""The archive of a backup: a gzipped tar that shows each altered byte, and its manifest quickly.

Three gzip streams behind each other, which together are one tar archive for every program: the
files; the manifest; and an empty one whose comment says where the manifest begins, with the sha256
of all before it. The tar headers follow from the manifest alone, so a reader does not interpret
them: it compares. What no manifest tells of, a link or a device or a path that leads elsewhere,
has no place in such an archive.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from poetry_aegis.errors import BackupError
from poetry_aegis.server.backup.manifest import Entry, Manifest, parse_manifest
from poetry_aegis.server.backup.tar import BLOCK, END, head_of, padding_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MANIFEST = "manifest.json"
CHUNK = 1 << 18
LARGEST_MANIFEST = 512 << 20  # bytes: some two million files

_FAST = 1  # gzip's level: distributions are compressed already
_TRAILER = re.compile(rb"poetry-aegis (\d{20}) ([0-9a-f]{64})")


class ArchiveWriter:
    """Writes an archive to *stream*, in the order of the manifest that comes last."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._raw = _Digesting(stream)
        self._files = self._opened()

    def add(self, path: str, source: IO[bytes]) -> Entry:
        """Store what *source* holds, an open file, as *path*; return its entry.

        Raises `BackupError` where the file shrinks meanwhile.
        """
        found = os.fstat(source.fileno())
        mode = found.st_mode & 0o777
        self._files.write(head_of(path, found.st_size, mode, found.st_mtime_ns))
        digest, left = hashlib.sha256(), found.st_size
        while left and (chunk := source.read(min(CHUNK, left))):
            digest.update(chunk)
            self._files.write(chunk)
            left -= len(chunk)
        if left:
            raise BackupError(f"{path} became shorter while it was read.", hint="Try again.")
        self._files.write(padding_of(found.st_size))
        sha256 = digest.hexdigest()
        return Entry(path, sha256, found.st_size, mode, found.st_mtime_ns, found.st_ino)

    def finish(self, manifest: Manifest) -> None:
        """Write *manifest*, and by what all of it is known to be whole."""
        self._files.close()
        offset = self._raw.size
        with self._opened() as stream:
            stream.write(_manifest_member(manifest.to_bytes()))
        self._raw.write(_trailer(offset, self._raw.digest))

    def _opened(self) -> gzip.GzipFile:
        return gzip.GzipFile("", "wb", _FAST, self._raw, mtime=0)


@dataclass(frozen=True)
class Archive:
    """An archive whose manifest has been read; `check` tells whether all of it is whole."""

    path: Path
    manifest: Manifest
    _offset: int
    _digest: str

    def check(self) -> None:
        """Read all of it. Raises `BackupError` where a byte is not what was written."""
        digest = hashlib.sha256()
        with self.path.open("rb") as stream:
            left = _size(stream) - _TRAILER_SIZE
            while left > 0 and (chunk := stream.read(min(CHUNK, left))):
                digest.update(chunk)
                left -= len(chunk)
            if left or stream.read() != _trailer(self._offset, digest):
                raise damaged(self.path)

    def members(self) -> Iterator[tuple[Entry, Iterator[bytes]]]:
        """Yield each stored file with its content, to be read before the next.

        Raises `BackupError` for whatever is not as the manifest has it, the content's end included.
        """
        with self.path.open("rb") as stream, _part(stream, 0, self._offset) as content:
            for entry in self.manifest.stored:
                head = head_of(entry.path, entry.size, entry.mode, entry.mtime_ns)
                if self._read(content, len(head)) != head:
                    raise damaged(self.path)
                yield entry, self._content(content, entry)
            if self._read(content, 1):
                raise damaged(self.path)

    def _content(self, content: gzip.GzipFile, entry: Entry) -> Iterator[bytes]:
        digest, left = hashlib.sha256(), entry.size
        while left and (chunk := self._read(content, min(CHUNK, left))):
            digest.update(chunk)
            left -= len(chunk)
            yield chunk
        padding = padding_of(entry.size)
        if self._read(content, len(padding)) != padding or digest.hexdigest() != entry.sha256:
            raise damaged(self.path, entry.path)

    def _read(self, content: gzip.GzipFile, size: int) -> bytes:
        try:
            return content.read(size)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise damaged(self.path) from error


def open_archive(path: Path) -> Archive:
    """Return the archive *path*; only its manifest is read, which lies at the end.

    Raises `BackupError` for what is no backup, is cut short, or of a newer format.
    """
    try:
        with path.open("rb") as stream:
            offset, digest = _read_trailer(stream, path)
            length = _size(stream) - _TRAILER_SIZE - offset
            with _part(stream, offset, length) as part:
                content = _manifest_of(part.read(LARGEST_MANIFEST), path)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise damaged(path) from error
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}.") from error
    return Archive(path, parse_manifest(content, where=path.name), offset, digest)


def damaged(archive: Path, file: str | None = None) -> BackupError:
    """Return the error for an *archive* that is not what was written."""
    where = f", at {file}" if file else ""
    return BackupError(
        f"{archive} is no backup, is cut short, or was altered{where}.",
        hint="Check another one with: poetry aegis server backup verify FILE",
    )


def _read_trailer(stream: IO[bytes], path: Path) -> tuple[int, str]:
    """Return where the manifest begins, and the digest."""
    end = _size(stream) - _TRAILER_SIZE
    stream.seek(max(end, 0))
    found = _TRAILER.search(stream.read(_TRAILER_SIZE))
    offset = int(found[1]) if found else end
    if not found or not 0 <= offset < end:
        raise damaged(path)
    return offset, found[2].decode()


def _manifest_of(raw: bytes, path: Path) -> bytes:
    """Return the manifest out of its tar member."""
    size = raw[124:135]
    content = raw[BLOCK : BLOCK + int(size, 8)] if re.fullmatch(rb"[0-7]{11}", size) else b""
    if _manifest_member(content) != raw:
        raise damaged(path)
    return content


class _Digesting(io.RawIOBase):
    """Passes on what is written, and knows its size and sha256."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.size = 0
        self.digest = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, content: bytes) -> int:  # type: ignore[override]
        self.size += len(content)
        self.digest.update(content)
        return self._stream.write(content)


class _Part(io.RawIOBase):
    """The next *length* bytes of *stream*."""

    def __init__(self, stream: IO[bytes], length: int) -> None:
        self._stream = stream
        self._left = length

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        content = self._stream.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(content)
        return content


def _part(stream: IO[bytes], offset: int, length: int) -> gzip.GzipFile:
    stream.seek(offset)
    return gzip.GzipFile(fileobj=_Part(stream, length))


def _size(stream: IO[bytes]) -> int:
    return os.fstat(stream.fileno()).st_size


def _trailer(offset: int, digest: hashlib._Hash) -> bytes:
    """Return an empty gzip stream whose comment has *offset*, and a digest of it, too."""
    whole = digest.copy()
    whole.update(b"%020d" % offset)
    comment = b"poetry-aegis %020d %s" % (offset, whole.hexdigest().encode())
    return b"\x1f\x8b\x08\x10\0\0\0\0\0\xff" + comment + b"\0" + b"\x03\0" + bytes(8)


_TRAILER_SIZE = len(_trailer(0, hashlib.sha256()))


def _manifest_member(content: bytes) -> bytes:
    head = head_of(MANIFEST, len(content), 0o600, 0)
    return head + content + padding_of(len(content)) + END
