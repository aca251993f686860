"""``poetry aegis promote``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument, option

from poetry_aegis.commands.base import DRY_RUN, JSON, AegisCommand, plain

if TYPE_CHECKING:
    from pathlib import Path

    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option

    from poetry_aegis.publish.contents import Release
    from poetry_aegis.publish.promotion import Signed
    from poetry_aegis.publish.publication import Publication
    from poetry_aegis.publish.reporter import Reporter
    from poetry_aegis.publish.repository import Repository
    from poetry_aegis.settings import Settings
    from poetry_aegis.signatures.trust import Trust


class PromoteCommand(AegisCommand):
    """Copies a release from one repository to another."""

    name = "aegis promote"
    description = "Copies a release to another repository."
    arguments: ClassVar[list[Argument]] = [argument("release", "What to promote: NAME==VERSION.")]
    options: ClassVar[list[Option]] = [
        option("from", None, "The repository that has it, as Poetry knows it.", flag=False),
        option("to", None, "The repository that is to have it.", flag=False),
        option("jobs", "j", "How many files to copy at a time.", flag=False),
        option("yanked", None, "Promote it though it is yanked."),
        option("no-verify", None, "Look neither at signatures nor at what has arrived."),
        DRY_RUN,
        JSON,
    ]
    help = (
        "What was tested is what is released: the very files of a version, not a new\n"
        "build, go from one repository to another.\n\n"
        "  <c1>poetry aegis promote demo==1.4.0 --from staging --to production</c1>\n\n"
        "All of them are downloaded and compared with the sha256 that the index shows,\n"
        "and where [tool.poetry-aegis.trust] names keys, their signatures are verified,\n"
        "before any is sent. What is signed of them goes with them. A file that is\n"
        "there already is not sent again; another one of its name stops it all.\n\n"
        "With <c1>--dry-run</c1> all of that is done, but for the sending. It works outside of\n"
        "a project, too. Both repositories are named, so <c1>PYPI_INDEX_URL</c1> has no say."
    )

    def perform(self) -> int:
        """Promote, or say what would be promoted."""
        import shlex

        from poetry_aegis.commands.promotion_failure import way_out
        from poetry_aegis.errors import PublishError

        release = self._release()
        try:
            return self._promote(release)
        except PublishError as error:
            names = ["--from", self.option("from"), "--to", self.option("to")]
            again = shlex.join(["--no-verify", str(release), *map(str, names)])
            error.hint = way_out(error.hint, release, self.option("from"), again)
            raise

    def _promote(self, release: Release) -> int:
        import tempfile
        from pathlib import Path

        from poetry_aegis.signals import stops_as_interrupts

        settings, pyproject = self._settings()
        jobs = self.read_jobs() or settings.publish.jobs
        trust = self._trust(release, settings, pyproject)
        source, target = self._repositories()
        with (
            stops_as_interrupts(),
            tempfile.TemporaryDirectory(prefix="poetry-aegis-") as folder,
        ):
            self.say(_heading(release, source, target))
            self._preflight(release, target)
            gathered = self._gather(source, release, Path(folder), trust, jobs)
            publication = self._publish(gathered, target, jobs)
        self._tell(publication, source, gathered)
        return 0

    def _release(self) -> Release:
        from poetry_aegis.errors import UsageError
        from poetry_aegis.publish.contents import parse_release

        release = parse_release(self.argument("release"))
        if release.version is None:
            name = release.project
            raise UsageError(f"Which version of {name}?", hint=f"Name it so: {name}==VERSION")
        return release

    def _repositories(self) -> tuple[Repository, Repository]:
        from poetry_aegis.commands.repository_choice import find_repository
        from poetry_aegis.errors import UsageError
        from poetry_aegis.poetry_api import find_repository as find_source

        names = self.option("from"), self.option("to")
        if not all(names) or names[0] == names[1]:
            raise UsageError(
                "A promotion goes from one repository to another.",
                hint=f"Name both: poetry aegis promote {self.argument('release')} "
                "--from REPOSITORY --to REPOSITORY",
            )
        return find_source(self, names[0]), find_repository(self, names[1])

    def _settings(self) -> tuple[Settings, Path | None]:
        """Return the project's settings and its ``pyproject.toml``; the defaults outside of one."""
        from poetry_aegis.errors import NoProject
        from poetry_aegis.poetry_api import load_project
        from poetry_aegis.settings import Settings, load_settings

        try:
            pyproject = load_project(self).pyproject
        except NoProject:
            return Settings(), None
        return load_settings(pyproject), pyproject

    def _trust(self, release: Release, settings: Settings, pyproject: Path | None) -> Trust | None:
        """Return whom the project trusts, ``None`` where no signature is to be looked at."""
        from poetry_aegis.signing.team import load_trust

        excused = settings.trust.excuses(release.project)
        if pyproject is None or excused or self.option("no-verify"):
            return None
        trust = load_trust(settings.trust, pyproject)
        return trust if trust.keys else None

    def _preflight(self, release: Release, target: Repository) -> None:
        """Check before the downloads that the upload would be taken. Raises `PublishError`."""
        from poetry_aegis.commands.progress import ConsoleReporter
        from poetry_aegis.publish.preflight import files_there

        with ConsoleReporter(self.messages) as reporter:
            files_there(release.project, str(release.version), target, reporter=reporter)

    def _gather(
        self, source: Repository, release: Release, folder: Path, trust: Trust | None, jobs: int
    ) -> tuple[Signed, ...]:
        from poetry_aegis.commands.progress import ConsoleReporter
        from poetry_aegis.errors import VerificationFailed
        from poetry_aegis.publish.promotion import gather
        from poetry_aegis.signing.sources import Altered, open_source

        with (
            ConsoleReporter(self.messages) as reporter,
            open_source(source, reporter.note) as origin,
        ):
            try:
                return gather(
                    origin,
                    release,
                    folder,
                    trust=trust,
                    yanked=self.option("yanked"),
                    jobs=jobs,
                    reporter=reporter,
                )
            except Altered as problem:
                raise VerificationFailed(
                    f"A file of {release} on {source.name} is not what its index shows: {problem}"
                ) from problem

    def _publish(self, gathered: tuple[Signed, ...], target: Repository, jobs: int) -> Publication:
        from poetry_aegis.commands.progress import ConsoleReporter
        from poetry_aegis.commands.promotion_failure import replacing_nothing
        from poetry_aegis.commands.publish_failure import tell_more
        from poetry_aegis.commands.repository_choice import is_public
        from poetry_aegis.errors import PublishError
        from poetry_aegis.publish.account import Account
        from poetry_aegis.publish.metadata_check import check_metadata
        from poetry_aegis.publish.publication import plan, publish

        files = [one.distribution for one in gathered]
        if is_public(target):
            check_metadata(files, public=True)
        with ConsoleReporter(self.messages) as reporter:
            attestations = _carried(gathered, target, reporter)
            if self.option("dry-run"):
                return plan(files, target, attestations=attestations, reporter=reporter)
            account = Account(target, files)
            try:
                with replacing_nothing():
                    return publish(
                        files,
                        target,
                        verify=not self.option("no-verify"),
                        jobs=jobs,
                        attestations=attestations,
                        account=account,
                        reporter=reporter,
                    )
            except PublishError as error:
                reporter.note(account.summary())
                tell_more(error, lambda document: document | account.to_json())
                raise

    def _tell(self, done: Publication, source: Repository, gathered: tuple[Signed, ...]) -> None:
        """Say what was done, or would be. Raises `FileConflict` where that would be refused."""
        from poetry_aegis.commands.promotion_failure import replacing_nothing
        from poetry_aegis.commands.publish import WOULD
        from poetry_aegis.commands.publish_failure import telling_more
        from poetry_aegis.publish.publication import refuse_conflicts

        signers = {one.distribution.filename: list(one.signers) for one in gathered}
        dry_run = bool(self.option("dry-run"))
        more = {"from": source.name, "signers": signers, "dry_run": dry_run}
        document = done.to_json(planned=dry_run) | more
        if dry_run:
            for step in done.steps:
                self.say(f"  <c1>{plain(step.distribution.filename)}</c1> {WOULD[step.action]}")
            self.say("Nothing was changed.")
            with telling_more(document), replacing_nothing():
                refuse_conflicts(done, signs=False)
        else:
            self.say(_summary(done, gathered))
        if self.wants_json:
            self.print_json(document)


