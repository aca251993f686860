from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import HookFailed
from poetry_aegis.release.hooks import HookName, ReleaseFacts
from poetry_aegis.release.steps import RunHooks

if TYPE_CHECKING:
    from tests.unit.release.steps.conftest import Bench


def run_hooks(bench: Bench, script: str, hook: HookName = "pre_bump") -> RunHooks:
    """Return a step that runs *script*, begun."""
    (bench.root / "hook").write_text(script)
    (bench.root / "tracked").write_text("before\n")
    (bench.root / "other").write_text("before\n")
    bench.project.commit("chore: hook")
    facts = ReleaseFacts("demo-pkg", "0.1.0", "0.2.0", "v0.2.0", "minor", "main", bench.root / "C")
    step = RunHooks(
        bench.repository,
        hook,
        ("sh hook",),
        facts,
        bench.root,
        bench.repository.head(),
        frozenset({"ours"}),
        bench.copies,
        lambda: None,
        bench.said.append,
        name=hook,
    )
    bench.begin(step)
    return step


CHANGE = "echo after >> tracked; mkdir -p new; echo x > new/file; git add new/file; echo done\n"


def test_what_it_changes_or_stages_is_noted_and_taken_back(bench: Bench) -> None:
    step = run_hooks(bench, CHANGE)
    before = bench.project.state()
    step.do()
    assert step.changed == ["new/file", "tracked"]
    assert bench.said == ["done"]
    for _ in range(2):
        step.undo()
        assert bench.project.state() == before
        assert not (bench.root / "new").exists()
    assert bench.kept() == []


def test_what_a_failing_hook_did_is_taken_back(bench: Bench) -> None:
    step = run_hooks(bench, f"{CHANGE}exit 2\n")
    before = bench.project.state()
    with pytest.raises(HookFailed, match="exit code 2"):
        step.do()
    step.undo()
    assert bench.project.state() == before
    assert bench.kept() == []


def test_what_was_cut_short_is_taken_back_before_it_is_done_again(bench: Bench) -> None:
    step = run_hooks(bench, CHANGE)
    step.remember(before=[], changed=None)
    (bench.root / "tracked").write_text("before\nhalf")
    step.do()
    assert (bench.root / "tracked").read_text() == "before\nafter\n"
    assert bench.kept() == [b"before\nhalf"]


def test_edits_of_others_stay_or_are_kept(bench: Bench) -> None:
    step = run_hooks(bench, CHANGE)
    (bench.root / "hook").write_text(CHANGE + "# edited before\n")
    step.do()
    (bench.root / "tracked").write_text("edited since\n")
    (bench.root / "other").write_text("edited elsewhere\n")
    step.undo()
    assert (bench.root / "tracked").read_text() == "before\n"
    assert (bench.root / "other").read_text() == "edited elsewhere\n"
    assert (bench.root / "hook").read_text().endswith("# edited before\n")
    assert bench.kept() == [b"edited since\n"]


def test_a_hook_that_changed_nothing_takes_nothing_back(bench: Bench) -> None:
    step = run_hooks(bench, "true\n")
    step.do()
    (bench.root / "other").write_text("edited since\n")
    step.undo()
    assert (bench.root / "other").read_text() == "edited since\n"
    assert bench.kept() == []


def test_what_another_hook_made_of_its_files_is_nobodys_edit(bench: Bench) -> None:
    step = run_hooks(bench, CHANGE)
    before = bench.project.state()
    step.do()
    (bench.root / "tracked").write_text("before\nafter\nformatted\n")
    step.accept()
    step.undo()
    assert bench.project.state() == before
    assert bench.kept() == []


@pytest.mark.parametrize(
    ("hook", "lasting"),
    [("pre_bump", False), ("pre_commit", False), ("pre_tag", True), ("post_release", True)],
)
def test_only_what_follows_the_commit_lasts(bench: Bench, hook: HookName, lasting: bool) -> None:
    assert run_hooks(bench, "true\n", hook).lasting is lasting
