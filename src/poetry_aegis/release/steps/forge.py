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

    *find* returns the forge at *place*; it needs a token, which taking the release back does not.
    *release* returns what it says, once the files that belong to it are built.
    """

    find: Callable[[], Forge]
    place: str
    release: Callable[[], ForgeRelease]
    tag: str
    tell: Callable[[str], None]
    name: str = "forge"

    def describe(self) -> str:
        """Name the forge and the tag."""
        return f"publish the release {self.tag} at {self.place}"

    def check(self) -> None:
        """Raise `ForgeError` where the forge is not known or its token may not write."""
        self.find().check()

    def do(self) -> None:
        """Create or complete it. Raises `ForgeError`."""
        url = self.find().publish(self.release(), self.tell)
        self.remember(url=url)

    def is_done(self) -> bool:
        """Return whether the forge shows the release, its notes and its files."""
        return self.find().stands(self.release())

    @property
    def url(self) -> str | None:
        """The address of the release's page, once it is there."""
        return self.recall().get("url")
