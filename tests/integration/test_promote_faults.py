"""``poetry aegis promote`` between two servers that misbehave: nothing lost, nothing doubled."""

from __future__ import annotations

import contextlib
import json
import signal
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from tests.integration.test_publish_fault_paths import self_signed
from tests.support.distributions import make_sdist, make_wheel
from tests.support.faulty import FaultyIndex, Reply, _Handler, _Server, faulty_index
from tests.support.poetry import PoetryHome, make_home
from tests.support.signing import TeamKey, new_key, signed_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Run = subprocess.CompletedProcess[str]
SDIST, WHEEL = "demo-1.0.0.tar.gz", "demo-1.0.0-py3-none-any.whl"
PAGE, FILE, PROVENANCE = "/simple/demo/", f"/files/{SDIST}", f"/provenance/{SDIST}"
PLACES = {"page": PAGE, "file": FILE, "signatures": PROVENANCE}
PLAIN = {"Content-Type": "text/plain"}
AT_ONCE = {"Retry-After": "0"}
TOMORROW = {"Retry-After": "86400"}
PASSWORD = "correct-horse-battery"
TRIES = 5


@dataclass(frozen=True)
class Cut(Reply):
    """The file itself, of which only *cut_after* bytes come; its length may not be *declared*."""

    declared: bool = True


class Source(_Handler):
    """Answers a reading with the next fault of its path, and truthfully where there is none."""

    server: SourceServer

    def do_GET(self) -> None:  # noqa: N802 - the base class's
        faults = self.server.faults[self.path]
        if not faults:
            super().do_GET()
            return
        index, fault = self.server.index, faults.popleft()
        index.gets.append((self.path, dict(self.headers)))
        if fault.hangs:
            index.hanging.set()
            index.ended.wait()
        if fault.silent or fault.hangs:
            self._drop()
        elif isinstance(fault, Cut):
            self._cut(index.files[self.path.removeprefix("/files/")], fault)
        else:
            self._answer(fault)

    def _cut(self, body: bytes, fault: Cut) -> None:
        self.send_response(200)
        if fault.declared:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: fault.cut_after])
        self._drop()


class SourceServer(_Server):
    """A server of what is promoted; *faults* are those of its paths, each given once."""

    faults: dict[str, deque[Reply]]


@contextlib.contextmanager
def faulty_source() -> Iterator[tuple[FaultyIndex, dict[str, deque[Reply]]]]:
    """Run an index to promote from, and yield it with its faults, by path."""
    server = SourceServer(("127.0.0.1", 0), Source)
    server.index = FaultyIndex(f"http://127.0.0.1:{server.server_address[1]}")
    server.faults = defaultdict(deque)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.index, server.faults
    finally:
        server.index.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True)
