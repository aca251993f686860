"""Counts downloads from the access log of a web server that serves the files itself.

The log has one JSON object a line, with ``time`` (ISO 8601, or seconds since 1970), ``method``,
``uri``, ``status``, ``user_agent``, ``bytes``, for requests of a part ``range``, and ``upstream``:
the address of whoever answered in the web server's place. The registry has counted already what it
answered, so a line that names an upstream is no download, and what is counted is what the web
server gave out by itself, out of the data directory or a cache of its own. A server that cannot
tell must log by itself only what it served by itself. nginx writes such a log with::

    log_format aegis escape=json '{"time": "$msec", "method": "$request_method", '
        '"uri": "$request_uri", "status": "$status", "bytes": $body_bytes_sent, '
        '"range": "$http_range", "user_agent": "$http_user_agent", '
        '"upstream": "$upstream_addr", "request_time": "$request_time"}';
    access_log /var/log/nginx/aegis.log aegis;

The metrics tell of every line, whoever answered: method, status, bytes, and the ``request_time`` in
seconds, which may be missing. They are of this process: of lines that it was the first to read.

How far a log was read is kept in the same transaction as the counts: whatever crashes in between,
nothing is lost and nothing counted twice. A log is known by its first line and not by its name, so
it may be rotated, by renaming or by copying; of a rotated log the rest is read where it is then,
as long as it is not compressed.
"""

from __future__ import annotations

import hashlib
import json
from functools import partial
from glob import escape
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from poetry_aegis.registry.metrics import WebCounts
from poetry_aegis.registry.state.downloads import Tally, day_of, kind_of
from poetry_aegis.registry.times import parse_moment

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

    from poetry_aegis.registry.metrics import Metrics
    from poetry_aegis.registry.state.database import Database

_NOBODY = (None, "", "-")  # answered in the place of the web server
_COMPRESSED = (".gz", ".xz", ".zst", ".bz2")
_PIECE = 1024 * 1024  # bytes in a transaction
_LONGEST_LINE = 64 * 1024  # bytes; what is longer is no line of a request
_LATEST = 4_102_444_800  # seconds since 1970: the year 2100
_LARGEST = 2**50  # bytes of one answer
_LONGEST = 10**7  # seconds of one request


class _Place(NamedTuple):
    """A log, known by the digest of its first line, and how far it was read."""

    first_line: str
    position: int


class LogFollower:
    """Follows the access log *path* and what it was rotated to, ``<path>.*`` and ``<path>-*``."""

    def __init__(self, database: Database, path: Path, metrics: Metrics) -> None:
        self._database = database
        self._path = path
        self._metrics = metrics

    def catch_up(self) -> int:
        """Count what was written since the last time; return how many downloads that were.

        Several processes may follow the same log. Blocking. Raises ``OSError`` for a log that
        cannot be read, and `Unavailable`.
        """
        return sum(self._read_on(log) for log in self._logs())

    def _logs(self) -> Iterator[Path]:
        """Return the logs, the rotated ones first."""
        for path in sorted(self._path.parent.glob(f"{escape(self._path.name)}[.-]*")):
            if path.suffix not in _COMPRESSED and path.is_file():
                yield path
        if self._path.is_file():
            yield self._path

    def _read_on(self, log: Path) -> int:
        counted = 0
        while piece := self._next_piece(log):
            tally, web = self._database.write(partial(self._take, *piece))
            downloads = tally.downloads.total()
            self._metrics.followed(web, downloads, tally.sizes.total())
            counted += downloads
        return counted

    def _next_piece(self, log: Path) -> tuple[_Place, bytes] | None:
        """Return whole lines that were not counted yet, and where they begin."""
        try:
            with log.open("rb") as stream:
                first_line = stream.readline(_LONGEST_LINE)
                if not _is_whole(first_line):
                    return None
                digest = hashlib.sha256(first_line).hexdigest()
                position = self._database.read(partial(self._position, first_line=digest))
                stream.seek(position)
                piece = stream.read(_PIECE)
        except FileNotFoundError:  # rotated just now
            return None
        end = piece.rfind(b"\n") + 1
        if not end and len(piece) == _PIECE:
            end = _PIECE  # No line is that long: garbage, to be passed over.
        return (_Place(digest, position), piece[:end]) if end else None

    def _take(
        self, place: _Place, piece: bytes, connection: sqlite3.Connection
    ) -> tuple[Tally, WebCounts]:
        """Count *piece* in a transaction, unless another process has done so just now."""
        tally, web = Tally(), WebCounts()
        if self._position(connection, place.first_line) != place.position:
            return tally, web
        for line in piece.splitlines():
            _count(line, tally, web)
        tally.save(connection)
        connection.execute(
            "INSERT OR REPLACE INTO followed_logs (log, first_line, position) VALUES (?, ?, ?)",
            (str(self._path), place.first_line, place.position + len(piece)),
        )
        return tally, web

    def _position(self, connection: sqlite3.Connection, first_line: str) -> int:
        row = connection.execute(
            "SELECT position FROM followed_logs WHERE log = ? AND first_line = ?",
            (str(self._path), first_line),
        ).fetchone()
        return row[0] if row else 0


def _is_whole(line: bytes) -> bool:
    return line.endswith(b"\n") or len(line) == _LONGEST_LINE


def _count(line: bytes, tally: Tally, web: WebCounts) -> None:
    """Count *line*, and the download that it may tell of; what is no such line is passed over."""
    try:
        entry = json.loads(line)
        method, status, size = str(entry["method"]), _status_of(entry), _size_of(entry)
        web.add(method, status, size, _seconds_of(entry))
        if _is_download(entry, method, status):
            path = unquote(str(entry["uri"]).partition("?")[0])
            day = day_of(_moment(entry["time"]))
            if kind := kind_of(path, day, str(entry.get("user_agent") or "")):
                tally.add(kind, 1, size)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return


def _is_download(entry: dict[str, Any], method: str, status: int) -> bool:
    if method != "GET" or entry.get("upstream") not in _NOBODY:
        return False
    return status == 200 or (
        status == 206 and str(entry.get("range", "")).replace(" ", "").startswith("bytes=0-")
    )


def _status_of(entry: dict[str, Any]) -> int:
    """Return the status, one of a few hundred: it is a metric's label. Raises ``ValueError``."""
    status = int(entry["status"])
    if not 100 <= status <= 599:
        raise ValueError(f"{status} is no status of an answer")
    return status


def _size_of(entry: dict[str, Any]) -> int:
    return min(max(0, int(entry.get("bytes") or 0)), _LARGEST)


def _seconds_of(entry: dict[str, Any]) -> float | None:
    """Return how long the request took; ``None`` where that is not told."""
    try:
        seconds = float(entry["request_time"])
    except (KeyError, ValueError, TypeError):
        return None
    return seconds if 0 <= seconds < _LONGEST else None


def _moment(written: object) -> float:
    """Return seconds since 1970. Raises ``ValueError``."""
    text = str(written)
    moment = parse_moment(text) if "T" in text else None
    seconds = moment.timestamp() if moment else float(text)
    if not 0 <= seconds < _LATEST:
        raise ValueError(f"{text!r} is no time of a request")
    return seconds
