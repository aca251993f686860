"""What goes wrong around a real registry process, and what is left of it afterwards."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from poetry_aegis.registry.people.users import Users
from tests.support.distributions import make_sdist, make_wheel
from tests.support.registry import (
    CHEAP_ROUNDS,
    HTTP,
    PATIENCE,
    RegistryServer,
    listed_files,
    read,
    running_registry,
    upload,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FORM_HEAD = (
    b'--xyz\r\nContent-Disposition: form-data; name=":action"\r\n\r\nfile_upload\r\n'
    b'--xyz\r\nContent-Disposition: form-data; name="content"; filename="demo-1.0.0.tar.gz"\r\n\r\n'
)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RegistryServer]:
    with running_registry(tmp_path / "data") as server:
        yield server


def serve(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a registry that is expected to end by itself."""
    command = [sys.executable, "-m", "poetry_aegis.registry", "serve", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


@contextlib.contextmanager
def posting(server: RegistryServer, user: str, *headers: bytes) -> Iterator[socket.socket]:
    """Begin a POST to /legacy/ by hand, its headers sent and nothing else."""
    host, _, port = server.url.rpartition("/")[2].partition(":")
    credential = base64.b64encode(f"{user}:{server.users[user][0]}".encode())
    with socket.create_connection((host, int(port)), PATIENCE) as connection:
        lines = [
            b"POST /legacy/ HTTP/1.1",
            b"Host: registry",
            b"Authorization: Basic " + credential,
            b"Content-Type: multipart/form-data; boundary=xyz",
            *headers,
        ]
        connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n")
        yield connection


def answer_on(connection: socket.socket) -> tuple[int, str]:
    """Return the status and the body of the answer."""
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return answer.status, answer.read().decode()


def wait_until(holds: Callable[[], bool]) -> None:
    """Return when *holds* does; fail when it does not in good time."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def incoming(server: RegistryServer) -> list[Path]:
    return list((server.data / ".work" / "incoming").glob("*.part"))


# Starting and stopping


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_zero(registry: RegistryServer, number: signal.Signals) -> None:
    registry.process.send_signal(number)

    assert registry.process.wait(PATIENCE) == 0
    assert "Traceback" not in registry.log()


def test_an_upload_under_way_is_finished_before_the_end(
    registry: RegistryServer, tmp_path: Path
) -> None:
    sdist = make_sdist(tmp_path)
    name = b'--xyz\r\nContent-Disposition: form-data; name="name"\r\n\r\ndemo\r\n'
    version = b'--xyz\r\nContent-Disposition: form-data; name="version"\r\n\r\n1.0.0\r\n'
    body = name + version + FORM_HEAD + sdist.read_bytes() + b"\r\n--xyz--\r\n"
    length = b"Content-Length: %d" % len(body)
    with posting(registry, "pub", length) as connection:
        connection.sendall(body[:100])
        wait_until(lambda: len(incoming(registry)) == 1)
        registry.process.terminate()
        connection.sendall(body[100:])
        status, text = answer_on(connection)

    assert (status, text) == (200, f"Uploaded {sdist.name}.\n")
    assert registry.process.wait(PATIENCE) == 0
    stored = registry.data / "packages" / "demo" / sdist.name
    assert stored.read_bytes() == sdist.read_bytes()


def test_a_port_in_use_is_98(registry: RegistryServer, tmp_path: Path) -> None:
    port = str(urlsplit(registry.url).port)

    result = serve("--data", tmp_path / "other", "--port", port)

    assert result.returncode == 98
    assert result.stderr == f"Port {port} of 127.0.0.1 is in use by another program.\n"
    assert not (tmp_path / "other").exists()


def test_an_address_of_another_machine_is_99(tmp_path: Path) -> None:
    result = serve("--data", tmp_path / "data", "--host", "192.0.2.1", "--port", "0")

    assert result.returncode == 99
    assert result.stderr.startswith("Cannot listen on 192.0.2.1, port 0: ")
    assert result.stderr.count("\n") == 1


def test_a_data_directory_that_is_a_file_is_97(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")

    result = serve("--data", tmp_path / "data", "--port", "0")

    assert result.returncode == 97
    assert f"The data directory {tmp_path / 'data'} cannot be used" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("name", "content"), [("access.toml", b"users = ["), ("htpasswd", b"\xff\xfe")]
)
def test_unreadable_users_are_96(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / "auth").mkdir()
    (tmp_path / "auth" / name).write_bytes(content)

    result = serve("--data", tmp_path, "--port", "0")

    assert result.returncode == 96
    assert name in result.stderr
    assert result.stderr.count("\n") == 1


# Uploads that come to nothing


@pytest.mark.parametrize(
    ("user", "declared", "status"),
    [("rae", b"1000000", 403), ("pub", b"9999999999999", 413)],
)
def test_who_may_not_upload_is_told_before_the_body(
    registry: RegistryServer, user: str, declared: bytes, status: int
) -> None:
    with posting(registry, user, b"Content-Length: " + declared) as connection:
        answered, text = answer_on(connection)

    assert answered == status
    assert text.endswith(".\n")
    assert incoming(registry) == []


def test_a_body_of_unknown_length_ends_at_the_limit(tmp_path: Path) -> None:
    arguments = ["--max-upload-size", "100KiB"]
    with running_registry(tmp_path / "data", arguments=arguments) as server:
        with posting(server, "pub", b"Transfer-Encoding: chunked") as connection:
            piece = FORM_HEAD + b"x" * 50_000
            for _ in range(3):
                connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            status, text = answer_on(connection)
        small = upload(server, make_wheel(tmp_path))

        assert status == 413
        assert text == "The upload is larger than the 102400 bytes that are taken here.\n"
        wait_until(lambda: incoming(server) == [])
        assert small.status_code == 200


def test_an_upload_that_ends_half_way_leaves_nothing(registry: RegistryServer) -> None:
    with posting(registry, "pub", b"Content-Length: 5000000") as connection:
        connection.sendall(FORM_HEAD + b"x" * 2_000_000)
        wait_until(lambda: len(incoming(registry)) == 1)

    wait_until(lambda: incoming(registry) == [])
    wait_until(lambda: any(line.get("status") == 499 for line in registry.log_lines()))
    assert list((registry.data / "packages").iterdir()) == []
    assert listed_files(registry, "demo") == {}
    assert "Traceback" not in registry.log()


def test_a_form_without_its_end_leaves_nothing(registry: RegistryServer) -> None:
    body = FORM_HEAD + b"x" * 1000
    with posting(registry, "pub", b"Content-Length: %d" % len(body)) as connection:
        connection.sendall(body)
        status, text = answer_on(connection)

    assert (status, text) == (400, "The upload ended before its form did.\n")
    assert incoming(registry) == []


def test_a_full_disk_is_507_and_reads_go_on(registry: RegistryServer, tmp_path: Path) -> None:
    assert upload(registry, make_wheel(tmp_path)).status_code == 200
    noise = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(20_000))
    large = make_wheel(tmp_path, "large", files={"large/noise": noise})
    # The kernel refuses larger files from here on, the way a full disk refuses them.
    limits = resource.prlimit(registry.process.pid, resource.RLIMIT_FSIZE, (200_000, -1))

    refused = upload(registry, large)
    page = listed_files(registry, "demo")
    resource.prlimit(registry.process.pid, resource.RLIMIT_FSIZE, limits)
    accepted = upload(registry, large)

    assert (refused.status_code, refused.text) == (
        507,
        "The registry has no space left for the file.\n",
    )
    assert set(page) == {"demo-1.0.0-py3-none-any.whl"}
    assert accepted.status_code == 200
    assert incoming(registry) == []


# Crashes


def test_what_a_killed_registry_was_receiving_is_gone_after_the_next_start(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with (
        running_registry(data) as server,
        posting(server, "pub", b"Content-Length: 5000000") as connection,
    ):
        assert upload(server, make_wheel(tmp_path)).status_code == 200
        connection.sendall(FORM_HEAD + b"x" * 2_000_000)
        wait_until(lambda: len(incoming(server)) == 1)
        server.kill()
        assert len(incoming(server)) == 1

    with running_registry(data) as server:
        assert incoming(server) == []
        assert set(listed_files(server, "demo")) == {"demo-1.0.0-py3-none-any.whl"}


# Strangers


def test_passwords_of_clients_that_went_away_are_not_checked(tmp_path: Path) -> None:
    Users(tmp_path / "data" / "auth", rounds=12).add("ada", "secret", "admin")
    count = 7 * (os.cpu_count() or 1)  # fewer than are refused for being many
    with running_registry(tmp_path / "data", users={}) as server:
        address = urlsplit(server.url)
        for number in range(count):
            credential = base64.b64encode(b"ada:%d" % number)
            with socket.create_connection((str(address.hostname), address.port or 0)) as stranger:
                stranger.sendall(
                    b"GET /simple/ HTTP/1.1\r\nHost: registry\r\n"
                    b"Authorization: Basic " + credential + b"\r\n\r\n"
                )

        def statuses() -> list[int]:
            lines = server.log_lines()
            return [line["status"] for line in lines if line.get("path") == "/simple/"]

        wait_until(lambda: len(statuses()) == count)
        asked = HTTP.get(f"{server.url}/simple/", auth=("ada", "secret"))

        assert asked.status_code == 200
        assert statuses().count(499) > count / 2


def test_more_passwords_at_a_time_than_can_be_checked_are_503(tmp_path: Path) -> None:
    Users(tmp_path / "data" / "auth", rounds=11).add("ada", "secret", "admin")
    with (
        running_registry(tmp_path / "data", users={}) as server,
        ThreadPoolExecutor(60) as crowd,
    ):
        answers = list(
            crowd.map(
                lambda number: HTTP.post(f"{server.url}/legacy/", auth=("ada", str(number))),
                range(60),
            )
        )

    refused = [answer for answer in answers if answer.status_code == 503]
    assert refused
    assert {answer.status_code for answer in answers} == {401, 503}
    assert refused[0].headers["retry-after"] == "1"
    assert refused[0].text == "Too many passwords are being checked; try again in a second.\n"


# Users that change while the registry runs


def test_users_come_and_go_while_it_runs(registry: RegistryServer) -> None:
    users = Users(registry.data / "auth", rounds=CHEAP_ROUNDS)

    def answers(status: int) -> bool:
        asked = HTTP.get(f"{registry.url}/simple/", auth=("eve", "new-secret"))
        return asked.status_code == status

    assert answers(401)
    users.add("eve", "new-secret", "reader")
    wait_until(lambda: answers(200))
    users.add("eve", "other", replace=True)
    wait_until(lambda: answers(401))
    users.add("eve", "new-secret", replace=True)
    wait_until(lambda: answers(200))
    users.remove("eve")
    wait_until(lambda: answers(401))


def test_a_role_that_changes_counts(registry: RegistryServer, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path)
    refused = upload(registry, wheel, user="rae")
    password = registry.users["rae"][0]
    users = Users(registry.data / "auth", rounds=CHEAP_ROUNDS)
    users.add("rae", password, "publisher", replace=True)

    assert refused.status_code == 403
    wait_until(lambda: upload(registry, wheel, user="rae").status_code == 200)


def test_users_damaged_by_hand_refuse_everybody_until_they_are_mended(
    registry: RegistryServer,
) -> None:
    access = registry.data / "auth" / "access.toml"
    right = access.read_bytes()
    assert read(registry, "/simple/").status_code == 200

    access.write_text("[users.rae]\nrole = 'king'\n")
    wait_until(lambda: read(registry, "/simple/").status_code == 503)
    damaged = read(registry, "/simple/")
    access.write_bytes(right)
    wait_until(lambda: read(registry, "/simple/").status_code == 200)

    assert damaged.text == "The registry cannot read its users for now.\n"
    assert any("king" in line.get("message", "") for line in registry.log_lines())


def test_ready_says_what_is_wrong_and_health_stays(registry: RegistryServer) -> None:
    folder = registry.data / ".work" / "incoming"
    folder.rename(folder.with_name("away"))
    wait_until(lambda: read(registry, "/ready", user=None).status_code == 503)
    broken = read(registry, "/ready", user=None)
    health = read(registry, "/health", user=None)
    folder.with_name("away").rename(folder)
    wait_until(lambda: read(registry, "/ready", user=None).status_code == 200)

    assert broken.text.startswith("The data directory cannot be written to: ")
    assert str(registry.data) not in broken.text
    assert health.status_code == 200


def test_a_failure_that_nobody_foresaw_is_500_with_a_trace_in_the_log_only(
    registry: RegistryServer, tmp_path: Path
) -> None:
    (registry.data / ".work" / "incoming").rename(tmp_path / "away")

    answer = upload(registry, make_wheel(tmp_path))

    assert answer.status_code == 500
    assert answer.text == "The registry failed on this request; its log says why.\n"
    assert any("FileNotFoundError" in line.get("trace", "") for line in registry.log_lines())
    assert registry.users["pub"][0] not in registry.log()
