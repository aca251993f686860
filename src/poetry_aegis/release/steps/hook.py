"""The programs that the user has run at a release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.release.hooks import hook_environment, run_hook
from poetry_aegis.release.journal import Step
from poetry_aegis.release.steps.contents import digest, read, remove

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from poetry_aegis.release.git import GitRepository
    from poetry_aegis.release.hooks import HookName, ReleaseFacts
    from poetry_aegis.release.steps.contents import KeptCopies


@dataclass
class RunHooks(Step):
    """Runs the lines of one hook in *directory*, one after another.

    What they change in tracked files that were clean, or stage, is `changed`: it goes into the
    release commit, and is put back as it is in *parent* where the release is taken back. Paths in
    *ours* belong to the release itself. *copies* keeps what somebody has edited since, and *settle*
    lets all steps take note of what has become of their files.
    """

    repository: GitRepository
    hook: HookName
    lines: tuple[str, ...]
    facts: ReleaseFacts
    directory: Path
    parent: str
    ours: frozenset[str]
    copies: KeptCopies
    settle: Callable[[], None]
    say: Callable[[str], None]
    name: str

    def describe(self) -> str:
        """Name the hook and its lines."""
        return f"run {self.hook}: {'; '.join(self.lines)}"

    def do(self) -> None:
        """Run the lines, on what they found before where they were cut short. Raises `HookFailed`.

        What they have changed is noted with its contents, to know later whose a change is.
        """
        self.undo()
        self.remember(before=self.repository.changed_files(), changed=None)
        environment = hook_environment(self.hook, self.facts)
        try:
            for line in self.lines:
                run_hook(line, root=self.directory, environment=environment, say=self.say)
        finally:
            self._note(self._changes())
            self.settle()

    def undo(self) -> None:
        """Put back what the lines have changed, and keep a copy of what else was changed there.

        Where they were cut short nobody can tell whose a change is: a copy of each is kept.
        """
        made = self.recall().get("changed")
        for path in self._changes():
            if made is not None and path not in made:
                continue
            if made is None or made[path] != self._digest(path):
                self.copies.keep(self.repository.root / path)
            self._restore(path)

    @property
    def changed(self) -> list[str]:
        """The paths that the lines have changed, relative to the repository."""
        return list(self.recall().get("changed") or ())

    @property
    def lasting(self) -> bool:  # type: ignore[override]
        """Whether what it made need not be made again: before the commit it does."""
        return self.hook in {"pre_tag", "post_release"}

    def accept(self) -> None:
        """Take note that what its files hold now was made by other hooks of the release."""
        if self.changed:
            self._note(self.changed)

    def _note(self, paths: Iterable[str]) -> None:
        self.remember(changed={path: self._digest(path) for path in paths})

    def _changes(self) -> list[str]:
        """Return the paths that have changes now and had none before."""
        before = self.recall().get("before")
        if before is None:  # It was not even begun.
            return []
        return sorted({*self.repository.changed_files()} - {*before} - self.ours)

    def _digest(self, path: str) -> str:
        return digest(read(self.repository.root / path))

    def _restore(self, path: str) -> None:
        known = self.repository.run(
            "--literal-pathspecs", "ls-tree", "-r", "--name-only", "-z", self.parent, "--", path
        )
        if known:
            source = f"--source={self.parent}"
            self.repository.run(
                "--literal-pathspecs", "restore", source, "--staged", "--worktree", "--", path
            )
        else:
            remove(self.repository.root / path, self.repository.root)
            self.repository.run(
                "--literal-pathspecs", "rm", "--quiet", "--cached", "--ignore-unmatch", "--", path
            )
