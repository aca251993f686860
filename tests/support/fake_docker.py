"""A program named docker that answers as a scenario says, and notes what it was asked.

It is a real program in a real folder on PATH, for what real Docker cannot be brought to at will: no
Compose, a daemon that is down, a service that never gets well. Real Docker is in `tests/stack`.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pytest

DOWN = (
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. "
    "Is the docker daemon running?"
)
FORBIDDEN = (
    "permission denied while trying to connect to the Docker daemon socket at "
    "unix:///var/run/docker.sock: Get "
    '"http://%2Fvar%2Frun%2Fdocker.sock/v1.24/version": dial unix /var/run/docker.sock: '
    "connect: permission denied"
)
NO_COMPOSE = "docker: 'compose' is not a docker command.\nSee 'docker --help'"

_PROGRAM = """\
#!{python} -IS
import json, os, pathlib, sys, time
here = pathlib.Path({here!r})
asked = sys.argv[1:]
with (here / "calls.jsonl").open("a") as calls:
    kept = {{name: os.environ.get(name) for name in {watched!r}}}
    calls.write(json.dumps({{"asked": asked, "environment": kept}}) + "\\n")
file = here / "scenario.json"
scenario = json.loads(file.read_text())

def leave(code=0, out="", err=""):
    sys.stdout.write(out); sys.stderr.write(err); sys.exit(code)

words = list(asked)
if words[:1] == ["compose"]:
    words = words[1:]
    if scenario["compose"] is None:
        leave(1, err=scenario["no_compose"])
    while words and words[0].startswith("--"):
        words = words[2:]
    if words[0] == "version":
        leave(out=scenario["compose"] + "\\n")
if scenario["refusal"]:
    leave(1, err=scenario["refusal"] + "\\n")
verb = words[0]
deed = scenario["on"].get(verb, {{}})
if "ps" in deed:
    scenario["ps"] = deed["ps"]
    file.write_text(json.dumps(scenario))
time.sleep(deed.get("seconds", 0))
if "out" in deed or "code" in deed or "err" in deed:
    leave(deed.get("code", 0), deed.get("out", ""), deed.get("err", ""))
if verb == "version":
    leave(out=scenario["engine"] + "\\n")
if verb == "ps":
    services = scenario["ps"][0]
    if len(scenario["ps"]) > 1:
        scenario["ps"] = scenario["ps"][1:]
        file.write_text(json.dumps(scenario))
    if scenario["array"]:
        leave(out=json.dumps(services))
    leave(out="".join(json.dumps(service) + "\\n" for service in services))
if verb == "config":
    leave(out="".join(name + "\\n" for name in scenario["names"]))
if verb == "inspect":
    leave(out=json.dumps([scenario["inspect"][i] for i in words[1:] if i in scenario["inspect"]]))
if verb == "stats":
    found = [scenario["stats"][i] for i in words[4:] if i in scenario["stats"]]
    leave(out="".join(json.dumps(item) + "\\n" for item in found))
leave()
"""
WATCHED = (
    "COMPOSE_PROJECT_NAME",
    "COMPOSE_FILE",
    "GRAFANA_PASSWORD",
    "POETRY_HTTP_BASIC_A_PASSWORD",
)


@dataclass(frozen=True)
class FakeDocker:
    """The program in *folder*, and what it was asked."""

    folder: Path

    def says(self, **scenario: Any) -> None:
        """Change what it answers."""
        now = json.loads(self._file.read_text())
        unknown = set(scenario) - set(now)
        assert not unknown, unknown
        self._file.write_text(json.dumps(now | scenario))

    def on(self, verb: str, **deed: Any) -> None:
        """Change what happens at *verb*: its ``code``, ``out``, ``err``, ``seconds``, and ``ps``.

        ``ps`` are the answers to the questions that follow, one after the other; the last stays.
        """
        now = json.loads(self._file.read_text())
        self.says(on=now["on"] | {verb: deed})

    @property
    def calls(self) -> list[list[str]]:
        """What it was asked, without Compose's options about where the project is."""
        return [_short(call["asked"]) for call in self.notes]

    @property
    def notes(self) -> list[dict[str, Any]]:
        lines = (self.folder / "calls.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def asked(self, verb: str) -> list[list[str]]:
        """Return the calls of *verb*."""
        return [call for call in self.calls if call and call[0] == verb]

    def forget(self) -> None:
        """Forget what it was asked."""
        (self.folder / "calls.jsonl").write_text("")

    @property
    def _file(self) -> Path:
        return self.folder / "scenario.json"


def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    """Put a docker into *folder*, and *folder* alone before PATH; the daemon answers."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "docker"
    text = _PROGRAM.format(python=sys.executable, here=str(folder), watched=WATCHED)
    program.write_text(text)
    program.chmod(0o755)
    scenario: Mapping[str, Any] = {
        "compose": "2.29.1",
        "no_compose": NO_COMPOSE,
        "engine": "27.1.1",
        "refusal": "",
        "array": False,
        "ps": [[]],
        "names": [],
        "inspect": {},
        "stats": {},
        "on": {},
    }
    (folder / "scenario.json").write_text(json.dumps(scenario))
    (folder / "calls.jsonl").write_text("")
    monkeypatch.setenv("PATH", os.pathsep.join([str(folder), os.environ["PATH"]]))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    return FakeDocker(folder)


def service(
    name: str,
    state: str = "running",
    health: str = "healthy",
    *,
    container: str = "",
    image: str = "",
    published: Sequence[int] = (),
) -> dict[str, Any]:
    """Return a service as ``docker compose ps --format json`` prints it."""
    return {
        "ID": container or f"{name}-1"[:12],
        "Name": f"aegis-{name}-1",
        "Image": image or f"example/{name}:1.2.3",
        "Service": name,
        "Project": "aegis",
        "State": state,
        "Status": "Up 3 seconds",
        "Health": health,
        "ExitCode": 0,
        "Publishers": [
            {"URL": "127.0.0.1", "TargetPort": 1, "PublishedPort": port, "Protocol": "tcp"}
            for port in published
        ],
    }


def _short(asked: Sequence[str]) -> list[str]:
    words = list(asked)
    if words[:1] == ["compose"]:
        words = words[1:]
        while words and words[0].startswith("--"):
            words = words[2:]
    return words
