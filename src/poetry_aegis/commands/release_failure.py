"""Ways out for a release that others have seen, where what failed would only fail again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poetry_aegis.commands.publishing import Publishing
    from poetry_aegis.commands.release_additions import ReleaseAdditions

LEFT_TO_DO = "What is left to do"


def sign_first(hint: str, aftermath: str, additions: ReleaseAdditions) -> tuple[str, str]:
    """Return the *hint* of an error and the *aftermath*, as they lead on where signing is wanted.

    To resume a release sends again what was built, and signs no more than it did before.
    """
    from poetry_aegis.publish.answers import SIGN

    begun = [name for name, one in additions.publications.items() if one.to_json()]
    if SIGN not in hint or LEFT_TO_DO not in aftermath or not begun:
        return hint, aftermath
    several = len(additions.publications) > 1
    where = f" in the folder of {begun[-1]}" if several else ""
    way_out = (
        f"Sign it with a key that the server trusts{where}, with the very files in dist/: "
        f"{_command(additions.publications[begun[-1]])}\n"
        "So that the next release is signed: sign = true in [tool.poetry-aegis.publish]"
    )
    return hint.replace(SIGN, way_out), aftermath.replace(LEFT_TO_DO, f"{LEFT_TO_DO} after that")


def _command(publishing: Publishing) -> str:
    """Return the command that signs the files as they are, and sends them to the same place."""
    from poetry_aegis.publish.named_index import address_in

    named = "" if address_in(os.environ) else f" -r {publishing.repository.name}"
    user = f" -u {publishing.options.user}" if publishing.options.user else ""
    return f"poetry aegis publish --skip-build --sign{named}{user}"
