"""What ``poetry aegis publish`` can be told, and what it finds out before it builds anything."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import pty
import socket
import subprocess
import sys
import threading
import zipfile
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from packaging.utils import parse_wheel_filename

from poetry_aegis.errors import Unauthorized
from tests.support.distributions import core_metadata, make_wheel
from tests.support.faulty import FaultyIndex, Reply, faulty_index
from tests.support.needs import missing
from tests.support.upstream import running_index

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.poetry import PoetryHome

Run = subprocess.CompletedProcess[str]
PASSWORD = "correct-horse-battery"
MEGABYTE = 1_000_000
LARGE = 400 * MEGABYTE
_POETRY_CORE = (
    '[build-system]\nrequires = ["poetry-core>=2.0"]\nbuild-backend = "poetry.core.masonry.api"\n'
)
_HATCHLING = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'


@pytest.fixture
def index() -> Iterator[FaultyIndex]:
    with faulty_index() as running:
        yield running


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project that builds."""
    return make_project(tmp_path / "project", _POETRY_CORE)


@pytest.fixture
def corp(poetry: PoetryHome, index: FaultyIndex) -> PoetryHome:
    """Return a Poetry that knows the index, and no credentials for it."""
    poetry.extra_env.update(POETRY_REPOSITORIES_CORP_URL=f"{index.url}/legacy/")
    return poetry


def make_project(root: Path, build_system: str, more: str = "") -> Path:
    (root / "demo").mkdir(parents=True)
    (root / "demo" / "__init__.py").write_text("")
    (root / "pyproject.toml").write_text(
        f'[project]\nname = "demo"\nversion = "1.0.0"\ndescription = "A demo."\n'
        f'requires-python = ">=3.9"\n{more}\n' + build_system
    )
    return root


def publish(poetry: PoetryHome, project: Path, *arguments: str, stdin: str | None = None) -> Run:
    run = poetry.run("aegis", "publish", *arguments, cwd=project, stdin=stdin)
    assert PASSWORD not in run.stdout + run.stderr
    return run


def succeed(run: Run) -> Run:
    assert run.returncode == 0, run.stdout + run.stderr
    return run


def authorisations(index: FaultyIndex) -> set[str | None]:
    """Return the credentials that came with the uploads."""
    return {post.headers.get("Authorization") for post in index.posts}


def basic(user: str, password: str) -> str:
    request = httpx.Request("GET", "http://host/")
    return next(httpx.BasicAuth(user, password).auth_flow(request)).headers["Authorization"]


# Before anything is built


@pytest.mark.parametrize(
    ("probe", "exit_code"), [(Reply(401), 44), (Reply(403), 45), (Reply(405), 42)], ids=str
)
def test_nothing_is_built_that_would_not_be_taken(
    corp: PoetryHome, project: Path, index: FaultyIndex, probe: Reply, exit_code: int
) -> None:
    index.probe_reply = probe
    run = publish(corp, project)
    assert run.returncode == exit_code, run.stdout + run.stderr
    assert "Building" not in run.stdout + run.stderr
    assert not (project / "dist").exists()


def test_nothing_is_built_where_nobody_answers(
    poetry: PoetryHome, project: Path, index: FaultyIndex
) -> None:
    with socket.socket() as taken:  # bound and not listening
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        poetry.extra_env.update(POETRY_REPOSITORIES_CORP_URL=url)
        run = publish(poetry, project)
    assert run.returncode == 43
    assert "Building" not in run.stdout + run.stderr


def test_files_that_are_there_are_told_before_the_build_decides(
    corp: PoetryHome, project: Path, index: FaultyIndex
) -> None:
    succeed(publish(corp, project))
    again = succeed(publish(corp, project))
    assert "already has demo-1.0.0-py3-none-any.whl, demo-1.0.0.tar.gz: what is" in again.stdout
    assert "2 skipped" in again.stdout


# Builds


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--format", "wheel"], ["demo-1.0.0-py3-none-any.whl"]),
        (["--format=sdist"], ["demo-1.0.0.tar.gz"]),
        (["--format", "sdist,wheel"], ["demo-1.0.0-py3-none-any.whl", "demo-1.0.0.tar.gz"]),
    ],
)
def test_what_to_build_can_be_chosen(
    corp: PoetryHome, project: Path, index: FaultyIndex, arguments: list[str], names: list[str]
) -> None:
    succeed(publish(corp, project, *arguments))
    assert sorted(index.files) == names


@pytest.mark.parametrize(
    "arguments",
    [["--format", "egg"], ["--format", "wheel", "--skip-build"], ["--jobs", "0"], ["-j", "many"]],
    ids=" ".join,
)
def test_what_makes_no_sense_is_refused(
    corp: PoetryHome, project: Path, index: FaultyIndex, arguments: list[str]
) -> None:
    assert publish(corp, project, *arguments).returncode == 2
    assert index.gets == []


