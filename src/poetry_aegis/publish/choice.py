"""Which repository is published to, read or changed, and by which rule."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from poetry_aegis.publish.repository import choose_repository

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from poetry_aegis.settings import Settings

VARIABLE = "AEGIS_REPOSITORY"
NAMED = "named with -r"
ONLY = "the only one that Poetry knows"


@dataclass(frozen=True)
class Choice:
    """A repository's *name*, and what chose it, as the end of a sentence."""

    name: str
    rule: str

    @property
    def is_plain(self) -> bool:
        """Whether nobody can wonder why: it was named in the command, or there is no other."""
        return self.rule in (NAMED, ONLY)


def choose(  # noqa: PLR0913 -- all that the rules are about
    asked: str | None,
    environ: Mapping[str, str],
    settings: Settings,
    branch: Callable[[], str | None],
    configured: Sequence[str],
    *,
    publishes: bool = True,
) -> Choice:
    """Return the repository, and the rule that chose it.

    The rules, the first that says something: *asked* on the command line, the variable in
    *environ*, the project's *settings* for the *branch*, its setting for all, the only one that
    Poetry has *configured*. Raises `UsageError` where none of them does; *publishes* is whether its
    way out may be to publish to the public index.
    """
    if asked:
        return Choice(asked, NAMED)
    if named := environ.get(VARIABLE, "").strip():
        return Choice(named, f"named in {VARIABLE}")
    if settings.repositories:
        current = branch() or ""
        pattern = _matching(current, settings.repositories)
        if pattern is not None:
            where = f"for the branch {current}, by {pattern!r} in [tool.poetry-aegis.repositories]"
            return Choice(settings.repositories[pattern], where)
    if settings.repository:
        return Choice(settings.repository, "named in [tool.poetry-aegis]")
    return Choice(choose_repository(None, None, configured, publishes=publishes), ONLY)


def _matching(branch: str, patterns: Mapping[str, str]) -> str | None:
    """Return the first of the shell-like *patterns* that *branch* matches: itself, if it is one."""
    if not branch:
        return None
    if branch in patterns:
        return branch
    return next((pattern for pattern in patterns if fnmatchcase(branch, pattern)), None)
