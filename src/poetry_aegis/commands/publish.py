"""``poetry aegis publish``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import option

from poetry_aegis.commands.base import DRY_RUN, JSON, plain
from poetry_aegis.commands.signing_base import SigningCommand

if TYPE_CHECKING:
    from cleo.io.inputs.option import Option

    from poetry_aegis.commands.publishing import Publishing, PublishOptions
    from poetry_aegis.poetry_api import Project
    from poetry_aegis.publish.publication import Publication
    from poetry_aegis.publish.repository import Repository


class PublishCommand(SigningCommand):
    """Builds, uploads and verifies the distributions of the project."""

    name = "aegis publish"
    description = "Builds, uploads and verifies the project."
    options: ClassVar[list[Option]] = [
        option("repository", "r", "The repository to publish to, as Poetry knows it.", flag=False),
        option("bump", None, "First release the next version: major, minor, patch...", flag=False),
        option("force", None, "Replace files that are there with another hash."),
        option("format", None, "Build only this: sdist or wheel.", flag=False, multiple=True),
        option("sign", None, "Sign what is published with a key of yours."),
        option("key", None, "Sign with this key of yours.", flag=False),
        option("no-check", None, "Publish whatever the metadata are like."),
        option("skip-build", None, "Take the distributions of this version from dist/."),
        option("jobs", "j", "How many files to send at a time.", flag=False),
        option("user", "u", "The user to publish as; the password is asked for.", flag=False),
        option("password-stdin", None, "With --user: read the password from standard input."),
        option("no-verify", None, "Do not read the index back after the upload."),
        DRY_RUN,
        JSON,
    ]
    help = """\
Asks the index whether it would take the upload, builds the sdist and the
wheel in a clean place, uploads them with the credentials that Poetry has
for the repository, and reads the index back until it shows every file
with its sha256. Files that are there already are not sent again, so the
command can be repeated. The files are also put into dist/.

Without <c1>-r</c1> the repository is the one that AEGIS_REPOSITORY names,
that [tool.poetry-aegis.repositories] has for the branch, that
[tool.poetry-aegis] has for all, or the only one that Poetry knows; the
public index is used only when named: <c1>-r pypi</c1>.

An index that <c1>PYPI_INDEX_URL</c1> names is used in place of the repository's own
address; beside <c1>-r</c1> it has to be the same one. What Poetry keeps for a
repository is sent to its own scheme, host and port alone, so the address then
holds user and password.

