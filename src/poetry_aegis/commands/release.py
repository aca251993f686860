"""``poetry aegis release``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument, option

from poetry_aegis.commands.base import DRY_RUN, JSON, AegisCommand

if TYPE_CHECKING:
    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option

    from poetry_aegis.release.engine import Request

PRERELEASE_TYPE = option(
    "prerelease-type", None, "With prerelease: alpha, beta, rc or dev.", flag=False
)


class ReleaseCommand(AegisCommand):
    """Decides the version, writes the changelog, commits, tags, pushes and publishes."""

    name = "aegis release"
    description = "Releases the next version."
    arguments: ClassVar[list[Argument]] = [
        argument(
            "version",
            "auto, major, minor, patch, prerelease, or a version like 1.4.0.",
            optional=True,
        )
    ]
    options: ClassVar[list[Option]] = [
        option("push-tag", None, "Push the branch and the tag, in one atomic push."),
        option("publish", None, "Build before the commit, and publish at the end."),
        option("repository", "r", "With --publish: the repository to publish to.", flag=False),
        PRERELEASE_TYPE,
        DRY_RUN,
        JSON,
    ]
    help = (
        "Reads the conventional commits since the last release, decides the version (PEP 440), "
        "writes it into pyproject.toml and its section into the changelog, commits exactly those "
        "files and tags the commit. Everything is checked before the first change, and a step "
        "that fails takes the ones before it back.\n\n"
        "  <c1>poetry aegis release auto --dry-run</c1>              what would be released\n"
        "  <c1>poetry aegis release auto --push-tag</c1>             release and push\n"
        "  <c1>poetry aegis release auto --push-tag --publish</c1>   ... and publish\n"
        "  <c1>poetry aegis release prerelease --prerelease-type rc</c1>"
    )

    def perform(self) -> int:
        """Release, or with --dry-run say what would be released."""
        from contextlib import ExitStack

        from poetry_aegis import poetry_api
        from poetry_aegis.commands.publishing import PublishOptions, choose, publishing
        from poetry_aegis.commands.release_run import run_release

        request = self._request()
        project = poetry_api.load_project(self)
        with ExitStack() as stack:
            target = None
            if self.option("publish"):
                repository = choose(self, project, self.option("repository"))
                target = stack.enter_context(
                    publishing(self, project, repository, PublishOptions())
                )
            outcome = run_release(
                self, project, request, publishing=target, dry_run=self.option("dry-run")
            )
        if self.wants_json:
            self.print_json(outcome.document)
        return 0

    def _request(self) -> Request:
        from poetry_aegis.errors import UsageError
        from poetry_aegis.release.engine import Request
        from poetry_aegis.release.version import parse_prerelease_type

        target, kind = self._target(), self.option("prerelease-type")
        if kind and target != "prerelease":
            raise UsageError(
                "--prerelease-type goes with: poetry aegis release prerelease",
                hint=f"poetry aegis release prerelease --prerelease-type {kind}",
            )
        if self.option("repository") and not self.option("publish"):
            raise UsageError("--repository goes with --publish.")
        return Request(
            target, parse_prerelease_type(kind) if kind else None, push=self.option("push-tag")
        )

    def _target(self) -> str:
        """Return what to release. Raises `UsageError` for what is neither a word nor a version."""
        from poetry_aegis.errors import InvalidVersion, UsageError
        from poetry_aegis.release.decision import KEYWORDS
        from poetry_aegis.release.version import parse_version

        target: str | None = self.argument("version")
        choices = f"Choose one of: {', '.join(KEYWORDS)}; or name a version like 1.4.0."
        if target is None:
            raise UsageError("What is to be released?", hint=choices)
        if target not in KEYWORDS:
            try:
                return parse_version(target).text
            except InvalidVersion as error:
                raise UsageError(str(error), hint=choices) from None
        return target
