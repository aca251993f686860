"""The same with stock pypiserver behind nginx."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.stack.stack import Stack, vacant_stack
from tests.stack.test_clients import by_pip, by_twine, got
from tests.stack.test_gate import upload
from tests.support.distributions import make_wheel

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
