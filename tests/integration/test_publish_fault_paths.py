"""Each fault of a server, on each way that leads to an upload: nothing lost, nothing doubled."""

from __future__ import annotations

import ssl
import subprocess
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.support.faulty import FaultyIndex, Reply, faulty_index

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.poetry import PoetryHome

Run = subprocess.CompletedProcess[str]
PLAIN = {"Content-Type": "text/plain"}
WAYS = {
    "build": ("publish",),
    "no build": ("publish", "--skip-build"),
    "release": ("release", "1.0.0", "--publish"),
}
PASSING = {
    "dropped at byte 700": Reply(cut_after=700),
    "503, then success": Reply(503),
    "429 with Retry-After": Reply(429, headers={"Retry-After": "1"}),
    "500 after storing": Reply(500, stores=True),
    "slow": Reply(stores=True, slow=1.5),
    "truncated answer": Reply(stores=True, truncated=True),
    "no answer": Reply(stores=True, silent=True),
}
LASTING = {
    "redirect": (Reply(301, headers={"Location": "/legacy/"}), 42, "redirects to"),
    "not allowed": (Reply(403, "not you", headers=PLAIN), 45, "not you"),
    "taken": (Reply(409, "taken", headers=PLAIN), 47, "taken"),
}


@pytest.fixture
def index() -> Iterator[FaultyIndex]:
    with faulty_index() as running:
        yield running


@pytest.fixture
def corp(poetry: PoetryHome, index: FaultyIndex) -> PoetryHome:
    poetry.extra_env.update(POETRY_REPOSITORIES_CORP_URL=f"{index.url}/simple/")
    return poetry


@pytest.fixture
def project(tmp_path: Path, corp: PoetryHome) -> Path:
    """Return a project in a git repository that is ready for 1.0.0, and has it in dist/."""
    root = tmp_path / "project"
    (root / "demo").mkdir(parents=True)
    (root / "demo" / "__init__.py").write_text("")
    (root / ".gitignore").write_text("dist/\n")
    (root / "pyproject.toml").write_text(
        '[project]\nname = "demo"\nversion = "1.0.0"\nrequires-python = ">=3.9"\n'
        '[build-system]\nrequires = ["poetry-core>=2.0"]\n'
        'build-backend = "poetry.core.masonry.api"\n'
    )
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "feat: begin"]):
        subprocess.run(["git", *command], cwd=root, env=corp.env, check=True)
    built = corp.run("build", cwd=root)
    assert built.returncode == 0, built.stderr
    return root


@pytest.fixture(params=WAYS, ids=str)
def way(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return WAYS[request.param]


def go(poetry: PoetryHome, project: Path, way: tuple[str, ...]) -> Run:
    return poetry.run("aegis", *way, cwd=project)


def is_tagged(project: Path) -> bool:
    command = ["git", "tag", "--list", "v1.0.0"]
    return bool(subprocess.run(command, cwd=project, check=True, capture_output=True).stdout)


@pytest.mark.parametrize("fault", PASSING)
def test_what_passes_is_gone_through(
    corp: PoetryHome, project: Path, index: FaultyIndex, way: tuple[str, ...], fault: str
) -> None:
    index.script(PASSING[fault])
    run = go(corp, project, way)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "2 uploaded; verified on the index." in run.stdout
    assert index.files == {path.name: path.read_bytes() for path in (project / "dist").iterdir()}
    arrived = Counter(post.filename for post in index.posts)
    extra = 1 if PASSING[fault].status in (503, 429) else 0  # whole, but refused
    assert sum(arrived.values()) == 2 + extra
    assert is_tagged(project) == (way[0] == "release")


@pytest.mark.parametrize("fault", LASTING)
def test_what_lasts_is_told_and_nothing_is_there(
    corp: PoetryHome, project: Path, index: FaultyIndex, way: tuple[str, ...], fault: str
) -> None:
    reply, exit_code, told = LASTING[fault]
    index.script(*[reply] * 4)
    run = go(corp, project, way)
    assert run.returncode == exit_code, run.stdout + run.stderr
    assert told in run.stderr
    assert "Traceback" not in run.stdout + run.stderr
    assert index.files == {}
    assert not is_tagged(project)
    if way[0] == "release":
        assert "The release was taken back" in run.stderr


def test_a_wrong_hash_on_the_index_is_an_alarm(
    corp: PoetryHome, project: Path, index: FaultyIndex, way: tuple[str, ...]
) -> None:
    index.hashes["demo-1.0.0.tar.gz"] = "0" * 64
    run = go(corp, project, way)
    assert run.returncode == 49, run.stdout + run.stderr
    assert "0" * 64 in run.stderr
    assert is_tagged(project) == (way[0] == "release")  # Others may have seen it.


def test_a_self_signed_certificate_is_refused_before_anything_else(
    poetry: PoetryHome, project: Path, way: tuple[str, ...], tmp_path: Path
) -> None:
    certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with faulty_index(context) as secure:
        poetry.extra_env.update(POETRY_REPOSITORIES_CORP_URL=f"{secure.url}/simple/")
        run = go(poetry, project, way)
        assert run.returncode == 43, run.stdout + run.stderr
        assert "poetry config certificates.corp.cert" in run.stderr
        assert "Building" not in run.stdout
        assert secure.gets == []
        assert not is_tagged(project)

        poetry.extra_env.update(POETRY_CERTIFICATES_CORP_CERT=str(certificate))
        run = go(poetry, project, way)
        assert run.returncode == 0, run.stdout + run.stderr
        assert len(secure.files) == 2


def self_signed(folder: Path) -> Path:
    """Return a self-signed certificate of 127.0.0.1 with its key, in one file."""
    key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem"
    subject = "-days 2 -subj /CN=corp -addext subjectAltName=IP:127.0.0.1"
    subprocess.run(
        ["openssl", "req", "-x509", *key.split(), *subject.split(), "-out", "cert.pem"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    both = folder / "both.pem"
    both.write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return both
