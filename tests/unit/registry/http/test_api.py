"""The API of the registry, as its clients use it: requests to a real process, real files after."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from poetry_aegis.registry.people.users import Users
from poetry_aegis.registry.state.audit import AuditTrail
from poetry_aegis.registry.state.database import Database
from tests.support.distributions import make_sdist, make_wheel
from tests.support.registry import (
    CHEAP_ROUNDS,
    HTTP,
    JSON,
    UNLIMITED_LOGINS,
    USERS,
    RegistryServer,
    add_users,
    listed_files,
    read,
    running_registry,
    upload,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

# Each user with a role, and one who may know, and one who may change, only some projects.
PEOPLE = {**USERS, "sam": ("limited-reader", "reader"), "pia": ("limited-publisher", "publisher")}
CHANGES = [
    ("publisher", "PUT", "/versions/1.0/yank"),
    ("publisher", "DELETE", "/versions/1.0/yank"),
    ("publisher", "PUT", "/files/FILE/yank"),
    ("publisher", "DELETE", "/files/FILE/yank"),
    ("admin", "PATCH", ""),
    ("admin", "DELETE", "/files/FILE"),
    ("admin", "DELETE", "/versions/1.0"),
    ("admin", "DELETE", ""),
]
REFUSED = [
    (user, method, path)
    for needed, method, path in CHANGES
    for user in (None, "rae", "pub", "sam", "pia")
    if (user, needed) != ("pub", "publisher")
]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    data = tmp_path_factory.mktemp("registry") / "data"
    add_users(data, USERS)
    users = Users(data / "auth", rounds=CHEAP_ROUNDS)
    users.add("sam", PEOPLE["sam"][0], "reader", reads=("open-*",))
    users.add("pia", PEOPLE["pia"][0], "publisher", publishes=("open-*",))
    with running_registry(data, users=PEOPLE) as server:
        yield server


@pytest.fixture
def project(
    registry: RegistryServer, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[str]:
    """Return a project of the test's own with a wheel and an sdist of 1.0, and a wheel of 2.0."""
    name = "p" + "".join(filter(str.isalnum, request.node.name.lower()))[:100]
    for file in (
        make_wheel(tmp_path, name, "1.0"),
        make_sdist(tmp_path, name, "1.0"),
        make_wheel(tmp_path, name, "2.0"),
    ):
        assert upload(registry, file).status_code == 200
    yield name
    ask(registry, "DELETE", f"/projects/{name}")


def ask(
    registry: RegistryServer,
    method: str,
    path: str,
    document: object = None,
    *,
    user: str | None = "ada",
    body: bytes | None = None,
) -> httpx.Response:
    """Ask the API for *path*, *document* being sent as JSON, or *body* as it is."""
    content = json.dumps(document).encode() if document is not None else body
    return HTTP.request(
        method,
        f"{registry.url}/api/v1{path}",
        content=content,
        auth=None if user is None else (user, registry.users[user][0]),
        headers={"accept": "application/json"},
    )


def audited(
    registry: RegistryServer, project: str
) -> list[tuple[str, str | None, str | None, str]]:
    """Return the changes in the audit trail, oldest first, but for the uploads."""
    database = Database.open(registry.data / "state.db")
    try:
        entries = AuditTrail(database).entries(project=project)
    finally:
        database.close()
    return [
        (entry.action, entry.user, entry.file, entry.detail)
        for entry in reversed(entries)
        if entry.action != "upload"
    ]


def wheel(project: str, version: str = "1.0") -> str:
    return f"{project}-{version}-py3-none-any.whl"


def sdist(project: str) -> str:
    return f"{project}-1.0.tar.gz"


def yanks(registry: RegistryServer, project: str) -> dict[str, Any]:
    return {name: file["yanked"] for name, file in listed_files(registry, project).items()}


# Who asks


