"""The log: one JSON object a line. It holds no credential and no query string."""

from __future__ import annotations

import json
import logging
import time
from collections import deque
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any, NamedTuple, TextIO

logger = logging.getLogger(__name__)

_LONGEST_AGENT = 200  # characters
_LONGEST_PATH = 1000  # the same
# Asked for every few seconds, for ever: what is well is no news. Metrics count them.
_PROBES = {"health", "ready"}
_MOST_LINES = 20_000  # in memory, while the stream takes none


class JsonLines(logging.Formatter):
    """Formats records; ``extra`` may name an ``event`` and bring ``fields``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        entry: dict[str, Any] = {
            "time": _moment(record.created),
            "level": record.levelname.lower(),
            "event": getattr(record, "event", "message"),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            entry["trace"] = self.formatException(record.exc_info)
        return json.dumps(entry)


class Logged(NamedTuple):
    """A request as the log has it: when it began, in seconds since 1970, and how long it took."""

    moment: float
    seconds: float
    method: str
    path: str
    route: str
    status: int
    user: str | None
    client: str | None
    agent: str


class AccessLog:
    """Writes a line per request, in batches: each read pays for it, so it is made to be cheap.

    While the stream takes none, the oldest lines make room for the newest, and are counted.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        # Filled by one thread, emptied by another.
        self._lines: deque[str] = deque(maxlen=_MOST_LINES)
        self._dropped = 0
        self._told = 0  # of those that were dropped

    def write(self, request: Logged) -> None:
        """Take in a request that was answered, unless it is a probe that found all well."""
        if request.route in _PROBES and request.status < 400:
            return
        whole = int(request.moment)
        milliseconds = int((request.moment - whole) * 1000)
        path = json.dumps(request.path[:_LONGEST_PATH])
        if len(self._lines) == _MOST_LINES:
            self._dropped += 1
        self._lines.append(
            f'{{"time": "{_second(whole)}.{milliseconds:03}+00:00", '
            f'"level": "info", "event": "request", "method": {_quoted(request.method)}, '
            f'"path": {path}, "route": {_quoted(request.route)}, '
            f'"status": {request.status}, "ms": {request.seconds * 1000:.2f}, '
            f'"user": {_quoted(request.user)}, "client": {_quoted(request.client)}, '
            f'"agent": {_quoted(request.agent[:_LONGEST_AGENT])}}}\n'
        )

    def flush(self) -> None:
        """Write what was taken in."""
        lines = [self._lines.popleft() for _ in range(len(self._lines))]
        if lines:
            self._stream.write("".join(lines))
            self._stream.flush()
        if missing := self._dropped - self._told:
            self._told += missing
            logger.warning("The log was not taken in time: %d requests are missing.", missing)


def configure_logging(stream: TextIO) -> None:
    """Send all records to *stream*: ours from INFO on, those of libraries from WARNING on."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("poetry_aegis").setLevel(logging.INFO)
    # It warns of every malformed form, which the client is told of.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)


# Few of these differ from one request to the next.
_quoted = lru_cache(1024)(json.dumps)


@lru_cache(4)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds")
