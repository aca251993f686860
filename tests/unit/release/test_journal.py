from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import NoUnfinishedRelease, ReleaseError, ReleaseInProgress
from poetry_aegis.errors import UnfinishedRelease as Unfinished
from poetry_aegis.release import journal
from poetry_aegis.release.record import Record

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Recorded(journal.Step):
    """A step that writes down what is asked of it."""

    name: str
    log: list[str]
    fails: BaseException | None = None
    undo_fails: bool = False
    final: bool = False
    done: bool | None = None

    def describe(self) -> str:
        return self.name

    def do(self) -> None:
        self.log.append(f"do {self.name}")
        self.remember(was_here=True)
        if self.fails:
            raise self.fails

    def undo(self) -> None:
        assert self.recall() == {"was_here": True}
        self.log.append(f"undo {self.name}")
        if self.undo_fails:
            raise OSError("stuck")

    def is_done(self) -> bool | None:
        return self.done

    def is_final(self) -> bool:
        return self.final


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """Return a journal that has been opened."""
    record = Record(tmp_path / "journal")
    record.open({"what": "한글"})
    return record


def again(record: Record) -> Record:
    """Return the journal as another process finds it."""
    found = Record(record.directory)
    assert found.load() == {"what": "한글"}
    return found


def run(record: Record, *steps: Recorded) -> None:
    journal.run(steps, record, lambda step: None)


def break_off(record: Record, *steps: Recorded) -> None:
    """Begin all of *steps* and finish all but the last, as a killed process leaves them."""
    for step in steps:
        step.attach(record)
        record.begin(step.name)
        step.do()
        if step is not steps[-1]:
            record.finish(step.name)


def test_all_steps_run_in_order_and_the_journal_is_closed(record: Record) -> None:
    log: list[str] = []
    started: list[str] = []
    steps = [Recorded("a", log), Recorded("b", log)]
    journal.run(steps, record, lambda step: started.append(step.describe()))
    assert log == ["do a", "do b"]
    assert started == ["a", "b"]
    assert not record.exists
    assert not record.directory.exists()


@pytest.mark.parametrize("failure", [OSError("disk"), KeyboardInterrupt()])
def test_a_failure_undoes_the_begun_steps_last_first(
    record: Record, failure: BaseException
) -> None:
    log: list[str] = []
    with pytest.raises(type(failure)):
        run(record, Recorded("a", log), Recorded("b", log, failure), Recorded("c", log))
    assert log == ["do a", "do b", "undo b", "undo a"]
    assert not record.exists


def test_what_became_final_is_not_undone_and_can_be_finished(record: Record) -> None:
    log: list[str] = []
    steps = [Recorded("a", log), Recorded("b", log, final=True), Recorded("c", log, OSError("x"))]
    with pytest.raises(OSError, match="x"):
        run(record, *steps)
    assert log == ["do a", "do b", "do c"]
    steps[2].fails = None
    journal.resume(steps, again(record), lambda step: None)
    assert log == ["do a", "do b", "do c", "do c"]
    assert not record.exists


def test_a_step_that_cannot_be_undone_is_told_and_what_is_below_it_stays(record: Record) -> None:
    log: list[str] = []
    steps = [
        Recorded("a", log),
        Recorded("b", log, undo_fails=True),
        Recorded("c", log, OSError("disk")),
    ]
    with pytest.raises(OSError, match="disk") as caught:
        run(record, *steps)
    assert log[-2:] == ["undo c", "undo b"]
    assert caught.value.__notes__ == ["The step 'b' could not be undone: stuck"]  # type: ignore[attr-defined]
    steps[1].undo_fails = False
    journal.take_back(steps, again(record), lambda step: None)
    assert log[-2:] == ["undo b", "undo a"]
    assert not record.exists


@pytest.mark.parametrize("done", [None, False])
def test_a_step_that_was_cut_short_is_done_again(record: Record, done: bool | None) -> None:
    log: list[str] = []
    steps = [Recorded("a", log), Recorded("b", log, done=done), Recorded("c", log)]
    break_off(record, *steps[:2])
    journal.resume(steps, again(record), lambda step: None)
    assert log == ["do a", "do b", "do b", "do c"]


