"""Indexes read over real HTTP: one of plain HTML files, one that lies, one that hangs."""

from __future__ import annotations

import hashlib
import http.server
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest
from packaging.version import Version

from poetry_aegis.errors import NotVerified, PublishError, Unreachable
from poetry_aegis.publish.patience import Patience
from poetry_aegis.publish.repository import Repository
from poetry_aegis.signatures.attestation import parse_attestations
from poetry_aegis.signatures.statement import Malformed
from poetry_aegis.signing.releases import files_of_release
from poetry_aegis.signing.sources import Altered, Source, open_source
from tests.support.distributions import make_wheel
from tests.support.faulty import Reply, faulty_index
from tests.support.signing import new_key, signed_by

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AT_ONCE = Patience(backoffs=())
ADA = new_key("ada")


class _Files(http.server.SimpleHTTPRequestHandler):
    hang = False

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.hang and self.path.endswith(".whl"):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"begun")
            time.sleep(30)
        else:
            super().do_GET()


class _HangingFiles(_Files):
    hang = True


@pytest.fixture
def served(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Path, str]]:
    """Yield a folder, and the address that its files are served at."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = partial(getattr(request, "param", _Files), directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def source(served: tuple[Path, str]) -> Iterator[Source]:
    url = served[1]
    repository = Repository("corp", url, f"{url}simple/")
    with open_source(repository, lambda sentence: None, AT_ONCE) as opened:
        yield opened


def show(folder: Path, wheel: Path, attributes: str = "", sha256: str = "") -> None:
    """Write the project page of *wheel*."""
    page = folder / "simple" / "demo"
    page.mkdir(parents=True, exist_ok=True)
    digest = sha256 or hashlib.sha256(wheel.read_bytes()).hexdigest()
    (page / "index.html").write_text(
        f'<a href="../../{wheel.name}#sha256={digest}" {attributes}>{wheel.name}</a>'
    )


def test_an_index_of_plain_html_is_read(served: tuple[Path, str], source: Source) -> None:
    wheel = make_wheel(served[0])
    show(served[0], wheel, f'data-provenance="../../{wheel.name}.provenance"')
    text = f'{{"attestation_bundles": [{{"attestations": {signed_by(wheel, ADA)}}}]}}'
    (served[0] / f"{wheel.name}.provenance").write_text(text)
    file = source.files("demo")[wheel.name]
    assert source.attestations(file) == parse_attestations(signed_by(wheel, ADA))
    kept = served[0] / "kept"
    assert source.sha256(file, kept) == file.sha256
    assert kept.read_bytes() == wheel.read_bytes()


def test_a_page_is_read_once(served: tuple[Path, str], source: Source) -> None:
    wheel = make_wheel(served[0])
    show(served[0], wheel)
    assert wheel.name in source.files("demo")
    (served[0] / "simple" / "demo" / "index.html").unlink()
    assert wheel.name in source.files("demo")
    assert source.files("unknown") == {}


def test_the_newest_release_is_final_and_not_yanked(
    served: tuple[Path, str], source: Source
) -> None:
    page = served[0] / "simple" / "demo"
    page.mkdir(parents=True)
    (page / "index.html").write_text(
        "<a href=x>demo-1.0.tar.gz</a><a href=x>demo-1.2.tar.gz</a><a href=x>demo-1.10.zip</a>"
        "<a href=x>demo-1.10-py3-none-any.whl</a><a href=x>demo-2.0rc1.tar.gz</a>"
        "<a href=x data-yanked=''>demo-3.0.tar.gz</a><a href=x>other-9.tar.gz</a>"
        "<a href=x>demo-4.0.exe</a>"
    )
    names = [file.file for file in files_of_release(source, "demo", None)]
    assert names == ["demo-1.10-py3-none-any.whl", "demo-1.10.zip"]
    yanked = [file.file for file in files_of_release(source, "demo", Version("3"))]
    assert yanked == ["demo-3.0.tar.gz"], "who asks for it gets it"
    with pytest.raises(NotVerified, match="no files of demo 4"):
        files_of_release(source, "demo", Version("4"))


def test_a_file_without_provenance_has_none(served: tuple[Path, str], source: Source) -> None:
    wheel = make_wheel(served[0])
    show(served[0], wheel)
    assert source.attestations(source.files("demo")[wheel.name]) == ()


@pytest.mark.parametrize("text", ["", "<html>", "[]", '{"attestation_bundles": 1}'])
def test_a_provenance_that_is_none_is_malformed(
    served: tuple[Path, str], source: Source, text: str
) -> None:
    wheel = make_wheel(served[0])
    show(served[0], wheel, 'data-provenance="../../signed"')
    (served[0] / "signed").write_text(text)
    with pytest.raises(Malformed):
        source.attestations(source.files("demo")[wheel.name])


def test_a_provenance_that_is_too_large_is_not_parsed(
    served: tuple[Path, str], source: Source
) -> None:
    wheel = make_wheel(served[0])
    show(served[0], wheel, 'data-provenance="../../signed"')
    (served[0] / "signed").write_bytes(b" " * (5 << 20))
    with pytest.raises(Altered, match="larger than 4 MiB"):
        source.attestations(source.files("demo")[wheel.name])


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://:0/"])
def test_a_provenance_at_another_kind_of_address_is_not_read(
    served: tuple[Path, str], source: Source, address: str
) -> None:
    wheel = make_wheel(served[0])
    show(served[0], wheel, f'data-provenance="{address}"')
    with pytest.raises(PublishError):
        source.attestations(source.files("demo")[wheel.name])


def test_an_index_that_does_not_answer_is_not_asked_again() -> None:
    asked: list[str] = []
    repository = Repository("corp", "http://127.0.0.1:9/", "http://127.0.0.1:9/simple/")
    with open_source(repository, asked.append, Patience(backoffs=(0.01,))) as source:
        for project in ("one", "two", "three"):
            with pytest.raises(Unreachable):
                source.files(project)
    assert len(asked) == 1


@pytest.mark.parametrize("served", [_HangingFiles], indirect=True)
def test_what_is_being_downloaded_can_be_stopped(served: tuple[Path, str], source: Source) -> None:
    wheel = make_wheel(served[0])
    show(served[0], wheel)
    file = source.files("demo")[wheel.name]
    threading.Timer(0.3, source.stop).start()
    begun = time.monotonic()
    with pytest.raises(PublishError):
        source.sha256(file)
    assert time.monotonic() - begun < 5


VERIFY = """
import sys
from poetry_aegis.publish.repository import Repository
from poetry_aegis.signatures.trust import Trust
from poetry_aegis.publish.contents import parse_release
from poetry_aegis.signing.releases import check_releases
from poetry_aegis.signing.sources import open_source
url = sys.argv[1]
with open_source(Repository("corp", url, url + "simple/"), print) as source:
    print("begun", flush=True)
    check_releases([parse_release("demo")], source, Trust(), 4, lambda done, total: None)
"""


@pytest.mark.parametrize("served", [_HangingFiles], indirect=True)
def test_ctrl_c_ends_a_verification_at_once(served: tuple[Path, str]) -> None:
    show(served[0], make_wheel(served[0]))
    process = subprocess.Popen(
        [sys.executable, "-c", VERIFY, served[1]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ,
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.7)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=20)
    assert time.monotonic() - begun < 5
    assert b"KeyboardInterrupt" in told


def test_a_stop_ends_the_wait_for_a_page() -> None:
    told = threading.Event()
    with faulty_index() as index:
        index.page_replies.append(Reply(503, headers={"Retry-After": "30"}))
        url = f"{index.url}/simple/"
        source = Source(Repository("corp", url, url), lambda _: told.set(), Patience())

        def read() -> None:
            with pytest.raises(Unreachable):
                source.files("demo")

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        assert told.wait(10)
        source.stop()
        reader.join(5)
        source.close()
    assert not reader.is_alive()
