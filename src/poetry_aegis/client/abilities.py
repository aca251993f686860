"""What an index does for its users: who may upload, and whether it has public packages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from poetry_aegis.client.poetry import connect
from poetry_aegis.client.show import Used, look

if TYPE_CHECKING:
    from poetry_aegis.client.poetry import Index
    from poetry_aegis.client.setup import Login

# A project that every public index has.
PUBLIC = "pip"
_MOST_BYTES = 65_536


def may_upload(index: Index, login: Login | None, authority: str | None) -> bool | None:
    """Return whether *index* lets *login* upload, ``None`` where it does not tell.

    Its certificate is verified with *authority*, in PEM. An index of another kind tells nothing.
    """
    import httpx

    auth = (login.username, login.password) if login else None
    try:
        with (
            connect(index, authority) as client,
            client.stream("GET", f"{index.base_url}api/v1/whoami", auth=auth) as answer,
        ):
            if answer.status_code != 200:
                return None
            may = json.loads(next(answer.iter_bytes(_MOST_BYTES), b""))["may"]["upload"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return may if isinstance(may, bool) else None


def shows_public(index: Index, login: tuple[str, str] | None, authority: str | None) -> bool | None:
    """Return whether *index* has a project that is public, ``None`` where it does not tell.

    *authority* is the file that its certificate is verified with.
    """
    url = f"{index.simple_url}{PUBLIC}/"
    (seen,) = look([Used("", url, "", login=login, authority=authority)])
    return {200: True, 404: False}.get(seen.status or 0)


def about_public(index: Index, *, shows: bool | None) -> tuple[str, ...]:
    """Return what a user has to know whose clients ask *index* alone."""
    if shows:
        return ()
    way = "through it only with [upstream] in its settings."
    place = f"{index.base_url} takes the place of the public index"
    if shows is None:
        return (f"{place}: public packages come {way}",)
    return (f"{place}, and has no public packages (no {PUBLIC}): they come {way}",)
