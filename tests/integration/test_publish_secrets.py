"""No secret is where it does not belong, after publications of every kind and their failures.

Real processes at ``-vvv``: what they print, every file they leave behind and the process list are
searched for every secret that was in use, in each form it may travel in.
"""

from __future__ import annotations

import base64
import contextlib
import html
import json
import subprocess
import sys
import tarfile
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from poetry_aegis.registry.people.users import Users
from tests.support.distributions import make_sdist, make_wheel
from tests.support.faulty import FaultyIndex, Reply, faulty_index
from tests.support.git import PYPROJECT, make_project
from tests.support.needs import missing
from tests.support.poetry import PoetryHome, make_home
from tests.support.registry import CHEAP_ROUNDS, running_registry
from tests.support.server import free_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Run = subprocess.CompletedProcess[str]
USER = "ada"
# Each is spelled otherwise in a URL, in JSON and in HTML, so that a search for one form is not all.
PASSWORD = 'correct/horse+b@ttery%20"&<staple'
URL_PASSWORD = "in/the:url@of+the<repository>"
TYPED_PASSWORD = "typed&by?hand#and/never=stored"
TOKEN = "pypi-AgEIcHlwaS5vcmc_an/api+token=="
PROXY = ("proxy-user", "s3cret/of:the@proxy")
PASSPHRASE = "a passphrase / with + signs"
AT_ONCE = 3  # They mostly wait.


@dataclass
class Place:
    """What one publication has: a Poetry, a project and an index that answers as told."""

    root: Path
    index: FaultyIndex
    poetry: PoetryHome
    project: Path
    arguments: list[str] = field(default_factory=lambda: ["publish", "--skip-build", "-r", "corp"])
    stdin: str | None = None

    def configure(self, url: str | None = None, **auth: str) -> None:
        """Write what ``poetry config`` writes."""
        config = self.root / "poetry" / "config"
        config.mkdir(exist_ok=True)
        address = json.dumps(url or f"{self.index.url}/legacy/")
        (config / "config.toml").write_text(f"[repositories.corp]\nurl = {address}\n")
        lines = [f"{name} = {json.dumps(value)}\n" for name, value in auth.items()]
        (config / "auth.toml").write_text(f"[http-basic.corp]\n{''.join(lines)}")

    def run(self, *options: str) -> Run:
        """Run it as a user does, telling all it can."""
        command = ["aegis", *self.arguments, *options, "-vvv"]
        return self.poetry.run(*command, cwd=self.project, stdin=self.stdin)


@dataclass(frozen=True)
class Secret:
    """*text* is the secret; *users* are those that it goes with in a header."""

    text: str
    users: tuple[str, ...] = ()

    def forms(self) -> set[bytes]:
        """Return all that it may look like."""
        pairs = [f"{user}:{self.text}".encode() for user in self.users]
        encoded = [base64.b64encode(pair) for pair in (*pairs, self.text.encode())]
        texts = {
            self.text,
            quote(self.text),
            quote(self.text, safe=""),
            quote_plus(self.text),
            json.dumps(self.text)[1:-1],
            html.escape(self.text),
            repr(self.text)[1:-1],
        }
        return (
            {text.encode() for text in texts}
            | {text.rstrip(b"=") for text in encoded}
            | {text.translate(bytes.maketrans(b"+/", b"-_")).rstrip(b"=") for text in encoded}
            | {self.text.encode().hex().encode()}
        )


