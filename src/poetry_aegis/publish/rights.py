"""The way to a right that an upload lacks, by what a poetry-aegis server says of it."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poetry_aegis.publish.repository import Repository

TOKEN_USER = "__token__"  # noqa: S105 -- the name that every token has
# How the server says whose right is missing, and for what. What is taken over goes into a command
# that somebody may paste, and so it is nothing but a name.
_USER = re.compile(r"\buser '([\w.@+][\w.@+-]*)'", re.IGNORECASE)
_PROJECT = re.compile(r"has no right to .* for the project ([a-z0-9][a-z0-9-]*)\b")
_OF_TOKEN = "The token of user "  # noqa: S105 -- a part of a sentence


def way_to_upload(said: str, repository: Repository) -> str:
    """Return the hint for an upload that *repository* has not allowed, *said* being its reason."""
    user = _user_in(said, repository)
    if found := _PROJECT.search(said):
        # A project that its token leaves out would not be there: the limit is the user's own.
        return _way_to_project(user, found[1])
    if _OF_TOKEN in said:
        return (
            "Ask its administrator for a token with the right to upload; on a poetry-aegis server: "
            f"poetry aegis server token create --user {user} --allow read,upload"
        )
    return (
        "Ask its administrator for the right to upload; on a poetry-aegis server: "
        f"poetry aegis server user add {user} --keep-password --role publisher"
    )


def _user_in(said: str, repository: Repository) -> str:
    """Return the user whom the administrator has to give the right, as a command has it."""
    if repository.username and repository.username != TOKEN_USER:
        return shlex.quote(repository.username)
    found = _USER.search(said)
    return found[1] if found else "NAME"


def _way_to_project(user: str, project: str) -> str:
    return (
        "Ask its administrator for the right to this project; on a poetry-aegis server: "
        f"poetry aegis server user add {user} --keep-password --publish {project}\n"
        f"That takes the place of what {user} may publish now. To keep it, give its patterns again "
        "in the same command, each with --publish; they are shown by: poetry aegis server user list"
    )
