"""A history told in a line, for decisions that need no repository."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from poetry.core.constraints.version import Version

from poetry_aegis.release.history.commits import Commit
from poetry_aegis.release.history.reading import History, Tag, Tags
from poetry_aegis.release.version.decision import Decision, Wish, decide
from poetry_aegis.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from poetry_aegis.release.version.numbers import PrereleaseType

V = Version.parse


@dataclass
class Story:
    """A line of commits: ``@1.0.0`` tags the last one, ``~1.0.0`` is a tag of another branch."""

    current: str = ""
    settings: Settings = field(default_factory=Settings)
    commits: list[Commit] = field(default_factory=list)
    here: list[Tag] = field(default_factory=list)
    elsewhere: list[Tag] = field(default_factory=list)

    def go_on(self, *events: str) -> Story:
        for event in events:
            if event.startswith("@"):
                commit = self.commits[-1].sha if self.commits else self._commit("chore: start")
                self.here.append(Tag(f"v{event[1:]}", V(event[1:]), "", commit))
                self.current = event[1:]
            elif event.startswith("~"):
                self.elsewhere.append(Tag(f"v{event[1:]}", V(event[1:]), "", "e" * 40))
            else:
                self._commit(event)
        return self

    def _commit(self, message: str) -> str:
        parents = (self.commits[-1].sha,) if self.commits else ()
        self.commits.append(Commit(f"{len(self.commits):040x}", "Ada", "", message, parents))
        return self.commits[-1].sha

    def read(self, since: Tag | None) -> History:
        first = 0
        if since:
            first = 1 + [commit.sha for commit in self.commits].index(since.commit)
        return History.of(since, self.commits[first:][::-1], self.settings)

    def decide(
        self,
        target: str = "auto",
        kind: PrereleaseType | None = None,
        *,
        branch: str | None = "main",
        next_free: bool = False,
        occupied: Callable[[Version], str | None] = lambda version: None,
    ) -> Decision | None:
        tags = Tags(
            tuple(sorted(self.here, key=lambda tag: tag.version, reverse=True)),
            tuple(sorted(self.here + self.elsewhere, key=lambda tag: tag.version, reverse=True)),
        )
        return decide(
            tags,
            self.read,
            self.settings,
            V(self.current or "0.0.0"),
            Wish(target, kind, next_free),
            branch=branch,
            occupied=occupied,
        )

    def next(
        self,
        target: str = "auto",
        kind: PrereleaseType | None = None,
        *,
        branch: str | None = "main",
        next_free: bool = False,
    ) -> str | None:
        decision = self.decide(target, kind, branch=branch, next_free=next_free)
        return decision.version.text if decision else None


def story(*events: str, **rules: object) -> Story:
    return Story(settings=Settings(**rules)).go_on(*events)  # type: ignore[arg-type]


def subjects(decision: Decision | None) -> list[str]:
    assert decision is not None
    return [commit.message for commit in decision.history.commits]