@dataclass
class Session:
    """All that happened. *private* are what the keys' files hold once they are decrypted."""

    root: Path
    runs: dict[str, Run] = field(default_factory=dict)
    headers: list[dict[str, str]] = field(default_factory=list)
    listed: set[bytes] = field(default_factory=set)
    private: list[bytes] = field(default_factory=list)
    token: str = ""

    def found_in(self, content: bytes) -> list[str]:
        """Return which secrets are in *content*."""
        secrets = {
            "password": Secret(PASSWORD, (USER,)),
            "password in the URL": Secret(URL_PASSWORD, (USER,)),
            "typed password": Secret(TYPED_PASSWORD, (USER,)),
            "token": Secret(TOKEN, ("__token__", USER)),
            "token of a registry": Secret(self.token.rpartition("_")[2], ("__token__",)),
            "pair with the token of a registry": Secret(self.token, ("__token__",)),
            "password of the proxy": Secret(PROXY[1], (PROXY[0],)),
            "passphrase": Secret(PASSPHRASE),
        }
        found = [
            name
            for name, secret in secrets.items()
            if any(form in content for form in secret.forms())
        ]
        return found + ["private key" for form in self.private if form in content]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    session = Session(tmp_path_factory.mktemp("secrets"))
    with watched(session.listed), ThreadPoolExecutor(AT_ONCE) as pool:
        named = {name: pool.submit(act, session, name) for name in ACTS}
        for name, acted in named.items():
            session.runs[name] = acted.result()
    return session


def act(session: Session, name: str) -> Run:
    """Have a place of its own for what *name* does, and do it."""
    with place(session.root / name.replace(" ", "-")) as here:
        done = ACTS[name](here, session)
        session.headers += [post.headers for post in here.index.posts]
        session.headers += [headers for _, headers in here.index.gets]
    return done


@contextlib.contextmanager
def place(root: Path) -> Iterator[Place]:
    """Return a project with the distributions of its version, and what is to be searched later."""
    for folder in ("temporary", "project"):
        (root / folder).mkdir(parents=True)
    poetry = make_home(root / "poetry")
    poetry.extra_env.update(
        TMPDIR=str(root / "temporary"),
        AEGIS_KEYS_HOME=str(root / "keys"),
        NO_PROXY="",
        no_proxy="",
    )
    project = root / "project"
    make_sdist(project / "dist")
    make_wheel(project / "dist")
    (project / "pyproject.toml").write_text('[project]\nname = "demo"\nversion = "1.0.0"\n')
    with faulty_index() as index:
        yield Place(root, index, poetry, project)


def echoing(user: str, password: str) -> Reply:
    """Return a refusal that tells what it was asked with, in its text and in its reason."""
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    told = f"Basic {pair} is {user}:{password} or {quote(password, safe='')}"
    return Reply(401, told, headers={"Content-Type": "text/plain"}, phrase=told)


def with_password(here: Place, session: Session) -> Run:
    here.configure(username=USER, password=PASSWORD)
    return here.run("--json")


def refused(here: Place, session: Session) -> Run:
    here.configure(username=USER, password=PASSWORD)
    here.index.script(echoing(USER, PASSWORD))
    return here.run()


def refused_at_once(here: Place, session: Session) -> Run:
    here.configure(username=USER, password=PASSWORD)
    here.index.page_replies.append(echoing(USER, PASSWORD))
    return here.run("--json")


def failing(here: Place, session: Session) -> Run:
    here.configure(username=USER, password=PASSWORD)
    echo = echoing(USER, PASSWORD)
    reply = Reply(500, echo.body, headers=echo.headers, phrase=echo.phrase)
    here.index.script(*[reply] * 30)
    return here.run("--json")


def unreachable(here: Place, session: Session) -> Run:
    (port,) = free_ports(1)
    userinfo = f"{USER}:{quote(URL_PASSWORD, safe='')}"
    here.configure(f"http://{userinfo}@127.0.0.1:{port}/legacy/")
    return here.run()


def elsewhere(here: Place) -> Reply:
    """Return a redirect to another host that has the user's password in it."""
    userinfo = f"{USER}:{quote(PASSWORD, safe='')}"
    address = here.index.url.replace("127.0.0.1", "localhost").replace("://", f"://{userinfo}@")
    return Reply(302, headers={"Location": f"{address}/elsewhere/"})


def redirected(here: Place, session: Session) -> Run:
    here.configure(username=USER, password=PASSWORD)
    here.index.script(elsewhere(here))
    return here.run()


