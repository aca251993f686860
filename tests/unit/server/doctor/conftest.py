"""Patients: a well server of each driver."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.support.server import vacant_home
from tests.unit.server.doctor.patients import Patient, make_patient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Patient]:
    """Return a well server without containers."""
    with vacant_home(tmp_path / "home") as home, contextlib.ExitStack() as stage:
        yield make_patient(tmp_path / "machine", home, stage, "embedded")


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Patient]:
    """Return a well stack, with a docker on PATH that says so."""
    with vacant_home(tmp_path / "home") as home, contextlib.ExitStack() as stage:
        patient = make_patient(tmp_path / "machine", home, stage, "compose")
        monkeypatch.setenv("PATH", patient.context.environment["PATH"])
        yield patient
