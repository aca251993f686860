"""A stand-in for GitHub's runner: it reads a workflow and runs each ``run`` step for real.

Of the actions it knows three: a checkout that is a real clone, a Python that has Poetry and the
plugin already (so that pip, which really runs, finds nothing to do), a cache that keeps nothing.
Each job starts with an empty home, workspace and temporary directory, and gets of this machine's
environment only PATH.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

import poetry_aegis
from tests.support.expressions import evaluate, interpolate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.support.git import GitProject

PINNED = re.compile(r"(?P<name>[\w-]+/[\w-]+)@[0-9a-f]{40}")
HEREDOC = re.compile(r"(?P<name>[^=\n]+?)<<(?P<mark>\S+)\n(?P<value>.*?)\n?(?P=mark)\n", re.DOTALL)
PATIENCE = 240  # seconds for a step


@dataclass(frozen=True)
class Event:
    """What has happened: a push of *ref*, or a pull request to the branch *base*."""

    ref: str
    name: str = "push"
    base: str = ""

    @property
    def short(self) -> str:
        return self.ref.removeprefix("refs/heads/").removeprefix("refs/tags/")

    @property
    def is_tag(self) -> bool:
        return self.ref.startswith("refs/tags/")


@dataclass
class Job:
    """What became of a job: *result* is success, failure or skipped."""

    result: str = "skipped"
    outputs: dict[str, str] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    log: str = ""
    summary: str = ""


@dataclass
class Runner:
    """Runs the workflows of a repository whose remote is *bare*, called *address* by git.

    *ssh* is the program that leads from one to the other. *token* is what the pipeline has for
    itself; a job that may only read gets another one.
    """

    root: Path
    bare: GitProject
    address: str
    ssh: Path
    token: str = "a-token-of-the-pipeline"
    server: str = "https://forge.example"
    secrets: Mapping[str, str] = field(default_factory=dict)
    vars: Mapping[str, str] = field(default_factory=dict)
    runs: int = 0

    def run(
        self, workflow: Path, event: Event, sha: str | None = None, *, only: str | None = None
    ) -> dict[str, Job]:
        """Return the jobs of *workflow* by their ids, none where *event* starts no run.

        *sha* is the commit that was pushed, the newest of the ref unless given. With *only* all
        other jobs are taken to have succeeded.
        """
        document = YAML(typ="safe").load(workflow.read_text(encoding="utf-8"))
        if not _starts(document["on"], event):
            return {}
        self.runs += 1
        sha = sha or self.bare.git("rev-parse", f"{event.ref}^{{commit}}")
        done: dict[str, Job] = {}
        for name in _in_order(document["jobs"]):
            run = _JobRun(self, document, name, event, sha, done)
            done[name] = run.run() if only in {None, name} else Job("success")
        return done

    def clone(self, workspace: Path, env: Mapping[str, str], *arguments: str) -> str:
        """Run git in *workspace*."""
        return subprocess.run(
            ["git", *arguments],
            cwd=workspace,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        ).stdout


class _JobRun:
    """One job, in directories of its own."""

    def __init__(  # noqa: PLR0917 - all that a job is part of
        self,
        runner: Runner,
        document: Mapping[str, Any],
        name: str,
        event: Event,
        sha: str,
        done: Mapping[str, Job],
    ) -> None:
        self.runner, self.document, self.event, self.sha = runner, document, event, sha
        self.name = name
        self.table: Mapping[str, Any] = document["jobs"][name]
        self.needed = {item: done[item] for item in _needs(self.table)}
        self.job = Job()
        self.step_outputs: dict[str, dict[str, str]] = {}
        place = runner.root / f"run-{runner.runs}" / name
        self.home, self.workspace, self.temp = (
            place / part for part in ("home", "work", "temporary")
        )
        # A job without permissions of its own has those of the workflow.
        rights = self.table.get("permissions", document.get("permissions", {}))
        self.may_write = rights.get("contents") == "write"
        self.env: dict[str, str] = {}
        self.failed = False

    def run(self) -> Job:
        succeeded = all(job.result == "success" for job in self.needed.values())
        if not succeeded or not self.holds(self.table.get("if", "success()")):
            return self.job
        for folder in (self.home, self.workspace, self.temp):
            folder.mkdir(parents=True)
        (self.home / ".gitconfig").write_text(
            f"[core]\n\tsshCommand = '{self.runner.ssh}'\n[ssh]\n\tvariant = simple\n"
        )
        self.env = self.base_env()
        for scope in (self.document, self.table):
            self.env |= self.filled(scope.get("env", {}))
        for number, step in enumerate(self.table["steps"]):
            self.take(number, step)
        self.job.result = "failure" if self.failed else "success"
        self.job.outputs = self.filled(self.table.get("outputs", {}))
        return self.job

    def take(self, number: int, step: Mapping[str, Any]) -> None:
        # A condition that names no status holds only where nothing has failed.
        condition = str(step.get("if", "success()"))
        if self.failed and not re.search(r"\b(?:always|failure|cancelled)\(", condition):
            return
        if not self.holds(condition):
            return
        label = step.get("name") or step.get("uses", f"step {number}").partition("@")[0]
        env = self.env | self.filled(step.get("env", {}))
        code = self.use(step, env) if "uses" in step else self.execute(number, step, env)
        self.job.steps[label] = code
        self.failed = self.failed or (code != 0 and not step.get("continue-on-error"))

    # Actions

    def use(self, step: Mapping[str, Any], env: Mapping[str, str]) -> int:
        pinned = PINNED.fullmatch(step["uses"])
        assert pinned, f"{step['uses']} is not pinned to a commit"
        action = {
            "actions/checkout": self.checkout,
            "actions/setup-python": self.setup_python,
            "actions/cache": lambda *_: None,
        }[pinned["name"]]
        action(self.filled(step.get("with", {})), env)
        return 0

    def checkout(self, options: Mapping[str, str], env: Mapping[str, str]) -> None:
        """Do as the action does: one commit without tags, unless all of the history is wanted."""

        def git(*arguments: str) -> str:
            return self.runner.clone(self.workspace, env, *arguments)

        git("init", "--quiet", "--initial-branch=main")
        git("remote", "add", "origin", self.runner.address)
        whole = options.get("fetch-depth", "1") == "0"
        if whole:
            git("fetch", "--quiet", "--tags", "origin", "+refs/heads/*:refs/remotes/origin/*")
        short = self.event.short
        wanted = f"{self.sha}:refs/remotes/origin/{short}"
        if self.event.is_tag:
            wanted = f"+{self.event.ref}:{self.event.ref}"
        git(
            "fetch",
            "--quiet",
            "--no-tags",
            *([] if whole else ["--depth=1"]),
            "origin",
            f"+{wanted.lstrip('+')}",
        )
        if self.event.is_tag:
            git("checkout", "--quiet", "--detach", self.event.ref)
        else:
            git("checkout", "--quiet", "-B", short, f"refs/remotes/origin/{short}")
        keeps = options.get("persist-credentials", "true") == "true"
        if not (keeps and self.may_write):
            git("remote", "set-url", "--push", "origin", str(self.temp / "no-right-to-push"))

    def setup_python(self, options: Mapping[str, str], _: Mapping[str, str]) -> None:
        assert re.fullmatch(r"3\.\d+", options["python-version"])
        folder = self.temp / "python"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        python = folder / "bin" / "python"
        ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
        inside = subprocess.run(
            [str(python), "-c", ask], capture_output=True, text=True, check=True
        ).stdout.strip()
        ours = Path(poetry_aegis.__file__).parents[1]
        here = sysconfig.get_path("purelib")
        Path(inside, "installed.pth").write_text(f"{ours}\n{here}\n")
        poetry = folder / "bin" / "poetry"
        poetry.write_text(f'#!/bin/sh\nexec "{python}" -m poetry "$@"\n')
        poetry.chmod(0o755)
        self.env["PATH"] = f"{folder / 'bin'}{os.pathsep}{self.env['PATH']}"

    # Lines of a shell

    def execute(self, number: int, step: Mapping[str, Any], env: dict[str, str]) -> int:
        assert "${{" not in step["run"], "what stands in a script may be anybody's"
        defaults = {
            **self.document.get("defaults", {}).get("run", {}),
            **self.table.get("defaults", {}).get("run", {}),
        }
        assert step.get("shell", defaults.get("shell")) == "bash"
        folder = step.get("working-directory", defaults.get("working-directory", "."))
        script = self.temp / f"step-{number}.sh"
        script.write_text(step["run"], encoding="utf-8")
        files = {}
        for name in ("OUTPUT", "ENV", "PATH", "STEP_SUMMARY"):
            files[name] = self.temp / f"{name.lower()}-{number}"
            files[name].touch()
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.workspace / folder,
            env=env | {f"GITHUB_{name}": str(path) for name, path in files.items()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
        self.job.log += f"== {step.get('name', number)}\n{done.stdout}"
        self.step_outputs[step.get("id", str(number))] = dict(_pairs(files["OUTPUT"]))
        self.env |= dict(_pairs(files["ENV"]))
        added = files["PATH"].read_text(encoding="utf-8").split("\n")
        self.env["PATH"] = os.pathsep.join([*filter(None, added), self.env["PATH"]])
        self.job.summary += files["STEP_SUMMARY"].read_text(encoding="utf-8")
        return done.returncode

    # Contexts

    def base_env(self) -> dict[str, str]:
        event = self.event
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_EVENT_NAME": event.name,
            "GITHUB_REF": event.ref,
            "GITHUB_REF_NAME": event.short,
            "GITHUB_REF_TYPE": "tag" if event.is_tag else "branch",
            "GITHUB_SHA": self.sha,
            "GITHUB_SERVER_URL": self.runner.server,
            "RUNNER_TEMP": str(self.temp),
            "RUNNER_OS": "Linux",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "PIP_NO_INDEX": "1",  # What pip should install is there.
            "GIT_CONFIG_NOSYSTEM": "1",
            **({"GITHUB_HEAD_REF": "topic", "GITHUB_BASE_REF": event.base} if event.base else {}),
        }

    def contexts(self) -> dict[str, Any]:
        event = self.event
        return {
            "github": {
                "ref": event.ref,
                "ref_name": event.short,
                "ref_type": "tag" if event.is_tag else "branch",
                "sha": self.sha,
                "event_name": event.name,
                "base_ref": event.base,
                "token": self.runner.token if self.may_write else "may-only-read",
                "workflow": self.document.get("name", ""),
            },
            "secrets": dict(self.runner.secrets),
            "vars": dict(self.runner.vars),
            "runner": {"os": "Linux"},
            "steps": {name: {"outputs": found} for name, found in self.step_outputs.items()},
            "needs": {
                name: {"result": job.result, "outputs": job.outputs}
                for name, job in self.needed.items()
            },
            "success": not self.failed,
        }

    def holds(self, condition: object) -> bool:
        text = str(condition).strip()
        text = text.removeprefix("${{").removesuffix("}}") if text.startswith("${{") else text
        return bool(evaluate(text, self.contexts()))

    def filled(self, table: Mapping[str, Any]) -> dict[str, str]:
        contexts = self.contexts()
        return {name: interpolate(value, contexts) for name, value in table.items()}


def _starts(on: Mapping[str, Any], event: Event) -> bool:
    """Return whether *event* starts a run, by the filters of branches and tags."""
    if event.name not in on:
        return False
    filters = on[event.name] or {}
    if event.name != "push":
        return not filters.get("branches") or _matches(event.base, filters["branches"])
    key = "tags" if event.is_tag else "branches"
    if key not in filters:
        return not filters  # A filter for the one kind leaves out the other.
    return _matches(event.short, filters[key])


def _matches(name: str, patterns: list[str]) -> bool:
    """Return whether *name* is one of *patterns*, of which a star stops at a slash."""
    return any(
        fnmatchcase(name, pattern) and name.count("/") == pattern.count("/") for pattern in patterns
    )


def _needs(table: Mapping[str, Any]) -> list[str]:
    needs = table.get("needs", [])
    return [needs] if isinstance(needs, str) else list(needs)


def _in_order(jobs: Mapping[str, Any]) -> Iterator[str]:
    left = list(jobs)
    while left:
        ready = next(name for name in left if not set(_needs(jobs[name])) & set(left))
        left.remove(ready)
        yield ready


def _pairs(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the names and values in a file that a step has written for the runner."""
    text = path.read_text(encoding="utf-8")
    for found in HEREDOC.finditer(text):
        yield found["name"], found["value"]
    for line in HEREDOC.sub("", text).splitlines():
        name, equals, value = line.partition("=")
        assert equals, f"{line!r} sets nothing"
        yield name, value
