from __future__ import annotations

import gzip
import hashlib
import ssl
import subprocess
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from poetry_aegis.errors import PublishError, Unreachable
from poetry_aegis.publish.form import UploadForm
from poetry_aegis.publish.patience import Failure
from poetry_aegis.publish.publication import publish
from poetry_aegis.publish.web import Web
from tests.support.faulty import FaultyIndex, Reply, faulty_index
from tests.unit.publish.conftest import IMPATIENT, PASSWORD, Recorder, repository_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from poetry_aegis.publish.distributions import Distribution


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a self-signed certificate of 127.0.0.1 with its key, in one file."""
    directory = tmp_path_factory.mktemp("tls")
    key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem"
    subject = "-days 2 -subj /CN=corp -addext subjectAltName=IP:127.0.0.1"
    subprocess.run(
        ["openssl", "req", "-x509", *key.split(), *subject.split(), "-out", "cert.pem"],
        cwd=directory,
        check=True,
        capture_output=True,
    )
    both = directory / "both.pem"
    both.write_text((directory / "key.pem").read_text() + (directory / "cert.pem").read_text())
    return both


@pytest.fixture
def secure_index(certificate: Path) -> Iterator[FaultyIndex]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with faulty_index(context) as running:
        yield running


def test_a_self_signed_certificate_is_refused_once_and_the_way_out_named(
    secure_index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    with pytest.raises(Unreachable, match="certificate of corp is not trusted: self") as caught:
        publish([wheel], repository_at(secure_index.url), reporter=recorder, patience=IMPATIENT)
    assert "poetry config certificates.corp.cert" in caught.value.hint
    assert recorder.notes == []
    assert secure_index.gets == []


def test_a_trusted_authority_is_accepted(
    secure_index: FaultyIndex, recorder: Recorder, wheel: Distribution, certificate: Path
) -> None:
    trust = ssl.create_default_context(cafile=str(certificate))
    repository = repository_at(secure_index.url, verify=trust)
    assert publish([wheel], repository, reporter=recorder, patience=IMPATIENT).verified


def test_checking_the_certificate_can_be_switched_off(
    secure_index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    repository = repository_at(secure_index.url, verify=False)
    assert publish([wheel], repository, reporter=recorder, patience=IMPATIENT).verified


def test_a_client_certificate_is_shown(
    certificate: Path, recorder: Recorder, wheel: Distribution
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificate))
    context.load_cert_chain(certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    with faulty_index(context) as strict:
        known = repository_at(strict.url, verify=False, client_cert=certificate)
        assert publish([wheel], known, reporter=recorder, patience=IMPATIENT).verified
        unknown = repository_at(strict.url, verify=False)
        with pytest.raises(Unreachable):
            publish([wheel], unknown, reporter=recorder, patience=IMPATIENT)


def test_a_client_certificate_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    repository = repository_at("https://127.0.0.1/", client_cert=tmp_path / "none.pem")
    with pytest.raises(PublishError, match=r"none.pem, cannot be used") as caught:
        Web(repository)
    assert "certificates.corp.client-cert" in caught.value.hint


def test_a_proxy_from_the_environment_is_used(
    index: FaultyIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", index.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    index.page_replies.append(Reply(200, "from the proxy"))
    web = Web(repository_at("http://corp.invalid/"))
    answer = web.get("http://corp.invalid/simple/demo/", {})
    web.close()
    assert not isinstance(answer, Failure)
    assert answer.text == "from the proxy"
    assert index.gets[0][0] == "http://corp.invalid/simple/demo/"


def test_a_proxy_that_wants_a_password_is_not_taken_for_the_index(
    index: FaultyIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = quote(PASSWORD, safe="")
    monkeypatch.setenv("HTTP_PROXY", index.url.replace("//", f"//eve:{password}@"))
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    index.page_replies += [Reply(407)] * 3
    web = Web(repository_at("http://corp.invalid/"))
    page = "http://corp.invalid/simple/demo/"
    for failure in (web.get(page, {}), web.call("GET", page), web.sha256(page)):
        assert isinstance(failure, Failure)
        assert isinstance(failure.error, Unreachable)
        assert (failure.repeatable, failure.reached) == (False, False)
        assert f"The proxy {index.url} on the way to corp" in str(failure.error)
        assert "HTTP_PROXY=http://USER:PASSWORD@127.0.0.1" in failure.error.hint
        assert PASSWORD not in f"{failure.error}{failure.error.hint}"
    web.close()


def test_where_there_is_no_proxy_a_407_is_the_indexs(index: FaultyIndex) -> None:
    index.page_replies.append(Reply(407))
    web = Web(repository_at(index.url))
    failure = web.get(f"{index.url}/simple/demo/", {})
    web.close()
    assert isinstance(failure, Failure)
    assert "corp refused the request (407" in str(failure.error)


@pytest.mark.parametrize("scheme", ["gopher", "http"])
def test_senseless_proxy_settings_are_told_without_their_password(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://ada:{PASSWORD}@proxy:port/")
    with pytest.raises(Unreachable, match="proxy settings") as caught:
        Web(repository_at("http://127.0.0.1/"))
    shown = "".join(traceback.format_exception(caught.value)) + caught.value.hint
    assert "correct" not in shown
    assert "ALL_PROXY" in caught.value.hint


@pytest.mark.parametrize("content", [None, "no certificate\n"])
def test_authorities_that_cannot_be_used_are_told_by_their_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with pytest.raises(Unreachable, match="in SSL_CERT_FILE cannot be used"):
        Web(repository_at("http://127.0.0.1/"))


def test_credentials_go_to_the_repositorys_own_hosts_only(index: FaultyIndex) -> None:
    with faulty_index() as other:
        other.has("demo.whl", b"content")
        web = Web(repository_at(index.url))
        assert web.sha256(f"{other.url}/files/demo.whl") == hashlib.sha256(b"content").hexdigest()
        index.page_replies.append(Reply(302, headers={"Location": f"{other.url}/files/demo.whl"}))
        web.get(f"{index.url}/simple/demo/", {})
        web.close()
        assert all("Authorization" not in headers for _, headers in other.gets)
        assert len(other.gets) == 2
    assert "Authorization" in index.gets[0][1]


def test_without_credentials_none_are_sent(index: FaultyIndex) -> None:
    web = Web(repository_at(index.url, username=None, password=None))
    web.get(f"{index.url}/simple/demo/", {})
    web.close()
    assert "Authorization" not in index.gets[0][1]


@pytest.mark.parametrize(
    "url", ["http://a..b/", "http://xn--/", "http://\x00/", "mailto:x", "http://127.0.0.1:x/"]
)
def test_an_address_that_a_page_invents_is_a_failure_and_not_repeated(url: str) -> None:
    web = Web(repository_at("http://127.0.0.1/"))
    outcomes = [web.sha256(url), web.get(url, {})]
    web.close()
    for outcome in outcomes:
        assert isinstance(outcome, Failure)
        assert not outcome.repeatable


def test_an_answer_without_end_is_not_read(
    index: FaultyIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("poetry_aegis.publish.web._LARGEST_ANSWER", 1000)
    index.page_replies.append(Reply(200, "x" * 5000))
    web = Web(repository_at(index.url))
    answer = web.get(f"{index.url}/simple/demo/", {})
    web.close()
    assert isinstance(answer, Failure)
    assert "larger than" in str(answer.error)
    assert not answer.repeatable


@pytest.mark.parametrize("always", [False, True])
def test_a_file_that_is_compressed_for_the_journey_has_its_own_hash(*, always: bool) -> None:
    content = b"content " * 100

    class Compressing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            compress = always or "gzip" in self.headers.get("Accept-Encoding", "")
            self.send_response(200)
            if compress:
                self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(gzip.compress(content) if compress else content)
            asked.append(self.headers["Accept-Encoding"])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's
            pass

    asked: list[str] = []
    with HTTPServer(("127.0.0.1", 0), Compressing) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        web = Web(repository_at(f"http://127.0.0.1:{server.server_port}"))
        found = web.sha256(f"{web.repository.upload_url}/demo.whl")
        web.close()
        thread.join()
    assert found == hashlib.sha256(content).hexdigest()
    assert asked == ["identity"]


def test_a_large_file_takes_little_memory(index: FaultyIndex, tmp_path: Path) -> None:
    """Uploads 64 MB in a process of its own, whose highest memory use is looked at."""
    large = tmp_path / "large.bin"
    with large.open("wb") as stream:
        stream.truncate(64_000_000)
    script = (
        "import resource, sys\n"
        "from poetry_aegis.publish.repository import Repository\n"
        "from poetry_aegis.publish.form import UploadForm\n"
        "from poetry_aegis.publish.web import Web\n"
        "from pathlib import Path\n"
        "web = Web(Repository('corp', sys.argv[1], None))\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "web.post(sys.argv[1], UploadForm({}, Path(sys.argv[2])), {})\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    grown = subprocess.run(
        [sys.executable, "-c", script, index.url, str(large)],
        check=True,
        capture_output=True,
        text=True,
    )
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage counts kilobytes on Linux
    assert int(grown.stdout) * unit < 16_000_000
    assert len(index.posts[0].content) == 64_000_000


def test_what_to_do_about_silence_depends_on_what_was_asked() -> None:
    web = Web(repository_at("http://127.0.0.1:9/legacy/"))  # where nobody answers
    read = web.call("GET", "http://127.0.0.1:9/api/v1/whoami")
    sent = web.post("http://127.0.0.1:9/legacy/", UploadForm({}), {})
    elsewhere = web.get("http://nobody.invalid/simple/", {})
    web.close()
    hints = [f.error.hint for f in (read, sent, elsewhere) if isinstance(f, Failure)]

    assert ["not sent twice" in hint for hint in hints] == [False, True, False]
    assert ["poetry aegis server start" in hint for hint in hints] == [True, True, False]
