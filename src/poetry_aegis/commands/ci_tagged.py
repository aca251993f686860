"""``poetry aegis ci tagged``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from cleo.helpers import argument, option

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.signing_base import SigningCommand

if TYPE_CHECKING:
    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option

    from poetry_aegis.commands.ci_tag import Tagged
    from poetry_aegis.forge.releases import Forge
    from poetry_aegis.publish.publication import Publication
    from poetry_aegis.publish.repository import Repository


class CiTaggedCommand(SigningCommand):
    """Publishes the version that the checked-out tag names."""

    name = "aegis ci tagged"
    description = "Publishes the version that is tagged."
    arguments: ClassVar[list[Argument]] = [
        argument("tag", "The tag; without it, the one that the pipeline runs for.", optional=True)
    ]
    options: ClassVar[list[Option]] = [
        option("repository", "r", "The repository to publish to, as Poetry knows it.", flag=False),
        option("forge-release", None, "Also make a release on the forge, with the files."),
        JSON,
    ]
    help = """\
For the pipeline of a tag: checks that the tag is what is checked out and
names the version in pyproject.toml, builds and publishes that version, and
with <c1>--forge-release</c1>, or where the settings have forge_release, makes the
release on the forge with the section of the changelog and the files.

What is there already is left as it is, so that it also makes up for what is
missing of a release that failed half-way: run the pipeline of its tag again.

<b>Examples:</b>
  <c1>poetry aegis ci tagged --repository aegis --forge-release</c1>
  <c1>poetry aegis ci tagged v1.4.0</c1>"""

    def perform(self) -> int:
        """Publish it, then tell the forge."""
        from poetry_aegis import poetry_api
        from poetry_aegis.commands.ci_report import tell_of_publication
        from poetry_aegis.commands.ci_tag import find_tagged, open_forge
        from poetry_aegis.commands.publishing import choose
        from poetry_aegis.signals import stops_as_interrupts

        project = poetry_api.load_project(self)
        tagged = find_tagged(project, self.argument("tag"))
        wanted = self.option("forge-release") or tagged.settings.forge_release
        # Before anything is published: whether the forge would take it.
        forge = open_forge(tagged) if wanted else None
        repository = choose(self, project, self.option("repository"))
        with stops_as_interrupts():
            publication, url = self._publish(tagged, repository, forge)
        tell_of_publication(self, [publication], tag=tagged.tag)
        if self.wants_json:
            self.print_json(_document(tagged, url) | {"publication": publication.to_json()})
        return 0

    def _publish(
        self, tagged: Tagged, repository: Repository, forge: Forge | None
    ) -> tuple[Publication, str | None]:
        """Publish it, and return that with the page of the release on *forge*, if there is one."""
        from poetry_aegis.commands.ci_publishing import publish_project
        from poetry_aegis.commands.ci_tag import publish_on_forge

        publication = publish_project(self, tagged.project, repository, tagged.version)
        if forge is None:
            return publication, None
        # What was built is gone; copies of it were kept.
        folder = tagged.project.root / "dist"
        files = [folder / step.distribution.filename for step in publication.steps]
        url = publish_on_forge(self, forge, tagged, files)
        self.say(f"The release is at {plain(url)}")
        return publication, url


def _document(tagged: Tagged, url: str | None) -> dict[str, Any]:
    return {
        "project": tagged.project.name,
        "version": tagged.version,
        "tag": tagged.tag,
        "forge_release": url,
    }