class Line:
    """Two indexes, a Poetry that knows both, and a folder for what is temporary."""

    source: FaultyIndex
    faults: dict[str, deque[Reply]]
    target: FaultyIndex
    poetry: PoetryHome
    folder: Path
    built: dict[str, bytes]

    @property
    def temporary(self) -> Path:
        return self.folder / "temporary"

    def arguments(self, *more: str) -> list[str]:
        # One after the other, so that it is known which file gets which answer.
        where = ["--from", "staging", "--to", "production", "--jobs", "1"]
        return ["aegis", "promote", "demo==1.0.0", *where, *more]

    def promote(self, *more: str) -> Run:
        run = self.poetry.run(*self.arguments(*more), cwd=self.folder)
        assert "Traceback" not in run.stdout + run.stderr
        assert PASSWORD not in run.stdout + run.stderr
        assert list(self.temporary.iterdir()) == [], "nothing temporary is left"
        return run

    def succeed(self, *more: str) -> Run:
        run = self.promote(*more)
        assert run.returncode == 0, run.stdout + run.stderr
        assert self.target.files == self.built
        return run

    def fails(self, exit_code: int, *more: str) -> Run:
        run = self.promote(*more)
        assert run.returncode == exit_code, run.stdout + run.stderr
        return run

    def begin(self) -> subprocess.Popen[str]:
        """Begin to promote, in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "poetry", *self.arguments()],
            cwd=self.folder,
            env=self.poetry.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def count(self, path: str) -> int:
        """Return how often the source was asked for *path*."""
        return sum(asked == path for asked, _ in self.source.gets)


@pytest.fixture(scope="module")
def ada() -> TeamKey:
    return new_key("ada")


@pytest.fixture
def line(tmp_path: Path, ada: TeamKey) -> Iterator[Line]:
    """Return two indexes, one of which has a signed release, and keeps silent of nothing."""
    with faulty_source() as (source, faults), faulty_index() as target:
        files = (make_sdist(tmp_path / "built"), make_wheel(tmp_path / "built"))
        for file in files:
            source.has(file.name, file.read_bytes())
            attestations = json.loads(signed_by(file, ada))
            document = {"version": 1, "attestation_bundles": [{"attestations": attestations}]}
            source.provenance[file.name] = json.dumps(document).encode()
        source.keeps_signatures = target.keeps_signatures = True
        (tmp_path / "temporary").mkdir()
        poetry = make_home(tmp_path / "poetry")
        poetry.extra_env.update(
            TMPDIR=str(tmp_path / "temporary"),
            POETRY_REPOSITORIES_STAGING_URL=f"{source.url}/legacy/",
            POETRY_REPOSITORIES_PRODUCTION_URL=f"{target.url}/legacy/",
        )
        for name in ("STAGING", "PRODUCTION"):
            poetry.extra_env[f"POETRY_HTTP_BASIC_{name}_USERNAME"] = "ada"
            poetry.extra_env[f"POETRY_HTTP_BASIC_{name}_PASSWORD"] = PASSWORD
        yield Line(source, faults, target, poetry, tmp_path, dict(source.files))


def assert_arrived_once(line: Line, run: Run) -> None:
    assert "Promoted demo 1.0.0: 2 uploaded; verified on the index." in run.stdout
    assert set(line.target.provenance) == {SDIST, WHEEL}


def assert_nothing_is_left_to_do(line: Line) -> None:
    attempts = line.target.attempts
    run = line.succeed()
    assert "production already has all of demo 1.0.0" in run.stdout
    assert line.target.attempts == attempts


# What comes from the source


PASSING = {
    "no answer": Reply(silent=True),
    "503, then success": Reply(503),
    "429 with Retry-After": Reply(429, headers={"Retry-After": "1"}),
    "500": Reply(500),
    "truncated answer": Reply(body="<html>", truncated=True),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("fault", PASSING)
def test_what_passes_at_the_source_is_gone_through(line: Line, place: str, fault: str) -> None:
    path = PLACES[place]
    line.faults[path].append(PASSING[fault])
    run = line.succeed()
    assert "staging" in run.stdout
    assert "Trying again in" in run.stdout
    assert line.count(path) == 2
    assert_arrived_once(line, run)


@pytest.mark.parametrize("after", [0, 1, 100, -1])
def test_a_download_that_is_dropped_is_begun_anew(line: Line, after: int) -> None:
    line.faults[FILE].extend([Cut(cut_after=after)] * 2)
    run = line.succeed()
    assert line.count(FILE) == 3
    assert_arrived_once(line, run)


@pytest.mark.parametrize("place", PLACES)
def test_a_reading_follows_a_redirect(line: Line, place: str) -> None:
    path = PLACES[place]
    line.faults[path].append(Reply(302, headers={"Location": path}))
    assert_arrived_once(line, line.succeed())


LASTING = {
    "no answer": (Reply(silent=True), 43, "staging gave no answer"),
    "503": (Reply(503, headers=AT_ONCE), 43, "staging is not available at the moment (503"),
    "503, for a day": (Reply(503, headers=TOMORROW), 43, "staging is not available at the moment"),
    "429": (Reply(429, "slowly", headers=PLAIN | AT_ONCE), 40, "staging refused the request (429"),
    "500": (Reply(500, headers=AT_ONCE), 40, "staging refused the request (500"),
    "401": (Reply(401), 44, "staging does not accept the password of ada"),
    "403": (Reply(403, "not you", headers=PLAIN), 45, "staging does not allow this to ada"),
}


@pytest.mark.parametrize("place", ["page", "file"])
@pytest.mark.parametrize("fault", LASTING)
def test_what_lasts_at_the_source_is_told_and_nothing_is_sent(
    line: Line, place: str, fault: str
) -> None:
    reply, exit_code, told = LASTING[fault]
    line.faults[PLACES[place]].extend([reply] * TRIES)
    run = line.fails(exit_code)
    assert told in run.stderr
    assert line.target.attempts == 0
    line.faults.clear()
    assert_arrived_once(line, line.succeed())


@pytest.mark.parametrize(
    "fault",
    [
        "no answer",
        "503",
        "401",
        "429",
        "500",
    ],
)
def test_signatures_that_cannot_be_had_stop_it(line: Line, fault: str) -> None:
    reply, exit_code, told = LASTING[fault]
    line.faults[PROVENANCE].extend([reply] * TRIES)
    assert told in line.fails(exit_code).stderr
    assert line.target.attempts == 0


def test_signatures_that_are_lost_stop_it_where_keys_are_trusted(line: Line, ada: TeamKey) -> None:
    (line.folder / "pyproject.toml").write_text(
        f'[project]\nname = "consumer"\nversion = "1"\n{ada.trusted()}'
    )
    line.faults[PROVENANCE].extend([Reply(404)])
    assert "announces signatures of demo-1.0.0.tar.gz that it lacks" in line.fails(40).stderr
    line.faults[PROVENANCE].extend([Reply(body="no JSON")])
    assert "Its signatures cannot be read" in line.fails(83).stderr
    assert line.target.attempts == 0
    run = line.succeed()
    assert "2 uploaded; signatures verified; verified on the index." in run.stdout


def test_a_file_that_the_page_shows_and_nobody_has(line: Line) -> None:
    line.faults[FILE].append(Reply(404))
    assert "staging refused the request (404" in line.fails(40).stderr
    assert line.target.attempts == 0


def test_a_wrong_hash_at_the_source_is_an_alarm(line: Line) -> None:
    line.source.hashes[WHEEL] = "0" * 64
    run = line.fails(49)
    assert f"staging shows {WHEEL} with the sha256 {'0' * 64}" in run.stderr
    assert line.target.attempts == 0
    document = json.loads(line.fails(49, "--json").stdout)
    assert document["error"] == "VerificationFailed"


def test_an_end_that_nobody_declares_is_no_file(line: Line) -> None:
    """Without a length, half a file looks like all of it; its hash does not."""
    line.faults[FILE].append(Cut(cut_after=200, declared=False))
    assert f"staging shows {SDIST} with the sha256" in line.fails(49).stderr
    assert line.target.attempts == 0


def test_an_end_that_nobody_declares_of_a_file_without_a_hash_is_no_file(line: Line) -> None:
    line.source.style = "html-without-hashes"
    line.faults[FILE].append(Cut(cut_after=-1, declared=False))
    line.fails(49)
    assert line.target.attempts == 0


# What comes from the target


ARRIVING = {
    "dropped at byte 700": Reply(cut_after=700),
    "503, then success": Reply(503),
    "429 with Retry-After": Reply(429, headers={"Retry-After": "1"}),
    "500 after storing": Reply(500, stores=True),
    "slow": Reply(stores=True, slow=1.5),
    "truncated answer": Reply(stores=True, truncated=True),
    "no answer": Reply(stores=True, silent=True),
}


@pytest.mark.parametrize("fault", ARRIVING)
def test_what_passes_at_the_target_is_gone_through(line: Line, fault: str) -> None:
    reply = ARRIVING[fault]
    line.target.script(reply)
    run = line.succeed()
    arrived = Counter(post.filename for post in line.target.posts)
    extra = 1 if reply.status in (503, 429) else 0  # whole, but refused
    assert sum(arrived.values()) == 2 + extra
    assert line.target.attempts == (2 if reply.stores else 3)
    assert line.count(FILE) == 1, "what is sent again is not downloaded again"
    assert_arrived_once(line, run)
    assert_nothing_is_left_to_do(line)


def test_both_may_fail_in_one_run(line: Line) -> None:
    line.faults[PAGE].append(Reply(503, headers=AT_ONCE))
    line.faults[FILE].append(Cut(cut_after=100))
    line.target.page_replies.append(Reply(503, headers=AT_ONCE))
    line.target.script(Reply(500, stores=True), Reply(cut_after=700))
    assert_arrived_once(line, line.succeed())
    assert Counter(post.filename for post in line.target.posts) == {SDIST: 1, WHEEL: 1}


def test_signatures_are_not_lost_where_those_at_the_target_cannot_be_read(line: Line) -> None:
    line.target.files.update(line.built)
    for name in line.built:
        line.target.provenance[name] = b'{"version": 1, "attestation_bundles": []}'
    kind, text = line.target.page()
    page = Reply(body=text, headers={"Content-Type": kind})
    line.target.page_replies.extend([page, page, Reply(503)])  # the third is of the signatures
    run = line.succeed()
    assert "2 signed; verified on the index." in run.stdout
    assert line.target.provenance == line.source.provenance


REFUSING = {
    "redirect": (Reply(301, headers={"Location": "/legacy/"}), 42, "redirects to"),
    "no upload address": (Reply(405), 42, "poetry config repositories.production"),
    "who are you": (Reply(401), 44, "poetry config http-basic.production ada"),
    "not allowed": (Reply(403, "not you", headers=PLAIN), 45, "not you"),
}


@pytest.mark.parametrize("fault", REFUSING)
def test_a_target_that_takes_nothing_is_found_before_the_downloads(line: Line, fault: str) -> None:
    reply, exit_code, told = REFUSING[fault]
    line.target.probe_reply = reply
    assert told in line.fails(exit_code).stderr
    assert line.source.gets == []


@pytest.mark.parametrize(
    ("reply", "exit_code", "told"),
    [
        *REFUSING.values(),
        (Reply(413), 46, "client_max_body_size"),
        (Reply(409, "taken", headers=PLAIN), 47, "A promotion replaces nothing"),
        (Reply(400, "no reason", headers=PLAIN), 40, "400 no reason"),
        (Reply(500, "broken", headers=PLAIN | TOMORROW), 40, "500 broken"),
        (Reply(503, headers=TOMORROW), 43, "is not available at the moment (503"),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Reply) else "",
)
def test_what_the_target_refuses_is_told_and_can_be_done_again(
    line: Line, reply: Reply, exit_code: int, told: str
) -> None:
    line.target.script(Reply(stores=True), reply)
    run = line.fails(exit_code)
    assert told in run.stderr
    assert set(line.target.files) == {SDIST}, "the first one arrived before"

    run = line.succeed()
    assert "1 uploaded, 1 skipped; verified on the index." in run.stdout
    assert [post.filename for post in line.target.posts].count(SDIST) == 1


def test_a_wrong_hash_at_the_target_is_an_alarm_after_the_upload(line: Line) -> None:
    line.target.hashes[WHEEL] = "0" * 64
    run = line.fails(49)
    assert f"production shows {WHEEL} with the sha256 {'0' * 64}" in run.stderr
    assert "Promoted" not in run.stdout


def test_a_wrong_hash_at_the_target_before_it_is_a_conflict(line: Line) -> None:
    line.target.has(WHEEL, b"another")
    run = line.fails(47)
    assert "production already has another demo-1.0.0-py3-none-any.whl" in run.stderr
    assert line.target.attempts == 0
    planned = line.fails(47, "--dry-run", "--json")
    said = json.loads(planned.stdout)
    assert (said["error"], said["exit_code"], said["dry_run"]) == ("FileConflict", 47, True)
    assert [file["status"] for file in said["files"] if file["filename"] == WHEEL] == ["refuse"]
    assert "A promotion replaces nothing" in said["hint"]
    assert said["message"] in planned.stderr


def test_a_target_that_shows_what_arrived_only_later_is_waited_for(line: Line) -> None:
    line.target.hidden_reads = 3
    assert_arrived_once(line, line.succeed())


# Certificates


@pytest.mark.parametrize("name", ["staging", "production"])
def test_a_self_signed_certificate_is_refused_until_it_is_trusted(line: Line, name: str) -> None:
    certificate = self_signed(line.folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with faulty_index(context) as secure:
        if name == "staging":
            secure.files.update(line.source.files)
        variable = f"POETRY_REPOSITORIES_{name.upper()}_URL"
        line.poetry.extra_env[variable] = f"{secure.url}/legacy/"
        run = line.fails(43)
        assert f"The certificate of {name} is not trusted" in run.stderr
        assert f"poetry config certificates.{name}.cert" in run.stderr
        assert secure.gets == []
        assert line.target.attempts == 0
        if name == "production":
            assert line.source.gets == [], "nothing was downloaded for nothing"

        line.poetry.extra_env[f"POETRY_CERTIFICATES_{name.upper()}_CERT"] = str(certificate)
        line = line if name == "staging" else replace(line, target=secure)
        line.succeed()


# Broken off


@pytest.mark.parametrize("moment", ["download", "upload", "answer"])
@pytest.mark.parametrize(
    "number",
    [signal.SIGKILL, signal.SIGINT, signal.SIGTERM],
    ids=["kill -9", "Ctrl-C", "a stop"],
)
def test_a_promotion_that_is_broken_off_is_done_again(
    line: Line, moment: str, number: signal.Signals
) -> None:
    hang(line, moment)
    process = line.begin()
    wait_for(lambda: is_there(line, moment))
    assert [stat.S_IMODE(one.stat().st_mode) for one in line.temporary.iterdir()] == [0o700]
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    assert "Traceback" not in said
    assert "Promoted" not in said
    if number != signal.SIGKILL:
        assert process.returncode == 130, said
        assert "Interrupted." in said
        assert list(line.temporary.iterdir()) == []
    for folder in line.temporary.iterdir():  # Of one that was killed; it is in nobody's way.
        folder.rename(line.folder / "left")
    if moment == "answer":
        wait_for(lambda: SDIST in line.target.files)

    line.faults.clear()
    run = line.succeed()
    assert ("1 uploaded, 1 skipped" in run.stdout) == (moment == "answer")
    assert Counter(post.filename for post in line.target.posts) == {SDIST: 1, WHEEL: 1}


def hang(line: Line, moment: str) -> None:
    """Let a server hang at *moment*: for ever, or until it has stored what nobody hears of."""
    if moment == "download":
        line.faults[f"/files/{WHEEL}"].append(Reply(hangs=True))
    else:
        line.target.script(
            Reply(hangs=True) if moment == "upload" else Reply(stores=True, slow=2.0)
        )


def is_there(line: Line, moment: str) -> bool:
    """Tell whether that moment has come."""
    if moment == "answer":
        return line.target.at_once == 1  # and of so small a file all is on its way
    return (line.source if moment == "download" else line.target).hanging.is_set()


def wait_for(come: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not come():
        assert time.monotonic() < end
        time.sleep(0.05)