@pytest.mark.parametrize(
    ("user", "rights"),
    [
        ("rae", {"read"}),
        ("pub", {"read", "upload", "yank"}),
        ("ada", {"read", "upload", "yank", "overwrite", "delete", "manage", "audit"}),
    ],
)
def test_whoami_tells_what_a_user_may_do(
    registry: RegistryServer, user: str, rights: set[str]
) -> None:
    answer = ask(registry, "GET", "/whoami", user=user).json()
    assert (answer["user"], answer["role"], answer["token"]) == (user, PEOPLE[user][1], None)
    assert {right for right, allowed in answer["may"].items() if allowed} == rights


def test_where_nobody_may_overwrite_whoami_says_so(tmp_path: Path) -> None:
    settings = f"overwrite = false\n{UNLIMITED_LOGINS}"
    with running_registry(tmp_path / "data", users=PEOPLE, settings=settings) as server:
        may = ask(server, "GET", "/whoami", user="ada").json()["may"]

    assert may.pop("overwrite") is False
    assert all(may.values())


def test_whoami_tells_of_the_rights_to_a_project(registry: RegistryServer) -> None:
    def may(user: str, project: str) -> dict[str, bool]:
        document = ask(registry, "GET", f"/whoami?project={project}", user=user).json()
        assert isinstance(document["may"], dict)
        return document["may"]

    assert may("pia", "Open.One")["yank"]
    assert not may("pia", "closed")["yank"]
    assert may("pia", "closed")["read"]
    assert not may("sam", "closed")["read"]


def test_whoami_answers_a_token_that_may_not_read(registry: RegistryServer) -> None:
    users = Users(registry.data / "auth", rounds=CHEAP_ROUNDS)
    token, secret = users.create_token("pub", actions=("upload",))
    answer = HTTP.get(f"{registry.url}/api/v1/whoami", auth=("__token__", secret))
    assert answer.status_code == 200
    document = answer.json()
    assert (document["user"], document["token"]) == ("pub", token.id)
    assert [right for right, allowed in document["may"].items() if allowed] == ["upload"]


@pytest.mark.parametrize(
    ("user", "status"), [(None, 401), ("ada", 400)], ids=["anonymous", "known"]
)
def test_whoami_refuses_a_hostile_project(
    registry: RegistryServer, user: str | None, status: int
) -> None:
    answer = ask(registry, "GET", "/whoami?project=../../etc", user=user)
    assert answer.status_code == status


# The record


def test_the_record_tells_all_of_a_project(registry: RegistryServer, project: str) -> None:
    answer = ask(registry, "GET", f"/projects/{project.upper()}", user="rae")
    assert answer.status_code == 200
    record = answer.json()
    page = listed_files(registry, project)
    assert (record["name"], record["status"], record["reason"]) == (project, "active", None)
    assert [version["version"] for version in record["versions"]] == ["1.0", "2.0"]
    files = [file for version in record["versions"] for file in version["files"]]
    assert {file["file_name"]: file["sha256"] for file in files} == {
        name: file["hashes"]["sha256"] for name, file in page.items()
    }
    assert {file["upload_time"] for file in files} == {f["upload-time"] for f in page.values()}
    assert record["size"] == sum(file["size"] for file in page.values())


# Yanks (PEP 592)


def test_a_version_is_yanked_and_offered_again(registry: RegistryServer, project: str) -> None:
    path = f"/projects/{project}/versions/1.0.0/yank"  # PEP 440: the same as 1.0
    both = [wheel(project), sdist(project)]
    answer = ask(registry, "PUT", path, {"reason": "loses <data>"}, user="pub")
    assert answer.status_code == 200
    assert answer.json() == {"project": project, "files": both, "changed": both}
    reason = "loses <data>"
    assert yanks(registry, project) == {
        both[0]: reason,
        both[1]: reason,
        wheel(project, "2.0"): False,
    }
    html = read(registry, f"/simple/{project}/", headers={"accept": "text/html"}).text
    assert html.count('data-yanked="loses &lt;data&gt;"') == 2
    record = ask(registry, "GET", f"/projects/{project}").json()
    assert [version["yanked"] for version in record["versions"]] == [True, False]

    answer = ask(registry, "DELETE", path, user="pub")
    assert answer.json()["changed"] == both
    assert set(yanks(registry, project).values()) == {False}
    assert audited(registry, project) == [
        ("yank", "pub", both[0], reason),
        ("yank", "pub", both[1], reason),
        ("unyank", "pub", both[0], ""),
        ("unyank", "pub", both[1], ""),
    ]


