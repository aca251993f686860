"""The programs that the user has run at a release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.release.hooks import hook_environment, run_hook
from poetry_aegis.release.journal import Step

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from poetry_aegis.release.git import GitRepository
    from poetry_aegis.release.hooks import HookName, ReleaseFacts


@dataclass
class RunHooks(Step):
    """Runs the lines of one hook in *directory*, one after another.

    What they change in tracked files that were clean, or stage, is `changed`: it goes into the
    release commit, and is put back as it is in *parent* where the release is taken back. Paths in
    *ours* belong to the release itself.
    """

    repository: GitRepository
    hook: HookName
    lines: tuple[str, ...]
    facts: ReleaseFacts
    directory: Path
    parent: str
    ours: frozenset[str]
    say: Callable[[str], None]
    name: str

    def describe(self) -> str:
        """Name the hook and its lines."""
        return f"run {self.hook}: {'; '.join(self.lines)}"

    def do(self) -> None:
        """Run the lines. Raises `HookFailed`."""
        self.remember(before=self.repository.changed_files())
        environment = hook_environment(self.hook, self.facts)
        for line in self.lines:
            run_hook(line, root=self.directory, environment=environment, say=self.say)
        self.remember(changed=self._changes())

    def undo(self) -> None:
        """Put back what the lines have changed."""
        for path in self.recall().get("changed", None) or self._changes():
            self._restore(path)

    @property
    def changed(self) -> list[str]:
        """The paths that the lines have changed, relative to the repository."""
        changed: list[str] = self.recall().get("changed", [])
        return changed

    def _changes(self) -> list[str]:
        before = self.recall().get("before")
        if before is None:  # It was not even begun.
            return []
        return sorted({*self.repository.changed_files()} - {*before} - self.ours)

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
            self.repository.run(
                "--literal-pathspecs", "rm", "--quiet", "--cached", "--ignore-unmatch", "--", path
            )
            (self.repository.root / path).unlink(missing_ok=True)
