"""What real clients say of an index that does not let them in, and what is made of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.client import checks, programs
from poetry_aegis.client.authority import bundle_notes
from poetry_aegis.client.poetry import Index
from poetry_aegis.server.certificates import certificate_files, ensure_certificates
from poetry_aegis.server.home import ServerHome
from poetry_aegis.server.stack.settings import WebSettings
from tests.integration.test_client_tls import ending_tls
from tests.support.clients import PROXIES, STEERING
from tests.support.registry import running_registry
from tests.support.server import answering, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

OTHERS = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make this process a user of its own, whom nothing of this machine tells anything."""
    for name in list(os.environ):
        if name.startswith(STEERING) or name in OTHERS or name.lower() in PROXIES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    monkeypatch.setenv("PATH", path)
    return tmp_path


def write_files(home: Path, index: Index) -> None:
    """Let the files of pip, uv and twine name *index*."""
    for name, content in {
        ".config/pip/pip.conf": f"[global]\nindex-url = {index.simple_url}\n",
        ".config/uv/uv.toml": f'[[index]]\nurl = "{index.simple_url}"\ndefault = true\n',
        ".pypirc": f"[distutils]\nindex-servers = corp\n[corp]\nusername = ada\npassword = x\n"
        f"repository = {index.upload_url}\n",
    }.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def told(home: Path, index: Index) -> dict[str, str]:
    """Return what pip, uv and twine say of *index*, when their files name it."""
    write_files(home, index)
    found = (checks.check_pip(index), checks.check_uv(index, {}), checks.check_twine(index))
    assert all(check.state == "fails" for check in found), found
    return {check.tool: check.sentence for check in found}


def test_a_password_that_is_wrong(home: Path, tmp_path: Path) -> None:
    (home / ".netrc").write_text("machine 127.0.0.1 login ada password wrong\n")
    with running_registry(tmp_path / "data") as registry:
        sentences = told(home, Index("corp", f"{registry.url}/"))
    assert all("(401)" in sentence for sentence in sentences.values()), sentences


def test_a_user_who_may_not_read(home: Path) -> None:
    with answering(403) as url:
        index = Index("corp", url)
        write_files(home, index)
        found = [checks.check_pip(index), checks.check_uv(index, {})]
    assert [check.state for check in found] == ["fails", "fails"]
    assert all("(403)" in check.sentence for check in found), found


def test_a_server_that_is_down(home: Path) -> None:
    sentences = told(home, Index("corp", "http://127.0.0.1:1/"))
    assert all("no answer that it can use" in sentence for sentence in sentences.values()), (
        sentences
    )


def test_an_address_without_tls_that_pip_refuses(home: Path) -> None:
    index = Index("corp", "http://0.0.0.0:1/")
    write_files(home, index)
    check = checks.check_pip(index)
    assert (check.state, "no TLS" in check.sentence) == ("fails", True)


@pytest.fixture
def untrusted(tmp_path: Path) -> Iterator[Index]:
    server = ServerHome(tmp_path / "server")
    server.make_directories()
    web = WebSettings(name="localhost", https_port=free_port())
    ensure_certificates(server, web)
    with ending_tls(*certificate_files(server, web), web.https_port, 1):
        yield Index("corp", f"https://localhost:{web.https_port}/", server.tls / "ca.crt")


def test_a_certificate_that_is_not_trusted(home: Path, untrusted: Index) -> None:
    sentences = told(home, untrusted)
    assert all("does not trust the certificate" in sentence for sentence in sentences.values()), (
        sentences
    )


def test_another_index_than_the_one_that_was_set_up(home: Path) -> None:
    told(home, Index("corp", "http://127.0.0.1:1/"))
    other = Index("corp", "http://127.0.0.1:2/")
    assert "asks another index" in checks.check_pip(other).sentence
    assert "asks another index" in checks.check_uv(other, {}).sentence


def test_what_hides_the_authority_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    index = Index("corp", "https://x/", tmp_path / "ca.crt")
    assert bundle_notes(index, "pip") == ()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/ssl/x")
    (note,) = bundle_notes(index, "pip")
    assert note.startswith("REQUESTS_CA_BUNDLE is set: pip trusts")
    assert bundle_notes(Index("corp", "https://x/"), "pip") == ()


def test_a_program_that_is_not_there_or_cannot_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert programs.find("uv") is None
    assert programs.find("pip") == [sys.executable, "-m", "pip"]
    assert programs.run([str(tmp_path / "none")]) is None
    assert checks.check_uv(Index("corp", "https://x/"), {}).state == "skipped"