def test_a_yank_may_be_repeated(registry: RegistryServer, project: str) -> None:
    path = f"/projects/{project}/versions/2.0/yank"
    page = registry.data / "simple" / project / "index.json"
    for reason in ("", "", "another"):
        assert ask(registry, "PUT", path, {"reason": reason}).status_code == 200
    written = page.stat().st_mtime_ns
    assert ask(registry, "PUT", path, {"reason": "another"}).json()["changed"] == []
    assert page.stat().st_mtime_ns == written
    assert [entry[3] for entry in audited(registry, project)] == ["", "another"]
    assert ask(registry, "DELETE", path).json()["changed"] == [wheel(project, "2.0")]
    assert ask(registry, "DELETE", path).json()["changed"] == []


def test_one_file_is_yanked_without_a_reason(registry: RegistryServer, project: str) -> None:
    path = f"/projects/{project}/files/{sdist(project)}/yank"
    answer = ask(registry, "PUT", path, user="pub")
    assert answer.json()["changed"] == [sdist(project)]
    assert yanks(registry, project) == {
        wheel(project): False,
        sdist(project): True,
        wheel(project, "2.0"): False,
    }
    record = ask(registry, "GET", f"/projects/{project}").json()
    assert not record["versions"][0]["yanked"]
    assert ask(registry, "DELETE", path, user="pub").json()["changed"] == [sdist(project)]


# Deletions


def test_a_file_and_a_version_are_deleted(registry: RegistryServer, project: str) -> None:
    folder = registry.data / "packages" / project
    assert ask(registry, "DELETE", f"/projects/{project}/files/{sdist(project)}").json() == {
        "project": project,
        "files": [sdist(project)],
        "changed": [sdist(project)],
    }
    assert sorted(listed_files(registry, project)) == [wheel(project), wheel(project, "2.0")]
    assert not (folder / sdist(project)).exists()
    assert read(registry, f"/packages/{project}/{sdist(project)}").status_code == 404

    for version in ("1", "2.0.0"):
        path = f"/projects/{project}/versions/{version}"
        assert ask(registry, "DELETE", path).status_code == 200
        assert ask(registry, "DELETE", path).status_code == 404
    assert not any(folder.iterdir())
    assert read(registry, f"/simple/{project}/").status_code == 200, "the name is still taken"
    assert ask(registry, "GET", f"/projects/{project}").json()["versions"] == []
    assert [entry[:3] for entry in audited(registry, project)] == [
        ("delete-file", "ada", sdist(project)),
        ("delete-file", "ada", wheel(project)),
        ("delete-file", "ada", wheel(project, "2.0")),
    ]


def test_a_project_is_deleted(registry: RegistryServer, project: str) -> None:
    answer = ask(registry, "DELETE", f"/projects/{project}")
    assert len(answer.json()["changed"]) == 3
    assert read(registry, f"/simple/{project}/").status_code == 404
    assert project not in read(registry, "/simple/").text
    assert not (registry.data / "packages" / project).exists()
    assert ask(registry, "DELETE", f"/projects/{project}").status_code == 404
    assert audited(registry, project) == [("delete-project", "ada", None, "3 files")]


# Status and locations (PEP 792, PEP 708)


def test_the_status_is_set_told_and_obeyed(
    registry: RegistryServer, project: str, tmp_path: Path
) -> None:
    path = f"/projects/{project}"
    record = ask(registry, "PATCH", path, {"status": "archived", "reason": "see demo2"}).json()
    assert (record["status"], record["reason"]) == ("archived", "see demo2")
    page = read(registry, f"/simple/{project}/", headers={"accept": JSON}).json()
    assert page["project-status"] == {"status": "archived", "reason": "see demo2"}
    refused = upload(registry, make_wheel(tmp_path, project, "3.0"))
    assert (refused.status_code, "archived" in refused.text) == (400, True)

    assert ask(registry, "PATCH", path, {"reason": "another"}).json()["status"] == "archived"
    record = ask(registry, "PATCH", path, {"status": "active", "reason": None}).json()
    assert (record["status"], record["reason"]) == ("active", None)
    assert ask(registry, "PATCH", path, {"status": "active"}).status_code == 200
    assert upload(registry, make_wheel(tmp_path, project, "3.0")).status_code == 200
    assert [entry[3] for entry in audited(registry, project)] == [
        "archived: see demo2",
        "archived: another",
        "active",
    ]


