"""A world with everything in it, as it is before a release and after one that nobody disturbed."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.release import hooks
from tests.support.git import git_environment
from tests.support.worlds import DATES, World, everything

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Story:
    """The same *world* at the *start*, and what it is in the *end*."""

    world: World
    start: dict[str, object]
    end: dict[str, object]


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Return the story as it goes undisturbed."""
    with pytest.MonkeyPatch.context() as patch:
        _settle(patch)
        base = tmp_path_factory.mktemp("story")
        world = everything(base / "start")
        shutil.copytree(world.root, base / "end", symlinks=True)
        start = world.state()
        ended = replace(world, root=base / "end")
        ended.open().run(lambda step: None)
        yield Story(world, start, ended.state())


@pytest.fixture
def story(told: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Story:
    """Return a world of the test's own."""
    _settle(monkeypatch)
    shutil.copytree(told.world.root, tmp_path / "world", symlinks=True)
    return replace(told, world=replace(told.world, root=tmp_path / "world"))


def _settle(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(hooks, "POLL", 0.005)
    patch.setattr(os, "fsync", lambda fd: None)  # Nobody cuts the power here.
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        patch.delenv(name)
    for name, value in (git_environment() | DATES).items():
        if name.startswith("GIT_"):
            patch.setenv(name, value)
