"""twine, uv, Poetry and pip against the stack, through TLS that they verify."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest

from tests.stack.stack import NAME
from tests.support.clients import run
from tests.support.distributions import make_sdist, make_wheel
from tests.support.poetry import make_home
from tests.support.registry import USERS

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from tests.stack.stack import Stack

Done: TypeAlias = "subprocess.CompletedProcess[str]"
# Where one of them is set, pip and twine go by that, and not by the --cert they are given.
NO_BUNDLES = {"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": ""}


def by_twine(
    stack: Stack, home: Path, *files: Path, user: str = "pub", trusting: bool = True
) -> Done:
    login = {"TWINE_USERNAME": user, "TWINE_PASSWORD": USERS[user][0], **NO_BUNDLES}
    ca = ("--cert", stack.ca_file) if trusting else ()
    options = ("--non-interactive", "--repository-url", f"{stack.url}/legacy/", *ca)
    return run(sys.executable, "-m", "twine", "upload", *options, *files, home=home, env=login)


def by_uv(stack: Stack, home: Path, *arguments: str | Path, trusting: bool = True) -> Done:
    env = {"SSL_CERT_FILE": str(stack.ca_file)} if trusting else {}
    return run(sys.executable, "-m", "uv", *arguments, home=home, env=env)


def by_pip(stack: Stack, home: Path, *arguments: str | Path, trusting: bool = True) -> Done:
    options = ("--no-input", "--disable-pip-version-check", "--no-cache-dir")
    index = ("--index-url", stack.url_for("rae"))
    ca = ("--cert", stack.ca_file) if trusting else ()
    command = (sys.executable, "-m", "pip", "download", "--retries", "0", *options)
    to = ("--dest", home / "got")
    return run(*command, *index, *ca, *to, *arguments, home=home, env=NO_BUNDLES)


def got(home: Path) -> set[str]:
    return {path.name for path in (home / "got").glob("*")}


def test_published_by_twine_and_installed_by_pip(stack: Stack, tmp_path: Path) -> None:
    needed = make_wheel(tmp_path, "twined-needs")
    files = (make_wheel(tmp_path, "twined", requires=["twined-needs>=1"]), needed)

    published = by_twine(stack, tmp_path, *files, make_sdist(tmp_path, "twined"))
    installed = by_pip(stack, tmp_path, "twined")

    assert published.returncode == 0, published.stdout
    assert installed.returncode == 0, installed.stdout
    assert got(tmp_path) == {file.name for file in files}


def test_published_and_installed_by_uv(stack: Stack, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "uved")
    login = ("--username", "pub", "--password", USERS["pub"][0])
    target = ("--target", tmp_path / "site", "--python", sys.executable)

    published = by_uv(
        stack, tmp_path, "publish", "--publish-url", f"{stack.url}/legacy/", *login, wheel
    )
    installed = by_uv(
        *(stack, tmp_path, "pip", "install", "--default-index", stack.url_for("rae")),
        *target,
        "uved",
    )

    assert published.returncode == 0, published.stdout
    assert installed.returncode == 0, installed.stdout
    assert (tmp_path / "site" / "uved-1.0.0.dist-info").exists()


def test_published_and_installed_by_poetry(stack: Stack, tmp_path: Path) -> None:
    project = make_project(tmp_path / "poetried", "poetried")
    app = make_project(tmp_path / "app", "app", needs='"poetried"', source=f"{stack.url}/simple/")
    poetry = make_home(tmp_path / "user")
    known = ("aegis", "client", "poetry", "--name", "corp", "--url", f"{stack.url}/")
    login = ("--username", "pub", "--password-stdin")

    def run_poetry(*arguments: str, cwd: Path = project, stdin: str | None = None) -> Done:
        return poetry.run(*arguments, cwd=cwd, stdin=stdin)

    def ok(*arguments: str, cwd: Path = project, stdin: str | None = None) -> str:
        done = run_poetry(*arguments, cwd=cwd, stdin=stdin)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    unknown = run_poetry(*known, *login, stdin=USERS["pub"][0])
    assert unknown.returncode != 0
    assert "certificate" in unknown.stderr
    ok(*known, "--ca", str(stack.ca_file), *login, stdin=USERS["pub"][0])
    ok("aegis", "publish", "-r", "corp")
    ok("config", "virtualenvs.in-project", "true")
    ok("lock", cwd=app)
    ok("install", cwd=app)
    assert len(list(app.glob(".venv/**/poetried-1.0.0.dist-info"))) == 1


@pytest.fixture
def name_resolves() -> Iterator[None]:
    """Let this machine know the server's name, as an administrator's DNS would."""
    hosts = Path("/etc/hosts")
    before = hosts.read_bytes()
    hosts.write_bytes(before.rstrip(b"\n") + f"\n127.0.0.1 {NAME}\n".encode())
    try:
        yield
    finally:
        hosts.write_bytes(before)


@pytest.mark.usefixtures("name_resolves")
def test_by_its_name(stack: Stack, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "by-name")
    assert by_twine(stack, tmp_path, wheel).returncode == 0
    index = stack.url_for("rae").replace("127.0.0.1", NAME)

    done = run(
        *(sys.executable, "-m", "pip", "download", "--no-input", "--index-url", index),
        *("--cert", stack.ca_file, "--dest", tmp_path / "got", "by-name"),
        home=tmp_path,
        env=NO_BUNDLES,
    )

    assert done.returncode == 0, done.stdout
    assert got(tmp_path) == {wheel.name}


def make_project(folder: Path, name: str, *, needs: str = "", source: str = "") -> Path:
    folder.mkdir()
    content = (
        f'[project]\nname = "{name}"\nversion = "1.0.0"\nrequires-python = ">=3.10"\n'
        f"dependencies = [{needs}]\n"
        '[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n'
    )
    if source:
        content += (
            f'[[tool.poetry.source]]\nname = "corp"\nurl = "{source}"\npriority = "primary"\n'
        )
    (folder / "pyproject.toml").write_text(content)
    (folder / f"{name}.py").write_text("")
    return folder


def test_nothing_comes_or_goes_without_the_authority(stack: Stack, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "untrusted")
    assert by_twine(stack, tmp_path, wheel).returncode == 0
    target = ("--target", tmp_path / "site", "--python", sys.executable)
    index = ("--default-index", stack.url_for("rae"))

    for done in (
        by_twine(stack, tmp_path, make_wheel(tmp_path, "untrusted", "2.0.0"), trusting=False),
        by_pip(stack, tmp_path, "untrusted", trusting=False),
        by_uv(stack, tmp_path, "pip", "install", *index, *target, "untrusted", trusting=False),
    ):
        assert done.returncode != 0
        assert "certificate" in done.stdout.lower(), done.stdout
    assert got(tmp_path) == set()
    with stack.client() as client:
        assert "2.0.0" not in client.get("/simple/untrusted/").text


def test_a_reader_that_publishes_is_refused(stack: Stack, tmp_path: Path) -> None:
    done = by_twine(stack, tmp_path, make_wheel(tmp_path, "refused"), user="rae")

    assert done.returncode != 0
    assert "403" in done.stdout
    with stack.client() as client:
        assert client.get("/simple/refused/").status_code == 404
