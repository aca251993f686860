from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.client.authority import hidden_by, keep_authority, read_authority, with_authority
from poetry_aegis.client.poetry import Index
from poetry_aegis.errors import CertificateError, UsageError
from poetry_aegis.server.certificates import ca_certificate, ensure_certificates
from poetry_aegis.server.home import ServerHome
from poetry_aegis.server.stack.settings import WebSettings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> ServerHome:
    home = ServerHome(tmp_path)
    ensure_certificates(home, WebSettings())
    return home


def test_the_certificates_of_a_file_are_read_and_its_key_is_not(home: ServerHome) -> None:
    ca = ca_certificate(home, WebSettings())
    mixed = home.root / "mixed.pem"
    mixed.write_text(f"Our CA, ä\n{(home.tls / 'ca.key').read_text()}{ca}", encoding="utf-8")
    assert read_authority(mixed) == ca


@pytest.mark.parametrize(
    "content", ["", "rubbish", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_what_is_none_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "ca.crt"
    path.write_text(content)
    with pytest.raises(CertificateError, match="holds no certificate") as caught:
        read_authority(path)
    assert "poetry aegis server ca" in caught.value.hint


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match="No such file"):
        read_authority(tmp_path / "ca.crt")


def test_each_index_keeps_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    corp = with_authority(Index("corp", "https://one.example/"))
    other = with_authority(Index("other", "https://two.example/"))
    for index in (corp, other):
        keep_authority(index, f"of {index.name}")
    assert corp.authority is not None
    assert corp.authority.read_text() == "of corp"
    assert corp.authority.stat().st_mode & 0o777 == 0o644
    assert f"pip install --cert {corp.authority} --index-url" in corp.next_steps["install_with_pip"]


def test_without_tls_there_is_none() -> None:
    with pytest.raises(UsageError, match="no certificate to verify"):
        with_authority(Index("corp", "http://localhost/"))


def test_what_hides_it() -> None:
    assert hidden_by({}) == ()
    assert hidden_by({"REQUESTS_CA_BUNDLE": ""}) == ()
    assert [text.split()[0] for text in hidden_by({"CURL_CA_BUNDLE": "x"})] == ["CURL_CA_BUNDLE"]
