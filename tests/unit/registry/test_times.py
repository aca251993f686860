from __future__ import annotations

from datetime import datetime, timezone

import pytest

from poetry_aegis.registry.times import parse_moment


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2026-03-09T01:02:03Z", 0),
        ("2026-03-09T01:02:03", 0),
        ("2026-03-09T02:02:03+01:00", 0),
        ("2026-03-09T01:02:03.4Z", 400_000),
        ("2026-03-09T01:02:03.000001+00:00", 1),
        ("2026-03-09T01:02:03.123456789Z", 123_456),
    ],
)
def test_a_moment_is_read_however_it_is_written(text: str, microsecond: int) -> None:
    assert parse_moment(text) == datetime(2026, 3, 9, 1, 2, 3, microsecond, timezone.utc)


def test_a_day_begins_at_midnight() -> None:
    assert parse_moment("2026-03-09") == datetime(2026, 3, 9, tzinfo=timezone.utc)


@pytest.mark.parametrize("text", ["", "never", "2026-02-30", "Z", "."])
def test_what_is_no_moment_is_none(text: str) -> None:
    assert parse_moment(text) is None
