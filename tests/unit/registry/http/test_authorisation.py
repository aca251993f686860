"""Every route, for everybody, in every state: who may, who may not, and with which answer.

`ROUTES` has what is asked on each route of the application, and what the answer is for who may.
`CLIENTS` has who may what. A route that is in no table fails the first test.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.http.assembly import assembled
from poetry_aegis.registry.http.exchange import Exchange
from poetry_aegis.registry.log import AccessLog
from poetry_aegis.registry.options import ServeOptions
from poetry_aegis.registry.people.users import Users
from poetry_aegis.registry.state.state import State
from poetry_aegis.registry.store.store import Store
from tests.support.distributions import make_wheel
from tests.support.registry import (
    CHEAP_ROUNDS,
    HTTP,
    JSON,
    PATIENCE,
    UNLIMITED_LOGINS,
    RegistryServer,
    basic,
    running_registry,
    upload,
)
from tests.support.store import everything
from tests.support.upstream import FakeIndex, running_index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from poetry_aegis.registry.http.app import Application

# Who may what

READ = frozenset({"read"})
PUBLISH = READ | {"upload", "yank"}
ALL = PUBLISH | {"overwrite", "delete", "manage", "audit"}
NOTHING: frozenset[str] = frozenset()
NOT_ALL = ALL - {"audit"}  # of an admin whose rights end at some projects


@dataclass(frozen=True)
class Client:
    """What somebody may do with the project ``acme-core``, with *other* ones, and at all.

    ``None`` is for projects that they may not even know of.
    """

    acme: frozenset[str]
    other: frozenset[str] | None
    at_all: frozenset[str]

    def rights(self, project: str | None) -> frozenset[str] | None:
        """Return the rights for a project or, for None, those that need none."""
        if project is None:
            return self.at_all
        return self.acme if project.startswith("acme-") else self.other

    @property
    def knows_all(self) -> bool:
        """Whether no project is hidden from this client."""
        return self.other is not None


CLIENTS: Mapping[str, Client] = {
    "a reader": Client(READ, READ, READ),
    "a user without a role": Client(READ, READ, READ),
    "a reader of acme-*": Client(READ, None, READ),
    "a publisher": Client(PUBLISH, PUBLISH, PUBLISH),
    "a publisher for acme-*": Client(PUBLISH, READ, PUBLISH),
    "a publisher who knows acme-*": Client(PUBLISH, None, PUBLISH),
    "an admin": Client(ALL, ALL, ALL),
    "an admin for acme-*": Client(ALL, READ, NOT_ALL),
    "an admin who knows acme-*": Client(ALL, None, NOT_ALL),
    "an admin's token": Client(ALL, ALL, ALL),
    "an admin's token as a bearer": Client(ALL, ALL, ALL),
    "an admin's token for reading": Client(READ, READ, READ),
    "an admin's token for acme-core": Client(ALL, None, NOT_ALL),
    "a publisher's token for uploads": Client(*[frozenset({"upload"})] * 3),
    "a reader's token for uploads": Client(NOTHING, NOTHING, NOTHING),
}
WRONG = (
    "a stranger",
    "a wrong password",
    "an empty password",
    "a plain-text entry",
    "an expired token",
    "a revoked token",
    "a removed user's token",
    "a token with another secret",
    "no credential that is known",
)
NOBODY = "nobody"
EVERYBODY = (NOBODY, *WRONG, *CLIENTS)


def credentials(auth: Path) -> dict[str, str | None]:
    """Make all users and tokens, and return the ``Authorization`` header of each client."""
    users = Users(auth, rounds=CHEAP_ROUNDS)
    acme = ["acme-*"]
    for name, role, reads, publishes in [
        ("rae", "reader", None, None),
        ("rob", "reader", acme, None),
        ("pub", "publisher", None, None),
        ("pam", "publisher", None, acme),
        ("pia", "publisher", acme, acme),
        ("ada", "admin", None, None),
        ("abe", "admin", None, acme),
        ("amy", "admin", acme, acme),
        ("gone", "admin", None, None),
    ]:
        users.add(name, f"{name}-secret", role, reads=reads, publishes=publishes)

    def token(user: str, **limits: Any) -> str:
        return users.create_token(user, **limits)[1]

    expired = token("ada", expires=datetime(2020, 1, 1, tzinfo=timezone.utc))
    revoked, revoked_text = users.create_token("ada")
    users.revoke_token(revoked.id)
    removed = token("gone")
    users.remove("gone")
    whole = token("ada")
    htpasswd = auth / "htpasswd"
    lines = htpasswd.read_text().splitlines()
    readers_hash = next(line for line in lines if line.startswith("rae:")).partition(":")[2]
    htpasswd.write_text("\n".join([*lines, f"new:{readers_hash}", "old:plain", ""]))
    return {
        NOBODY: None,
        "a stranger": basic("eve", "secret"),
        "a wrong password": basic("ada", "wrong"),
        "an empty password": basic("ada", ""),
        "a plain-text entry": basic("old", "plain"),
        "an expired token": basic("__token__", expired),
        "a revoked token": basic("__token__", revoked_text),
        "a removed user's token": basic("__token__", removed),
        "a token with another secret": basic("__token__", f"{whole}x"),
        "no credential that is known": "Digest username=ada",
        "a reader": basic("rae", "rae-secret"),
        "a user without a role": basic("new", "rae-secret"),
        "a reader of acme-*": basic("rob", "rob-secret"),
        "a publisher": basic("pub", "pub-secret"),
        "a publisher for acme-*": basic("pam", "pam-secret"),
        "a publisher who knows acme-*": basic("pia", "pia-secret"),
        "an admin": basic("ada", "ada-secret"),
        "an admin for acme-*": basic("abe", "abe-secret"),
        "an admin who knows acme-*": basic("amy", "amy-secret"),
        "an admin's token": basic("__token__", whole),
        "an admin's token as a bearer": f"Bearer {whole}",
        "an admin's token for reading": basic("__token__", token("ada", actions=["read"])),
        "an admin's token for acme-core": basic("__token__", token("ada", projects=["acme-core"])),
        "a publisher's token for uploads": basic("__token__", token("pub", actions=["upload"])),
        "a reader's token for uploads": basic("__token__", token("rae", actions=["upload"])),
    }


# What is asked


@dataclass(frozen=True)
class Ask:
    """A request and the status of its answer for who may do *action*; ``None`` is for all.

    A path with ``{project}`` is asked for both projects. Who may not do *first* at all is refused
    before it is known what the request is about. *but* has the answers of some states.
    """

    path: str
    action: str | None
    answer: int = 200
    but: Mapping[str, int] = field(default_factory=dict)
    project: str | None = None
    first: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Callable[[str], dict[str, Any]] = lambda _project: {}

    def about(self, project: str) -> Ask:
        """Return the request for *project*."""
        names = {"project": project, "offered": wheel(project, "2.0"), "yanked": wheel(project)}
        headers = {key: value.format(**names) for key, value in self.headers.items()}
        return replace(self, path=self.path.format(**names), project=project, headers=headers)

    @property
    def is_about_one(self) -> bool:
        """Whether it can be asked for any project."""
        return "{project}" in f"{self.path}{self.headers}" or self.first is not None

    def own_answer(self, state: str) -> int:
        """Return the answer for who may."""
        return self.but.get(state, self.answer)


def wheel(project: str, version: str = "1.0") -> str:
    return f"{project.replace('-', '_')}-{version}-py3-none-any.whl"


def form(project: str, version: str, **fields: Any) -> dict[str, Any]:
    return {"name": project, "version": version, **fields}


def a_new_version(project: str) -> dict[str, Any]:
    return {
        "data": form(project, "3.0", **{":action": "file_upload"}),
        "files": {"content": (wheel(project, "3.0"), BUILT[wheel(project, "3.0")])},
    }


def other_bytes(project: str) -> dict[str, Any]:
    return {
        "data": form(project, "2.0", **{":action": "file_upload"}),
        "files": {"content": (wheel(project, "2.0"), BUILT[f"other {wheel(project, '2.0')}"])},
    }


def a_removal(project: str) -> dict[str, Any]:
    # A file without a name makes the form one of several parts, as upload clients send it.
    fields = form(project, "2.0", **{":action": "remove_pkg"})
    return {"files": {key: (None, value) for key, value in fields.items()}}


def a_yank(_project: str) -> dict[str, Any]:
    return {"json": {"reason": "broken"}}


def a_status(_project: str) -> dict[str, Any]:
    return {"json": {"status": "deprecated"}}


CLOSED, ANONYMOUS, ARCHIVED, QUARANTINED, UPSTREAM = STATES = (
    "closed",
    "anonymous read",
    "archived",
    "quarantined",
    "upstream",
)
WITHHELD = {QUARANTINED: 404}
TAKES_NONE = {ARCHIVED: 400, QUARANTINED: 400}
ONLY_UPSTREAM = {UPSTREAM: 200}
NGINX = {"X-Original-Method": "GET"}
BROWSER = {"Accept": "text/html"}
OUTSIDE = "/upstream/outside/outside-1.0-py3-none-any.whl"
API = "/api/v1/projects/{project}"


def uploads(path: str) -> list[Ask]:
    """Return what is asked where uploads are taken."""
    loud = {"Aegis-Overwrite": "true"}
    return [
        Ask(path, "upload", 200, TAKES_NONE, first="upload", body=a_new_version),
        Ask(path, "upload", 400, first="upload", body=other_bytes),
        Ask(path, "overwrite", 200, TAKES_NONE, first="upload", headers=loud, body=other_bytes),
        Ask(path, "delete", first="upload", body=a_removal),
    ]


def nginx(uri: str, *, answer: int = 204, but: Mapping[str, int] | None = None) -> Ask:
    return Ask("/_authorize", "read", answer, but or {}, headers={**NGINX, "X-Original-URI": uri})


ROUTES: Mapping[tuple[str, str], Sequence[Ask]] = {
    ("GET", "/simple/"): [Ask("/simple/", "read")],
    ("GET", "/simple"): [Ask("/simple", "read", 301)],
    ("GET", "/simple/{project}/"): [
        Ask("/simple/{project}/", "read"),
        Ask("/simple/Other/", "read", 301, project="other"),
        Ask("/simple/missing/", "read", 404, project="missing"),
        Ask("/simple/acme-missing/", "read", 404, project="acme-missing"),
        Ask("/simple/outside/", "read", 404, ONLY_UPSTREAM, project="outside"),
    ],
    ("GET", "/simple/{project}"): [Ask("/simple/{project}", "read", 301)],
    ("GET", "/packages/{project}/{file_name}"): [
        Ask("/packages/{project}/{yanked}", "read", 200, WITHHELD),
        Ask("/packages/{project}/{offered}.metadata", "read", 200, WITHHELD),
        Ask("/packages/{project}/missing-1.tar.gz", "read", 404),
        Ask("/packages/Other/{offered}", "read", 404),
    ],
    ("GET", "/upstream/{project}/{file_name}"): [
        Ask("/upstream/{project}/{offered}", "read", 404),
        Ask(OUTSIDE, "read", 404, ONLY_UPSTREAM, project="outside"),
    ],
    ("GET", "/_authorize"): [
        nginx("/simple/{project}/"),
        nginx("/packages/{project}/{offered}", but={QUARANTINED: 403}),
        nginx("/packages/{project}/{offered}.metadata", but={QUARANTINED: 403}),
        Ask("/_authorize", "know all", 204, headers={**NGINX, "X-Original-URI": "/simple/"}),
        Ask("/_authorize", None, 403, headers={**NGINX, "X-Original-URI": "/api/v1/audit"}),
    ],
    **{("POST", path): uploads(path) for path in ("/", "/legacy", "/legacy/")},
    **{("POST", path): uploads(path)[:1] for path in ("/simple", "/simple/")},
    ("GET", "/api/v1/whoami"): [
        Ask("/api/v1/whoami", "be known"),
        Ask("/api/v1/whoami?project=other", "be known"),
    ],
    ("GET", API): [
        Ask(API, "read"),
        Ask("/api/v1/projects/Acme.Core", "read", project="acme-core"),
        Ask("/api/v1/projects/missing", "read", 404, project="missing"),
    ],
    ("PATCH", API): [
        Ask(API, "manage", body=a_status),
        Ask("/api/v1/projects/missing", "manage", 404, project="missing", body=a_status),
    ],
    ("DELETE", API): [Ask(API, "delete")],
    ("DELETE", f"{API}/versions/{{version}}"): [
        Ask(f"{API}/versions/2.0", "delete"),
        Ask(f"{API}/versions/9.0", "delete", 404),
    ],
    ("PUT", f"{API}/versions/{{version}}/yank"): [
        Ask(f"{API}/versions/2.0/yank", "yank", body=a_yank),
        Ask("/api/v1/projects/OTHER/versions/2.0/yank", "yank", project="other", body=a_yank),
    ],
    ("DELETE", f"{API}/versions/{{version}}/yank"): [Ask(f"{API}/versions/1.0/yank", "yank")],
    ("DELETE", f"{API}/files/{{file_name}}"): [Ask(f"{API}/files/{{offered}}", "delete")],
    ("PUT", f"{API}/files/{{file_name}}/yank"): [
        Ask(f"{API}/files/{{offered}}/yank", "yank", body=a_yank)
    ],
    ("DELETE", f"{API}/files/{{file_name}}/yank"): [Ask(f"{API}/files/{{yanked}}/yank", "yank")],
    ("GET", "/pypi/{project}/json"): [Ask("/pypi/{project}/json", "read", 200, WITHHELD)],
    ("GET", "/pypi/{project}/{version}/json"): [
        Ask("/pypi/{project}/2.0/json", "read", 200, WITHHELD)
    ],
    ("GET", "/{project}/json"): [Ask("/{project}/json", "read", 200, WITHHELD)],
    ("GET", "/"): [Ask("/", None), Ask("/?q=other", "read", headers=BROWSER)],
    ("GET", "/project/{project}"): [Ask("/project/{project}", "read", 301)],
    ("GET", "/project/{project}/"): [
        Ask("/project/{project}/", "read"),
        Ask("/project/{project}/", "read", headers=BROWSER),
        Ask("/project/missing/", "read", 404, project="missing"),
    ],
    ("GET", "/project/{project}/{version}"): [Ask("/project/{project}/2.0", "read", 301)],
    ("GET", "/project/{project}/{version}/"): [Ask("/project/{project}/2.0/", "read")],
    ("GET", "/audit"): [Ask("/audit", "audit"), Ask("/audit?project={project}", "audit")],
    ("GET", "/static/{file}"): [Ask("/static/missing.css", None, 404)],
    ("GET", "/api/v1/audit"): [
        Ask("/api/v1/audit", "audit"),
        Ask("/api/v1/audit?project={project}", "audit"),
    ],
    ("GET", "/api/v1/downloads/{project}"): [
        Ask("/api/v1/downloads/{project}", "read"),
        Ask("/api/v1/downloads/missing", "read", 404, project="missing"),
    ],
    ("GET", "/health"): [Ask("/health", None)],
    ("GET", "/ready"): [Ask("/ready", None)],
}
PROJECTS = ("acme-core", "other")


def asked(method: str, route: str) -> list[Ask]:
    """Return the requests of a route, each for the projects that it is to be made for."""
    return [
        request
        for ask in ROUTES[method, route]
        for request in (map(ask.about, PROJECTS) if ask.is_about_one else [ask])
    ]


ASKED = [(method, ask) for method, route in ROUTES for ask in asked(method, route)]


# What is expected


def expected(who: str, ask: Ask, state: str) -> int:
    """Return the status of the answer."""
    if ask.action is None:
        return ask.own_answer(state)
    if ask.action == "overwrite" and state in TAKES_NONE:
        ask = replace(ask, action="upload")  # Before anything else, that nothing is taken is said.
    if who in WRONG:
        return 401
    if state == ANONYMOUS and ask.action in ("read", "be known", "know all"):
        return ask.own_answer(state)
    if who == NOBODY:
        return 401
    status = _expected_of_known(CLIENTS[who], ask, state)
    return 403 if status == 404 and ask.path == "/_authorize" else status


def _expected_of_known(client: Client, ask: Ask, state: str) -> int:
    if ask.action == "be known":
        return ask.own_answer(state)
    if ask.action == "know all":
        return ask.own_answer(state) if client.knows_all and "read" in client.at_all else 403
    if ask.first is not None and ask.first not in client.at_all:
        return 403
    rights = client.rights(ask.project)
    if rights is None:
        return 403 if state == ANONYMOUS else 404
    return ask.own_answer(state) if ask.action in rights else 403


# The registries


@dataclass(frozen=True)
class World:
    """A registry in a state. *before* is its tree of files and pages as they are to be."""

    state: str
    server: RegistryServer
    headers: Mapping[str, str | None]
    connection: HTTPConnection
    index: FakeIndex
    before: Mapping[str, bytes]

    def request(self, method: str, ask: Ask) -> httpx.Request:
        """Return the request, still without a credential."""
        body = ask.body(ask.project or "")
        return httpx.Request(method, self.server.url + ask.path, headers=ask.headers, **body)

    def answer(self, who: str, request: httpx.Request) -> httpx.Response:
        """Return the answer to *who*, once all that follows from it is on the disk."""
        headers = dict(request.headers)
        if (authorization := self.headers[who]) is not None:
            headers["authorization"] = authorization
        # A part of what a client of httpx costs, and thousands of requests are made here.
        target = request.url.raw_path.decode()
        self.connection.request(request.method, target, request.read(), headers)
        answer = self.connection.getresponse()
        found = httpx.Response(answer.status, headers=answer.getheaders(), content=answer.read())
        if request.method != "GET" and found.is_success:
            self.ask("an admin", "/simple/")  # It waits for the project list.
        return found

    def ask(self, who: str, path: str, **headers: str) -> httpx.Response:
        """Return what *who* reads at *path*."""
        return self.answer(who, self.request("GET", Ask(path, "read", headers=headers)))

    def put_back(self) -> None:
        """Undo what has changed."""
        for name in tree(self.server.data).keys() - self.before.keys():
            (self.server.data / name).unlink()
        for name, content in self.before.items():
            path = self.server.data / name
            if not path.exists() or path.read_bytes() != content:
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(content)


def tree(data: Path) -> dict[str, bytes]:
    return {
        f"{folder}/{name}": content
        for folder in ("packages", "simple")
        for name, content in everything(data / folder).items()
    }


def stamps(data: Path) -> dict[str, tuple[int, int, int]]:
    """Return what differs for each file and page that is written, for less than its content."""
    found = {}
    for folder in (data / "packages", data / "simple"):
        for root, _, names in os.walk(folder):
            for name in names:
                stamp = os.stat(path := f"{root}/{name}")  # noqa: PTH116 -- thousands of times
                found[path] = (stamp.st_ino, stamp.st_size, stamp.st_mtime_ns)
    return found


BUILT: dict[str, bytes] = {}  # what is uploaded, by its name


@pytest.fixture(scope="module", autouse=True)
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    for project in PROJECTS:
        for version in ("1.0", "2.0", "3.0"):
            path = make_wheel(folder, project, version)
            BUILT[path.name] = path.read_bytes()
        more = {"more.py": "more = True\n"}
        another = make_wheel(folder / "another", project, "2.0", files=more)
        BUILT[f"other {another.name}"] = another.read_bytes()
    return folder


@pytest.fixture(scope="module", params=STATES)
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, built: Path
) -> Iterator[World]:
    state, folder = request.param, tmp_path_factory.mktemp("registry")
    with running_index() as index:
        index.publish("outside", make_wheel(folder, "outside", "1.0"))
        settings = UNLIMITED_LOGINS
        if state == ANONYMOUS:
            settings = f"anonymous_read = true\n{settings}"
        if state == UPSTREAM:
            settings += f'[upstream]\nurl = "{index.simple}"\n'
        headers = credentials(folder / "data" / "auth")
        with running_registry(folder / "data", users={}, settings=settings) as server:
            fill(server, built, state)
            connection = HTTPConnection(server.url.removeprefix("http://"), timeout=PATIENCE)
            with contextlib.closing(connection):
                yield World(state, server, headers, connection, index, tree(server.data))


def fill(server: RegistryServer, built: Path, state: str) -> None:
    """Give *server* two versions of each project, one of them yanked, and put it in *state*."""
    admin = ("ada", "ada-secret")
    for project in PROJECTS:
        for version in ("1.0", "2.0"):
            done = upload(
                server, built / wheel(project, version), user="ada", password="ada-secret"
            )
            assert done.status_code == 200, done.text
        api = f"{server.url}/api/v1/projects/{project}"
        yanked = HTTP.put(f"{api}/versions/1.0/yank", auth=admin)
        assert yanked.status_code == 200, yanked.text
        if state in (ARCHIVED, QUARANTINED):
            done = HTTP.patch(api, json={"status": state}, auth=admin)
            assert done.status_code == 200, done.text
    assert HTTP.get(f"{server.url}/simple/", auth=admin).status_code == 200


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Application]:
    """The application as the server has it, with nothing in it."""
    data = DataDirectory.open(tmp_path / "data")
    with (tmp_path / "log").open("w") as log:
        options, users = ServeOptions(data.root), Users(data.auth)
        with assembled(options, Store(data), users, State.open(data), AccessLog(log)) as made:
            yield made


# The matrix


def test_every_route_is_in_the_table(application: Application) -> None:
    assert {(route.method, route.path) for route in application.router.routes} == set(ROUTES)


def test_each_request_is_answered_by_its_route(application: Application) -> None:
    for method, route in ROUTES:
        for ask in asked(method, route):
            scope = {"method": method, "path": ask.path.partition("?")[0], "headers": []}
            exchange = Exchange(scope, None, None)  # type: ignore[arg-type]
            assert application.router.find(exchange).path == route


@pytest.mark.parametrize(
    ("method", "ask"),
    ASKED,
    ids=[f"{method} {ask.path} {number}" for number, (method, ask) in enumerate(ASKED)],
)
def test_everybody_gets_the_answer_that_is_theirs(world: World, method: str, ask: Ask) -> None:
    answers, request = {}, world.request(method, ask)
    before = stamps(world.server.data)
    for who in EVERYBODY:
        answers[who] = world.answer(who, request)
        if method != "GET":
            after = stamps(world.server.data)
            if after != before:
                world.put_back()
            assert (after != before) == (answers[who].status_code == 200), (who, answers[who].text)
            before = stamps(world.server.data)

    assert {who: answer.status_code for who, answer in answers.items()} == {
        who: expected(who, ask, world.state) for who in EVERYBODY
    }
    for answer in answers.values():
        check_refusal(answer)


@pytest.mark.parametrize("who", CLIENTS)
def test_lists_and_searches_name_what_may_be_known(world: World, who: str) -> None:
    client = CLIENTS[who]
    if "read" not in client.at_all and world.state != ANONYMOUS:
        assert world.ask(who, "/", **BROWSER).status_code == 403
        return
    known = set(PROJECTS if client.knows_all or world.state == ANONYMOUS else ["acme-core"])
    listed = world.ask(who, "/simple/", Accept=JSON)
    found = world.ask(who, "/", **BROWSER)

    assert {project["name"] for project in listed.json()["projects"]} == known
    assert {project for project in PROJECTS if f"project/{project}/" in found.text} == known


@pytest.mark.parametrize("project", [None, *PROJECTS])
@pytest.mark.parametrize("who", CLIENTS)
def test_whoami_tells_what_the_answers_show(world: World, who: str, project: str | None) -> None:
    query = f"?project={project}" if project else ""
    told = world.ask(who, f"/api/v1/whoami{query}").json()["may"]

    rights = CLIENTS[who].rights(project) or NOTHING
    if project is None and "manage" in rights:
        rights |= {"audit"}  # of some project
    if world.state == ANONYMOUS:
        rights |= READ
    assert {action for action, may in told.items() if may} == rights


@pytest.mark.parametrize("who", ["a reader of acme-*", "an admin's token for acme-core"])
def test_what_is_hidden_looks_like_what_is_not_there(world: World, who: str) -> None:
    asks = [ask for (method, _), asks in ROUTES.items() if method == "GET" for ask in asks]
    differences = []
    for ask in (ask for ask in asks if "{project}" in ask.path):
        hidden, missing = (
            world.answer(who, world.request("GET", ask.about(name))) for name in ("other", "nosuch")
        )
        if (hidden.status_code, hidden.text.replace("other", "nosuch")) != (
            missing.status_code,
            missing.text,
        ):
            differences.append(ask.path)

    assert bool(differences) == (world.state == ANONYMOUS), differences


@pytest.mark.parametrize("who", EVERYBODY)
def test_upstream_is_asked_only_for_who_may_know_the_project(world: World, who: str) -> None:
    name = f"outside-{EVERYBODY.index(who)}"
    world.ask(who, f"/simple/{name}/")

    may_read = who in CLIENTS and "read" in (CLIENTS[who].other or NOTHING)
    asked = world.index.count(f"/simple/{name}/")
    assert asked == (1 if may_read and world.state == UPSTREAM else 0)


@pytest.mark.parametrize("header", ["", "Basic", "Basic !", "Bearer x", "Basic Og==", "Digest x"])
def test_what_is_no_credential_is_a_wrong_one(world: World, header: str) -> None:
    answer = HTTP.get(f"{world.server.url}/simple/", headers={"Authorization": header})

    assert answer.status_code == 401


def check_refusal(answer: httpx.Response) -> None:
    """An error is one sentence; a 401 asks for a credential, and nothing else does."""
    asks = answer.headers.get("www-authenticate", "").startswith("Basic realm=")
    assert asks == (answer.status_code == 401)
    if answer.status_code >= 400 and "html" not in answer.headers["content-type"]:
        assert answer.text.endswith(".\n")
        assert answer.text.count("\n") == 1
