"""``poetry aegis release``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument, option

from poetry_aegis.commands.base import DRY_RUN, JSON
from poetry_aegis.commands.signing_base import SigningCommand

if TYPE_CHECKING:
    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option

    from poetry_aegis.commands.release_additions import ReleaseAdditions
    from poetry_aegis.commands.release_run import ReleaseOutcome
    from poetry_aegis.poetry_api import Project
    from poetry_aegis.release.choice import Request

PRERELEASE_TYPE = option(
    "prerelease-type", None, "With prerelease: alpha, beta, rc or dev.", flag=False
)
FINISH = "finish"


class ReleaseCommand(SigningCommand):
    """Decides the version, writes the changelog, commits, tags, pushes and publishes."""

    name = "aegis release"
    description = "Releases the next version."
    arguments: ClassVar[list[Argument]] = [
        argument(
            "version",
            "auto, major, minor, patch, prerelease, final, a version like 1.4.0, or finish.",
            optional=True,
        )
    ]
    options: ClassVar[list[Option]] = [
        option("push-tag", None, "Push branch and tag, in one atomic push."),
        option("publish", None, "Build before the commit; publish at the end."),
        option("repository", "r", "With --publish: where to.", flag=False),
        option("forge-release", None, "With --push-tag: a release on the forge."),
        option("branch", None, "Commit to a new branch; make no tag.", flag=False),
        PRERELEASE_TYPE,
        option("next-free", None, "Pass over versions that are taken."),
        option("all", None, "All packages that have changed."),
        option("package", None, "One package of several; repeatable.", flag=False, multiple=True),
        option("allow-dirty", None, "Release without the uncommitted changes."),
        option("sign", None, "Sign the commit and the tag."),
        option("fetch", None, "Fetch what a shallow clone lacks."),
        option("print", None, "Print the version, and do nothing else."),
        option("resume", None, "Finish a release that broke off."),
        option("abort", None, "Take back a release that broke off."),
        option("force", None, "With --abort: leave all as it is, forget it."),
        option("password-stdin", None, "Read the password for --resume from stdin."),
        DRY_RUN,
        JSON,
    ]
    help = (
        "Reads the conventional commits since the last release, decides the version\n"
        "(PEP 440), writes it into pyproject.toml and its section into the\n"
        "changelog, commits exactly those files and tags the commit. Everything is\n"
        "checked before the first change, and a step that fails takes the ones\n"
        "before it back. What was cut off, by a power failure too, is finished with\n"
        "<c1>--resume</c1> or taken back with <c1>--abort</c1>.\n\n"
        "  <c1>poetry aegis release auto --dry-run</c1>             what would be released\n"
        "  <c1>poetry aegis release auto --push-tag</c1>            release and push\n"
        "  <c1>poetry aegis release auto --push-tag --publish</c1>  ... and publish\n"
        "  <c1>poetry aegis release prerelease --prerelease-type rc</c1>\n\n"
        "Where the main branch takes only pull requests:\n"
        "  <c1>poetry aegis release auto --branch release/{{version}} --push-tag</c1>\n"
        "  <c1>poetry aegis release finish --push-tag</c1>          once that is merged"
    )

    def perform(self) -> int:
        """Release, or with --dry-run say what would be released."""
        from poetry_aegis import poetry_api
        from poetry_aegis.commands.ci_report import tell_of_release

        self._require_sense()
        project = poetry_api.load_project(self)
        if self.option("print"):
            return self._print_version(project)
        outcome = self._mend(project) or self._release(project)
        tell_of_release(self, outcome.document)
        if self.wants_json:
            self.print_json(outcome.document)
        return 0

    def _print_version(self, project: Project) -> int:
        from poetry_aegis.errors import UsageError
        from poetry_aegis.release.choice import next_versions
        from poetry_aegis.settings import load_settings

        request = self._request()
        if request.target == FINISH:
            raise UsageError("--print tells the next version; finish has none.")
        found = next_versions(project.pyproject, load_settings(project.pyproject), request)
        for name, version in found.items():
            if not self.wants_json:
                self.line(version if request.packages is None else f"{name} {version}")
        if self.wants_json:
            self.print_json({"versions": found})
        return 0

    def _mend(self, project: Project) -> ReleaseOutcome | None:
        """Finish or take back what broke off, where that was asked for."""
        from poetry_aegis.commands.release_run import abort_release, resume_release

        if self.option("resume"):
            return resume_release(self, project)
        if self.option("abort"):
            return abort_release(self, project, forget=self.option("force"))
        return None

    def _release(self, project: Project) -> ReleaseOutcome:
        from poetry_aegis.commands.release_run import run_release

        request = self._request()
        additions = self._additions(project)
        return run_release(self, project, request, additions, dry_run=self.option("dry-run"))

    def _additions(self, project: Project) -> ReleaseAdditions:
        from poetry_aegis.commands.release_additions import ReleaseAdditions

        if not self.option("publish"):
            return ReleaseAdditions(self)
        from poetry_aegis.commands.publishing import PublishOptions, choose

        repository = choose(self, project, self.option("repository"))
        next_free = self.option("next-free")
        return ReleaseAdditions(self, repository, PublishOptions(), next_free=next_free)

    def _request(self) -> Request:
        import os

        from poetry_aegis.release.choice import Request
        from poetry_aegis.release.history.pipelines import is_pipeline
        from poetry_aegis.release.version.numbers import parse_prerelease_type

        kind = self.option("prerelease-type")
        return Request(
            target=self._target(),
            prerelease_type=parse_prerelease_type(kind) if kind else None,
            next_free=self.option("next-free"),
            push=self.option("push-tag"),
            branch=self.option("branch"),
            allow_dirty=self.option("allow-dirty"),
            sign=self.option("sign"),
            fetch=self.option("fetch") or is_pipeline(os.environ),
            forge=self.option("forge-release"),
            packages=() if self.option("all") else tuple(self.option("package")) or None,
        )

    def _target(self) -> str:
        """Return what to release. Raises `UsageError` for what is neither a word nor a version."""
        from poetry_aegis.errors import InvalidVersion, UsageError
        from poetry_aegis.release.version.decision import KEYWORDS
        from poetry_aegis.release.version.numbers import parse_version

        target: str | None = self.argument("version")
        choices = f"Choose one of: {', '.join([*KEYWORDS, FINISH])}; or name a version like 1.4.0."
        if target is None:
            raise UsageError("What is to be released?", hint=choices)
        if target not in {*KEYWORDS, FINISH}:
            try:
                return parse_version(target).text
            except InvalidVersion as error:
                raise UsageError(str(error), hint=choices) from None
        return target

    def _require_sense(self) -> None:
        """Raise `UsageError` for options that do not go together."""
        from poetry_aegis.errors import UsageError

        target, kind = self.argument("version"), self.option("prerelease-type")
        mending = self.option("resume") or self.option("abort")
        if mending and (target or (self.option("resume") and self.option("abort"))):
            raise UsageError(
                "--resume and --abort stand alone: the release that broke off knows what it was.",
                hint="poetry aegis release --resume\npoetry aegis release --abort",
            )
        if self.option("password-stdin") and not mending:
            raise UsageError("--password-stdin goes with --resume or --abort.")
        for option_, needed in NEEDS.items():
            if self.option(option_) and not self.option(needed):
                raise UsageError(f"--{option_} goes with --{needed}.")
        for one, other in CONFLICTS:
            if self.option(one) and self.option(other):
                raise UsageError(f"--{one} and --{other} do not go together.")
        if kind and target != "prerelease":
            raise UsageError(
                "--prerelease-type goes with: poetry aegis release prerelease",
                hint=f"poetry aegis release prerelease --prerelease-type {kind}",
            )


NEEDS = {"repository": "publish", "forge-release": "push-tag", "force": "abort"}
CONFLICTS = (
    ("publish", "allow-dirty"),  # What is built would hold the changes.
    ("branch", "publish"),
    ("branch", "forge-release"),
    ("branch", "allow-dirty"),
    ("all", "package"),
    ("print", "dry-run"),
    ("resume", "dry-run"),
    ("abort", "dry-run"),
)
