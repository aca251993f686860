"""The history of a real project, with the settings that the tools need on top."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from benchmarks.history import REMOTE, History, environment, git, pyproject

REPOSITORY = Path(__file__).resolve().parent.parent
PATIENCE = 300
OLD = ("CHANGELOG.md", "poetry.lock", "poetry.toml")  # the project's, in the tools' way
VERSION_TAG = re.compile(r"(v?)(\d+\.\d+\.\d+)")


def real_history(root: Path, url: str) -> History:
    """Clone *url* into *root*, or this project where no network answers.

    One commit comes on top, so that the tools find their settings and something to release.
    """
    name = url.rstrip("/").rsplit("/", 1)[-1].removesuffix(".git")
    if not clone(root, url):
        name = "this project"
        if not clone(root, str(REPOSITORY)):
            raise RuntimeError(f"Neither {url} nor {REPOSITORY} can be cloned.")
    tag, prefix, version = last_version(root)
    git(root, "rm", "--quiet", "--ignore-unmatch", "--", *OLD)
    (root / "pyproject.toml").write_text(pyproject(version, prefix), encoding="utf-8")
    git(root, "add", "pyproject.toml")
    git(root, "commit", "--quiet", "--no-verify", "-m", "fix: measure")
    git(root, "remote", "set-url", "origin", REMOTE)
    commits = int(git(root, "rev-list", "--count", "HEAD"))
    return History(f"the {commits:,} commits of {name}", root, commits, tag, synthetic=False)


def clone(root: Path, url: str) -> bool:
    """Clone the default branch of *url*, with the tags that are on it; tell whether that worked."""
    command = ["git", "clone", "--quiet", "--single-branch", "--", url, str(root)]
    try:
        cloned = subprocess.run(
            command, env=environment(), stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return cloned.returncode == 0


def last_version(root: Path) -> tuple[str, str, str]:
    """Return the highest final tag, what stands before its version, and the version."""
    listing = git(
        *(root, "for-each-ref", "--merged=HEAD", "--sort=-version:refname"),
        *("--format=%(refname:strip=2)", "refs/tags"),
    )
    for name in listing.split():
        matched = VERSION_TAG.fullmatch(name)
        if matched:
            return name, matched[1], matched[2]
    return "", "v", "0.0.0"
