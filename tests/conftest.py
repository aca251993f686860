"""Fixtures that every test may use. The real things behind them are in `tests.support`."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.support.git import GitProject, git_environment, make_project
from tests.support.poetry import PoetryHome, make_home
from tests.support.surroundings import forget_surroundings

if TYPE_CHECKING:
    from pathlib import Path


# How long an example takes is the machine's affair, and no test's.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Before a test is collected: some ask for it as they are imported.
forget_surroundings()


@pytest.fixture(autouse=True, scope="session")
def interrupts() -> None:
    """Let the processes under test be interrupted, also where the tests run in the background.

    A shell lets what it starts there ignore Ctrl-C, and what is ignored is inherited.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def poetry(tmp_path: Path) -> PoetryHome:
    """Return a real Poetry with an empty configuration of its own."""
    return make_home(tmp_path / "poetry-home")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitProject:
    """Return a real repository with a package of version 0.1.0, this process's git settled too."""
    for name, value in git_environment().items():
        if name.startswith("GIT_"):
            monkeypatch.setenv(name, value)
    return make_project(tmp_path / "project")
