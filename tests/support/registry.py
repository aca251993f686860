"""A real registry: a process of its own, listening on a free port of the loopback."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from poetry_aegis.registry.people.users import Users

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

USERS: Mapping[str, tuple[str, str]] = {
    "ada": ("admin-secret", "admin"),
    "pub": ("publisher-secret", "publisher"),
    "rae": ("reader-secret", "reader"),
}
JSON = "application/vnd.pypi.simple.v1+json"
CHEAP_ROUNDS = 4  # bcrypt's least: the tests log in often
UNLIMITED_LOGINS = "[logins]\nper_address = 100000\nper_user = 100000\n"
LOG_DELAY = 0.4  # seconds until requests are in the log
PATIENCE = 20.0  # seconds until a registry that does not come up, or stop, is a failure


# One for all: making a client costs more than what it asks for here.
HTTP = httpx.Client(
    trust_env=False, timeout=PATIENCE, limits=httpx.Limits(max_keepalive_connections=0)
)


@dataclass(frozen=True)
class RegistryServer:
    """A running registry. *users* maps a name to its password and role."""

    url: str
    data: Path
    process: subprocess.Popen[bytes]
    users: Mapping[str, tuple[str, str]]
    log_file: Path

    def log(self) -> str:
        """Return what the process has written so far, as text."""
        return self.log_file.read_text(encoding="utf-8")

    def log_lines(self) -> list[dict[str, Any]]:
        """Return the structured log, one dictionary a line, with the last request in it."""
        time.sleep(LOG_DELAY)
        return [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]

    def authenticated_url(self, user: str, path: str = "/simple/") -> str:
        """Return the address of *path* with *user*'s credentials in it, as pip and uv take it."""
        scheme, _, rest = self.url.partition("://")
        return f"{scheme}://{user}:{self.users[user][0]}@{rest}{path}"

    def terminate(self) -> int:
        """Ask the process to stop and return its exit code."""
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """End the process without a warning, as a power cut would."""
        self.process.kill()
        self.process.wait(PATIENCE)


@contextlib.contextmanager
def running_registry(
    data: Path,
    *,
    users: Mapping[str, tuple[str, str]] = USERS,
    arguments: Sequence[str] = (),
    settings: str = UNLIMITED_LOGINS,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[RegistryServer]:
    """Run a registry on *data* until the block ends. Users that exist already stay as they are.

    *settings* is the text of its settings file.
    """
    add_users(data, users)
    settings_file = data.with_name(f"{data.name}.toml")
    settings_file.write_text(settings, encoding="utf-8")
    arguments = ("--settings", str(settings_file), *arguments)
    log_file = data.with_name(f"{data.name}.log")
    command = [sys.executable, "-m", "poetry_aegis.registry", "serve", "--data", str(data)]
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [*command, "--host", host, "--port", str(port), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        url = _wait_until_ready(process, log_file)
        yield RegistryServer(url, data, process, users, log_file)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def upload(
    server: RegistryServer,
    file: Path,
    *,
    user: str = "pub",
    password: str | None = None,
    path: str = "/legacy/",
    fields: Mapping[str, str | None] | None = None,
    file_name: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    """Post *file* as upload clients do; *fields* replaces fields of the form, ``None`` drops one.

    The name and version in the form are those of the file's name.
    """
    name, _, rest = file.name.removesuffix(".tar.gz").partition("-")
    form: dict[str, str | None] = {
        ":action": "file_upload",
        "protocol_version": "1",
        "name": name,
        "version": rest.partition("-")[0],
        "sha256_digest": hashlib.sha256(file.read_bytes()).hexdigest(),
        **(fields or {}),
    }
    return HTTP.post(
        server.url + path,
        data={key: value for key, value in form.items() if value is not None},
        files={"content": (file_name or file.name, file.read_bytes())},
        auth=(user, server.users[user][0] if password is None else password),
        headers=headers,
    )


def read(
    server: RegistryServer,
    path: str,
    *,
    user: str | None = "rae",
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    """Get *path* as *user*, anonymously for ``None``; redirects are not followed."""
    return HTTP.get(
        server.url + path,
        auth=None if user is None else (user, server.users[user][0]),
        headers=headers,
    )


def listed_files(server: RegistryServer, project: str) -> dict[str, dict[str, Any]]:
    """Return the files of a project page by name, none where there is no such project."""
    answer = read(server, f"/simple/{project}/", headers={"accept": JSON})
    return {} if answer.status_code == 404 else {f["filename"]: f for f in answer.json()["files"]}


def basic(user: str, password: str) -> str:
    """Return the value of an ``Authorization`` header (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def add_users(data: Path, users: Mapping[str, tuple[str, str]]) -> None:
    """Give the data directory *data* its users, at the least cost bcrypt knows."""
    registered = Users(data / "auth", rounds=CHEAP_ROUNDS)
    known = {user.name for user in registered.list()}
    for name, (password, role) in users.items():
        if name not in known:
            registered.add(name, password, role)


def _wait_until_ready(process: subprocess.Popen[bytes], log_file: Path) -> str:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        url = _announced_url(log_file)
        if url and _is_ready(url):
            return url
        time.sleep(0.02)
    raise AssertionError(f"The registry did not come up:\n{log_file.read_text()}")


def _announced_url(log_file: Path) -> str | None:
    for line in log_file.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.startswith("{") and line.endswith("\n"):
            entry = json.loads(line)
            if entry["event"] == "listening":
                return str(entry["url"])
    return None


def _is_ready(url: str) -> bool:
    try:
        return HTTP.get(f"{url}/ready").status_code == 200
    except httpx.TransportError:
        return False
