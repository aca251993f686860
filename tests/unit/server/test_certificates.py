from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from poetry_aegis import atomic
from poetry_aegis.errors import CertificateError
from poetry_aegis.server import pem
from poetry_aegis.server.certificates import (
    CertificateState,
    ca_certificate,
    certificate_files,
    check_certificate,
    ensure_certificates,
)
from poetry_aegis.server.home import ServerHome
from poetry_aegis.server.stack.settings import WebSettings
from tests.support.needs import needs_program

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography import x509

WEB = WebSettings(name="pypi.example.com", names=("index.example.com", "192.0.2.7", "2001:DB8::7"))
NOW = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)
DAY = timedelta(days=1)


@pytest.fixture
def home(tmp_path: Path) -> ServerHome:
    return ServerHome(tmp_path)


def contents(home: ServerHome) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in home.tls.iterdir()}


def leaf(home: ServerHome) -> x509.Certificate:
    return pem.read_chain(home.tls / "server.crt")[0]


def shake_hands(home: ServerHome, web: WebSettings, ca: str, name: str) -> None:
    """Connect to a real TLS server with the certificate, as a client that trusts *ca* alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate_files(home, web))
    trust = ssl.create_default_context(cadata=ca)
    trust.verify_flags |= ssl.VERIFY_X509_STRICT
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_answer_once, args=(listener, context))
        thread.start()
        try:
            with (
                socket.create_connection(listener.getsockname(), timeout=10) as connection,
                trust.wrap_socket(connection, server_hostname=name) as wrapped,
            ):
                assert wrapped.recv(5) == b"hello"
        finally:
            thread.join()


def _answer_once(listener: socket.socket, context: ssl.SSLContext) -> None:
    connection, _ = listener.accept()
    try:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            wrapped.sendall(b"hello")
    except OSError:
        connection.close()  # The client refused, which is what some tests want.


def test_a_client_that_trusts_the_authority_verifies_every_name(home: ServerHome) -> None:
    state = ensure_certificates(home, WEB)
    ca = ca_certificate(home, WEB)
    for name in ("pypi.example.com", "index.example.com", "192.0.2.7", "2001:db8::7"):
        shake_hands(home, WEB, ca, name)
    for name in ("localhost", "127.0.0.1", "::1"):
        shake_hands(home, WEB, ca, name)
    assert state.made
    assert not state.is_own
    assert state.problems == ()
    assert set(state.names) >= {"pypi.example.com", "192.0.2.7", "2001:db8::7", "::1"}
    assert "poetry-aegis local authority" in state.issuer


@pytest.mark.parametrize("name", ["other.example.com", "192.0.2.8", "example.com"])
def test_a_client_refuses_another_name(home: ServerHome, name: str) -> None:
    ensure_certificates(home, WEB)
    with pytest.raises(ssl.SSLCertVerificationError, match=r"mismatch|not valid for"):
        shake_hands(home, WEB, ca_certificate(home, WEB), name)


def test_a_client_refuses_the_certificate_of_another_authority(tmp_path: Path) -> None:
    one, other = ServerHome(tmp_path / "one"), ServerHome(tmp_path / "other")
    for home in (one, other):
        home.root.mkdir()
        ensure_certificates(home, WEB)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(one, WEB, ca_certificate(other, WEB), "pypi.example.com")


def test_openssl_agrees(home: ServerHome) -> None:
    openssl = needs_program("openssl")
    ensure_certificates(home, WEB)
    command = [openssl, "verify", "-x509_strict", "-purpose", "sslserver"]
    command += ["-verify_hostname", "pypi.example.com", "-CAfile", str(home.tls / "ca.crt")]
    done = subprocess.run(
        [*command, str(home.tls / "server.crt")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_keys_are_closed_to_others(home: ServerHome) -> None:
    ensure_certificates(home, WEB)
    modes = {path.name: path.stat().st_mode & 0o777 for path in home.tls.iterdir()}
    assert modes == {
        "ca.crt": 0o644,
        "ca.key": 0o600,
        "server.crt": 0o644,
        "server.key": 0o600,
        "expiry": 0o644,
    }
    assert home.tls.stat().st_mode & 0o777 == 0o700

    (home.tls / "server.key").chmod(0o644)
    assert "Every user of this machine" in check_certificate(home, WEB).problems[0]
    ensure_certificates(home, WEB)
    assert (home.tls / "server.key").stat().st_mode & 0o777 == 0o600


def test_what_is_good_stays(home: ServerHome) -> None:
    first = ensure_certificates(home, WEB, now=NOW)
    before = contents(home)
    again = ensure_certificates(home, WEB, now=NOW + 367 * DAY)
    assert (first.made, first.days_left) == (True, 397)
    assert (again.made, again.days_left) == (False, 30)
    assert contents(home) == before


def test_29_days_before_its_end_it_is_renewed_for_the_same_key_and_authority(
    home: ServerHome,
) -> None:
    ensure_certificates(home, WEB, now=NOW)
    before, old = contents(home), leaf(home)
    state = ensure_certificates(home, WEB, now=NOW + 368 * DAY)
    after = contents(home)
    assert (state.made, state.days_left) == (True, 397)
    assert leaf(home).serial_number != old.serial_number
    assert {name for name in after if after[name] != before[name]} == {"server.crt", "expiry"}
    assert after["expiry"] == b"%d\n" % (NOW + (368 + 397) * DAY).timestamp()


def test_other_names_are_another_certificate(home: ServerHome) -> None:
    ensure_certificates(home, WEB)
    other = WebSettings(name="new.example.com")
    assert check_certificate(home, other).problems == (
        "The certificate is not for new.example.com: clients will refuse it there.",
    )
    ca = ca_certificate(home, WEB)
    assert ensure_certificates(home, other).made
    shake_hands(home, other, ca, "new.example.com")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(home, other, ca, "index.example.com")


def test_a_pair_that_does_not_match_is_made_anew(home: ServerHome, tmp_path: Path) -> None:
    ensure_certificates(home, WEB)
    ca = ca_certificate(home, WEB)
    stranger = ServerHome(tmp_path / "stranger")
    stranger.root.mkdir()
    ensure_certificates(stranger, WEB)
    shutil.copy(stranger.tls / "server.key", home.tls / "server.key")
    with pytest.raises(CertificateError, match="is not about the key") as caught:
        check_certificate(home, WEB)
    assert "server start" in caught.value.hint
    assert ensure_certificates(home, WEB).made
    shake_hands(home, WEB, ca, "pypi.example.com")


@pytest.mark.parametrize("name", ["server.crt", "server.key", "ca.crt"])
@pytest.mark.parametrize("content", [None, b"", b"rubbish", b"\xff\x00"])
def test_what_is_missing_or_damaged_is_made_anew(
    home: ServerHome, name: str, content: bytes | None
) -> None:
    ensure_certificates(home, WEB)
    ca, damaged = ca_certificate(home, WEB), home.tls / name
    damaged.unlink()
    if content is not None:
        damaged.write_bytes(content)
    assert ensure_certificates(home, WEB).made
    shake_hands(home, WEB, ca, "pypi.example.com")  # The same authority, for old clients, too.
    shake_hands(home, WEB, ca_certificate(home, WEB), "pypi.example.com")


@pytest.mark.parametrize("rename", range(4))
def test_a_crash_at_any_point_leaves_no_pair_that_disagrees(
    home: ServerHome, monkeypatch: pytest.MonkeyPatch, rename: int
) -> None:
    monkeypatch.setattr(Path, "replace", _failing_at(rename))
    with pytest.raises(OSError, match="power cut"):
        ensure_certificates(home, WEB, now=NOW)
    monkeypatch.undo()
    assert not (home.tls / "server.crt").exists()
    assert ensure_certificates(home, WEB).made
    shake_hands(home, WEB, ca_certificate(home, WEB), "pypi.example.com")


@pytest.mark.parametrize("damage", ["nothing", "server.key"])
@pytest.mark.parametrize("rename", range(2))
def test_a_crash_in_a_renewal_leaves_no_pair_that_disagrees(
    home: ServerHome, monkeypatch: pytest.MonkeyPatch, rename: int, damage: str
) -> None:
    ensure_certificates(home, WEB, now=NOW)
    (home.tls / damage).unlink(missing_ok=True)
    monkeypatch.setattr(Path, "replace", _failing_at(rename))
    with contextlib.suppress(OSError):
        ensure_certificates(home, WEB, now=NOW + 380 * DAY)
    monkeypatch.undo()
    certificate, key = home.tls / "server.crt", home.tls / "server.key"
    if certificate.exists() and key.exists():
        assert pem.belong_together(pem.read_chain(certificate)[0], pem.read_key(key))
    assert not list(home.tls.glob(".tmp-*"))
    state = ensure_certificates(home, WEB, now=NOW + 380 * DAY)
    assert state.days_left == 397


def _failing_at(rename: int) -> Callable[[Path, Path], Path]:
    renames = iter(range(100))
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if next(renames) == rename:
            raise OSError(5, "power cut")
        return real(self, target)

    return replace


def test_an_authority_near_its_end_is_renewed_and_stays_trusted(home: ServerHome) -> None:
    start = datetime.now(timezone.utc) - (3650 - 390) * DAY
    ensure_certificates(home, WEB, now=start)
    old = ca_certificate(home, WEB)
    assert ensure_certificates(home, WEB).days_left in (396, 397)
    new = ca_certificate(home, WEB)
    assert new != old
    for ca in (old, new):
        shake_hands(home, WEB, ca, "pypi.example.com")


def test_without_the_authoritys_key_a_good_certificate_is_used_to_its_end(home: ServerHome) -> None:
    ensure_certificates(home, WEB, now=NOW)
    (home.tls / "ca.key").unlink()
    before = contents(home)
    assert ensure_certificates(home, WEB, now=NOW + DAY).problems == ()

    state = ensure_certificates(home, WEB, now=NOW + 380 * DAY)
    assert "are not an authority and its key" in state.problems[0]
    with pytest.raises(CertificateError, match="are not an authority") as caught:
        ensure_certificates(home, WEB, now=NOW + 400 * DAY)
    assert "server ca" in caught.value.hint
    assert contents(home) == before


def test_a_file_that_cannot_be_opened_is_not_written_anew(home: ServerHome) -> None:
    ensure_certificates(home, WEB)
    (home.tls / "server.key").unlink()
    (home.tls / "server.key").mkdir()
    with pytest.raises(CertificateError, match="cannot be read"):
        ensure_certificates(home, WEB)


def test_a_clock_that_was_ahead_leaves_no_certificate_of_the_future(home: ServerHome) -> None:
    ensure_certificates(home, WEB, now=datetime.now(timezone.utc) + 1000 * DAY)
    with pytest.raises(CertificateError, match="this machine's clock"):
        check_certificate(home, WEB)
    assert ensure_certificates(home, WEB).made
    shake_hands(home, WEB, ca_certificate(home, WEB), "pypi.example.com")


def test_one_out_of_date_is_said_and_its_end_noted(home: ServerHome) -> None:
    ensure_certificates(home, WEB, now=NOW)
    (home.tls / "expiry").unlink()
    with pytest.raises(CertificateError, match="ended on 2027-06-02"):
        check_certificate(home, WEB, now=NOW + 397 * DAY)
    assert (home.tls / "expiry").read_bytes() == b"%d\n" % (NOW + 397 * DAY).timestamp()


def test_without_any_there_is_no_authority_to_show(home: ServerHome) -> None:
    for look in (ca_certificate, check_certificate):
        with pytest.raises(CertificateError, match="cannot be read") as caught:
            look(home, WEB)
        assert "server start" in caught.value.hint
    assert not home.tls.exists()


# Your own


@pytest.fixture
def own(home: ServerHome) -> WebSettings:
    """Return settings that name a certificate from elsewhere, the authority after it."""
    ensure_certificates(home, WEB, now=NOW)
    for name in ("server.crt", "server.key"):
        shutil.move(home.tls / name, home.root / f"own-{name}")
    shutil.rmtree(home.tls)
    return WebSettings(
        name="pypi.example.com", certificate="own-server.crt", certificate_key="own-server.key"
    )


def test_your_own_is_only_looked_at(home: ServerHome, own: WebSettings) -> None:
    state = ensure_certificates(home, own, now=NOW)
    assert (state.is_own, state.made, state.problems) == (True, False, ())
    assert list(contents(home)) == ["expiry"]
    assert certificate_files(home, own) == (
        home.root / "own-server.crt",
        home.root / "own-server.key",
    )
    ca = ca_certificate(home, own)
    assert ca.count("BEGIN CERTIFICATE") == 1
    assert ca.encode() in (home.root / "own-server.crt").read_bytes()


def test_your_own_without_its_authority_leaves_that_to_you(
    home: ServerHome, own: WebSettings
) -> None:
    path = home.root / "own-server.crt"
    path.write_bytes(pem.pem_of(pem.read_chain(path)[:1]))
    with pytest.raises(CertificateError, match="does not hold the authority") as caught:
        ca_certificate(home, own)
    assert "public authority" in caught.value.hint


def test_your_own_in_the_wrong_order_is_said(home: ServerHome, own: WebSettings) -> None:
    path = home.root / "own-server.crt"
    first, last = pem.read_chain(path)
    path.write_bytes(pem.pem_of((first, first, last)))
    assert "authority of the one before" in check_certificate(home, own, now=NOW).problems[0]
    path.write_bytes(pem.pem_of((last, first)))
    with pytest.raises(CertificateError, match="is not about the key"):
        check_certificate(home, own, now=NOW)


@pytest.mark.parametrize("name", ["own-server.crt", "own-server.key"])
@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n"])
def test_your_own_that_cannot_be_read_is_said_and_not_shown(
    home: ServerHome, own: WebSettings, name: str, content: bytes | None
) -> None:
    (home.root / name).unlink()
    if content is not None:
        (home.root / name).write_bytes(content)
    with pytest.raises(CertificateError, match=r"cannot be read|in PEM") as caught:
        ensure_certificates(home, own, now=NOW)
    assert "server.toml" in caught.value.hint
    assert "c2VjcmV0" not in str(caught.value)


def test_a_key_with_a_password_is_said(home: ServerHome, own: WebSettings) -> None:
    from cryptography.hazmat.primitives import serialization

    path = home.root / "own-server.key"
    path.write_bytes(
        pem.read_key(path).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"s3cret"),
        )
    )
    with pytest.raises(CertificateError, match="locked with a password"):
        ensure_certificates(home, own, now=NOW)


@pytest.mark.parametrize(
    ("names", "wanted", "covered"),
    [
        (["pypi.example.com"], "pypi.example.com", True),
        (["PyPI.example.com"], "pypi.example.com", True),
        (["*.example.com"], "pypi.example.com", True),
        (["*.example.com"], "a.pypi.example.com", False),
        (["*.example.com"], "example.com", False),
        (["*.0.2.1"], "192.0.2.1", False),
        (["2001:db8::1"], "2001:DB8:0::1", True),
        ([], "pypi.example.com", False),
    ],
)
def test_which_names_a_certificate_covers(names: list[str], wanted: str, *, covered: bool) -> None:
    assert pem.covers(names, wanted) is covered


def test_two_processes_at_once_make_one_certificate(home: ServerHome) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from poetry_aegis.server.certificates import ensure_certificates\n"
        "from poetry_aegis.server.home import ServerHome\n"
        "from poetry_aegis.server.locks import locked\n"
        "from poetry_aegis.server.stack.settings import WebSettings\n"
        "home = ServerHome(Path(sys.argv[1]))\n"
        "with locked(home): print(ensure_certificates(home, WebSettings()).made)\n"
    )
    command = [sys.executable, "-c", script, str(home.root)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = sorted(process.communicate(timeout=60)[0].strip() for process in running)
    assert said == ["False", "False", "True"]
    shake_hands(home, WebSettings(), ca_certificate(home, WebSettings()), "pypi.aegis.local")


def test_what_json_says(home: ServerHome) -> None:
    state = ensure_certificates(home, WebSettings(), now=NOW)
    assert isinstance(state, CertificateState)
    assert state.to_json() == {
        "not_after": "2027-06-02T12:00:00+00:00",
        "days_left": 397,
        "names": ["pypi.aegis.local", "localhost", "127.0.0.1", "::1"],
        "issuer": state.issuer,
        "own": False,
        "problems": [],
    }


def test_what_cannot_be_written_by_one_who_only_looks_is_left(
    home: ServerHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_certificates(home, WEB)
    (home.tls / "expiry").unlink()

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "no")

    monkeypatch.setattr(atomic, "write_text", refuse)
    assert check_certificate(home, WEB).problems == ()
