"""``poetry aegis lint``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument, option

from poetry_aegis.commands.base import JSON, AegisCommand, plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option

    from poetry_aegis.release.history.commits import Commit
    from poetry_aegis.release.packages.workspace import Package
    from poetry_aegis.settings import Settings


class LintCommand(AegisCommand):
    """Checks that commit messages are conventional ones."""

    name = "aegis lint"
    description = "Checks commit messages."
    arguments: ClassVar[list[Argument]] = [
        argument(
            "range",
            "The commits, written as for git log; without it, those since the last release.",
            optional=True,
        )
    ]
    options: ClassVar[list[Option]] = [
        option("message-file", None, "Check the message in this file instead.", flag=False),
        JSON,
    ]
    help = (
        "  <c1>poetry aegis lint</c1>                       what the next release will read\n"
        "  <c1>poetry aegis lint main..HEAD</c1>            what a branch adds\n"
        "  <c1>poetry aegis lint --message-file FILE</c1>   as git's commit-msg hook\n\n"
        "The exit code is 38 where a message is not a conventional one."
    )

    def perform(self) -> int:
        """Print what is wrong below the subject of each message."""
        from shutil import get_terminal_size

        from poetry_aegis.errors import UnconventionalCommit
        from poetry_aegis.release.lint import lint_messages, report

        directory, settings, packages = self._place()
        commits = self._commits(directory, settings, packages)
        findings = lint_messages(commits, settings)
        for line in report(findings, get_terminal_size().columns):
            self.say(plain(line))
        for finding in findings:
            self.annotate("error", finding.sentence)
        if self.wants_json:
            found = [finding.to_json() for finding in findings]
            self.print_json({"checked": len(commits), "findings": found})
        elif not findings and not self.option("message-file"):
            self.say(f"{len(commits)} checked, nothing wrong.")
        return UnconventionalCommit.exit_code if findings else 0

    def _place(self) -> tuple[Path, Settings, Sequence[Package]]:
        """Return the project's directory, settings and packages; what is named needs no project."""
        from pathlib import Path

        from poetry_aegis import poetry_api
        from poetry_aegis.errors import NoProject
        from poetry_aegis.release.packages.workspace import find_lintable, repository_root
        from poetry_aegis.settings import Settings

        try:
            project = poetry_api.load_project(self)
        except NoProject:
            if self.argument("range") or self.option("message-file"):
                return Path.cwd(), Settings(), ()
            raise
        settings, packages = find_lintable(project.pyproject, repository_root(project.pyproject))
        return project.root, settings, packages

    def _commits(
        self, directory: Path, settings: Settings, packages: Sequence[Package]
    ) -> Sequence[Commit]:
        from poetry_aegis.errors import UsageError
        from poetry_aegis.release.git import GitRepository
        from poetry_aegis.release.lint_input import (
            read_message_file,
            read_range,
            read_unreleased,
        )

        span, file = self.argument("range"), self.option("message-file")
        if span and file:
            raise UsageError("Check a range or a message file, not both.")
        if file:
            return [read_message_file(file, GitRepository(directory))]
        repository = GitRepository.around(directory)
        if span:
            return read_range(repository, span)
        return read_unreleased(repository, settings, packages)
