"""What a server's refusal means for the user: an error with a way out."""

from __future__ import annotations

import email.utils
import time
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from poetry_aegis.errors import (
    FileConflict,
    Forbidden,
    NotAnUploadUrl,
    PublishError,
    TooLarge,
    Unauthorized,
    Unreachable,
)
from poetry_aegis.publish.answer import reason_of
from poetry_aegis.publish.patience import Failure
from poetry_aegis.publish.repository import config_line, likely_upload_url, without_userinfo
from poetry_aegis.publish.rights import way_to_upload

if TYPE_CHECKING:
    from collections.abc import Mapping

    from poetry_aegis.publish.answer import Answer
    from poetry_aegis.publish.repository import Repository

_REDIRECTS = (301, 302, 303, 307, 308)
# Timeouts, limits, and whatever is wrong on the server's side: the next time it may be well.
_PASSING = frozenset({408, 429, *range(500, 600)})

# What servers say by words alone, by status. Each phrase is a server's own. First, that a file is
# already there:
_EXISTS: dict[int, tuple[str, ...]] = {
    400: (
        "already exist",  # Warehouse, Google Artifact Registry
        "has already been used",  # Warehouse, for a file that was deleted
        "updating asset",  # Nexus 3
        "cannot be updated",  # Nexus 3, newer
        "already been taken",  # GitLab
    ),
    403: ("overwrite artifact", "overwrite all artifacts"),  # Artifactory
    404: ("could not locate artifact",),  # Artifactory, of what it hides
}
_WRONG_CREDENTIAL: dict[int, tuple[str, ...]] = {
    # Warehouse, Artifactory
    403: ("invalid or non-existent authentication", "login has failed"),
}
_TOO_LARGE: dict[int, tuple[str, ...]] = {
    400: ("file too large", "size too large", "file is too large"),  # Warehouse, GitLab
    403: ("size exceeded", "quota exceeded"),  # Gitea
}


def upload_failure(answer: Answer, repository: Repository) -> Failure:
    """Return what *answer*, a refusal of an upload, means for the user."""
    return _failure(_upload_error(answer, repository), answer)


def reading_failure(answer: Answer, repository: Repository) -> Failure:
    """Return what *answer*, a refusal to show a page or a file, means for the user."""
    return _failure(_common_error(answer, repository, rights=_MAY_READ), answer)


def says_file_exists(answer: Answer) -> bool:
    """Return whether *answer* refuses an upload because the file is already there."""
    return answer.status == 409 or _says(answer, _EXISTS)


def _says(answer: Answer, phrases: Mapping[int, tuple[str, ...]]) -> bool:
    words = f"{answer.phrase} {answer.text}".lower()
    return any(phrase in words for phrase in phrases.get(answer.status, ()))


def _failure(error: PublishError, answer: Answer) -> Failure:
    error.is_passing = answer.status in _PASSING
    return Failure(
        error,
        repeatable=error.is_passing,
        refused=400 <= answer.status < 500,
        wait=_retry_after(answer),
    )


def _upload_error(answer: Answer, repository: Repository) -> PublishError:
    said = _said(answer, repository)
    if says_file_exists(answer):
        return FileConflict(f"{repository.name} already has a file of this name ({said}).")
    if answer.status in _REDIRECTS:
        return _redirected(answer, repository)
    if answer.status in (404, 405):
        return NotAnUploadUrl(
            f"{repository.upload_url} does not take uploads ({said}).",
            hint="It probably takes them at another address: "
            + config_line(repository, _elsewhere(answer, repository.upload_url)),
        )
    if answer.status == 413 or _says(answer, _TOO_LARGE):
        return TooLarge(f"The file is larger than {repository.name} takes ({said}).", hint=_SIZE)
    rights = way_to_upload(reason_of(answer, repository), repository)
    return _common_error(answer, repository, rights=rights)


def _elsewhere(answer: Answer, upload_url: str) -> str:
    """Return the address that probably takes uploads where *upload_url* does not."""
    at_root = _AT_ROOT in answer.text
    return urljoin(upload_url, "/legacy/") if at_root else likely_upload_url(upload_url)