def test_a_quarantined_project_offers_nothing_and_comes_back(
    registry: RegistryServer, project: str
) -> None:
    path = f"/projects/{project}"
    assert ask(registry, "PATCH", path, {"status": "quarantined"}).status_code == 200
    assert listed_files(registry, project) == {}
    assert len(ask(registry, "GET", path).json()["versions"]) == 2
    assert ask(registry, "PATCH", path, {"status": "active"}).status_code == 200
    assert len(listed_files(registry, project)) == 3


def test_locations_are_set_and_taken_back(registry: RegistryServer, project: str) -> None:
    path, address = f"/projects/{project}", "https://index.example.com/simple/demo/"
    change = {"tracks": [address], "alternate_locations": [address]}
    assert ask(registry, "PATCH", path, change).json()["tracks"] == [address]
    page = read(registry, f"/simple/{project}/", headers={"accept": JSON}).json()
    assert page["meta"]["tracks"] == [address]
    assert page["alternate-locations"] == [address]
    record = ask(registry, "PATCH", path, {"tracks": []}).json()
    assert (record["tracks"], record["alternate_locations"]) == ([], [address])
    assert [entry[0] for entry in audited(registry, project)] == ["locations", "locations"]


# Who may


@pytest.mark.parametrize(("user", "method", "path"), REFUSED)
def test_who_lacks_the_right_changes_nothing(
    registry: RegistryServer, shared: str, user: str | None, method: str, path: str
) -> None:
    target = f"/projects/{shared}{path.replace('FILE', wheel(shared))}"
    before = read(registry, f"/simple/{shared}/").content
    refused = ask(
        registry, method, target, {"status": "archived"} if method == "PATCH" else None, user=user
    )
    # A project that sam may not know of is not there for sam.
    assert refused.status_code == {None: 401, "sam": 404}.get(user, 403)
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["detail"].endswith(".")
    assert read(registry, f"/simple/{shared}/").content == before


