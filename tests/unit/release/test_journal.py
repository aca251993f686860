from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import pytest

from poetry_aegis.errors import ReleaseInProgress
from poetry_aegis.release import journal

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Recorded(journal.Step):
    """A step that writes down what is asked of it."""

    name: ClassVar[str] = "recorded"

    label: str
    log: list[str]
    fails: BaseException | None = None
    undo_fails: bool = False
    final: bool = False
    done: list[str] = field(default_factory=list)

    def describe(self) -> str:
        return self.label

    def do(self) -> None:
        self.log.append(f"do {self.label}")
        if self.fails:
            raise self.fails

    def undo(self) -> None:
        self.log.append(f"undo {self.label}")
        if self.undo_fails:
            raise OSError("stuck")

    def is_final(self) -> bool:
        return self.final


def run(*steps: Recorded) -> None:
    journal.run(steps, lambda step: None)


def test_all_steps_run_in_order() -> None:
    log: list[str] = []
    started: list[str] = []
    journal.run([Recorded("a", log), Recorded("b", log)], lambda s: started.append(s.describe()))
    assert log == ["do a", "do b"]
    assert started == ["a", "b"]


@pytest.mark.parametrize("failure", [OSError("disk"), KeyboardInterrupt()])
def test_a_failure_undoes_the_begun_steps_last_first(failure: BaseException) -> None:
    log: list[str] = []
    with pytest.raises(type(failure)):
        run(Recorded("a", log), Recorded("b", log, fails=failure), Recorded("c", log))
    assert log == ["do a", "do b", "undo b", "undo a"]


def test_what_became_final_is_not_undone() -> None:
    log: list[str] = []
    with pytest.raises(OSError, match="disk"):
        run(Recorded("a", log), Recorded("b", log, final=True), Recorded("c", log, OSError("disk")))
    assert log == ["do a", "do b", "do c"]


def test_a_step_that_cannot_be_undone_is_told_and_the_others_are_undone() -> None:
    log: list[str] = []
    with pytest.raises(OSError, match="disk") as caught:
        run(
            Recorded("a", log),
            Recorded("b", log, undo_fails=True),
            Recorded("c", log, OSError("disk")),
        )
    assert log[-2:] == ["undo b", "undo a"]
    assert caught.value.__notes__ == ["The step 'recorded' could not be undone: stuck"]  # type: ignore[attr-defined]


def test_one_release_at_a_time(tmp_path: Path) -> None:
    with journal.exclusive(tmp_path), pytest.raises(ReleaseInProgress), journal.exclusive(tmp_path):
        pytest.fail("two releases at once")
    with journal.exclusive(tmp_path) as free:
        assert free is None
