"""A release from end to end: looked at, laid out, checked, run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.errors import NoUpstream
from poetry_aegis.release import journal, preflight
from poetry_aegis.release.decision import decide
from poetry_aegis.release.git import GitRepository
from poetry_aegis.release.plan import Plan, git_steps, make_plan
from poetry_aegis.release.pyproject import read_version
from poetry_aegis.release.version import parse_version

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from poetry_aegis.release.git import Upstream
    from poetry_aegis.release.journal import Step
    from poetry_aegis.release.version import PrereleaseType
    from poetry_aegis.settings import Settings


@dataclass(frozen=True)
class Request:
    """What the user asked for: *target* is ``auto``, a level, ``prerelease`` or a version."""

    target: str
    prerelease_type: PrereleaseType | None = None
    push: bool = False


@dataclass(frozen=True)
class Release:
    """A release that can be run: its plan, and the steps that carry it out."""

    repository: GitRepository
    plan: Plan
    steps: tuple[Step, ...]

    def run(self, started: Callable[[Step], None]) -> None:
        """Run all steps or none, calling *started* before each. Raises what a step raises."""
        journal.run(self.steps, started)

    def stands(self) -> bool:
        """Return whether others may have seen the release, so that it was not taken back."""
        return any(step.is_final() for step in self.steps)

    def upstream(self, remote: str) -> Upstream | None:
        """Return where the release can be pushed, *remote* being the one to prefer."""
        branch = self.repository.branch()
        try:
            return preflight.find_upstream(self.repository, branch, remote) if branch else None
        except NoUpstream:
            return None


def current_version(pyproject: Path) -> str:
    """Return the version of the project as PEP 440 spells it. Raises `ProjectError`."""
    return parse_version(read_version(pyproject)).text


def open_release(
    pyproject: Path,
    settings: Settings,
    request: Request,
    *,
    building: Sequence[Step] = (),
    publishing: Sequence[Step] = (),
) -> Release | None:
    """Return the release that *request* means, checked; ``None`` for nothing to release.

    *building* are steps to run once the files are written and before the commit, *publishing*
    those to run last. Nothing is written. Raises `ProjectError`, `GitError` and `ReleaseError`.
    """
    current = parse_version(read_version(pyproject))
    repository = GitRepository.around(pyproject.parent)
    head = repository.head()  # Before the history is read: what comes later is not in the plan.
    branch = preflight.require_releasable(repository)
    decision = decide(repository, settings, current, request.target, request.prerelease_type)
    if decision is None:
        return None
    upstream = (
        preflight.find_upstream(repository, branch, settings.remote) if request.push else None
    )
    plan = make_plan(repository, pyproject, settings, decision, upstream, head=head)
    preflight.require_free(repository, plan)
    writing, recording = git_steps(plan, repository)
    return Release(repository, plan, (*writing, *building, *recording, *publishing))