def test_two_builds_have_one_hash(corp: PoetryHome, project: Path, index: FaultyIndex) -> None:
    succeed(publish(corp, project))
    first = {name: index.sha256(name) for name in index.files}
    index.files.clear()
    for path in (project / "dist").iterdir():
        path.unlink()
    os.utime(project / "demo" / "__init__.py", (1, 1))
    succeed(publish(corp, project))
    assert {name: index.sha256(name) for name in index.files} == first
    assert len(first) == 2


def test_another_back_end_builds_in_isolation(
    corp: PoetryHome, tmp_path: Path, index: FaultyIndex
) -> None:
    wheels = tmp_path / "wheels"
    pip = [sys.executable, "-m", "pip", "download", "-q", "--dest", str(wheels), "hatchling"]
    if subprocess.run(pip, check=False, capture_output=True).returncode:
        missing("needs hatchling, which cannot be had from an index here")
    with running_index() as local:
        for wheel in wheels.iterdir():
            with zipfile.ZipFile(wheel) as archive:
                name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
                local.publish(
                    parse_wheel_filename(wheel.name)[0], wheel, metadata=archive.read(name)
                )
        source = f'[[tool.poetry.source]]\nname = "local"\nurl = "{local.simple}"\n'
        project = make_project(tmp_path / "project", _HATCHLING + source)
        run = succeed(publish(corp, project, "-r", "corp"))
    assert sorted(index.files) == ["demo-1.0.0-py3-none-any.whl", "demo-1.0.0.tar.gz"]
    assert "verified on the index" in run.stdout


def test_metadata_are_looked_at_before_anything_is_sent(
    corp: PoetryHome, tmp_path: Path, index: FaultyIndex
) -> None:
    odd = make_project(tmp_path / "a", _POETRY_CORE, 'classifiers = ["Topic :: Knitting"]')
    run = succeed(publish(corp, odd))
    assert "'Topic :: Knitting' is not known" in run.stdout

    broken = make_project(tmp_path / "b", _POETRY_CORE)
    bad = core_metadata(requires=["not a requirement"])
    make_wheel(broken / "dist", metadata=bad)
    index.files.clear()
    refused = publish(corp, broken, "--skip-build")
    assert refused.returncode == 48
    assert "invalid for 'requires-dist'" in refused.stderr
    assert index.files == {}
    succeed(publish(corp, broken, "--skip-build", "--no-check"))


# Who asks


def test_a_user_is_named_and_the_password_read_unseen(
    corp: PoetryHome, project: Path, index: FaultyIndex
) -> None:
    make_wheel(project / "dist")
    arguments = ("--skip-build", "-u", "ada", "--password-stdin")
    succeed(publish(corp, project, *arguments, stdin=f"{PASSWORD}\n"))
    assert authorisations(index) == {basic("ada", PASSWORD)}

    nobody = publish(corp, project, "--skip-build", "-u", "ada")
    assert nobody.returncode == 2
    assert "--password-stdin" in nobody.stderr


def test_who_has_typed_a_wrong_password_is_sent_to_no_configuration(
    corp: PoetryHome, project: Path, index: FaultyIndex
) -> None:
    make_wheel(project / "dist")
    arguments = ("--skip-build", "-u", "ada", "--password-stdin")
    index.page_replies.append(Reply(401))
    refused = publish(corp, project, *arguments, stdin="wrong\n")
    assert refused.returncode == Unauthorized.exit_code
    assert "corp does not accept the password of ada (401" in refused.stderr
    assert "It was read from standard input, for --password-stdin" in refused.stderr
    assert "poetry config" not in refused.stderr


def test_a_password_is_asked_for_on_a_terminal_and_not_shown(
    corp: PoetryHome, project: Path, index: FaultyIndex
) -> None:
    make_wheel(project / "dist")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "poetry", "aegis", "publish", "--skip-build", "-u", "ada"],
        cwd=project,
        env=corp.env,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    said = b""
    with open(ours, "r+b", buffering=0) as terminal:  # noqa: PTH123 - a terminal has no path
        while piece := _read(terminal):
            said += piece
            if said.endswith(b"corp: "):
                terminal.write(f"{PASSWORD}\n".encode())
    assert process.wait(60) == 0, said
    assert authorisations(index) == {basic("ada", PASSWORD)}
    assert b"Password of ada on corp:" in said
    assert PASSWORD.encode() not in said


