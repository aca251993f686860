"""The stack's nginx, run before a real registry."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from poetry_aegis.registry.attestations import attestations_in
from poetry_aegis.registry.people.identity import Identity
from poetry_aegis.server.stack.nginx import writers_conf
from poetry_aegis.server.stack.settings import WebSettings
from tests.support.distributions import make_wheel
from tests.support.needs import needs_program
from tests.support.registry import JSON, USERS, running_registry, upload
from tests.unit.registry.signed import Person, signed
from tests.unit.server.stack.running import (
    LIMITED,
    NAME,
    PLAIN,
    Nginx,
    address_of,
    running_nginx,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.registry import RegistryServer

RAE = ("rae", USERS["rae"][0])
PUB = ("pub", USERS["pub"][0])
PAGE = "/simple/demo/"
WHEEL = "/packages/demo/demo-1.0.0-py3-none-any.whl"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    folder = tmp_path_factory.mktemp("registry")
    with running_registry(folder / "data") as server:
        assert upload(server, make_wheel(folder, "demo")).is_success
        yield server


@pytest.fixture(scope="module")
def nginx(registry: RegistryServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    home = tmp_path_factory.mktemp("nginx")
    with running_nginx(home, LIMITED, engine=address_of(registry), data=registry.data) as nginx:
        yield nginx


def test_http_leads_to_https_on_a_name_of_this_server(nginx: Nginx) -> None:
    names = {NAME: NAME, "[::1]": "[::1]", "localhost": "localhost", "evil.example": NAME}
    for asked, sent in names.items():
        answer = httpx.get(f"{nginx.http}/a%20b?c=d", headers={"host": asked}, trust_env=False)
        assert answer.status_code == 301
        assert answer.headers["location"] == f"https://{sent}:8443/a%20b?c=d"
    posted = httpx.post(f"{nginx.http}/legacy/", trust_env=False)
    assert posted.status_code == 308
    assert httpx.get(f"{nginx.http}/health", trust_env=False).status_code == 200


def test_a_reader_gets_pages_and_files_and_a_stranger_gets_401(nginx: Nginx) -> None:
    with nginx.client(RAE) as rae, nginx.client() as stranger:
        page = rae.get(PAGE, headers={"accept": JSON})
        assert page.json()["name"] == "demo"
        assert page.headers["content-type"] == JSON
        assert page.headers["cache-control"] == "private, no-cache"
        assert "text/html" in rae.get(PAGE).headers["content-type"]
        assert rae.get("/simple/", headers={"accept": JSON}).json()["projects"]
        wheel = rae.get(WHEEL)
        assert wheel.status_code == 200
        assert wheel.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert rae.get("/simple/nothing/").status_code == 404
        for path in (PAGE, WHEEL, "/simple/"):
            answer = stranger.get(path)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Basic")
        assert stranger.get(PAGE, auth=("rae", "wrong")).status_code == 401


def test_a_file_that_is_kept_for_good_may_be_signed_later_on(
    nginx: Nginx, registry: RegistryServer, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "later")
    provenance = f"/packages/later/{wheel.name}.provenance"
    with nginx.client(RAE) as client:
        assert upload(registry, wheel, fields=signed(wheel, Person("ada"))).is_success
        one = client.get(provenance)
        assert upload(registry, wheel, fields=signed(wheel, Person("bob"))).is_success
        two = client.get(provenance, headers={"if-none-match": one.headers["etag"]})

    assert one.headers["cache-control"] == "private, no-cache"
    assert one.headers["content-type"] == "application/json"
    assert one.headers["x-content-type-options"] == "nosniff"
    assert [len(attestations_in(answer.content)) for answer in (one, two)] == [1, 2]
    assert client_without_credentials(nginx, provenance) == 401


def client_without_credentials(nginx: Nginx, path: str) -> int:
    with nginx.client() as client:
        return client.get(path).status_code


def test_pages_come_compressed_as_they_were_written(nginx: Nginx, registry: RegistryServer) -> None:
    written = (registry.data / "simple" / "demo" / "index.json.gz").read_bytes()
    with (
        nginx.client(RAE) as rae,
        rae.stream("GET", PAGE, headers={"accept": JSON, "accept-encoding": "gzip"}) as answer,
    ):
        assert answer.headers["content-encoding"] == "gzip"
        assert b"".join(answer.iter_raw()) == written
        assert json.loads(gzip.decompress(written))["name"] == "demo"
        assert "Accept" in answer.headers["vary"]


def test_every_answer_says_that_this_server_is_for_https(nginx: Nginx) -> None:
    with nginx.client() as client:
        for path in (PAGE, "/nothing", "/metrics", "/health"):
            answer = client.get(path)
            assert answer.headers.get_list("strict-transport-security") == ["max-age=31536000"]
            assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
            assert "nginx/" not in answer.headers["server"]


@pytest.mark.parametrize(
    "path", ["/metrics", "/ready", "/_authorize", "/_may_read", "/metrics/", "//ready", "/%72eady"]
)
def test_what_is_for_the_stack_alone_is_not_there_for_the_world(nginx: Nginx, path: str) -> None:
    with nginx.client(PUB) as client:
        assert client.get(f"{nginx.https}{path}").status_code == 404


def test_uploads_go_through_and_one_that_is_too_large_is_told_why(
    nginx: Nginx, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "uploaded")
    with nginx.client(PUB) as pub:
        form = {":action": "file_upload", "protocol_version": "1", "name": "uploaded"}
        sent = pub.post(
            "/legacy/",
            data={**form, "version": "1.0.0"},
            files={"content": (wheel.name, wheel.read_bytes())},
        )
        assert sent.status_code == 200, sent.text
        assert pub.get("/simple/uploaded/", headers={"accept": JSON}).json()["files"]
        refused = pub.post("/legacy/", content=bytes(4 * 1024**2))
        assert refused.status_code == 413
        assert refused.text.endswith("which is 2MiB.\n")
        assert refused.headers["strict-transport-security"]


def test_a_reader_may_not_upload(nginx: Nginx) -> None:
    with nginx.client(RAE) as rae:
        assert rae.post("/legacy/", data={":action": "file_upload"}).status_code == 403


def test_what_a_client_says_of_where_it_comes_from_is_not_believed(tmp_path: Path) -> None:
    with running_registry(tmp_path / "data", settings='trusted_proxies = ["127.0.0.1"]') as server:
        engine = address_of(server)
        with running_nginx(tmp_path / "web", PLAIN, engine=engine, data=server.data) as web:
            headers = {"x-forwarded-for": "6.6.6.6", "forwarded": "for=6.6.6.6"}
            with web.client(("rae", "wrong")) as client:
                for path in ("/simple/", "/api/v1/nothing", "/project/nothing/"):
                    client.get(path, headers=headers)
        asked = [line for line in server.log_lines() if line["event"] == "request"]
    assert "/_authorize" in {line["path"] for line in asked}
    assert {line["client"] for line in asked} == {"127.0.0.1"}


def test_the_log_says_who_asked_and_who_answered(nginx: Nginx) -> None:
    with nginx.client(RAE) as rae:
        rae.get(WHEEL, headers={"user-agent": 'a "quoted" agent'})
        rae.get("/api/v1/nothing")
        rae.get("/health")
    lines = [json.loads(line) for line in nginx.log().splitlines()]
    served = next(line for line in lines if line["user_agent"] == 'a "quoted" agent')
    assert served["uri"] == WHEEL
    assert (served["status"], served["user"], served["upstream"]) == ("200", "rae", "")
    assert served["address"] == "127.0.0.1"
    assert float(served["request_time"]) >= 0
    assert next(line for line in lines if line["uri"] == "/api/v1/nothing")["upstream"]
    assert not any(line["uri"] == "/health" for line in lines)


def test_tls_is_new_and_http_has_its_second_version(nginx: Nginx) -> None:
    curl = [needs_program("curl"), "-sS", "-o", "/dev/null", "--noproxy", "*"]
    curl += ["--cacert", str(nginx.home / "tls" / "server.crt"), f"{nginx.https}/health"]
    told = subprocess.run(
        [*curl, "-w", "%{http_version}"], capture_output=True, text=True, check=False
    )
    assert told.stdout == "2"
    old = subprocess.run([*curl, "--tls-max", "1.1"], capture_output=True, check=False)
    assert old.returncode == 35


def test_the_exporter_is_told_what_nginx_does(nginx: Nginx) -> None:
    assert "Active connections" in httpx.get(f"{nginx.inside}/stub_status", trust_env=False).text


def test_who_asks_too_often_waits_and_others_do_not(
    registry: RegistryServer, tmp_path: Path
) -> None:
    settings = replace(PLAIN, web=WebSettings(rate=1, burst=2))
    engine = address_of(registry)
    running = running_nginx(tmp_path, settings, engine=engine, data=registry.data)
    with running as nginx, nginx.client(RAE) as rae, nginx.client(PUB) as pub:
        answers = [rae.get(PAGE) for _ in range(6)]
        assert [answer.status_code for answer in answers][:3] == [200, 200, 200]
        assert answers[-1].status_code == 429
        assert answers[-1].headers.get_list("retry-after") == ["1"]
        assert pub.get(PAGE).status_code == 200


def test_only_the_networks_that_are_allowed_come_in(
    registry: RegistryServer, tmp_path: Path
) -> None:
    settings = replace(PLAIN, web=WebSettings(allow=("10.0.0.0/8",)))
    engine = address_of(registry)
    running = running_nginx(tmp_path, settings, engine=engine, data=registry.data)
    with running as nginx, nginx.client(RAE) as rae:
        for path in (PAGE, WHEEL, "/simple/", "/", "/legacy/"):
            assert rae.get(path).status_code == 403
        assert rae.get("/health").status_code == 200


def test_without_the_registry_what_was_allowed_goes_on_and_the_rest_is_told(
    tmp_path: Path,
) -> None:
    with running_registry(tmp_path / "data") as server:
        assert upload(server, make_wheel(tmp_path, "demo")).is_success
        engine = address_of(server)
        with running_nginx(tmp_path / "web", PLAIN, engine=engine, data=server.data) as nginx:
            with nginx.client(RAE) as rae:
                assert rae.get(WHEEL).status_code == 200
                server.kill()
                assert rae.get(WHEEL).status_code == 200
                for answer in (rae.get(PAGE), rae.get("/"), rae.post("/legacy/", content=b"x")):
                    assert answer.status_code == 503
                    assert answer.headers["retry-after"] == "5"
                    assert "not running" in answer.text
            with nginx.client(PUB) as pub:
                assert pub.get(WHEEL).status_code == 503


def test_a_reload_under_load_fails_no_request(nginx: Nginx) -> None:
    statuses: list[int] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            with nginx.client(RAE) as rae:
                statuses.append(rae.get(PAGE).status_code)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(3):
            time.sleep(0.2)
            nginx.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
    finally:
        stop.set()
        asking.join()
    assert len(statuses) > 10
    assert set(statuses) == {200}


def test_before_pypiserver_only_who_is_listed_may_write(
    registry: RegistryServer, tmp_path: Path
) -> None:
    settings = replace(PLAIN, engine="pypiserver")
    users = [Identity("pub", "publisher"), Identity("ada", "admin"), Identity("rae", "reader")]
    users += [Identity(name, "publisher") for name in HOSTILE]
    engine = address_of(registry)
    with running_nginx(
        tmp_path, settings, engine=engine, data=registry.data, writers=writers_conf(users)
    ) as nginx:

        def post(**options: object) -> httpx.Response:
            with nginx.client() as client:
                return client.post("/nowhere", **options)  # type: ignore[arg-type]

        assert post(auth=RAE).status_code == 403
        assert post(auth=("RAE", "x")).status_code == 403
        nobody = post()
        assert nobody.status_code == 401
        assert nobody.headers["www-authenticate"].startswith("Basic")
        # Python reads over what is no base64, and would see the reader.
        odd = post(headers={"authorization": "Basic cm!FlOnJlYWRlci1zZWNyZXQ="})
        assert odd.status_code == 401
        reached = {404, 405}
        for name in ("pub", "ada", *HOSTILE):
            assert post(auth=(name, "x")).status_code in reached, name
        with nginx.client(RAE) as rae:
            assert rae.get(PAGE).status_code == 200


HOSTILE = (
    "default",
    "include",
    "~.*",
    'quo"te',
    "back\\slash",
    "$remote_user",
    "spaced name",
    "ünï",
)