<b>Examples:</b>
  <c1>poetry aegis publish</c1>
  <c1>poetry aegis publish -r aegis --dry-run</c1>
  <c1>poetry aegis publish --bump patch --sign</c1>
  <c1>poetry aegis publish -r pypi</c1>"""

    def perform(self) -> int:
        """Publish, or say what publishing would do."""
        from poetry_aegis import poetry_api
        from poetry_aegis.commands.publishing import PublishOptions, choose, publishing
        from poetry_aegis.release.packages.workspace import require_one_package
        from poetry_aegis.signals import stops_as_interrupts

        project = poetry_api.load_project(self)
        bump = f" --bump {self.option('bump')}" if self.option("bump") else ""
        require_one_package(project.pyproject, f"publish{bump}")
        options = PublishOptions(
            overwrite=self.option("force"),
            verify=not self.option("no-verify"),
            skip_build=self.option("skip-build"),
            formats=self._formats(),
            jobs=self.read_jobs(),
            check=not self.option("no-check"),
            sign=self.option("sign"),
            key=self.option("key"),
            user=self.option("user"),
        )
        repository = self._as_user(choose(self, project, self.option("repository")))
        if self.option("bump"):
            return self._release_and_publish(project, repository, options)
        with stops_as_interrupts(), publishing(self, project, repository, options) as target:
            return self._publish(target)

    def _publish(self, target: Publishing) -> int:
        from poetry_aegis.commands.ci_report import tell_of_publication
        from poetry_aegis.commands.publish_failure import tell_more
        from poetry_aegis.commands.publishing import summary
        from poetry_aegis.errors import AegisError
        from poetry_aegis.release.pyproject import read_version
        from poetry_aegis.release.version.numbers import parse_version

        version = parse_version(read_version(target.project.pyproject)).text
        if target.options.skip_build:
            target.require_key()
        else:
            target.preflight(version)
            target.build(version)
        distributions = target.find(version)
        if target.options.skip_build:
            target.check_metadata(distributions)
            names = ", ".join(plain(file.filename) for file in distributions)
            self.say(f"Taking from dist/: {names}")
        if self.option("dry-run"):
            return self._show_plan(target, target.plan(distributions))
        self.say(_heading(target, version))
        try:
            target.publish(distributions)
        except AegisError as error:
            tell_more(error, lambda document: document | target.to_json())
            raise
        if target.publication:
            self.say(summary(target.publication))
            tell_of_publication(self, [target.publication])
            if self.wants_json:
                self.print_json(target.publication.to_json())
        return 0

    def _release_and_publish(
        self, project: Project, repository: Repository, options: PublishOptions
    ) -> int:
        from poetry_aegis.commands.ci_report import tell_of_release
        from poetry_aegis.commands.publish_failure import tell_more
        from poetry_aegis.commands.release_additions import ReleaseAdditions
        from poetry_aegis.commands.release_run import run_release
        from poetry_aegis.errors import AegisError
        from poetry_aegis.release.choice import Request

        try:
            outcome = run_release(
                self,
                project,
                Request(self.option("bump"), extendable=False),
                ReleaseAdditions(self, repository, options),
                dry_run=self.option("dry-run"),
            )
        except AegisError as error:
            # Where it is without --bump, too.
            tell_more(error, lambda document: document | document.pop("publication", {}))
            raise
        tell_of_release(self, outcome.document)
        if self.wants_json:
            published = outcome.document.pop("publication", {})
            nothing: dict[str, object] = {
                "repository": repository.name,
                "url": repository.upload_url,
                "version": outcome.version,
                "files": [],
                "verified": False,
                "dry_run": self.option("dry-run"),
            }
            done = published if isinstance(published, dict) else {}
            self.print_json(nothing | done | {"release": outcome.document})
        return 0

    def _as_user(self, repository: Repository) -> Repository:
        from poetry_aegis.commands.repository_choice import as_user
        from poetry_aegis.errors import UsageError

        user, from_stdin = self.option("user"), self.option("password-stdin")
        if user:
            return as_user(self, repository, user, from_stdin=from_stdin, hint=_KEEP)
        if from_stdin:
            raise UsageError("--password-stdin goes with --user.")
        return repository

    def _formats(self) -> tuple[str, ...]:
        """Return what to build, without doubles; nothing for all. Raises `UsageError`."""
        from poetry_aegis.errors import UsageError

        names = [name.strip() for given in self.option("format") for name in given.split(",")]
        unknown = [name for name in names if name not in FORMATS]
        if unknown:
            raise UsageError(
                f"{unknown[0]!r} is not a format.", hint=f"Formats: {', '.join(FORMATS)}"
            )
        if names and self.option("skip-build"):
            raise UsageError("--format says what to build, and --skip-build builds nothing.")
        return tuple(dict.fromkeys(names))

    def _show_plan(self, target: Publishing, publication: Publication) -> int:
        """Say what would be done. Raises `FileConflict` where it would be refused."""
        from poetry_aegis.commands.publish_failure import telling_more
        from poetry_aegis.publish.publication import refuse_conflicts

        repository, key = publication.repository, target.key_name()
        self.say(f"To <info>{plain(repository.name)}</info> ({plain(repository.upload_url)}):")
        for step in publication.steps:
            self.say(f"  <c1>{plain(step.distribution.filename)}</c1> {WOULD[step.action]}")
        self.say("Nothing was changed.")
        planned = publication.to_json(planned=True) | {"key": key, "dry_run": True}
        with telling_more(planned):
            refuse_conflicts(publication, signs=key is not None)
        if self.wants_json:
            self.print_json(planned)
        return 0


def _heading(target: Publishing, version: str) -> str:
    repository = target.repository
    return (
        f"Publishing <c1>{plain(target.project.name)}</c1> <c2>{version}</c2> "
        f"to <info>{plain(repository.name)}</info> ({plain(repository.upload_url)})"
    )


FORMATS = ("sdist", "wheel")
_KEEP = (
    "Nobody can be asked here: give it with --password-stdin, or let Poetry keep it: "
    "poetry config http-basic.{repository} {user}"
)
WOULD = {
    "upload": "would be uploaded",
    "skip": "would be skipped: the same file is already there",
    "sign": "is already there and would be signed",
    "replace": "would replace the file that is there",
    "refuse": "would be refused: another file of that name is there",
}