@pytest.fixture(scope="module")
def shared(registry: RegistryServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a project that nobody changes."""
    for version in ("1.0", "2.0"):
        file = make_wheel(tmp_path_factory.mktemp("dist"), "shared", version)
        assert upload(registry, file).status_code == 200
    return "shared"


def test_what_one_may_not_know_of_looks_as_if_it_were_not_there(
    registry: RegistryServer, shared: str
) -> None:
    hidden = ask(registry, "GET", f"/projects/{shared}", user="sam")
    absent = ask(registry, "GET", "/projects/nothing", user="sam")
    assert hidden.status_code == absent.status_code == 404
    assert hidden.text.replace(shared, "nothing") == absent.text


def test_the_credential_is_checked_before_the_body_is_read(
    registry: RegistryServer, shared: str
) -> None:
    refused = ask(registry, "PATCH", f"/projects/{shared}", user="rae", body=b"{" * 100_000)
    assert refused.status_code == 403


def test_a_body_is_read_whole_also_where_the_password_had_to_be_checked(
    registry: RegistryServer, project: str
) -> None:
    Users(registry.data / "auth", rounds=8).add("newcomer", "never-seen", "publisher")
    yanked = HTTP.put(
        f"{registry.url}/api/v1/projects/{project}/versions/2.0/yank",
        json={"reason": "bad"},
        auth=("newcomer", "never-seen"),
    )
    assert yanked.status_code == 200, yanked.text
    assert yanks(registry, project)[wheel(project, "2.0")] == "bad"


def test_a_page_of_another_site_changes_nothing(registry: RegistryServer, shared: str) -> None:
    refused = HTTP.put(
        f"{registry.url}/api/v1/projects/{shared}/versions/1.0/yank",
        auth=("ada", PEOPLE["ada"][0]),
        headers={"sec-fetch-site": "cross-site"},
    )
    assert refused.status_code == 403
    assert not any(yanks(registry, shared).values())


# What makes no sense


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/projects/nothing", 404),
        ("/projects/nothing/versions/1.0/yank", 404),
        ("/projects/shared/versions/9/yank", 404),
        ("/projects/shared/files/shared-9.tar.gz/yank", 404),
        ("/projects/shared/versions/one/yank", 400),
        (f"/projects/shared/versions/{'1' * 5000}/yank", 400),
        ("/projects/shared/versions/%F0%9F%92%A9/yank", 400),
        ("/projects/..%2F..%2Fauth", 404),
        ("/projects/%2E%2E", 404),
        ("/projects/-", 404),
        ("/projects/a%00b", 404),
        (f"/projects/{'a' * 5000}", 404),
        ("/projects/shared/files/..%2F..%2Fauth%2Fhtpasswd/yank", 404),
        ("/projects/shared/files/index.json/yank", 404),
        ("/projects/%EF%BD%93hared/versions/1.0/yank", 404),
    ],
)
def test_hostile_and_unknown_names_are_refused(
    registry: RegistryServer, shared: str, path: str, status: int
) -> None:
    methods = ("PUT", "DELETE") if path.endswith("yank") else ("DELETE", "GET", "PATCH")
    for method in methods:
        document = {"status": "archived"} if method == "PATCH" else None
        answer = ask(registry, method, path, document)
        assert answer.status_code == status, (method, answer.text)
    assert not any(yanks(registry, shared).values())
    assert (registry.data / "auth" / "htpasswd").exists()


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"not json", 400, "not JSON"),
        (b"\xff\xfe", 400, "not JSON"),
        (b"[" * 60_000, 400, "not JSON"),
        (b'{"a":' * 10_000, 400, "not JSON"),
        (b"[]", 400, "not a JSON object"),
        (b"null", 400, "not a JSON object"),
        (b'{"reason": "a", "raison": "b"}', 400, "Unknown key"),
        (b'{"unknown": null}', 400, "Unknown key"),
        (b'{"' + b"k" * 60_000 + b'": 1}', 400, "Unknown key"),
        (b'{"reason": 1}', 400, "must be a string"),
        (b'{"reason": ["a"]}', 400, "must be a string"),
        (b'{"reason": "a\\nb"}', 400, "printable"),
        (b'{"reason": "\\u202egpj"}', 400, "printable"),
        (b'{"reason": "\\ud800"}', 400, "printable"),
        (b'{"reason": "' + b"a" * 501 + b'"}', 400, "longer than 500"),
        (b" " * 70_000, 413, "larger than"),
    ],
)
def test_hostile_bodies_of_a_yank_are_refused(
    registry: RegistryServer, shared: str, body: bytes, status: int, said: str
) -> None:
    refused = ask(registry, "PUT", f"/projects/{shared}/versions/1.0/yank", body=body)
    assert refused.status_code == status, refused.text
    assert said in refused.json()["detail"]
    assert len(refused.content) < 1000
    assert not any(yanks(registry, shared).values())


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"status": None},
        {"status": "Archived"},
        {"status": "archived", "reason": "a\x1b[31m"},
        {"status": "archived", "tracks": ["javascript:alert(1)"]},
        {"status": "archived", "tracks": ['https://index.example.com/"><script>']},
        {"status": "archived", "alternate_locations": [1]},
        {"status": "archived", "alternate_locations": {"a": "b"}},
        {"status": "archived", "tracks": ["https://index.example.com/simple/a/"] * 21},
        {"status": "archived", "name": "other"},
    ],
)
def test_a_change_is_checked_whole_before_any_of_it_is_made(
    registry: RegistryServer, shared: str, change: dict[str, Any]
) -> None:
    before = read(registry, f"/simple/{shared}/").content
    refused = ask(registry, "PATCH", f"/projects/{shared}", change)
    assert refused.status_code == 400, refused.text
    assert read(registry, f"/simple/{shared}/").content == before