def test_the_world_knows_better_than_the_journal(record: Record) -> None:
    log: list[str] = []
    steps = [Recorded("a", log), Recorded("b", log, done=True), Recorded("c", log)]
    break_off(record, *steps[:2])
    journal.resume(steps, again(record), lambda step: None)
    assert log == ["do a", "do b", "do c"]


def test_what_broke_off_is_taken_back_last_first(record: Record) -> None:
    log: list[str] = []
    undone: list[str] = []
    steps = [Recorded("a", log), Recorded("b", log), Recorded("c", log)]
    break_off(record, *steps[:2])
    journal.take_back(steps, again(record), lambda step: undone.append(step.name))
    assert log == ["do a", "do b", "undo b", "undo a"]
    assert undone == ["b", "a"]
    assert not record.exists


def test_what_others_have_seen_is_not_taken_back(record: Record) -> None:
    log: list[str] = []
    steps = [Recorded("a", log, final=True), Recorded("b", log)]
    break_off(record, *steps)
    with pytest.raises(ReleaseError, match="others may have seen it") as caught:
        journal.take_back(steps, again(record), lambda step: None)
    assert "--resume" in caught.value.hint
    assert "--abort --force" in caught.value.hint
    assert log == ["do a", "do b"]
    assert record.exists


def test_no_second_release_over_an_unfinished_one(record: Record) -> None:
    for attempt in (record.require_none, lambda: record.open({})):
        with pytest.raises(Unfinished) as caught:
            attempt()
        assert "--resume" in caught.value.hint
        assert "--abort" in caught.value.hint
    assert again(record).exists


def test_nothing_to_finish(tmp_path: Path) -> None:
    with pytest.raises(NoUnfinishedRelease):
        Record(tmp_path).load()


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"format": 99, "plan": {}}', b"\xff"])
def test_a_journal_that_cannot_be_read_says_so(record: Record, content: bytes) -> None:
    (record.directory / "plan.json").write_bytes(content)
    with pytest.raises(ReleaseError, match="cannot be read") as caught:
        Record(record.directory).load()
    assert "git status" in caught.value.hint


def test_nobody_else_can_read_the_journal(record: Record) -> None:
    assert record.directory.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in record.directory.iterdir())


def test_one_release_at_a_time(tmp_path: Path) -> None:
    with journal.exclusive(tmp_path), pytest.raises(ReleaseInProgress), journal.exclusive(tmp_path):
        pytest.fail("two releases at once")
    with journal.exclusive(tmp_path) as free:
        assert free is None


class Provisional(Recorded):
    """What counts only with something lasting after it."""

    lasting = False


def test_what_does_not_last_is_made_anew(record: Record) -> None:
    log: list[str] = []
    steps = [Provisional("a", log), Provisional("b", log), Recorded("c", log)]
    break_off(record, *steps[:2])
    journal.resume(steps, again(record), lambda step: None)
    assert log[2:] == ["undo b", "undo a", "do a", "do b", "do c"]


def test_what_does_not_last_stays_below_what_does(record: Record) -> None:
    log: list[str] = []
    steps = [Provisional("a", log), Recorded("b", log), Recorded("c", log)]
    break_off(record, *steps)
    journal.resume(steps, again(record), lambda step: None)
    assert log[3:] == ["do c"]


def test_a_step_that_is_being_taken_back_is_not_done_any_more(record: Record) -> None:
    log: list[str] = []
    steps = [Recorded("a", log), Recorded("b", log)]
    break_off(record, *steps, Recorded("c", log))
    steps[1].undo_fails = True
    with pytest.raises(OSError, match="stuck"):
        journal.take_back(steps, again(record), lambda step: None)
    found = again(record)
    assert found.has_begun("b")
    assert not found.has_done("b")
    journal.resume(steps, found, lambda step: None)
    assert log[-1] == "do b"
