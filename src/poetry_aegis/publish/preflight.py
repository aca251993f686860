"""Before anything is built or released: the repository is there, and would take the upload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.errors import (
    FileConflict,
    Forbidden,
    NotAnUploadUrl,
    PublishError,
    Unauthorized,
    Unreachable,
)
from poetry_aegis.publish.answers import activate
from poetry_aegis.publish.connection import connection
from poetry_aegis.publish.distributions import select
from poetry_aegis.publish.form import UploadForm
from poetry_aegis.publish.patience import DEFAULT_PATIENCE, Failure, Patience, persist

if TYPE_CHECKING:
    from poetry_aegis.publish.connection import Connection
    from poetry_aegis.publish.reporter import Reporter
    from poetry_aegis.publish.repository import Repository


def check(  # noqa: PLR0913 - each is a choice of the caller's, given by name
    project: str,
    version: str,
    repository: Repository,
    *,
    overwrite: bool = False,
    reporter: Reporter,
    patience: Patience = DEFAULT_PATIENCE,
) -> None:
    """Check before a release that *version* of *project* can be published; nothing is sent.

    Raises as `files_there` does, and `FileConflict` where the index has files of that version
    already, unless *overwrite*.
    """
    there = files_there(project, version, repository, reporter=reporter, patience=patience)
    if there and not overwrite:
        raise FileConflict(
            f"{repository.name} already has {version} of {project}: {', '.join(there)}.",
            hint="Release a higher version, for example: poetry aegis release patch",
        )


def files_there(
    project: str,
    version: str,
    repository: Repository,
    *,
    reporter: Reporter,
    patience: Patience = DEFAULT_PATIENCE,
) -> list[str]:
    """Return the names of the files of *version* that the index has already.

    Raises `NotAnUploadUrl`, `Unreachable`, `Unauthorized` and `Forbidden` where an upload would
    come to nothing, and `PublishError` where the project takes none. An index that cannot be read
    for another reason is only noted.
    """
    with connection(repository, reporter, patience) as line:
        page = line.page(project) or {}
        there = sorted(select(page, project, version))
        if not there:  # What is there with the same content, is taken again all the same.
            _require_open(line, project)
        _require_uploads(line, project, version)
    return there


def _require_open(line: Connection, project: str) -> None:
    """Raise `PublishError` where the index tells that *project* takes no uploads (PEP 792)."""
    if line.index is None or line.index.status.takes_uploads:
        return
    status = line.index.status
    reason = f" ({status.reason})" if status.reason else ""
    raise PublishError(
        f"The project {project} on {line.repository.name} is {status.name}{reason} "
        "and takes no uploads.",
        hint=activate(project),
    )


_DECISIVE = (NotAnUploadUrl, Unreachable, Unauthorized, Forbidden)


def _require_uploads(line: Connection, project: str, version: str) -> None:
    """Raise unless the upload address takes uploads.

    It is sent a form in which the file is missing. No server can store that: it is refused for
    that reason, or for one that an upload would be refused for, too.
    """

    def attempt() -> Failure | None:
        fields = {":action": ["file_upload"], "name": [project], "version": [version]}
        outcome = line.web.post(line.repository.upload_url, UploadForm(fields), {})
        if isinstance(outcome, Failure) and isinstance(outcome.error, _DECISIVE):
            return outcome
        return None

    persist(attempt, line.patience, line.reporter.note)
