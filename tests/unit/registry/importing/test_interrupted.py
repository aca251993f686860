from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.registry.cli import main
from tests.support.distributions import make_wheel
from tests.unit.registry.importing.made_up import serving

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

    from tests.unit.registry.importing.made_up import Answer, Answers

JSON = "application/vnd.pypi.simple.v1+json"
PATIENCE = 20.0
PROJECTS = [f"demo{number}" for number in range(12)]


class Stalling:
    """An index that stops answering after some files, until it is told to go on."""

    def __init__(self, folder: Path, served: int) -> None:
        self.files = {project: make_wheel(folder, project) for project in PROJECTS}
        self.asked: list[str] = []
        self.stalled = threading.Event()
        self.go_on = threading.Event()
        self._served = served

    def answers(self) -> Answers:
        names = {"meta": {"api-version": "1.1"}, "projects": [{"name": name} for name in PROJECTS]}
        answers: Answers = {
            "/": lambda _: (200, {"Content-Type": JSON}, json.dumps(names).encode())
        }
        for project in PROJECTS:
            answers[f"/{project}/"] = self._page
            answers[f"/files/{self.files[project].name}"] = self._file
        return answers

    def _page(self, request: BaseHTTPRequestHandler) -> Answer:
        wheel = self.files[request.path.strip("/")]
        sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
        file = {"filename": wheel.name, "url": f"/files/{wheel.name}", "hashes": {"sha256": sha256}}
        page = {"meta": {"api-version": "1.1"}, "name": "demo", "files": [file]}
        return 200, {"Content-Type": JSON}, json.dumps(page).encode()

    def _file(self, request: BaseHTTPRequestHandler) -> Answer:
        name = request.path.rpartition("/")[2]
        self.asked.append(name)
        if len(self.asked) > self._served:
            self.stalled.set()
            self.go_on.wait(PATIENCE)
        return 200, {}, (self.files[name.partition("-")[0]]).read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="Windows has neither of these signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_an_import_that_is_broken_off_goes_on(
    tmp_path: Path, number: signal.Signals, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    index = Stalling(tmp_path / "theirs", served=6)
    data = tmp_path / "data"
    arguments = ["import", "--data", str(data), "--json"]
    with serving(index.answers()) as url:
        process = subprocess.Popen(
            [sys.executable, "-m", "poetry_aegis.registry", *arguments, url],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert index.stalled.wait(PATIENCE)
        process.send_signal(number)
        if number is signal.SIGKILL:
            process.wait(PATIENCE)
        index.go_on.set()
        _, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == code, errors
        first = list(index.asked)

        assert main([*arguments, url]) == 0

    report = json.loads(capsys.readouterr().out)
    assert report["present"]
    assert len(report["present"]) + len(report["added"]) == len(PROJECTS)
    # A set: the index may note only now what the killed one asked for at last.
    downloaded_again = set(index.asked[len(first) :])
    assert downloaded_again == {name.partition("/")[2] for name in report["added"]}
    assert main(["reindex", "--check", "--data", str(data)]) == 0
    listed = json.loads((data / "simple" / "index.json").read_text())["projects"]
    assert sorted(project["name"] for project in listed) == sorted(PROJECTS)