def _read(terminal: Any) -> bytes:
    try:
        return bytes(terminal.read(4096))
    except OSError:  # The other end is closed.
        return b""


def test_netrc_is_asked_last(corp: PoetryHome, project: Path, index: FaultyIndex) -> None:
    make_wheel(project / "dist")
    netrc = corp.root / ".netrc"
    netrc.write_text(f"machine 127.0.0.1\nlogin {getpass.getuser()}\npassword {PASSWORD}\n")
    netrc.chmod(0o600)
    succeed(publish(corp, project, "--skip-build"))
    assert authorisations(index) == {basic(getpass.getuser(), PASSWORD)}

    corp.extra_env.update(
        POETRY_HTTP_BASIC_CORP_USERNAME="ada", POETRY_HTTP_BASIC_CORP_PASSWORD="another-one"
    )
    index.files.clear()
    index.posts.clear()
    succeed(publish(corp, project, "--skip-build"))
    assert authorisations(index) == {basic("ada", "another-one")}


def test_a_proxy_is_gone_through_unless_the_host_is_excepted(
    corp: PoetryHome, project: Path, index: FaultyIndex
) -> None:
    make_wheel(project / "dist")
    with proxy() as (url, seen):
        corp.extra_env.update(HTTP_PROXY=url, http_proxy=url, NO_PROXY="", no_proxy="")
        succeed(publish(corp, project, "--skip-build"))
        assert len(seen) == 3  # the page, the wheel, the page
        corp.extra_env.update(NO_PROXY="127.0.0.1", no_proxy="127.0.0.1")
        succeed(publish(corp, project, "--skip-build"))
        assert len(seen) == 3


