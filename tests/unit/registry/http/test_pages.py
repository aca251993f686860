"""The memory of the pages: one for all rooms, bounded, and as new as the disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from poetry_aegis.registry.http import pages as module
from poetry_aegis.registry.http.pages import FileCache
from poetry_aegis.registry.people.users import Users
from tests.support.distributions import make_wheel
from tests.support.registry import (
    CHEAP_ROUNDS,
    HTTP,
    JSON,
    RegistryServer,
    running_registry,
    upload,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEAM = ("tim", "tim-secret")


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    made = [tmp_path / str(number) for number in range(4)]
    for number, path in enumerate(made):
        path.write_bytes(bytes([number]) * 1000)
    return made


def test_the_file_that_is_read_again_stays(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = FileCache(most=3 * 1600)
    hot = cache.get(str(files[0]))
    for path in files[1:]:
        cache.get(str(path))
        assert cache.get(str(files[0])) is hot

    # What is read anew is another object: of the others the oldest made room.
    assert len(cache._files) == 3
    assert str(files[1]) not in cache._files


def test_small_files_weigh_more_than_their_bytes(tmp_path: Path) -> None:
    cache = FileCache(most=100_000)
    for number in range(1000):
        path = tmp_path / str(number)
        path.write_bytes(b"x")
        cache.get(str(path))

    assert 100 < len(cache._files) < 200


def test_a_file_that_changed_is_read_anew(files: list[Path]) -> None:
    cache = FileCache()
    before = cache.get(str(files[0]))
    files[0].write_bytes(b"new")
    os.utime(files[0], (1, 1))
    after = cache.get(str(files[0]))
    files[0].unlink()

    assert before is not None
    assert after is not None
    assert (before.body, after.body, after.length) == (b"\0" * 1000, b"new", b"3")
    assert cache.get(str(files[0])) is None


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    folder = tmp_path_factory.mktemp("registry")
    with running_registry(folder / "data") as server:
        users = Users(folder / "data" / "auth", rounds=CHEAP_ROUNDS)
        users.add(*TEAM, "reader", reads=["team-*", "tool"])
        for project in ("team-a", "tool", "tools", "secret"):
            assert upload(server, make_wheel(folder, project)).is_success
        yield server


def names(server: RegistryServer, **more: Any) -> list[str]:
    answer = HTTP.get(f"{server.url}/simple/", headers={"accept": JSON}, auth=TEAM, **more)
    assert answer.status_code == 200, answer.text
    return [project["name"] for project in answer.json()["projects"]]


def test_a_list_of_some_projects_is_as_new_as_the_whole(
    registry: RegistryServer, tmp_path: Path
) -> None:
    assert names(registry) == names(registry) == ["team-a", "tool"]
    html = HTTP.get(f"{registry.url}/simple/", auth=TEAM)
    assert "text/html" in html.headers["content-type"]
    assert "secret" not in html.text

    assert upload(registry, make_wheel(tmp_path, "team-b")).is_success
    assert names(registry) == ["team-a", "team-b", "tool"]

    users = Users(registry.data / "auth", rounds=CHEAP_ROUNDS)
    users.add("tom", "tom-secret", "reader", reads=["secret"])
    other = HTTP.get(f"{registry.url}/simple/", auth=("tom", "tom-secret"))
    assert "team-a" not in other.text
    assert ">secret</a>" in other.text


def test_all_that_is_kept_in_memory_is_far_below_the_limit() -> None:
    from poetry_aegis.registry.http import legacy_json
    from poetry_aegis.registry.web import readme

    most = (
        module._MOST_CACHED, module._MOST_LISTS, legacy_json._MOST_CACHED, readme._MOST_KEPT,
    )  # fmt: skip
    assert sum(most) <= 40 * 1024**2


@pytest.mark.parametrize(
    "path", ["/simple/{}/", "/pypi/{}/json", "/api/v1/downloads/{}", "/api/v1/projects/{}"]
)
def test_a_long_name_is_not_repeated(registry: RegistryServer, path: str) -> None:
    answer = HTTP.get(registry.url + path.format("x" * 5000), auth=("ada", "admin-secret"))

    assert answer.status_code == 404
    assert len(answer.text) < 300


def test_an_audit_of_a_long_name_is_not_repeated_either(registry: RegistryServer) -> None:
    query = f"{registry.url}/api/v1/audit?project={'x' * 5000}"
    answer = HTTP.get(query, auth=("ada", "admin-secret"))

    assert answer.status_code == 404
    assert len(answer.text) < 300
