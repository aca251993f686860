"""Scripts that let a shell complete ``poetry aegis``: subcommands, options and closed choices.

Poetry's own scripts know no command of several words in bash and zsh. These know all of them, leave
everything else to Poetry's where those are loaded, and start no Poetry while somebody types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.completion.bash import script as _bash
from poetry_aegis.completion.fish import script as _fish
from poetry_aegis.completion.words import FILE, FREE, ROOT, Entry, Values, Word, words_below
from poetry_aegis.completion.zsh import script as _zsh

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "FILE", "FREE", "ROOT", "SHELLS", "Entry", "Values", "Word", "script_for", "words_below",
]  # fmt: skip

SHELLS: dict[str, Callable[[Sequence[Entry]], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}


def script_for(shell: str, entries: Sequence[Entry]) -> str:
    """Return the script for *shell*, one of `SHELLS`, that completes *entries*."""
    return SHELLS[shell](entries)