def _carried(
    gathered: tuple[Signed, ...], target: Repository, reporter: Reporter
) -> dict[str, str]:
    """Return what is signed of the files, as far as it can go where they go."""
    from poetry_aegis.commands.repository_choice import is_public
    from poetry_aegis.publish.promotion import attestations_of

    found = attestations_of(gathered)
    if found and is_public(target):
        reporter.note(f"{target.name} takes no signatures of others: what is signed stays behind.")
        return {}
    return found


def _heading(release: Release, source: Repository, target: Repository) -> str:
    to = f"<info>{plain(target.name)}</info> ({plain(target.upload_url)})"
    return (
        f"Promoting <c1>{plain(str(release))}</c1> from <info>{plain(source.name)}</info> to {to}"
    )


def _summary(publication: Publication, gathered: tuple[Signed, ...]) -> str:
    name = plain(publication.repository.name)
    what = plain(f"{gathered[0].distribution.name} {publication.version}")
    counts = {
        "uploaded": len(publication.uploaded),
        "signed": len(publication.signed),
        "skipped": len(publication.skipped),
    }
    if counts["skipped"] == len(gathered):
        return f"{name} already has all of {what}: there was nothing to promote."
    done = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    signed = "; signatures verified" if all(one.signers for one in gathered) else ""
    verified = "verified on the index" if publication.verified else "not verified"
    return f"<success>Promoted {what}</success>: {done}{signed}; {verified}."
