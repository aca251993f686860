"""What the tests of publishing share: a server to talk to, files to send, ears to hear."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.publish.distributions import Distribution, read_distribution
from poetry_aegis.publish.patience import Patience
from poetry_aegis.publish.repository import Repository, index_url_of
from tests.support.distributions import make_sdist, make_wheel
from tests.support.faulty import FaultyIndex, faulty_index

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

PASSWORD = "correct horse/battery"
IMPATIENT = Patience(backoffs=(0.01, 0.01, 0.01), longest_wait=2.0, looks=(0.01, 0.01, 0.01))


@dataclass
class Recorder:
    """A reporter that remembers."""

    events: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    progress: dict[str, list[int]] = field(default_factory=dict)
    possible: set[str] = field(default_factory=set)
    """The files that the server may have, as told while they are under way."""
    unsents: dict[str, str] = field(default_factory=dict)
    """What was said of the files that a failure left behind."""
    threads: set[int] = field(default_factory=set)
    """Who has told of progress."""

    def planned(self, distributions: Sequence[Distribution]) -> None:
        pass

    def started(self, distribution: Distribution) -> None:
        self.events.append(("started", distribution.filename))

    def advanced(self, distribution: Distribution, sent: int) -> None:
        self.threads.add(threading.get_ident())
        self.progress.setdefault(distribution.filename, []).append(sent)

    def sent(self, distribution: Distribution) -> None:
        self.possible.add(distribution.filename)

    def absent(self, distribution: Distribution) -> None:
        self.possible.discard(distribution.filename)

    def finished(self, distribution: Distribution, status: str) -> None:
        self.events.append((status, distribution.filename))

    def skipped(self, distribution: Distribution, reason: str) -> None:
        self.events.append(("skipped", distribution.filename))

    def unsent(self, distribution: Distribution, reason: str) -> None:
        self.unsents[distribution.filename] = reason

    def note(self, message: str) -> None:
        self.notes.append(message)


@pytest.fixture
def index() -> Iterator[FaultyIndex]:
    with faulty_index() as running:
        yield running


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def wheel(tmp_path: Path) -> Distribution:
    return read_distribution(make_wheel(tmp_path / "built"))


@pytest.fixture
def sdist(tmp_path: Path) -> Distribution:
    return read_distribution(make_sdist(tmp_path / "built"))


def repository_at(url: str, name: str = "corp", **changes: object) -> Repository:
    """Return a repository that takes uploads at *url*, with credentials."""
    values = {
        "name": name,
        "upload_url": url,
        "index_url": index_url_of(url),
        "username": "ada",
        "password": PASSWORD,
    } | changes
    return Repository(**values)  # type: ignore[arg-type]
