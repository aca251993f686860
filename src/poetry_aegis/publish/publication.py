"""A publication: what each file needs, all of it checked first, then sent, then read back.

::

    plan      read the index once: upload, skip (same hash), replace or refuse (another hash)
    upload    each file that needs it; repeated, resumed and never doubled
    verify    read the index again until every file shows its sha256
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeVar

from poetry_aegis.errors import (
    BuildFailed,
    FileConflict,
    PublishError,
    Unauthorized,
    Unreachable,
)
from poetry_aegis.publish.distributions import keep, select
from poetry_aegis.publish.index import Index
from poetry_aegis.publish.patience import DEFAULT_PATIENCE, Patience
from poetry_aegis.publish.repository import check_upload_url
from poetry_aegis.publish.upload import Uploader, conflict, different
from poetry_aegis.publish.verification import read_back
from poetry_aegis.publish.web import Web

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from poetry_aegis.publish.distributions import Distribution
    from poetry_aegis.publish.reporter import Reporter
    from poetry_aegis.publish.repository import Repository

T = TypeVar("T")
Action = Literal["upload", "skip", "replace", "refuse"]
_DONE = {"upload": "uploaded", "skip": "skipped", "replace": "replaced", "refuse": "refused"}


@dataclass(frozen=True)
class Step:
    """What one file needs. *found* is the SHA-256 of the file of that name on the index."""

    distribution: Distribution
    action: Action
    found: str | None = None


@dataclass(frozen=True)
class Publication:
    """The files of one version and one repository: what is to be done, and once done, what was."""

    repository: Repository
    steps: tuple[Step, ...]
    verified: bool = False

    @property
    def uploaded(self) -> tuple[Distribution, ...]:
        """The files that the index did not have."""
        return self._with("upload")

    @property
    def skipped(self) -> tuple[Distribution, ...]:
        """The files that were there already, with the same hash."""
        return self._with("skip")

    @property
    def replaced(self) -> tuple[Distribution, ...]:
        """The files that were there with another hash."""
        return self._with("replace")

    @property
    def refused(self) -> tuple[Distribution, ...]:
        """The files that cannot be sent: another one of that name is there."""
        return self._with("refuse")

    @property
    def version(self) -> str:
        """The version that was published."""
        return self.steps[0].distribution.version

    def to_json(self, *, planned: bool = False) -> dict[str, object]:
        """Return the publication as ``--json`` prints it; *planned* where nothing is done yet."""
        return {
            "repository": self.repository.name,
            "url": self.repository.upload_url,
            "project": self.steps[0].distribution.name,
            "version": self.version,
            "files": [
                {
                    "filename": step.distribution.filename,
                    "sha256": step.distribution.sha256,
                    "size": step.distribution.size,
                    "status": step.action if planned else _DONE[step.action],
                }
                for step in self.steps
            ],
            "verified": self.verified,
        }

    def _with(self, action: Action) -> tuple[Distribution, ...]:
        return tuple(step.distribution for step in self.steps if step.action == action)


def plan(
    distributions: Sequence[Distribution],
    repository: Repository,
    *,
    overwrite: bool = False,
    reporter: Reporter,
    patience: Patience = DEFAULT_PATIENCE,
) -> Publication:
    """Return what publishing *distributions* would do; nothing is sent. Raises `PublishError`."""
    with _connection(repository, reporter, patience) as (_, index):
        return _plan(distributions, repository, index, reporter, overwrite=overwrite)


def publish(  # noqa: PLR0913 - each is a choice of the caller's, given by name
    distributions: Sequence[Distribution],
    repository: Repository,
    *,
    overwrite: bool = False,
    verify: bool = True,
    keep_in: Path | None = None,
    reporter: Reporter,
    patience: Patience = DEFAULT_PATIENCE,
) -> Publication:
    """Upload *distributions* to *repository* and read the index back.

    Files that are there already with the same SHA-256 are skipped; with another one they raise
    `FileConflict` before anything is sent, unless *overwrite*. Copies go to *keep_in* once
    nothing stands against the upload and before it begins, so that an interrupted publication
    can be finished with the very same files. Raises `VerificationFailed` where the index, with
    *verify*, does not show every file with its hash, and the other kinds of `PublishError`.
    """
    with _connection(repository, reporter, patience) as (web, index):
        publication = _plan(distributions, repository, index, reporter, overwrite=overwrite)
        _refuse_conflicts(publication)
        if keep_in is not None:
            keep(distributions, keep_in)
        uploader = Uploader(web, index, patience, reporter, overwrite=overwrite)
        for step in publication.steps:
            _perform(step, uploader, reporter)
        if not verify:
            return publication
        if index is None:
            reporter.note(f"{repository.name} has no known index to read back.")
            return publication
        outdated = {
            step.distribution.filename: step.found for step in publication.steps if step.found
        }
        read_back(index, distributions, outdated, repository.name, patience)
        return replace(publication, verified=True)


def check(
    project: str,
    version: str,
    repository: Repository,
    *,
    reporter: Reporter,
    patience: Patience = DEFAULT_PATIENCE,
) -> None:
    """Check before a release that *version* of *project* can be published; nothing is sent.

    Raises `Unauthorized` and `Unreachable`, and `FileConflict` where the index has files of that
    version already. An index that cannot be read for another reason is only noted.
    """
    with _connection(repository, reporter, patience) as (_, index):
        page = _if_readable(lambda: index.project_page(project), reporter) if index else {}
    there = sorted(select(page, project, version))
    if there:
        raise FileConflict(
            f"{repository.name} already has {version} of {project}: {', '.join(there)}.",
            hint="Release a higher version, for example: poetry aegis release patch",
        )


@contextlib.contextmanager
def _connection(
    repository: Repository, reporter: Reporter, patience: Patience
) -> Iterator[tuple[Web, Index | None]]:
    check_upload_url(repository)
    for note in repository.notes:
        reporter.note(note)
    with contextlib.closing(Web(repository)) as web:
        url = repository.index_url
        yield web, None if url is None else Index(web, url, patience, reporter.note)


def _plan(
    distributions: Sequence[Distribution],
    repository: Repository,
    index: Index | None,
    reporter: Reporter,
    *,
    overwrite: bool,
) -> Publication:
    if not distributions:
        raise BuildFailed("There is nothing to publish.", hint="Build it with: poetry build")
    found = _if_readable(lambda: _hashes(distributions, index), reporter) if index else {}
    steps = (_step(file, found.get(file.filename), overwrite=overwrite) for file in distributions)
    return Publication(repository, tuple(steps))


def _hashes(distributions: Sequence[Distribution], index: Index) -> dict[str, str]:
    """Return the SHA-256 of those files that the index has, by file name."""
    page = index.project_page(distributions[0].name)
    return {
        file.filename: index.sha256(page[file.filename])
        for file in distributions
        if file.filename in page
    }


def _if_readable(read: Callable[[], dict[str, T]], reporter: Reporter) -> dict[str, T]:
    """Return what *read* finds on the index; nothing where only reading is refused."""
    try:
        return read()
    except (Unauthorized, Unreachable):
        raise  # The upload would fail the same way, only later.
    except PublishError as error:
        reporter.note(f"What is already there cannot be seen: {error}")
        return {}


def _step(distribution: Distribution, found: str | None, *, overwrite: bool) -> Step:
    if found is None:
        return Step(distribution, "upload")
    if found == distribution.sha256:
        return Step(distribution, "skip", found)
    return Step(distribution, "replace" if overwrite else "refuse", found)


def _refuse_conflicts(publication: Publication) -> None:
    name = publication.repository.name
    for step in publication.steps:
        if step.action == "refuse" and step.found:
            raise conflict(different(step.distribution, step.found, name), name, overwrite=False)


def _perform(step: Step, uploader: Uploader, reporter: Reporter) -> None:
    distribution = step.distribution
    if step.action == "skip":
        reporter.skipped(distribution, "the same file is already there")
        return
    reporter.started(distribution)
    uploader.upload(distribution)
    reporter.finished(distribution, _DONE[step.action])
