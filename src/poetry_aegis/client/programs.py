"""The programs of clients: where they are, and what they say."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PATIENCE = 60.0  # seconds


def find(tool: str) -> list[str] | None:
    """Return the command that starts *tool*, ``None`` where it is not installed."""
    names = {"pip": ("pip", "pip3")}.get(tool, (tool,))
    for name in names:
        if path := shutil.which(name):
            return [path]
    if tool == "pip" and importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    return None


def run(
    command: Sequence[str], *, stdin: str = "", environment: Mapping[str, str] | None = None
) -> tuple[int, str] | None:
    """Run *command* in an empty folder, where no project tells it anything.

    Returns its exit code and all that it says; ``None`` where it cannot be run, or takes too long.
    """
    with tempfile.TemporaryDirectory(prefix="aegis-") as folder:
        try:
            done = subprocess.run(
                list(command),
                cwd=folder,
                input=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**os.environ, "NO_COLOR": "1", "COLUMNS": "4096", **(environment or {})},
                encoding="utf-8",
                errors="replace",
                timeout=PATIENCE,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
    return done.returncode, done.stdout
