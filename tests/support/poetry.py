"""A real Poetry in a home of its own, run as a user runs it: a process with arguments."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from poetry_aegis.release.history.pipelines import PIPELINES

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class PoetryHome:
    """Poetry's configuration, data and cache under *root*, and nothing of this machine's."""

    root: Path
    extra_env: dict[str, str] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        """The environment of the process: this machine's, less all that steers Poetry or git."""
        inherited = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("POETRY_", "GIT_", "AEGIS_"))
            and key not in {"VIRTUAL_ENV", *PIPELINES}
        }
        return (
            inherited
            | {
                "POETRY_CONFIG_DIR": str(self.root / "config"),
                "POETRY_DATA_DIR": str(self.root / "data"),
                "POETRY_CACHE_DIR": str(self.root / "cache"),
                "POETRY_KEYRING_ENABLED": "false",
                "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
                "GIT_CONFIG_GLOBAL": str(self.root / "gitconfig"),
                "GIT_CONFIG_NOSYSTEM": "1",
                "AEGIS_SERVER_HOME": str(self.root / "server"),
                "HOME": str(self.root),
                "NO_COLOR": "1",
                "COLUMNS": "120",
            }
            | self.extra_env
        )

    def run(
        self,
        *arguments: str,
        cwd: Path,
        stdin: str | None = None,
        timeout: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        """Run ``poetry ARGUMENTS`` in *cwd*; standard input is closed unless given."""
        return subprocess.run(
            [sys.executable, "-m", "poetry", *arguments],
            cwd=cwd,
            env=self.env,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )


def make_home(root: Path) -> PoetryHome:
    """Return a new Poetry home with a git identity in it."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "gitconfig").write_text(
        "[user]\n\tname = Ada Lovelace\n\temail = ada@example.com\n"
        "[init]\n\tdefaultBranch = main\n[commit]\n\tgpgsign = false\n"
    )
    return PoetryHome(root)


def make_library(folder: Path) -> Path:
    """Make the project ``tiny-library`` 1.2.3 in *folder* and return that."""
    (folder / "tiny_library").mkdir(parents=True)
    (folder / "tiny_library" / "__init__.py").write_text("")
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "tiny-library"\nversion = "1.2.3"\n'
        '[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n'
    )
    return folder


def make_user(folder: Path) -> Path:
    """Make a project in *folder* that has no package and may need some, and return that."""
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "user"\nversion = "1"\nrequires-python = ">=3.10"\n'
        "[tool.poetry]\npackage-mode = false\n"
    )
    return folder
