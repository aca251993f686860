"""What every step of a release works on."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.release.git import GitRepository
from poetry_aegis.release.record import Record
from poetry_aegis.release.steps.contents import KeptCopies

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.release.journal import Step
    from tests.support.git import GitProject


@dataclass
class Bench:
    """A repository, an open journal, and what is said."""

    project: GitProject
    repository: GitRepository
    record: Record
    said: list[str] = field(default_factory=list)

    @property
    def root(self) -> Path:
        return self.repository.root

    @property
    def copies(self) -> KeptCopies:
        return KeptCopies(self.record.directory.with_name("kept"), self.root, self.said.append)

    def kept(self) -> list[bytes]:
        """Return the copies that were kept."""
        directory = self.copies.directory
        files = sorted(directory.iterdir()) if directory.exists() else []
        return [file.read_bytes() for file in files]

    def begin(self, step: Step) -> None:
        """Attach *step* to the journal and note that it has begun."""
        step.attach(self.record)
        self.record.begin(step.name)

    def again(self, step: Step) -> None:
        """Attach *step* to the journal as another process finds it."""
        record = Record(self.record.directory)
        record.load()
        step.attach(record)


@pytest.fixture
def bench(project: GitProject, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Return what a step needs."""
    monkeypatch.setattr(os, "fsync", lambda fd: None)  # Nobody cuts the power here.
    repository = GitRepository.around(project.root)
    record = Record.of(repository.git_directory())
    record.open({})
    return Bench(project, repository, record)
