"""docs/openapi.yaml against a running registry: what is described is answered, and only that."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import yaml
from hypothesis import HealthCheck, settings
from schemathesis import openapi
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.http.assembly import assembled
from poetry_aegis.registry.log import AccessLog
from poetry_aegis.registry.options import ServeOptions
from poetry_aegis.registry.people.users import Users
from poetry_aegis.registry.state.state import State
from poetry_aegis.registry.store.store import Store
from tests.support.distributions import make_sdist, make_wheel
from tests.support.registry import HTTP, RegistryServer, running_registry, upload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis import Case

DESCRIPTION = Path(__file__).parents[2] / "docs" / "openapi.yaml"
schema = openapi.from_path(DESCRIPTION)
CHECKS = [
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
# What pages load for themselves is nobody's interface. The upstream needs another index, and
# tests/integration/test_registry_upstream.py has one.
NOT_DESCRIBED = {("GET", "/static/{file}")}
NOT_THERE = {"downloadFromUpstream"}
UPLOADS = ["/legacy/", "/", "/simple/"]
MOST_EXAMPLES = 15


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    with running_registry(tmp_path_factory.mktemp("described") / "data") as server:
        yield server


@pytest.fixture
def stocked(registry: RegistryServer, tmp_path: Path) -> RegistryServer:
    """Return the registry with what the examples of the description name, whoever deleted it."""
    headers = {"aegis-overwrite": "true"}
    for file in (
        make_wheel(tmp_path, "acme-greeter", "0.1.0"),
        make_sdist(tmp_path, "acme-greeter", "0.1.0"),
    ):
        credential = ("ada", registry.users["ada"][0])
        HTTP.patch(
            f"{registry.url}/api/v1/projects/acme-greeter",
            json={"status": "active"},
            auth=credential,
        )
        assert upload(registry, file, user="ada", headers=headers).status_code == 200
    return registry


@schema.parametrize()
@settings(
    max_examples=MOST_EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_described(case: Case[Any], stocked: RegistryServer) -> None:
    case.call_and_validate(
        base_url=stocked.url, auth=("ada", stocked.users["ada"][0]), checks=CHECKS
    )


OPERATIONS: list[Any] = [cast("Any", result).ok() for result in schema.get_all_operations()]
ASKING = [
    operation
    for operation in OPERATIONS
    if operation.method != "post" and operation.definition.raw["operationId"] not in NOT_THERE
]
BODIES = {"changeProject": {"status": "deprecated", "reason": "use another one"}}
BODIES |= {name: {"reason": "it loses data"} for name in ("yankVersion", "yankFile")}


@pytest.mark.parametrize("operation", ASKING, ids=lambda item: item.label)
def test_what_the_examples_ask_for_succeeds_as_described(
    operation: Any,
    stocked: RegistryServer,
) -> None:
    given: dict[str, dict[str, str]] = {"path": {}, "query": {}, "header": {}}
    for parameter in operation.iter_parameters():
        raw = parameter.definition
        if "example" in raw and (raw["required"] or raw["in"] == "header"):
            given[raw["in"]][raw["name"]] = raw["example"]
    body = BODIES.get(operation.definition.raw["operationId"])
    case = operation.Case(
        path_parameters=given["path"],
        headers=given["header"],
        **({} if body is None else {"body": body, "media_type": "application/json"}),
    )
    answer = case.call(base_url=stocked.url, auth=("ada", stocked.users["ada"][0]))
    assert answer.status_code in (200, 204), answer.text
    case.validate_response(answer, checks=CHECKS)


@pytest.mark.parametrize("path", UPLOADS)
def test_an_upload_is_taken_at_each_address_that_is_described(
    path: str, stocked: RegistryServer, tmp_path: Path
) -> None:
    assert path in {operation.path for operation in OPERATIONS if operation.method == "post"}
    wheel = make_wheel(tmp_path, "acme-uploads", "1.0")
    answer = upload(stocked, wheel, path=path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("user", "method", "path", "status"),
    [
        ("nobody", "GET", "/simple/", 401),
        ("rae", "DELETE", "/api/v1/projects/acme-greeter", 403),
        ("pub", "GET", "/api/v1/audit", 403),
    ],
)
def test_who_may_not_is_told_in_both_forms(
    user: str, method: str, path: str, status: int, stocked: RegistryServer
) -> None:
    credential = (user, stocked.users[user][0] if user in stocked.users else "wrong")
    for accept, media_type in (
        ("*/*", "text/plain; charset=utf-8"),
        ("application/json", "application/problem+json"),
    ):
        answer = HTTP.request(
            method, stocked.url + path, auth=credential, headers={"accept": accept}
        )
        assert answer.status_code == status
        assert answer.headers["content-type"] == media_type


def test_every_route_is_described_and_no_other(tmp_path: Path) -> None:
    data = DataDirectory.open(tmp_path / "data")
    state = State.open(data)
    options = ServeOptions(data.root)
    with (
        (tmp_path / "log").open("w") as log,
        assembled(options, Store(data), Users(data.auth), state, AccessLog(log)) as made,
    ):
        # A path without its last slash leads to the one with it.
        routes = {(route.method, route.path.rstrip("/") or "/") for route in made.router.routes}
    state.database.close()
    paths = yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))["paths"]
    described = {
        (method.upper(), path.rstrip("/") or "/") for path, item in paths.items() for method in item
    }
    assert described == routes - NOT_DESCRIBED


def test_every_role_is_one_and_no_password_is_asked_of_nobody() -> None:
    for operation in OPERATIONS:
        raw = operation.definition.raw
        assert raw["x-role"] in {"nobody", "reader", "publisher", "admin"}
        assert (raw["x-role"] == "nobody") == (raw.get("security") == [])
        assert re.fullmatch(r"[a-z][A-Za-z]+", raw["operationId"])
