"""What is known of each file of a publication that has failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from poetry_aegis.errors import PublishError
from poetry_aegis.publish.account import Account
from poetry_aegis.publish.publication import publish
from tests.support.faulty import FaultyIndex, Reply
from tests.unit.publish.conftest import IMPATIENT, Recorder, repository_at

if TYPE_CHECKING:
    from poetry_aegis.publish.distributions import Distribution


@pytest.fixture
def both(sdist: Distribution, wheel: Distribution) -> tuple[Distribution, ...]:
    return sdist, wheel


def fail(index: FaultyIndex, recorder: Recorder, files: tuple[Distribution, ...]) -> Account:
    """Return the account of a publication that fails."""
    repository = repository_at(f"{index.url}/legacy/")
    account = Account(repository, files)
    with pytest.raises(PublishError):
        publish(files, repository, account=account, reporter=recorder, patience=IMPATIENT)
    return account


def states(account: Account) -> list[str]:
    files: list[dict[str, Any]] = account.to_json()["files"]
    return [file["status"] for file in files]


def test_what_has_arrived_and_what_has_failed(
    index: FaultyIndex, recorder: Recorder, both: tuple[Distribution, ...]
) -> None:
    index.script(Reply(stores=True), Reply(403))
    account = fail(index, recorder, both)
    assert states(account) == ["uploaded", "failed"]
    assert account.summary() == "Of 2 files: 1 uploaded, 1 failed."
    assert not account.to_json()["verified"]


def test_after_the_first_failure_nothing_else_is_tried(
    index: FaultyIndex, recorder: Recorder, both: tuple[Distribution, ...]
) -> None:
    index.script(Reply(403))
    account = fail(index, recorder, both)
    assert states(account) == ["failed", "not-tried"]
    assert account.summary() == "Of 2 files: 1 failed, 1 not tried."


def test_what_was_there_before_is_skipped(
    index: FaultyIndex, recorder: Recorder, both: tuple[Distribution, ...]
) -> None:
    index.has(both[0].filename, both[0].path.read_bytes())
    index.script(Reply(403))
    assert states(fail(index, recorder, both)) == ["skipped", "failed"]


def test_a_conflict_is_one_files_and_the_others_are_not_tried(
    index: FaultyIndex, recorder: Recorder, both: tuple[Distribution, ...]
) -> None:
    index.has(both[1].filename, b"another")
    account = fail(index, recorder, both)
    assert states(account) == ["not-tried", "refused"]
    assert account.summary() == "Nothing was sent."


def test_an_answer_that_is_lost_leaves_it_open(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    index.script(*[Reply(500, stores=True, headers={"Retry-After": "3600"})])
    index.page_replies.extend([Reply(404), Reply(500)])
    account = fail(index, recorder, (wheel,))
    assert states(account) == ["uncertain"]
    assert account.summary() == "Of 1 file: 1 may have arrived."


def test_what_the_index_shows_wrongly_was_uploaded(
    index: FaultyIndex, recorder: Recorder, both: tuple[Distribution, ...]
) -> None:
    index.hashes[both[1].filename] = "0" * 64
    account = fail(index, recorder, both)
    assert states(account) == ["uploaded", "uploaded"]


def test_before_anything_is_known_nothing_is_tried(
    recorder: Recorder, both: tuple[Distribution, ...], index: FaultyIndex
) -> None:
    index.page_replies.append(Reply(401))
    account = fail(index, recorder, both)
    document = account.to_json()
    assert states(account) == ["not-tried", "not-tried"]
    assert (document["repository"], document["project"], document["version"]) == (
        *("corp", "demo"),
        "1.0.0",
    )


def test_the_reporter_hears_all_that_it_would_without(
    index: FaultyIndex, wheel: Distribution
) -> None:
    heard = []
    for account in (None, Account(repository_at(index.url), (wheel,))):
        index.files.clear()
        recorder = Recorder()
        repository = repository_at(f"{index.url}/legacy/")
        publish((wheel,), repository, account=account, reporter=recorder, patience=IMPATIENT)
        heard.append((recorder.events, recorder.notes, recorder.possible))
    assert heard[0] == heard[1]
    assert ("uploaded", wheel.filename) in heard[0][0]
