"""Which commits a commit contains, found from the parents that the log told of: no git needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import TypeAlias

    Parents: TypeAlias = Mapping[str, tuple[str, ...]]


def ancestors(tips: Iterable[str], parents: Parents) -> set[str]:
    """Return *tips* and all that they lead to, as far as *parents* knows the commits."""
    found: set[str] = set()
    ahead = [sha for sha in tips if sha in parents]
    while ahead:
        sha = ahead.pop()
        if sha not in found:
            found.add(sha)
            ahead += [parent for parent in parents[sha] if parent in parents]
    return found
