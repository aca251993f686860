from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.registry.log import AccessLog, JsonLines, Logged, configure_logging

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_a_request_is_one_line_of_json() -> None:
    stream = io.StringIO()
    log = AccessLog(stream)

    path = "/simple/\nforged\u2028"
    log.write(Logged(1.0625, 0.00123, "GET", path, "project", 200, 'a"da', None, "x" * 1000))
    assert stream.getvalue() == ""
    log.flush()
    log.flush()

    assert stream.getvalue().count("\n") == 1
    assert json.loads(stream.getvalue()) == {
        "time": "1970-01-01T00:00:01.062+00:00",
        "level": "info",
        "event": "request",
        "method": "GET",
        "path": "/simple/\nforged\u2028",
        "route": "project",
        "status": 200,
        "ms": 1.23,
        "user": 'a"da',
        "client": None,
        "agent": "x" * 200,
    }


@pytest.mark.usefixtures("logging_as_before")
def test_while_nobody_reads_the_log_it_ends_somewhere() -> None:
    stream = io.StringIO()
    configure_logging(stream)
    log = AccessLog(stream)
    for number in range(20_005):
        log.write(Logged(1.0, 0.1, "GET", f"/{number}/" + "x" * 9000, "", 200, None, None, ""))
        if number == 100:
            assert len(log._lines[0]) < 2000
    log.flush()
    log.flush()

    *requests, last = map(json.loads, stream.getvalue().splitlines())
    assert len(requests) == 20_000
    assert requests[0]["path"].startswith("/5/")
    assert last["message"] == "The log was not taken in time: 5 requests are missing."


def test_a_record_brings_its_event_fields_and_trace() -> None:
    try:
        raise ValueError("broken")
    except ValueError as error:
        record = logging.LogRecord(
            "x",
            logging.ERROR,
            "",
            0,
            "A %s.",
            ("b",),
            (
                type(error),
                error,
                error.__traceback__,
            ),
        )
    record.event = "listening"
    record.fields = {"url": "http://x"}

    entry = json.loads(JsonLines().format(record))

    assert (entry["event"], entry["level"], entry["message"]) == ("listening", "error", "A b.")
    assert entry["url"] == "http://x"
    assert "ValueError: broken" in entry["trace"]


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in ("poetry_aegis", "python_multipart"):
        logging.getLogger(name).setLevel(logging.NOTSET)


@pytest.mark.usefixtures("logging_as_before")
def test_ours_is_logged_from_info_on_and_that_of_libraries_from_warning_on() -> None:
    stream = io.StringIO()

    configure_logging(stream)
    logging.getLogger("poetry_aegis.registry").info("ours")
    logging.getLogger("uvicorn").info("chatter")
    logging.getLogger("uvicorn").warning("theirs")
    logging.getLogger("python_multipart").warning("of a client's form")

    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == [
        "ours",
        "theirs",
    ]


def test_a_probe_is_logged_only_where_it_finds_something() -> None:
    stream = io.StringIO()
    log = AccessLog(stream)
    for route in ("health", "ready"):
        log.write(Logged(1.0, 0.1, "GET", f"/{route}", route, 200, None, None, ""))
    log.write(Logged(1.0, 0.1, "GET", "/ready", "ready", 503, None, None, ""))
    log.flush()
    assert [json.loads(line)["status"] for line in stream.getvalue().splitlines()] == [503]
