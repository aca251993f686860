"""Fixtures that every test may use. The real things behind them are in `tests.support`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.git import GitProject, git_environment, leave_pipeline, make_project
from tests.support.poetry import PoetryHome, make_home

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def poetry(tmp_path: Path) -> PoetryHome:
    """Return a real Poetry with an empty configuration of its own."""
    return make_home(tmp_path / "poetry-home")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitProject:
    """Return a real repository with a package of version 0.1.0, this process's git settled too."""
    leave_pipeline(monkeypatch)
    for name, value in git_environment().items():
        if name.startswith("GIT_"):
            monkeypatch.setenv(name, value)
    return make_project(tmp_path / "project")
