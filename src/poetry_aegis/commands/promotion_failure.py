"""Ways out for a promotion that has failed, where what it shares with a publication has others."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poetry_aegis.publish.contents import Release


@contextmanager
def replacing_nothing() -> Iterator[None]:
    """Give a conflict the way out that a promotion has."""
    from poetry_aegis.errors import FileConflict

    try:
        yield
    except FileConflict as error:
        error.hint = "A promotion replaces nothing: release a new version, promote that."
        raise


def way_out(hint: str, release: Release, source: str, again: str = "--no-verify") -> str:
    """Return the *hint* of an error as it helps with a promotion of *release* from *source*.

    *again* is what follows ``promote`` where nothing is to be verified.

    What reads and uploads is the same as for `publish`, and names that.
    """
    from poetry_aegis.publish.answers import SIGN
    from poetry_aegis.publish.promotion import sign_where_it_is

    if hint == SIGN:
        how = " with a key that the server trusts"
        return sign_where_it_is(str(release.version), source, how=how)
    hint = hint.replace(
        "Publish without reading the index back: poetry aegis publish --no-verify",
        f"Promote without reading the index back: poetry aegis promote {again}",
    )
    lines = hint.replace("publish --no-verify", f"promote {again}").splitlines()
    return "\n".join(line for line in lines if "publish --no-check" not in line)
