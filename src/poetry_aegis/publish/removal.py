"""Room for a file that pypiserver has already: it replaces none, but removes a whole version."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from poetry_aegis.errors import FileConflict
from poetry_aegis.publish.answer import Answer
from poetry_aegis.publish.distributions import select
from poetry_aegis.publish.form import UploadForm
from poetry_aegis.publish.patience import Failure

if TYPE_CHECKING:
    from poetry_aegis.publish.connection import Connection
    from poetry_aegis.publish.steps import Publication

# What its own front page says; one of somebody's making may not.
_WELCOME = b"pypiserver"


def make_room(line: Connection, publication: Publication, conflict: FileConflict) -> Publication:
    """Have a pypiserver remove the version of *publication*, and return what is to be sent then.

    Raises *conflict* where the server is another, `FileConflict` where it has files of the version
    that are not here to be sent again, and other `PublishError`.
    """
    if not _is_pypiserver(line):
        raise conflict
    name, file = line.repository.name, publication.steps[0].distribution
    here = {step.distribution.filename for step in publication.steps}
    page = line.page(file.name)
    if page is None:  # What is there cannot be seen, and so not removed.
        raise conflict
    there = select(page, file.name, file.version)
    lost = sorted(set(there) - here)
    if lost:
        raise FileConflict(
            f"{name} could replace a file only by removing all of {file.version}, "
            f"and {', '.join(lost)} would be lost: it is not here.",
            hint="Put it into dist/ and use --skip-build, or release a new version: "
            "poetry aegis publish --bump patch",
        )
    line.reporter.note(
        f"{name} is a pypiserver, which replaces no file: it removes {file.name} {file.version} "
        "first, and until the upload is over nobody can install that."
    )
    for project, version in sorted({_spelling(filename) for filename in there}):
        fields = {":action": ["remove_pkg"], "name": [project], "version": [version]}
        outcome = line.web.post(line.repository.upload_url, UploadForm(fields), {})
        if isinstance(outcome, Failure):
            raise outcome.error
    steps = (
        step if step.action == "replace" else replace(step, action="upload")
        for step in publication.steps
    )
    return replace(publication, steps=tuple(steps))


def _spelling(filename: str) -> tuple[str, str]:
    """Return project and version as a file name spells them: pypiserver knows no other spelling."""
    if filename.endswith(".whl"):
        project, version, *_ = filename.split("-")
        return project, version
    project, _, version = filename.removesuffix(".tar.gz").rpartition("-")
    return project, version


def _is_pypiserver(line: Connection) -> bool:
    if line.repository.index_url is None:
        return False
    answer = line.web.get(urljoin(line.repository.index_url, "../"), {})
    return isinstance(answer, Answer) and answer.ok and _WELCOME in answer.body
