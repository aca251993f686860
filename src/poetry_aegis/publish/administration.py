"""Administering an index that is a poetry-aegis server: yanks, deletions, a project's status."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin

from poetry_aegis.errors import Forbidden, PublishError
from poetry_aegis.publish.answer import reason_of
from poetry_aegis.publish.answers import reading_failure
from poetry_aegis.publish.contents import (
    WRONG_SHAPE,
    Outcome,
    ProjectOnIndex,
    parse_outcome,
    parse_project,
)
from poetry_aegis.publish.patience import DEFAULT_PATIENCE, Failure, Patience, persist
from poetry_aegis.publish.repository import check_upload_url, config_line, index_url_of
from poetry_aegis.publish.web import Web

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from poetry_aegis.publish.answer import Answer
    from poetry_aegis.publish.repository import Repository

_PROBLEM = "application/problem+json"
_UNAUTHORIZED, _FORBIDDEN = 401, 403
_ONCE = Patience(backoffs=())
_ROLES = {"read": "reader", "yank": "publisher", "delete": "admin", "manage": "admin"}


class Administration:
    """The API of the index behind *web*. *tell* hears of each repeated request.

    All methods raise `PublishError` and its kinds.
    """

    def __init__(self, web: Web, patience: Patience, tell: Callable[[str], None]) -> None:
        self.repository = web.repository
        self._web = web
        self._patience = patience
        self._tell = tell
        self._url = api_url_of(self.repository)

    def require_right(self, right: str, project: str) -> None:
        """Raise unless the index has the API, and the user the *right* to *project*.

        The rights are ``read``, ``yank``, ``delete`` and ``manage``. Raises `Forbidden` where it
        is missing.
        """
        answer = self._ask("GET", f"whoami?project={quote(project)}")
        rights = _rights_in(answer)
        if rights is None:
            raise self._no_api(answer)
        if rights.get(right) is not True:
            who = self.repository.username or "a user without credentials"
            raise Forbidden(
                f"{self.repository.name} does not allow {who} to {right} {project}.",
                hint=f"It needs a user with the role {_ROLES[right]} and rights to this project, "
                "or a token with them.",
            )

    def project(self, name: str) -> ProjectOnIndex:
        """Return what the index has of the project *name*."""
        return self._project(self._document("GET", _path(name)))

    def yank(self, project: str, version: str, reason: str | None) -> Outcome:
        """Yank a version for *reason*, or take its yank back for ``None`` (PEP 592)."""
        path = f"{_path(project)}/versions/{quote(version, safe='')}/yank"
        if reason is None:
            return self._outcome(self._document("DELETE", path))
        return self._outcome(self._document("PUT", path, {"reason": reason}))

    def delete_version(self, project: str, version: str) -> Outcome:
        """Delete all files of a version."""
        path = f"{_path(project)}/versions/{quote(version, safe='')}"
        return self._outcome(self._document("DELETE", path))

    def delete_file(self, project: str, file_name: str) -> Outcome:
        """Delete one file."""
        path = f"{_path(project)}/files/{quote(file_name, safe='')}"
        return self._outcome(self._document("DELETE", path))

    def delete_project(self, project: str) -> Outcome:
        """Delete a project with all its files."""
        return self._outcome(self._document("DELETE", _path(project)))

    def set_status(self, project: str, status: str, reason: str | None) -> ProjectOnIndex:
        """Give a project a status (PEP 792), and return what the index has of it then."""
        change = {"status": status} if reason is None else {"status": status, "reason": reason}
        return self._project(self._document("PATCH", _path(project), change))

    def _document(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        answer = self._ask(method, path, body)
        if not answer.ok:
            raise self._refusal(answer)
        try:
            document = json.loads(answer.body)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise self._no_api(answer)
        return document

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        url = urljoin(self._url, path)

        def attempt() -> Answer | Failure:
            answer = self._web.call(method, url, body)
            if isinstance(answer, Failure) or answer.ok:
                return answer
            failure = reading_failure(answer, self.repository)
            return failure if failure.repeatable or answer.status == _UNAUTHORIZED else answer

        # What is deleted is not there any more: asked again, the index would say so.
        return persist(attempt, _ONCE if method == "DELETE" else self._patience, self._tell)

    def _refusal(self, answer: Answer) -> PublishError:
        if _PROBLEM not in answer.headers.get("content-type", ""):
            return self._no_api(answer)
        said = reason_of(answer, self.repository)
        kind = Forbidden if answer.status == _FORBIDDEN else PublishError
        return kind(f"{self.repository.name} refused: {said}")

    def _no_api(self, answer: Answer) -> PublishError:
        name = self.repository.name
        said = f"{answer.status} {reason_of(answer, self.repository)}".rstrip(" .")
        return PublishError(
            f"The index {name} has no API for that: {self._url} answers {said}.",
            hint="Only a poetry-aegis server has it. Another index is administered on its own web "
            "pages or with its own tool.\nIf it is one, correct its address: "
            + config_line(self.repository, "https://HOST/legacy/"),
        )

    def _project(self, document: dict[str, Any]) -> ProjectOnIndex:
        try:
            return parse_project(document)
        except WRONG_SHAPE as error:
            raise self._strange() from error

    def _outcome(self, document: dict[str, Any]) -> Outcome:
        try:
            return parse_outcome(document)
        except WRONG_SHAPE as error:
            raise self._strange() from error

    def _strange(self) -> PublishError:
        return PublishError(
            f"{self.repository.name} answers, but not as a poetry-aegis server does.",
            hint="Is it of another version than this plugin?",
        )


@contextlib.contextmanager
def administration(
    repository: Repository,
    *,
    tell: Callable[[str], None],
    patience: Patience = DEFAULT_PATIENCE,
) -> Iterator[Administration]:
    """Yield the API of *repository*'s index. Raises `NotAnUploadUrl` for what is no address."""
    check_upload_url(repository)
    web = Web(repository)
    try:
        yield Administration(web, patience, tell)
    finally:
        web.close()


def api_url_of(repository: Repository) -> str:
    """Return where the API is: beside the upload address, as the Simple API is."""
    return urljoin(index_url_of(repository.upload_url), "../api/v1/")


def _rights_in(answer: Answer) -> Mapping[str, object] | None:
    """Return the rights that ``whoami`` tells of, ``None`` where it is another's answer."""
    try:
        rights = json.loads(answer.body)["may"] if answer.ok else None
    except WRONG_SHAPE:
        return None
    return rights if isinstance(rights, dict) else None


def _path(project: str) -> str:
    return f"projects/{quote(project, safe='')}"