def _common_error(answer: Answer, repository: Repository, *, rights: str) -> PublishError:
    name, said = repository.name, _said(answer, repository)
    if answer.status == 401 or _says(answer, _WRONG_CREDENTIAL):
        return _unauthorized(said, repository)
    if answer.status == 403:
        who = repository.username or "a user without credentials"
        return Forbidden(f"{name} does not allow this to {who} ({said}).", hint=rights)
    if answer.status in (502, 503, 504):
        return Unreachable(f"{name} is not available at the moment ({said}).", hint=_LATER)
    return PublishError(f"{name} refused the request ({said}).", hint=_way_out(answer))


def _said(answer: Answer, repository: Repository) -> str:
    return f"{answer.status} {reason_of(answer, repository)}".rstrip(" .")


_MAY_READ = (
    "Ask its administrator for the right to read; what a user or token of a poetry-aegis server "
    "may is shown by: poetry aegis server user list"
)
_SIZE = (
    "Leave files out of the distribution, or raise the limit of the server: max_upload_size in "
    "server.toml of a poetry-aegis server, client_max_body_size of an nginx before it."
)
_LATER = "The same command can be run again: what has arrived is not sent twice."


# How a poetry-aegis server says that a project is archived or quarantined.
_TAKES_NONE = "takes no uploads"
# How it answers where it has nothing.
_AT_ROOT = "the index is at /simple/"
# And that it wants signatures which are not there, or are not those that it trusts.
_WANTS_SIGNATURES = "must be signed"
SIGN = (
    "Sign it with a key that the server trusts: give --sign to poetry aegis publish, or set "
    "sign = true in [tool.poetry-aegis.publish].\n"
    "What others have signed goes with it: "
    "poetry aegis sign && poetry aegis publish --skip-build"
)
_PERHAPS = "Mend what it names; the same request would be refused again."


def activate(project: str) -> str:
    """Return the way out where *project* takes no uploads."""
    return (
        "Nothing goes there until an admin makes the project active again: "
        f"poetry aegis project {project} --status active"
    )


def _way_out(answer: Answer) -> str:
    if answer.status == 400 and _TAKES_NONE in answer.text:
        return activate("NAME")
    if answer.status == 400 and _WANTS_SIGNATURES in answer.text:
        return SIGN
    return _LATER if answer.status in _PASSING else _PERHAPS


def _unauthorized(said: str, repository: Repository) -> Unauthorized:
    name, username = repository.name, repository.username
    if repository.way_in:
        given = "the token" if username == "__token__" else f"the password of {username}"
        refused = f"does not accept {given}" if username else "wants user and password"
        return Unauthorized(f"{name} {refused} ({said}).", hint=repository.way_in)
    if username is None:
        return Unauthorized(
            f"{name} wants credentials and Poetry has none for it ({said}).",
            hint=f"Set them with: poetry config http-basic.{name} USER",
        )
    if username == "__token__":
        return Unauthorized(
            f"{name} does not accept the token that Poetry has for it ({said}).",
            hint=f"Set a new one with: poetry config pypi-token.{name} TOKEN",
        )
    return Unauthorized(
        f"{name} does not accept the password of {username} ({said}).",
        hint=f"Set it with: poetry config http-basic.{name} {username}",
    )


def _redirected(answer: Answer, repository: Repository) -> NotAnUploadUrl:
    location = repository.redact(answer.headers.get("location", ""))
    try:
        joined = urljoin(answer.url, "".join(c for c in location if c.isprintable()))
    except ValueError:
        joined = answer.url
    target = without_userinfo(joined)
    return NotAnUploadUrl(
        f"{repository.upload_url} redirects to {target}, and an upload does not follow.",
        hint=f"Use that address, if it is yours: {config_line(repository, target)}",
    )


def _retry_after(answer: Answer) -> float | None:
    """Return the seconds in ``Retry-After`` (RFC 9110, section 10.2.3), or ``None``."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
