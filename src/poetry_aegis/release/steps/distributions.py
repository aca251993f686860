"""Building the distributions of a release, and publishing them on an index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.release.journal import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass
class Build(Step):
    """Builds the distributions, so that a release that cannot be built is never committed.

    *build* builds, *is_built* tells whether all of it lies there from an earlier try, and *discard*
    removes it.
    """

    build: Callable[[], None]
    is_built: Callable[[], bool]
    discard: Callable[[], None]
    of: str = ""
    name: str = "build"
    lasting = False

    def describe(self) -> str:
        """Say what is built."""
        return f"build the sdist and the wheel{self.of and f' of {self.of}'}"

    def do(self) -> None:
        """Build. Raises `BuildFailed`."""
        if not self.is_built():
            self.build()

    def undo(self) -> None:
        """Remove what was built: what is released in the end may be built of other files."""
        self.discard()

    def again(self) -> None:
        """Build anew, of files that have changed since. Raises `BuildFailed`."""
        self.discard()
        self.build()


@dataclass
class Publish(Step):
    """Uploads the distributions to an index and reads them back.

    *publish* uploads what is not there yet, and *uploaded* tells whether any file has arrived, or
    may have. *new* names the files that `publish` will leave beside the project, and *discard*
    removes them where none has arrived.
    """

    repository: str
    publish: Callable[[], None]
    uploaded: Callable[[], bool]
    new: Callable[[], Sequence[str]]
    discard: Callable[[Sequence[str]], None]
    of: str = ""
    name: str = "publish"

    def describe(self) -> str:
        """Name the index."""
        return f"publish {self.of and f'{self.of} '}to {self.repository} and verify"

    def do(self) -> None:
        """Upload and verify. Raises `PublishError`."""
        if "new" not in self.recall():
            self.remember(new=list(self.new()))
        self.publish()

    def undo(self) -> None:
        """Remove the distributions of a version that is not released."""
        self.discard(self.recall().get("new", ()))

    def is_final(self) -> bool:
        """Return whether a file has arrived: somebody may have installed it."""
        return self.uploaded()
