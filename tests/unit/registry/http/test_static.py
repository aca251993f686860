"""What nginx is told about the files that it could serve by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.registry.people.users import Users
from tests.support.distributions import make_wheel
from tests.support.registry import (
    CHEAP_ROUNDS,
    HTTP,
    USERS,
    RegistryServer,
    running_registry,
    upload,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

WHEEL = "demo-1.0.0-py3-none-any.whl"


@pytest.fixture(scope="module", params=["closed", "anonymous read"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RegistryServer]:
    folder = tmp_path_factory.mktemp("registry")
    arguments = ["--anonymous-read"] if request.param == "anonymous read" else []
    with running_registry(folder / "data", arguments=arguments) as running:
        users = Users(running.data / "auth", rounds=CHEAP_ROUNDS)
        users.add("few", "pw", "reader", reads=["demo"])
        for project in ("demo", "other", "ill"):
            assert upload(running, make_wheel(folder, project)).status_code == 200
        running.data.joinpath("simple", "ill", "withheld.json").write_text("{}")
        yield running


def ask(
    server: RegistryServer, uri: str, auth: tuple[str, str] | None, method: str | None = "GET"
) -> httpx.Response:
    headers = {b"x-original-uri": uri.encode("latin-1")}
    if method is not None:
        headers[b"x-original-method"] = method.encode()
    return HTTP.get(f"{server.url}/_authorize", headers=list(headers.items()), auth=auth)


RAE = ("rae", USERS["rae"][0])
FEW = ("few", "pw")


@pytest.mark.parametrize(
    "uri",
    [
        "/simple/",
        "/simple/demo/",
        "/simple/%64emo/",
        "/simple/missing/",
        "/simple/ill/",
        f"/packages/demo/{WHEEL}",
        f"/packages/demo/{WHEEL}?a=b",
        f"/packages/demo/{WHEEL}.metadata",
        f"/packages/demo/{WHEEL}.provenance",
        "/packages/demo/demo-1.0.0.tar.gz",
        "/packages/demo/demo-1.0%2Blocal.tar.gz",
    ],
)
def test_what_may_be_served_as_it_stands(server: RegistryServer, uri: str) -> None:
    for method in ("GET", "HEAD"):
        answer = ask(server, uri, RAE, method)
        assert (answer.status_code, answer.content) == (204, b"")
    wrong = ask(server, uri, ("rae", "wrong"))
    assert wrong.status_code == 401
    assert wrong.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/",
        "/simple",
        "//simple/",
        "/simple//",
        "/simple/demo",
        "/simple/Demo/",
        "/simple/demo/?format=text/html",
        "/simple/?format=json",
        "/simple/demo/index.json",
        "/simple/demo/withheld.json",
        "/simple/ill/../demo/",
        "/simple/demo/%2e%2e/other/",
        "/simple/demo%2f..%2fother/",
        "/simple/demo%252f..%252fother/",
        "/simple/demo/#/",
        "/simple/demo/%0A",
        "/simple/d%00emo/",
        "/simple/d%C3%A9mo/",
        "/simple/dmo\xe9/",
        "/packages/demo/",
        "/packages/demo/.htaccess",
        "/packages/demo/../../auth/htpasswd",
        "/packages/demo/demo.txt",
        f"/packages/demo/{WHEEL}.sig",
        f"/packages/demo/{WHEEL}.metadata.metadata",
        f"/packages/demo//{WHEEL}",
        f"/packages/Demo/{WHEEL}",
        "/packages/ill/ill-1.0.0-py3-none-any.whl",
        "/packages/ill/ill-1.0.0-py3-none-any.whl.metadata",
        "/auth/htpasswd",
        "/state.db",
        "http://index.example.com/simple/demo/",
    ],
)
def test_what_the_application_has_to_answer(server: RegistryServer, uri: str) -> None:
    assert ask(server, uri, RAE).status_code == 403


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT", "get", "", None])
def test_only_reading_is_static(server: RegistryServer, method: str | None) -> None:
    assert ask(server, "/simple/demo/", RAE, method).status_code == 403


def test_who_knows_only_some_projects_gets_lists_from_the_application(
    server: RegistryServer, request: pytest.FixtureRequest
) -> None:
    is_open = "anonymous" in request.node.name
    expected = {
        "/simple/demo/": 204,
        f"/packages/demo/{WHEEL}": 204,
        "/simple/": 204 if is_open else 403,
        "/simple/other/": 204 if is_open else 403,
        "/packages/other/other-1.0.0-py3-none-any.whl": 204 if is_open else 403,
    }

    assert {uri: ask(server, uri, FEW).status_code for uri in expected} == expected


def test_nobody_is_asked_for_a_credential_unless_reading_is_open(
    server: RegistryServer, request: pytest.FixtureRequest
) -> None:
    is_open = "anonymous" in request.node.name

    assert ask(server, "/simple/demo/", None).status_code == (204 if is_open else 401)


def test_a_token_without_the_right_to_read_is_the_applications(server: RegistryServer) -> None:
    users = Users(server.data / "auth", rounds=CHEAP_ROUNDS)
    _, text = users.create_token("pub", actions=["upload"], projects=["other"])

    answer = ask(server, "/simple/demo/", ("__token__", text))

    direct = HTTP.get(f"{server.url}/simple/demo/", auth=("__token__", text))
    assert (answer.status_code, direct.status_code) in {(403, 404), (204, 200)}


def test_too_many_failures_are_the_applications_to_answer(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    data = tmp_path_factory.mktemp("limited") / "data"
    with running_registry(data, settings="[logins]\nper_address = 1\n") as server:
        statuses = [
            ask(server, "/simple/", ("rae", f"wrong{number}")).status_code for number in range(2)
        ]
        direct = HTTP.get(f"{server.url}/simple/", auth=("rae", "wrong"))
    assert statuses == [401, 403]
    assert direct.status_code == 429
