"""``poetry aegis ci snapshot``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from cleo.helpers import option

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.signing_base import SigningCommand

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cleo.io.inputs.option import Option

    from poetry_aegis.commands.ci_development import Snapshot
    from poetry_aegis.poetry_api import Project


class CiSnapshotCommand(SigningCommand):
    """Publishes a development version of what is checked out."""

    name = "aegis ci snapshot"
    description = "Publishes a development version."
    options: ClassVar[list[Option]] = [
        option(
            "repository",
            "r",
            "The repository to publish to; <c1>test_repository</c1> of the settings without it.",
            flag=False,
        ),
        option("print", None, "Print the version, and do nothing else."),
        JSON,
    ]
    help = """\
For a test index: builds and publishes what is checked out as a development
version of what <c1>poetry aegis release auto</c1> would release from it. Nothing is
committed, tagged or pushed, and the files are as they were afterwards.

The version is that of the release and the number of commits since the last
one: <c1>1.4.0.dev7</c1>. The same commit always gets the same version, so that a
run can be repeated, and a later commit a higher one. Where there is nothing
to release, nothing is published.

Without <c1>--repository</c1> it goes to <c1>test_repository</c1> of
[tool.poetry-aegis.ci], which is <c1>aegis-test</c1> unless it is set, and to no
other one.

<b>Examples:</b>
  <c1>poetry aegis ci snapshot --repository aegis-test</c1>
  <c1>poetry aegis ci snapshot --print</c1>"""

    def perform(self) -> int:
        """Publish it, or print its version."""
        from poetry_aegis import poetry_api
        from poetry_aegis.commands.ci_development import plan_snapshots

        project = poetry_api.load_project(self)
        snapshots = plan_snapshots(project)
        if self.option("print"):
            return self._print(snapshots)
        if not snapshots:
            return self._tell_of_nothing(project)
        return self._publish(project, snapshots)

    def _print(self, snapshots: Mapping[str, Snapshot]) -> int:
        several = len(snapshots) > 1
        for name, snapshot in snapshots.items():
            if not self.wants_json:
                self.line(f"{name} {snapshot.version}" if several else snapshot.version)
        if self.wants_json:
            self.print_json({"versions": {name: s.version for name, s in snapshots.items()}})
        return 0

    def _tell_of_nothing(self, project: Project) -> int:
        from poetry_aegis.commands.ci_development import last_release
        from poetry_aegis.commands.ci_report import tell_of_nothing

        version = last_release(project)
        since = f" since {plain(version)}" if version else ""
        self.say(f"Nothing to publish: no change{since} asks for a new version.")
        tell_of_nothing(self, version)
        if self.wants_json:
            self.print_json({"versions": {}, "publications": {}})
        return 0

    def _publish(self, project: Project, snapshots: Mapping[str, Snapshot]) -> int:
        from poetry_aegis.commands.ci_development import written
        from poetry_aegis.commands.ci_publishing import choose_test_repository, publish_project
        from poetry_aegis.commands.ci_report import tell_of_publication
        from poetry_aegis.signals import stops_as_interrupts

        repository = choose_test_repository(self, project, self.option("repository"))
        with stops_as_interrupts(), written(self, snapshots.values()):
            done = {
                name: publish_project(self, snapshot.project, repository, snapshot.version)
                for name, snapshot in snapshots.items()
            }
        tell_of_publication(self, list(done.values()))
        if self.wants_json:
            document: dict[str, Any] = {
                "versions": {name: snapshot.version for name, snapshot in snapshots.items()},
                "publications": {name: publication.to_json() for name, publication in done.items()},
            }
            self.print_json(document)
        return 0
