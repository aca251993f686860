"""The same with stock pypiserver behind nginx."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.stack.installing import installing
from tests.stack.stack import Stack, vacant_stack
from tests.stack.test_backup import content
from tests.stack.test_clients import by_pip, by_twine, got
from tests.stack.test_gate import upload
from tests.support.distributions import make_wheel
from tests.support.docker import crash, inspect, leftovers, wait_until_well

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def pypiserver(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Iterator[Stack]:
    with vacant_stack(tmp_path_factory.mktemp("pypiserver"), wheels) as made:
        made.set_up(engine="pypiserver", monitoring={"grafana": False})
        made.ok("start")
        yield made


def test_is_healthy(pypiserver: Stack) -> None:
    status = pypiserver.json("status")

    assert status["state"] == "running"
    services = {service["service"]: service for service in status["services"]}
    assert "pypiserver" in services["pypi-server"]["image"]
    assert services["pypi-server"]["health"] == "healthy"


def test_publishes_and_installs(pypiserver: Stack, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "stocked")

    published = by_twine(pypiserver, tmp_path, wheel)
    installed = by_pip(pypiserver, tmp_path, "stocked")

    assert published.returncode == 0, published.stdout
    assert installed.returncode == 0, installed.stdout
    assert got(tmp_path) == {wheel.name}


# pypiserver itself knows the first of the two alone, and clients are told the second.
@pytest.mark.parametrize("path", ["/", "/legacy/"])
def test_who_may_upload(pypiserver: Stack, tmp_path: Path, path: str) -> None:
    wheel = make_wheel(tmp_path, f"sent-to-{path.strip('/') or 'root'}")

    assert upload(pypiserver, wheel, "rae", path=path).status_code == 403
    assert upload(pypiserver, wheel, "pub", "wrong", path=path).status_code in {401, 403}
    assert upload(pypiserver, wheel, "pub", path=path).status_code == 200
    with pypiserver.client(None) as stranger:
        form = {":action": "file_upload"}
        files = {"content": (wheel.name, wheel.read_bytes())}
        assert stranger.post(path, data=form, files=files).status_code == 401


def test_who_may_what(pypiserver: Stack, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "guarded")

    assert upload(pypiserver, wheel, "pub", path="/").status_code == 200
    with pypiserver.client(None) as stranger:
        assert stranger.get("/simple/guarded/").status_code == 401
        assert stranger.get(f"/packages/{wheel.name}").status_code == 401
        # What pypiserver says to a wrong password.
        assert stranger.get("/simple/", auth=("rae", "wrong")).status_code in {401, 403}
    with pypiserver.client() as reader:
        assert wheel.name in reader.get("/simple/guarded/").text
        # Whatever a POST asks for, a reader may not.
        removal = {":action": "remove_pkg", "name": "guarded", "version": "1.0.0"}
        for path in ("/", "/legacy/", "/simple/"):
            assert reader.post(path, data=removal).status_code == 403, path
        assert wheel.name in reader.get("/simple/guarded/").text


def test_a_new_reader_is_one_at_once(pypiserver: Stack, tmp_path: Path) -> None:
    password = "a password of its own"
    role = ("--role", "reader", "--password-stdin")
    pypiserver.ok("user", "add", "new-reader", *role, stdin=password)
    pypiserver.ok("apply")
    with pypiserver.client(None) as client:
        login = ("new-reader", password)
        assert client.get("/simple/", auth=login).status_code == 200
        assert client.post("/legacy/", auth=login, data={"a": "b"}).status_code == 403


def test_what_is_closed_and_what_leads_to_tls(pypiserver: Stack) -> None:
    with pypiserver.client() as reader:
        for path in ("/metrics", "/ready", "/_authorize"):
            assert reader.get(path).status_code == 404, path
        assert reader.get("/health").status_code == 200
    plain = f"http://127.0.0.1:{pypiserver.ports['http']}/simple/"
    assert httpx.get(plain, trust_env=False).status_code == 301


def test_installs_go_on_while_nginx_reads_its_configuration_anew(
    pypiserver: Stack, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "reloaded")
    assert upload(pypiserver, wheel, "pub").status_code == 200
    before = inspect(pypiserver.containers["nginx"])["State"]["StartedAt"]
    with installing(pypiserver, wheel, flat=True) as met:
        pypiserver.edit(web={"rate": 5000, "burst": 5000})
        pypiserver.ok("apply")
        time.sleep(1)
    assert met.failed == {}, met.reasons[:5]
    assert met.done > 5
    assert inspect(pypiserver.containers["nginx"])["State"]["StartedAt"] == before


def test_without_pypiserver_nginx_says_so_until_it_is_back(
    pypiserver: Stack, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "missed")
    assert upload(pypiserver, wheel, "pub").status_code == 200
    name = pypiserver.containers["pypi-server"]
    before = inspect(name)["State"]["StartedAt"]
    with installing(pypiserver, wheel, flat=True) as met:
        crash(name)
        wait_until_well(name, started_after=before)
        well = time.monotonic()
        time.sleep(8)
    assert met.failed.keys() <= {502, 503, 504}
    assert met.last_failure < well + 6


def test_destroyed_and_restored(pypiserver: Stack, tmp_path: Path) -> None:
    """The last one: it takes the stack away."""
    wheel = make_wheel(tmp_path, "kept")
    assert upload(pypiserver, wheel, "pub").status_code == 200
    archive = tmp_path / "backup.tar.gz"
    pypiserver.ok("backup", "--output", str(archive))
    was = content(pypiserver.home.data)
    pypiserver.ok("destroy", "--data", "--yes")
    assert leftovers(pypiserver.project) == []
    assert not pypiserver.home.data.exists()

    pypiserver.ok("restore", str(archive), "--yes")
    assert content(pypiserver.home.data) == was
    pypiserver.ok("start")
    with pypiserver.client() as reader:
        assert reader.get(f"/packages/{wheel.name}").content == wheel.read_bytes()
    assert upload(pypiserver, make_wheel(tmp_path, "and-on"), "pub").status_code == 200
