"""The tools that are compared, each installed into a virtual environment of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import IO, Literal, get_args

REPOSITORY = Path(__file__).resolve().parent.parent
Task = Literal["start-up", "next version", "whole changelog"]
TASKS: tuple[Task, ...] = get_args(Task)
OURS = "poetry-aegis"
FLOOR = "git log, all of it"

# The program, then what it takes for each task. A tool that can only write its changelog to a file
# writes CHANGELOG.md.
ARGUMENTS: dict[str, tuple[str, dict[Task, str]]] = {
    "commitizen": (
        "cz",
        {
            "start-up": "version",
            "next version": "bump --get-next --yes",
            "whole changelog": "changelog --dry-run",
        },
    ),
    "python-semantic-release": (
        "semantic-release",
        {
            "start-up": "--version",
            "next version": "--noop version --print",
            "whole changelog": "changelog",
        },
    ),
    "git-cliff": (
        "git-cliff",
        {"start-up": "--version", "next version": "--bumped-version", "whole changelog": ""},
    ),
}
PEERS = ("commitizen", "python-semantic-release", "git-cliff==2.12.0", "git-cliff")
LOG = "--format=%H%x00%P%x00%an%x00%ae%x00%ct%x00%D%x00%B%x01"


@dataclass(frozen=True)
class Row:
    """A command whose runs are one line of the report. *tool* starts up before it does *task*."""

    tool: str
    task: Task
    command: tuple[str, ...]


def git_rows(since: str) -> list[Row]:
    """Return the floor: what git alone takes. *since* is the last version tag, or empty."""
    span = f"{since}..HEAD" if since else "HEAD"
    return [
        Row(FLOOR, "whole changelog", ("git", "log", LOG)),
        Row(
            "git for-each-ref",
            "next version",
            ("git", "for-each-ref", "--merged=HEAD", "--format=%(refname)", "refs/tags"),
        ),
        Row("git log, unreleased", "next version", ("git", "log", LOG, span)),
    ]


def our_rows(programs: Path) -> list[Row]:
    """Return what this project is measured by, in the Poetry among *programs*."""
    program = str(programs / "poetry")
    return [
        Row("poetry --version", "start-up", (program, "--version")),
        Row("poetry version --short", "start-up", (program, "version", "--short")),
        Row(OURS, "start-up", (program, "aegis", "changelog", "--help")),
        Row(
            OURS,
            "next version",
            (program, "aegis", "release", "auto", "--print"),
        ),
        Row(
            f"{OURS}, all checks",
            "next version",
            (program, "aegis", "release", "auto", "--dry-run", "--json"),
        ),
        Row(OURS, "whole changelog", (program, "aegis", "changelog", "--all")),
    ]


def install_ours(environments: Path) -> Path:
    """Return the programs of a new environment with this project, as a user installs it."""
    return install(environments / OURS, f"poetry=={version('poetry')}", str(REPOSITORY))


def peer_rows(environments: Path, requirement: str) -> list[Row]:
    """Install the peer that *requirement* names and return what it is measured by."""
    programs = install(environments / requirement, requirement)
    name, *pinned = requirement.split("==")
    program, arguments = ARGUMENTS[name]
    tool = " ".join([name, *(pinned or [installed_version(programs, name)])])
    return [
        Row(tool, task, (str(programs / program), *words.split()))
        for task, words in arguments.items()
    ]


def install(environment: Path, *requirements: str) -> Path:
    """Return the directory of programs of a new virtual environment with *requirements*."""
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    programs = environment / "bin"
    pip = [str(programs / "python"), "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "-qq", *requirements], check=True)
    return programs


def installed_version(programs: Path, name: str) -> str:
    """Return the version of *name* beside *programs*."""
    code = f"from importlib.metadata import version; print(version({name!r}))"
    told = subprocess.run(
        [str(programs / "python"), "-c", code], capture_output=True, text=True, check=True
    )
    return told.stdout.strip()


def answer(row: Row, printed: IO[bytes]) -> str:
    """Return in a word what *row* said, to see that all tools have done the same work.

    What is *printed* is not held as a whole: it would count in the memory of the runs to come.
    """
    if row.command[0] == "git" or row.task == "start-up":
        return ""
    if row.task == "whole changelog":
        return f"{sum(1 for line in printed if line.strip()):,} lines"
    text = printed.read().decode("utf-8", errors="replace")
    return str(json.loads(text)["version"]) if row.command[-1] == "--json" else text.split()[-1]
