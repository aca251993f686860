"""The release's page on the forge that hosts the repository."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.release.journal import Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from poetry_aegis.forge.releases import Forge, ForgeRelease


@dataclass
class PublishOnForge(Step):
    """Creates the release on the forge, or completes the one that is there.

    *release* returns what it says, once the files that belong to it are built.
    """

    forge: Forge
    release: Callable[[], ForgeRelease]
    tag: str
    tell: Callable[[str], None]
    name: str = "forge"

    def describe(self) -> str:
        """Name the forge and the tag."""
        return f"publish the release {self.tag} at {self.forge.url}"

    def do(self) -> None:
        """Create or complete it. Raises `ForgeError`."""
        url = self.forge.publish(self.release(), self.tell)
        self.remember(url=url)

    def is_done(self) -> bool:
        """Return whether the forge shows the release, its notes and its files."""
        return self.forge.stands(self.release())

    @property
    def url(self) -> str | None:
        """The address of the release's page, once it is there."""
        return self.recall().get("url")
