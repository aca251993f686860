"""``poetry aegis publish`` against a server that misbehaves: exit codes, messages, secrets."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from tests.support.distributions import make_built_project
from tests.support.faulty import FaultyIndex, Reply, faulty_index

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.poetry import PoetryHome

Run = subprocess.CompletedProcess[str]
PASSWORD = "correct-horse-battery"
PLAIN = {"Content-Type": "text/plain"}
TOMORROW = {"Retry-After": "86400"}


@pytest.fixture
def index() -> Iterator[FaultyIndex]:
    with faulty_index() as running:
        yield running


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with the distributions of its version in dist/."""
    return make_built_project(tmp_path / "project")


@pytest.fixture
def corp(poetry: PoetryHome, index: FaultyIndex) -> PoetryHome:
    poetry.extra_env.update(
        POETRY_REPOSITORIES_CORP_URL=f"{index.url}/simple/",
        POETRY_HTTP_BASIC_CORP_USERNAME="ada",
        POETRY_HTTP_BASIC_CORP_PASSWORD=PASSWORD,
    )
    return poetry


def publish(poetry: PoetryHome, project: Path, *arguments: str) -> Run:
    # One after the other, so that it is known which of them gets which answer.
    run = poetry.run("aegis", "publish", "--skip-build", "--jobs", "1", *arguments, cwd=project)
    assert_no_secret(run.stdout + run.stderr)
    return run


def assert_no_secret(text: str) -> None:
    for secret in (PASSWORD, b64encode(f"ada:{PASSWORD}".encode()).decode()):
        assert secret not in text


@pytest.mark.parametrize(
    "reply",
    [
        Reply(503),
        Reply(429, headers={"Retry-After": "0"}),
        Reply(cut_after=700),
        Reply(500, stores=True),
        Reply(stores=True, silent=True),
        Reply(stores=True, truncated=True),
    ],
    ids=["503", "429", "cut off", "500 after storing", "silent", "truncated"],
)
def test_nothing_is_lost_and_nothing_is_doubled(
    corp: PoetryHome, project: Path, index: FaultyIndex, reply: Reply
) -> None:
    index.script(reply)
    run = publish(corp, project)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "2 uploaded; verified on the index." in run.stdout
    assert index.files == {path.name: path.read_bytes() for path in (project / "dist").iterdir()}
    assert index.attempts == (2 if reply.stores else 3)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(301, headers={"Location": "/legacy/"}), (42, "repositories.corp http://127.0.0.1:")),
        (Reply(405), (42, "poetry config repositories.corp http://127.0.0.1:")),
        (Reply(401, "who are you", headers=PLAIN), (44, "poetry config http-basic.corp ada")),
        (Reply(403, "not you", headers=PLAIN), (45, "not you")),
        (Reply(413, "too large", headers=PLAIN), (46, "client_max_body_size")),
        (Reply(409, "taken", headers=PLAIN), (47, "taken")),
        (Reply(500, "broken", headers=PLAIN | TOMORROW), (40, "500 broken")),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Reply) else "",
)
def test_each_refusal_has_its_exit_code_and_its_way_out(
    corp: PoetryHome, project: Path, index: FaultyIndex, reply: Reply, expected: tuple[int, str]
) -> None:
    exit_code, told = expected
    index.script(reply)
    run = publish(corp, project)
    assert run.returncode == exit_code, run.stdout + run.stderr
    assert told in run.stderr
    assert "Traceback" not in run.stdout + run.stderr
    assert len(index.posts) == 1
    assert index.files == {}


def test_a_wrong_hash_on_the_index_fails_the_publication(
    corp: PoetryHome, project: Path, index: FaultyIndex
) -> None:
    index.hashes["demo-1.0.0.tar.gz"] = "0" * 64
    run = publish(corp, project, "--json")
    assert run.returncode == 49
    error = json.loads(run.stdout)
    assert error["error"] == "VerificationFailed"
    assert "0" * 64 in error["message"]


def test_a_secret_that_the_server_echoes_is_not_shown_even_with_a_trace(
    corp: PoetryHome, project: Path, index: FaultyIndex
) -> None:
    basic = b64encode(f"ada:{PASSWORD}".encode()).decode()
    echo = f"Basic {basic} of ada:{PASSWORD} is not welcome"
    index.script(Reply(403, echo, headers=PLAIN, phrase=echo))
    run = publish(corp, project, "-vvv")
    assert run.returncode == 45
    assert "Basic *** of ada:*** is not welcome" in run.stderr


def test_a_password_in_the_url_is_used_and_not_shown(
    poetry: PoetryHome, project: Path, index: FaultyIndex
) -> None:
    url = index.url.replace("://", f"://ada:{PASSWORD}@")
    poetry.extra_env["POETRY_REPOSITORIES_CORP_URL"] = f"{url}/legacy/"
    index.script(Reply(400, "no", headers=PLAIN))
    assert publish(poetry, project, "--json").returncode == 40
    assert publish(poetry, project, "-v").returncode == 0
    assert all(headers["Authorization"].startswith("Basic ") for _, headers in index.gets)


@pytest.mark.parametrize("bad", ["ada:{}#x@", "ada:{}/x@"])
def test_a_password_that_cannot_be_told_from_the_url_is_not_shown(
    poetry: PoetryHome, project: Path, index: FaultyIndex, bad: str
) -> None:
    url = index.url.replace("://", f"://{bad.format(PASSWORD)}")
    poetry.extra_env["POETRY_REPOSITORIES_CORP_URL"] = f"{url}/legacy/"
    run = publish(poetry, project, "--json", "-v")
    assert run.returncode == 42, run.stdout + run.stderr
    assert json.loads(run.stdout)["error"] == "NotAnUploadUrl"
    assert index.gets == []


def test_ctrl_c_in_the_middle_ends_in_one_line(
    corp: PoetryHome, project: Path, index: FaultyIndex
) -> None:
    process, said = interrupted(corp, project, index)
    assert process.returncode == 130, said
    assert said.endswith("Interrupted.\n")
    assert "Traceback" not in said


def test_ctrl_c_is_json_too(corp: PoetryHome, project: Path, index: FaultyIndex) -> None:
    process, said = interrupted(corp, project, index, "--json")
    assert process.returncode == 130, said
    document = json.loads(said[said.index("\n{") :])
    assert (document["error"], document["exit_code"]) == ("Interrupted", 130)


def interrupted(
    corp: PoetryHome, project: Path, index: FaultyIndex, *options: str
) -> tuple[subprocess.Popen[str], str]:
    """Return a publication that Ctrl-C has ended in the middle, and all that it has said."""
    index.script(Reply(hangs=True))
    process = subprocess.Popen(
        [sys.executable, "-m", "poetry", "aegis", "publish", "--skip-build", *options],
        cwd=project,
        env=corp.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert index.hanging.wait(60)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    return process, said
