from __future__ import annotations

import pytest

from poetry_aegis.release.changelog.entries import make_entry
from poetry_aegis.release.history.commits import Commit, parse
from poetry_aegis.settings import Settings


@pytest.mark.parametrize(
    ("footer", "closed"),
    [
        ("Closes #5", ["#5"]),
        ("Fixes: #5, #6", ["#5", "#6"]),
        ("Closes #5 and #6", ["#5", "#6"]),
        ("Resolves: #5 & #6", ["#5", "#6"]),
        ("Closes #5, refs #6", ["#5"]),
        ("Refs: #5", []),
    ],
)
def test_only_what_is_closed_is_told_as_closed(footer: str, closed: list[str]) -> None:
    change = parse(Commit("abcdef0123" * 4, "Ada", "2026-01-01", f"fix: x\n\n{footer}"))
    assert change is not None
    assert [str(issue) for issue in make_entry(change, Settings(), None).issues] == closed
