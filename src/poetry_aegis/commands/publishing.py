"""Building and uploading a project from a command: `publish` does it, `release --publish` too."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from poetry_aegis import poetry_api
from poetry_aegis.commands.base import plain
from poetry_aegis.commands.progress import ConsoleReporter
from poetry_aegis.commands.publish_signing import (
    kept,
    key_name,
    require_key,
    sign,
    takes_signatures,
)
from poetry_aegis.commands.repository_choice import choose, find_repository, is_public
from poetry_aegis.errors import PublishError
from poetry_aegis.publish.account import Account
from poetry_aegis.publish.distributions import ATTESTATION, find_distributions, keep, sha256_of
from poetry_aegis.publish.metadata_check import check_metadata
from poetry_aegis.publish.preflight import check, files_there
from poetry_aegis.publish.publication import plan, publish
from poetry_aegis.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from poetry.core.constraints.version import Version

    from poetry_aegis.commands.base import AegisCommand
    from poetry_aegis.poetry_api import Project
    from poetry_aegis.publish.distributions import Distribution
    from poetry_aegis.publish.publication import Publication
    from poetry_aegis.publish.repository import Repository

__all__ = [
    "PublishOptions",
    "Publishing",
    "choose",
    "find_repository",
    "fit_to_publish",
    "publishing",
    "summary",
]


@dataclass(frozen=True)
class PublishOptions:
    """How to publish: *skip_build* takes what lies in ``dist/``.

    *formats* are what to build, all of it where none is named; *jobs* is how many files are sent
    at a time, as the project has it for ``None``. *sign* signs, with the *key* of that name, where
    the project does not want that anyway. *check* looks at the metadata.
    """

    overwrite: bool = False
    verify: bool = True
    skip_build: bool = False
    formats: Sequence[str] = ()
    jobs: int | None = None
    check: bool = True
    sign: bool = False
    key: str | None = None
    user: str | None = None


@dataclass
class Publishing:
    """A project on its way to a repository, through the directory its distributions are in."""

    command: AegisCommand
    project: Project
    repository: Repository
    options: PublishOptions
    directory: Path
    publication: Publication | None = None
    _account: Account | None = None
    _arrived: set[str] = field(default_factory=set)

    def check(self, version: str) -> None:
        """Check that *version* can be published, before it is released. Raises `PublishError`."""
        self.require_key()
        with ConsoleReporter(self.command.messages) as reporter:
            check(
                self.project.name,
                version,
                self.repository,
                overwrite=self.options.overwrite,
                reporter=reporter,
            )

    def preflight(self, version: str) -> None:
        """Check before a build that its upload would be taken. Raises `PublishError`.

        Files of *version* that are there already are told of: the build decides whether they are
        the same.
        """
        self.require_key()
        with ConsoleReporter(self.command.messages) as reporter:
            there = files_there(self.project.name, version, self.repository, reporter=reporter)
            if there and not self.options.overwrite:
                reporter.note(
                    f"{self.repository.name} already has {', '.join(there)}: "
                    "what is built now has to be the same."
                )

    def build(self, version: str) -> None:
        """Build the project, and check that it came out as *version*. Raises `BuildFailed`."""
        with fit_to_publish(self.project) as project:
            poetry_api.build(
                self.command,
                project,
                self.directory,
                self.command.messages,
                formats=self.options.formats,
            )
        self.check_metadata(self.find(version))

    def check_metadata(self, distributions: Sequence[Distribution]) -> None:
        """Warn of what is wrong with the metadata. Raises `BuildFailed` where it is too much."""
        if not self.options.check:
            return
        for sentence in check_metadata(distributions, public=is_public(self.repository)):
            self.command.warn_of(sentence)

    def require_key(self) -> None:
        """Open the key that is to sign; a dry run only names it. Raises `SigningError`."""
        require_key(self)

    def key_name(self) -> str | None:
        """Return the name of the key that would sign, ``None`` for none. Raises `SigningError`."""
        return key_name(self)

    def find(self, version: str) -> tuple[Distribution, ...]:
        """Return the distributions of *version*. Raises `BuildFailed`."""
        return find_distributions(self.directory, self.project.name, version)

    def plan(self, distributions: tuple[Distribution, ...]) -> Publication:
        """Return what `publish` would do. Raises `PublishError`."""
        with ConsoleReporter(self.command.messages) as reporter:
            return plan(
                distributions,
                self.repository,
                overwrite=self.options.overwrite,
                attestations=self._to_send(kept(distributions, self._dist)),
                reporter=reporter,
            )

    def publish(self, distributions: tuple[Distribution, ...]) -> None:
        """Upload *distributions* and read the index back. Raises `PublishError`."""
        self._account = account = Account(self.repository, distributions)
        attestations = sign(self, distributions, self._dist)
        sent = self._to_send(attestations)
        with ConsoleReporter(self.command.messages, self._arrived) as reporter:
            try:
                self.publication = publish(
                    distributions,
                    self.repository,
                    overwrite=self.options.overwrite,
                    verify=self.options.verify,
                    keep_in=None if self.options.skip_build else self._dist,
                    attestations=sent,
                    jobs=self.options.jobs or load_settings(self.project.pyproject).publish.jobs,
                    account=account,
                    reporter=reporter,
                )
            except PublishError:
                reporter.note(account.summary())
                raise
        if attestations and not sent and not self.options.skip_build:
            keep(distributions, self._dist, attestations)

    def to_json(self) -> dict[str, object]:
        """Return what was published, or what has become of it; nothing before it is begun."""
        if self.publication:
            return self.publication.to_json()
        return self._account.to_json() if self._account else {}

    def _to_send(self, attestations: dict[str, str]) -> dict[str, str]:
        return attestations if takes_signatures(self, attestations) else {}

    def has_begun(self) -> bool:
        """Return whether any file has arrived, or may have: an answer that is lost is no "no"."""
        return bool(self._arrived)

    def is_on_index(self, version: str) -> bool:
        """Return whether the index has a file of *version*, or does not say that it has none."""
        try:
            return any(step.action != "upload" for step in self.plan(self.find(version)).steps)
        except PublishError:
            return True

    def not_in_dist(self, distributions: tuple[Distribution, ...]) -> list[str]:
        """Return the names of those *distributions* that `publish` will put into ``dist/``."""
        return [file.filename for file in distributions if not self._is_in_dist(file)]

    def discard(self, names: Iterable[str]) -> None:
        """Remove from ``dist/`` those files *names* that `publish` has put there."""
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                # Until it is replaced, another file of that name is somebody else's.
                if sha256_of(self._dist / name) == sha256_of(self.directory / name):
                    (self._dist / name).unlink()
                    (self._dist / f"{name}{ATTESTATION}").unlink(missing_ok=True)

    def _is_in_dist(self, distribution: Distribution) -> bool:
        """Return whether ``dist/`` has *distribution*, and not another file of that name."""
        try:
            return sha256_of(self._dist / distribution.filename) == distribution.sha256
        except OSError:
            return False

    @property
    def _dist(self) -> Path:
        return self.project.root / "dist"


@contextlib.contextmanager
def fit_to_publish(
    project: Project, versions: Mapping[str, Version] | None = None
) -> Iterator[Project]:
    """Yield *project*, or a copy in which no path dependency is left, where it has any.

    *versions* are those of the repository's packages, by their distributions' names; without them
    what their ``pyproject.toml`` say. Raises `BuildFailed` and `ReleaseError`.
    """
    from poetry_aegis.release.packages.staging import staged
    from poetry_aegis.release.packages.workspace import find_workspace, repository_root

    top = repository_root(project.pyproject)
    if versions is None:
        workspace = find_workspace(project.pyproject, top)
        packages = workspace.packages if workspace else ()
        versions = {package.distribution: package.version for package in packages}
    if not versions:
        yield project
        return
    with staged(project, versions, top) as directory:
        yield poetry_api.Project(project.name, directory / "pyproject.toml")


def summary(publication: Publication, *, of: str = "") -> str:
    """Return one line about *publication*, for people: *of* a package, where there are several."""
    counts = {
        "uploaded": len(publication.uploaded),
        "signed": len(publication.signed),
        "replaced": len(publication.replaced),
        "skipped": len(publication.skipped),
    }
    done = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    verified = "verified on the index" if publication.verified else "not verified"
    if publication.signed_files and not publication.signed:
        verified = f"signed and {verified}"
    what = plain(f"{of} {publication.version}".strip())
    return f"<success>Published {what}</success>: {done}; {verified}."


@contextlib.contextmanager
def publishing(
    command: AegisCommand, project: Project, repository: Repository, options: PublishOptions
) -> Iterator[Publishing]:
    """Yield a `Publishing` with a clean directory, or ``dist/`` where the build is skipped."""
    if options.skip_build:
        yield Publishing(command, project, repository, options, project.root / "dist")
        return
    with tempfile.TemporaryDirectory(prefix="poetry-aegis-") as temporary:
        yield Publishing(command, project, repository, options, Path(temporary))