def redirected_when_reading(here: Place, session: Session) -> Run:
    here.configure(username=USER, password=PASSWORD)
    here.index.page_replies.append(elsewhere(here))
    here.index.page_replies.append(echoing(USER, PASSWORD))
    return here.run("--json")


def wrong_hash(here: Place, session: Session) -> Run:
    here.configure(username=USER, password=PASSWORD)
    here.index.hashes["demo-1.0.0.tar.gz"] = "0" * 64
    return here.run()


def with_token(here: Place, session: Session) -> Run:
    here.configure()
    (here.root / "poetry" / "config" / "auth.toml").write_text(f'[pypi-token]\ncorp = "{TOKEN}"\n')
    here.index.script(Reply(stores=True), echoing("__token__", TOKEN))
    return here.run()


def from_the_environment(here: Place, session: Session) -> Run:
    here.poetry.extra_env.update(
        POETRY_REPOSITORIES_CORP_URL=f"{here.index.url}/legacy/",
        POETRY_HTTP_BASIC_CORP_USERNAME=USER,
        POETRY_HTTP_BASIC_CORP_PASSWORD=PASSWORD,
    )
    return here.run("--json")


def in_the_url(here: Place, session: Session) -> Run:
    userinfo = f"{USER}:{quote(URL_PASSWORD, safe='')}"
    here.configure(here.index.url.replace("://", f"://{userinfo}@") + "/legacy/")
    here.index.script(Reply(stores=True), echoing(USER, URL_PASSWORD))
    return here.run()


def typed(here: Place, session: Session) -> Run:
    here.configure()
    here.stdin = f"{TYPED_PASSWORD}\n"
    here.index.script(Reply(stores=True), echoing(USER, TYPED_PASSWORD))
    return here.run("--user", USER, "--password-stdin")


def proxied(here: Place, scheme: str = "http", proxy: str = "") -> None:
    """Let *here* be reached through a proxy that asks who comes; the index plays it, too."""
    userinfo = ":".join(quote(word, safe="") for word in PROXY)
    address = (proxy or here.index.url).replace("://", f"://{userinfo}@")
    for variable in (f"{scheme}_proxy", f"{scheme}_proxy".upper()):
        here.poetry.extra_env[variable] = address
    here.configure(f"{scheme}://corp.invalid/legacy/", username=USER, password=PASSWORD)


def through_a_proxy(here: Place, session: Session) -> Run:
    proxied(here)
    return here.run()


def refused_by_a_proxy(here: Place, session: Session) -> Run:
    proxied(here)
    echo = echoing(*PROXY)
    reply = Reply(407, echo.body, headers=echo.headers, phrase=echo.phrase)
    here.index.page_replies.append(reply)
    here.index.script(*[reply] * 10)
    return here.run("--json")


def unreachable_proxy(here: Place, session: Session) -> Run:
    (port,) = free_ports(1)
    proxied(here, proxy=f"http://127.0.0.1:{port}")
    return here.run()


def proxy_without_tunnels(here: Place, session: Session) -> Run:
    proxied(here, "https")
    return here.run()


def broken_off_release(here: Place, session: Session) -> Run:
    """A release of which one file arrives: its journal stays open in the repository."""
    here.configure(username=USER, password=PASSWORD)
    here.project = here.root / "repository"
    make_project(here.project, pyproject=PYPROJECT).commit("feat: more")
    here.arguments = ["publish", "--bump", "patch", "-r", "corp"]
    here.index.script(Reply(stores=True), echoing(USER, PASSWORD))
    return here.run("--json")


def signed(here: Place, session: Session) -> Run:
    """To a real registry, by a real token, with a real key."""
    here.stdin = f"{PASSPHRASE}\n"
    here.arguments = ["key", "generate", "release"]
    made = here.run("--passphrase-stdin")
    assert made.returncode == 0, made.stdout + made.stderr
    session.runs["a key is made"] = made
    session.private += private_forms((here.root / "keys" / "release.key").read_bytes())
    data = here.root / "registry"
    users = Users(data / "auth", rounds=CHEAP_ROUNDS)
    users.add(USER, PASSWORD, "publisher")
    _, session.token = users.create_token(USER)
    with running_registry(data, users={}) as server:
        here.configure(f"{server.url}/legacy/")
        auth = here.root / "poetry" / "config" / "auth.toml"
        auth.write_text(f'[pypi-token]\ncorp = "{session.token}"\n')
        here.stdin = None
        here.poetry.extra_env["AEGIS_SIGNING_PASSPHRASE"] = PASSPHRASE
        here.arguments = ["publish", "--skip-build", "-r", "corp", "--sign", "--key", "release"]
        return here.run("--json")


