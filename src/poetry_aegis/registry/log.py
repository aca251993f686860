"""The log: one JSON object a line. It holds no credential and no query string."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping


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


class AccessLog:
    """Writes a line per request. Cheaper than `logging`, which reads pay for."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, moment: float, fields: Mapping[str, object]) -> None:
        """Write *fields* of a request that began at *moment*, in seconds since 1970."""
        entry = {"time": _moment(moment), "level": "info", "event": "request", **fields}
        self._stream.write(json.dumps(entry) + "\n")


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


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds")
