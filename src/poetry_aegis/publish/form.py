"""An upload's form (multipart, RFC 7578), read from the disk while it is sent, in large pieces."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

# Large enough that a piece costs next to nothing, small enough that a slow line sends it in time.
PIECE = 256 << 10  # bytes


class UploadForm:
    """*fields*, and the file at *path* as ``content``: an iterable of bytes, its own *headers*.

    *tell_sent* hears how many bytes of the file have been read. Without a *path* there is no file.
    It *has_left* once the last byte was asked for: no server can store less.
    """

    def __init__(
        self,
        fields: Mapping[str, Sequence[str]],
        path: Path | None = None,
        tell_sent: Callable[[int], None] = lambda _: None,
    ) -> None:
        boundary = os.urandom(16).hex()
        self.has_left = False
        self._path = path
        self._tell_sent = tell_sent
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n{value}'
            for name, values in fields.items()
            for value in values
        ]
        if path is not None:
            parts.append(
                f"--{boundary}\r\nContent-Disposition: form-data; "
                f'name="content"; filename="{_quoted(path.name)}"\r\n'
                "Content-Type: application/octet-stream\r\n\r\n"
            )
        self._head = "\r\n".join(parts).encode()
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._size = path.stat().st_size if path else 0
        self.headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(len(self._head) + self._size + len(self._tail)),
        }

    def __iter__(self) -> Iterator[bytes]:
        """Yield the form from its beginning."""
        self.has_left = False
        yield self._head
        if self._path is not None:
            yield from self._pieces(self._path)
        self.has_left = True
        yield self._tail

    def _pieces(self, path: Path) -> Iterator[bytes]:
        sent = 0
        with path.open("rb", buffering=0) as stream:
            while piece := stream.read(PIECE):
                sent += len(piece)
                self._tell_sent(sent)
                yield piece


def _quoted(name: str) -> str:
    """Return *name* as a browser writes it between the quotes of a form's header."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