def not_signed(here: Place, session: Session) -> Run:
    """A passphrase that is none of the key's."""
    here.configure(username=USER, password=PASSWORD)
    here.stdin = "quite another one\n"
    here.arguments = ["key", "generate", "release"]
    session.runs["another key is made"] = here.run("--passphrase-stdin")
    here.stdin = None
    here.poetry.extra_env["AEGIS_SIGNING_PASSPHRASE"] = PASSPHRASE
    here.arguments = ["publish", "--skip-build", "-r", "corp", "--sign"]
    return here.run()


def signed_in_a_pipeline(here: Place, session: Session) -> Run:
    """With a key that is in the environment, too."""
    here.configure(username=USER, password=PASSWORD)
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(PASSPHRASE.encode()),
    )
    session.private += private_forms(pem)
    here.poetry.extra_env.update(
        AEGIS_SIGNING_KEY=pem.decode(), AEGIS_SIGNING_PASSPHRASE=PASSPHRASE
    )
    return here.run("--sign", "--json")


def private_forms(encrypted: bytes) -> list[bytes]:
    """Return what the key is, decrypted, in each form it may travel in."""
    is_openssh = b"OPENSSH PRIVATE KEY" in encrypted
    load = serialization.load_ssh_private_key if is_openssh else serialization.load_pem_private_key
    key = load(encrypted, PASSPHRASE.encode())
    plain = serialization.NoEncryption()
    encoding, formats = serialization.Encoding, serialization.PrivateFormat
    seed = key.private_bytes(encoding.Raw, formats.Raw, plain)
    pem = key.private_bytes(encoding.PEM, formats.PKCS8, plain)
    encoded = base64.b64encode(seed)
    urlsafe = base64.urlsafe_b64encode(seed)
    return [seed, seed.hex().encode(), encoded[:-1], urlsafe[:-1], pem.splitlines()[1]]


ACTS: dict[str, Callable[[Place, Session], Run]] = {
    "with a password": with_password,
    "401 of an upload": refused,
    "401 of the page": refused_at_once,
    "500": failing,
    "unreachable": unreachable,
    "redirect of an upload": redirected,
    "redirect of the page": redirected_when_reading,
    "wrong hash": wrong_hash,
    "with a token": with_token,
    "from the environment": from_the_environment,
    "in the URL": in_the_url,
    "typed": typed,
    "through a proxy": through_a_proxy,
    "407": refused_by_a_proxy,
    "unreachable proxy": unreachable_proxy,
    "proxy without tunnels": proxy_without_tunnels,
    "a release breaks off": broken_off_release,
    "signed": signed,
    "signed in a pipeline": signed_in_a_pipeline,
    "wrong passphrase": not_signed,
}
SUCCESSES = {
    "with a password",
    "from the environment",
    "through a proxy",
    "signed",
    "signed in a pipeline",
}
EXIT_CODES = {
    "401 of an upload": 44,
    "401 of the page": 44,
    "500": 40,
    "unreachable": 43,
    "redirect of an upload": 42,
    "redirect of the page": 44,
    "wrong hash": 49,
    "with a token": 44,
    "in the URL": 44,
    "typed": 44,
    "407": 43,
    "unreachable proxy": 43,
    "proxy without tunnels": 43,
    "a release breaks off": 44,
    "wrong passphrase": 82,
}


