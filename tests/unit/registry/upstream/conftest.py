from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.upstream import FakeIndex, running_index

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def running() -> Iterator[FakeIndex]:
    with running_index() as index:
        yield index


@pytest.fixture
def index(running: FakeIndex) -> FakeIndex:
    """An index with nothing on it."""
    running.__init__(running.url)  # type: ignore[misc]
    return running