@contextmanager
def proxy() -> Iterator[tuple[str, list[str]]]:
    """Run a proxy; yield its address and, as they come, the addresses that it was asked for."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def pass_on(self) -> None:
            seen.append(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {k: v for k, v in self.headers.items() if k.lower() != "proxy-connection"}
            with httpx.Client(trust_env=False) as client:
                answer = client.request(self.command, self.path, content=body, headers=headers)
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers.get("Content-Type", ""))
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = pass_on  # noqa: N815 - the base class's names

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", seen
        server.shutdown()


# Where to


def test_the_branch_chooses_the_repository(
    corp: PoetryHome, project: Path, index: FaultyIndex
) -> None:
    make_wheel(project / "dist")
    with (project / "pyproject.toml").open("a") as settings:
        settings.write(
            '[tool.poetry-aegis]\nrepository = "corp"\n'
            '[tool.poetry-aegis.repositories]\nmain = "nowhere"\n"feature/*" = "corp"\n'
        )
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=project, env=corp.env, check=True)
    lost = publish(corp, project, "--skip-build")
    assert lost.returncode == 41
    assert "nowhere" in lost.stderr

    asked = succeed(publish(corp, project, "--skip-build", "-r", "corp"))
    assert "Repository:" not in asked.stdout
    subprocess.run(
        ["git", "checkout", "-q", "-b", "feature/x"], cwd=project, env=corp.env, check=True
    )
    mapped = succeed(publish(corp, project, "--skip-build"))
    assert "Repository: corp, for the branch feature/x, by 'feature/*' in" in mapped.stdout
    corp.extra_env.update(AEGIS_REPOSITORY="nowhere")
    assert publish(corp, project, "--skip-build").returncode == 41


def test_a_pipeline_says_which_branch_it_is_for(
    corp: PoetryHome, project: Path, index: FaultyIndex
) -> None:
    make_wheel(project / "dist")
    with (project / "pyproject.toml").open("a") as settings:
        settings.write('[tool.poetry-aegis.repositories]\ndevelop = "corp"\n')
    corp.extra_env.update(
        CI="true", CI_COMMIT_BRANCH="develop", POETRY_REPOSITORIES_OTHER_URL="http://127.0.0.1:1/"
    )
    run = succeed(publish(corp, project, "--skip-build"))
    assert "for the branch develop" in run.stdout


# Large ones


def test_a_large_wheel_takes_little_memory(
    corp: PoetryHome, project: Path, index: FaultyIndex
) -> None:
    make_large_wheel(project / "dist")
    script = (
        "import resource, subprocess, sys\n"
        "code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode\n"
        "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    with sink() as (url, received):
        corp.extra_env.update(POETRY_REPOSITORIES_CORP_URL=f"{url}/legacy/")
        command = [sys.executable, "-m", "poetry", "aegis", "publish", "--skip-build"]
        run = subprocess.run(
            [sys.executable, "-c", script, *command, "--no-verify"],
            cwd=project,
            env=corp.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        )
    code, most = map(int, run.stdout.split())
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage counts kilobytes on Linux
    assert code == 0, run.stderr
    assert received[0] > LARGE
    assert most * unit < 100 * MEGABYTE


def make_large_wheel(folder: Path) -> None:
    """Write a wheel whose content is one large hole: it takes next to no room on the disk."""
    wheel = make_wheel(folder)
    with zipfile.ZipFile(wheel, "a") as archive:
        hole = zipfile.ZipInfo("demo/hole.bin", (2020, 2, 2, 0, 0, 0))
        with archive.open(hole, "w") as stream:
            for _ in range(LARGE // MEGABYTE):
                stream.write(bytes(MEGABYTE))


@contextmanager
def sink() -> Iterator[tuple[str, list[int]]]:
    """Run a server that takes uploads and forgets them; yield its address and their sizes."""
    received: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(404)

        def do_POST(self) -> None:
            left = size = int(self.headers["Content-Length"])
            while left:
                left -= len(self.rfile.read(min(left, MEGABYTE)))
            received.append(size)
            self._answer(200)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", received
        server.shutdown()


# Signed


def test_what_is_published_is_signed_once(
    corp: PoetryHome, project: Path, index: FaultyIndex
) -> None:
    index.keeps_signatures = True
    corp.extra_env.update(
        AEGIS_KEYS_HOME=str(corp.root / "keys"), AEGIS_SIGNING_PASSPHRASE="open sesame, please"
    )
    succeed(corp.run("aegis", "key", "generate", "ada", cwd=project))
    run = succeed(publish(corp, project, "--sign", "--json"))
    assert {file["signed"] for file in json.loads(run.stdout)["files"]} == {True}
    assert "sesame" not in run.stdout + run.stderr
    for name in index.files:
        kept = (project / "dist" / f"{name}.publish.attestation").read_text()
        sent = next(post for post in index.posts if post.filename == name).fields["attestations"]
        assert [json.loads(kept)] == json.loads(sent[0])  # alone it is kept as other tools want it
    again = succeed(publish(corp, project, "--sign"))
    assert "2 skipped; signed and verified on the index." in again.stdout


def test_what_somebody_else_has_signed_is_sent_without_a_key(
    corp: PoetryHome, project: Path, index: FaultyIndex
) -> None:
    index.keeps_signatures = True
    succeed(publish(corp, project))
    signer = {"AEGIS_KEYS_HOME": str(corp.root / "keys"), "AEGIS_SIGNING_PASSPHRASE": "open sesame"}
    elsewhere = replace(corp, extra_env=corp.extra_env | signer)
    succeed(elsewhere.run("aegis", "key", "generate", "ada", cwd=project))
    succeed(elsewhere.run("aegis", "sign", cwd=project))

    planned = succeed(publish(corp, project, "--skip-build", "--dry-run"))
    assert planned.stdout.count("is already there and would be signed") == 2
    done = succeed(publish(corp, project, "--skip-build", "--json"))
    assert {file["status"] for file in json.loads(done.stdout)["files"]} == {"signed"}
    assert all("attestations" in post.fields for post in index.posts[-2:])


def test_an_index_that_keeps_no_signatures_is_told_of(
    corp: PoetryHome, project: Path, index: FaultyIndex
) -> None:
    corp.extra_env.update(
        AEGIS_KEYS_HOME=str(corp.root / "keys"), AEGIS_SIGNING_PASSPHRASE="open sesame, please"
    )
    succeed(corp.run("aegis", "key", "generate", "ada", cwd=project))
    with (project / "pyproject.toml").open("a") as settings:
        settings.write('[tool.poetry-aegis.publish]\nsign = true\nkey = "ada"\n')
    run = succeed(publish(corp, project))
    assert "does not show what is signed of" in run.stdout
    kept = sorted(path.name for path in (project / "dist").glob("*.publish.attestation"))
    assert kept == [f"{name}.publish.attestation" for name in sorted(index.files)]


def test_without_a_key_nothing_is_built(
    corp: PoetryHome, project: Path, index: FaultyIndex
) -> None:
    corp.extra_env.update(AEGIS_KEYS_HOME=str(corp.root / "keys"))
    run = publish(corp, project, "--sign")
    assert run.returncode == 81, run.stdout + run.stderr
    assert "Building" not in run.stdout
    assert index.posts == []


def test_force_warns_of_what_is_locked(corp: PoetryHome, project: Path, index: FaultyIndex) -> None:
    wheel = make_wheel(project / "dist")
    index.has(wheel.name, b"another")
    run = succeed(publish(corp, project, "--skip-build", "--force"))
    assert "Lock files pin the hashes" in run.stdout
    assert index.sha256(wheel.name) == hashlib.sha256(wheel.read_bytes()).hexdigest()