@contextlib.contextmanager
def watched(listed: set[bytes]) -> Iterator[None]:
    """Note the command lines of all processes, again and again, until the block ends."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.005):
            for process in Path("/proc").iterdir():
                with contextlib.suppress(OSError):  # It has ended, or is no process.
                    listed.add((process / "cmdline").read_bytes())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_much_has_happened(session: Session) -> None:
    codes = {name: session.runs[name].returncode for name in ACTS}

    assert codes == dict.fromkeys(SUCCESSES, 0) | EXIT_CODES
    for name in ("with a password", "401 of the page", "500", "407", "signed"):
        # Before it Poetry tells, at -vvv, which files of its own it reads.
        assert json.loads("{" + session.runs[name].stdout.partition("{")[2])


def test_each_secret_was_really_in_use(session: Session) -> None:
    """Otherwise nothing could be found."""
    said = "\n".join(value for headers in session.headers for value in headers.values())
    pairs = [
        *((USER, password) for password in (PASSWORD, URL_PASSWORD, TYPED_PASSWORD)),
        ("__token__", TOKEN),
        PROXY,
    ]
    for pair in pairs:
        assert base64.b64encode(":".join(pair).encode()).decode() in said, pair
    assert len(session.private) == 10
    assert session.token


@pytest.mark.parametrize("name", [*ACTS, "a key is made", "another key is made"])
def test_nothing_that_is_printed_tells_one(session: Session, name: str) -> None:
    run = session.runs[name]

    assert run.stdout + run.stderr
    assert session.found_in((run.stdout + run.stderr).encode()) == []


def test_no_file_holds_one_but_poetrys_own(session: Session) -> None:
    found = {
        str(path.relative_to(session.root)): session.found_in(content)
        for path, content in everything(session.root)
    }

    assert any("poetry-aegis/plan.json" in path for path in found)
    assert any("release.key" in path for path in found)
    assert any(path.endswith(".publish.attestation") for path in found)
    assert {path: secrets for path, secrets in found.items() if secrets} == {}


def everything(root: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield all files with their content, and what is packed into them."""
    for path in sorted(root.rglob("*")):
        if not path.is_file() or path.parent.name in ("config", "auth"):
            continue  # Poetry's own, and the registry's: they are where secrets belong.
        yield path, path.read_bytes()
        yield from ((path, content) for content in packed(path))
    for repository in root.rglob(".git"):
        command = ["git", "cat-file", "--batch-all-objects", "--batch"]
        objects = subprocess.run(command, cwd=repository, capture_output=True, check=True)
        yield repository, objects.stdout


def packed(path: Path) -> Iterator[bytes]:
    """Yield what is in a distribution."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            yield from (wheel.read(name) for name in wheel.namelist())
    elif path.name.endswith(".tar.gz"):
        with tarfile.open(path) as sdist:
            members = (sdist.extractfile(member) for member in sdist)
            yield from (member.read() for member in members if member)


def test_what_is_temporary_is_gone(session: Session) -> None:
    left = [path for folder in session.root.glob("*/temporary") for path in folder.rglob("*")]

    assert left == []


def test_the_process_list_tells_none(session: Session) -> None:
    if sys.platform != "linux":
        missing("needs /proc")
    words: Sequence[bytes] = (b"publish", b"git", b"poetry_aegis.registry")

    assert [word for word in words if not any(word in line for line in session.listed)] == []
    assert [line for line in session.listed if session.found_in(line)] == []


def test_the_search_finds_each_form() -> None:
    """The test of the tests: what is looked for is found where it is."""
    session = Session(Path(), private=[b"seed"], token="aegis_id_abcdefghijkl")
    pair = base64.b64encode(f"{USER}:{PASSWORD}".encode())
    for content in (
        PASSWORD.encode(),
        quote(PASSWORD, safe="").encode(),
        json.dumps({"a": PASSWORD}).encode(),
        b"Authorization: Basic " + pair,
        base64.urlsafe_b64encode(base64.b64decode(pair)),
    ):
        assert session.found_in(content) == ["password"], content
    assert session.found_in(b"a seed") == ["private key"]
    assert session.found_in(b"nothing") == []
