"""``poetry aegis client setup``, ``source`` and ``show``: real clients and a registry with TLS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from poetry_aegis.errors import SettingsError, Unauthorized, Unreachable, UsageError
from poetry_aegis.server.certificates import certificate_files, ensure_certificates
from poetry_aegis.server.home import ServerHome
from poetry_aegis.server.stack.settings import WebSettings
from tests.integration.test_client_tls import ending_tls
from tests.support.clients import PROXIES, STEERING
from tests.support.distributions import make_wheel
from tests.support.poetry import make_library, make_user
from tests.support.registry import running_registry, upload
from tests.support.server import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.poetry import PoetryHome

PASSWORD = "publisher-secret"
TRUSTING = (
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Return the address of a registry that answers with TLS, and the file of its authority."""
    root = tmp_path_factory.mktemp("server")
    home = ServerHome(root / "home")
    home.make_directories()
    web = WebSettings(name="localhost", https_port=free_port())
    ensure_certificates(home, web)
    with running_registry(home.data) as registry:
        assert upload(registry, make_wheel(root, "tiny", "1.0")).status_code == 200
        behind = int(registry.url.rpartition(":")[2])
        with ending_tls(*certificate_files(home, web), web.https_port, behind):
            yield f"https://localhost:{web.https_port}/", home.tls / "ca.crt"


@pytest.fixture
def user(poetry: PoetryHome) -> PoetryHome:
    """Return a user's new home, where nothing of this machine tells clients anything."""
    return stripped(poetry)


def stripped(poetry: PoetryHome) -> PoetryHome:
    known = {n: "" for n in os.environ if n.startswith(STEERING) or n.lower() in PROXIES}
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    poetry.extra_env.update(known | dict.fromkeys(TRUSTING, "") | {"PATH": programs})
    for name in ("POETRY_CONFIG_DIR", "POETRY_DATA_DIR", "POETRY_CACHE_DIR"):
        poetry.extra_env[name] = poetry.env[name]
    poetry.extra_env["XDG_CONFIG_HOME"] = str(poetry.root / ".config")
    poetry.extra_env["XDG_DATA_HOME"] = str(poetry.root / ".local")
    return poetry


def client(
    user: PoetryHome, *arguments: str, cwd: Path | None = None, password: str | None = None
) -> subprocess.CompletedProcess[str]:
    done = user.run("aegis", "client", *arguments, cwd=cwd or user.root, stdin=password)
    assert PASSWORD not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def document(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def named(server: tuple[str, Path]) -> tuple[str, ...]:
    return ("--url", server[0], "--ca", str(server[1]), "--username", "pub", "--password-stdin")


def run(user: PoetryHome, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=user.root,
        env={k: v for k, v in user.env.items() if v} | env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


# Records and authorities, caches, and what pip leaves behind when it asks rustc for its version.
ELSEWHERE = {".local", ".cache", "cache", ".rustup"}


def files_of(home: Path) -> dict[str, bytes]:
    """Return every file of the user's configuration."""
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in sorted(home.rglob("*"))
        if path.is_file() and not ELSEWHERE & set(path.relative_to(home).parts)
    }


def furnish(user: PoetryHome) -> None:
    """Give the user files of each client, with comments, odd line ends and a password."""
    for name, content in {
        ".config/pip/pip.conf": b"# mine\r\n[global]\r\nindex-url = https://old/ \r\ntimeout: 5",
        ".config/uv/uv.toml": b"# caf\xc3\xa9\nconcurrent-downloads = 3 # why",
        ".pypirc": b"[distutils]\nindex-servers = pypi\n[pypi]\nusername=__token__\npassword=p1\n",
        ".netrc": b"machine localhost login old password old-one\ndefault login a password b",
        "config/config.toml": b"# mine\n[repositories]\n[repositories.x]\nurl = 'https://x/'\n",
        "config/auth.toml": b"[http-basic.x]\nusername = 'a'\npassword = 'b'\n",
    }.items():
        path = user.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def test_all_clients_are_set_up_work_and_come_back_to_the_byte(
    user: PoetryHome, server: tuple[str, Path], tmp_path: Path
) -> None:
    furnish(user)
    before = files_of(user.root)
    shown = client(user, "setup", "all", *named(server), "--dry-run", password=PASSWORD)
    assert shown.returncode == 0, shown.stderr
    assert files_of(user.root) == before

    refused = client(user, "setup", *named(server), "--json", password=PASSWORD)
    assert refused.returncode == UsageError.exit_code
    assert "replaces the login of old" in json.loads(refused.stdout)["message"]
    assert files_of(user.root) == before

    options = ("--replace-login", "--json")
    done = document(client(user, "setup", *named(server), *options, password=PASSWORD))
    assert [item["username"] for item in done["replaces"]] == ["old"]
    assert {item["tool"]: item["state"] for item in done["checks"]} == dict.fromkeys(
        ("poetry", "pip", "uv", "twine"), "works"
    )
    changed = {item["path"] for item in done["files"] if item["changed"]}
    assert changed == {str(user.root / name) for name in before if name != "gitconfig"}
    for name in (".pypirc", ".netrc", "config/auth.toml"):
        assert (user.root / name).stat().st_mode & 0o077 == 0

    pip = run(
        user, sys.executable, "-m", "pip", "download", "--no-deps", "-d", str(tmp_path), "tiny"
    )
    assert pip.returncode == 0, pip.stdout + pip.stderr
    (setting,) = [note for note in done["notes"] if "SSL_CERT_DIR" in note]
    certificates = {"SSL_CERT_DIR": setting.rpartition("SSL_CERT_DIR=")[2]}
    target = ("--target", str(tmp_path / "site"), "--no-cache", "--python", sys.executable)
    uv = run(user, "uv", "pip", "install", *target, "tiny", **certificates)
    assert uv.returncode == 0, uv.stderr
    twine = run(
        user, "twine", "upload", "--non-interactive", "-r", "aegis",
        str(make_wheel(tmp_path, "from-twine", "1.0")),
    )  # fmt: skip
    assert twine.returncode == 0, twine.stdout + twine.stderr
    library = make_library(tmp_path / "library")
    published = user.run("publish", "--build", "-r", "aegis", cwd=library)
    assert published.returncode == 0, published.stdout + published.stderr

    again = document(client(user, "setup", "--url", server[0], "--ca", str(server[1]), "--json"))
    assert not [item for item in again["files"] if item["changed"]]

    back = client(user, "setup", "--undo")
    assert back.returncode == 0, back.stderr
    assert files_of(user.root) == before
    assert not list(user.root.rglob("clients/*/*.json"))
    assert "nothing to take back" in client(user, "setup", "--undo").stdout


def test_what_is_set_up_in_a_bare_home_leaves_no_file(
    user: PoetryHome, server: tuple[str, Path]
) -> None:
    before = files_of(user.root)
    done = client(user, "setup", "pip", *named(server), password=PASSWORD)
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(files_of(user.root)) - set(before) == {".config/pip/pip.conf", ".netrc"}
    client(user, "setup", "uv", *named(server), "--no-check", password=PASSWORD)
    client(user, "setup", "pip", "--undo")
    assert "machine localhost login pub" in (user.root / ".netrc").read_text()
    client(user, "setup", "uv", "--undo")
    assert files_of(user.root) == before


def test_a_client_that_still_fails_is_found_out(user: PoetryHome, server: tuple[str, Path]) -> None:
    user.extra_env["PIP_INDEX_URL"] = "https://ada:s3cret@127.0.0.1:1/simple/"
    done = client(user, "setup", "pip", *named(server), password=PASSWORD)
    assert done.returncode == Unreachable.exit_code
    assert "pip asks another index" in done.stdout
    assert "PIP_INDEX_URL is set" in done.stderr
    assert "s3cret" not in done.stdout + done.stderr


def test_a_program_that_is_missing_is_skipped(
    user: PoetryHome, server: tuple[str, Path], tmp_path: Path
) -> None:
    user.extra_env["PATH"] = str(tmp_path)
    done = document(client(user, "setup", "uv", *named(server), "--json", password=PASSWORD))
    assert done["checks"] == [
        {"tool": "uv", "state": "skipped", "sentence": "uv is not installed, so it was not tried."}
    ]


def test_a_profile_of_the_project_and_the_address_in_the_environment(
    user: PoetryHome, server: tuple[str, Path], tmp_path: Path
) -> None:
    project = make_user(tmp_path / "user")
    (project / "ca.crt").write_bytes(server[1].read_bytes())
    with (project / "pyproject.toml").open("a") as stream:
        stream.write(
            f'[tool.poetry-aegis.profiles.prod]\nurl = "{server[0]}"\nca = "ca.crt"\n'
            'username = "pub"\nname = "corp"\n'
            '[tool.poetry-aegis.profiles.dev]\nurl = "https://127.0.0.1:1/"\n'
        )
    profile = ("setup", "uv", "--profile", "prod", "--password-stdin")
    done = document(client(user, *profile, "--json", cwd=project, password=PASSWORD))
    assert (done["name"], done["profile"]) == ("corp", "prod")
    assert 'name = "corp"' in (user.root / ".config/uv/uv.toml").read_text()

    unknown = client(user, "setup", "uv", "--profile", "none", cwd=project)
    assert unknown.returncode == SettingsError.exit_code
    assert "it has: prod, dev" in unknown.stderr

    host = server[0].removeprefix("https://")
    user.extra_env["PYPI_INDEX_URL"] = f"https://pub:{PASSWORD}@{host}simple/"
    options = ("setup", "pip", "--profile", "dev", "--ca", "ca.crt", "--json")
    told = document(client(user, *options, cwd=project))
    assert told["simple_url"] == f"{server[0]}simple/"
    assert [item["state"] for item in told["checks"]] == ["works"]


def test_the_source_of_a_project(
    user: PoetryHome, server: tuple[str, Path], tmp_path: Path
) -> None:
    client(user, "setup", "poetry", *named(server), "--no-check", password=PASSWORD)
    project = make_user(tmp_path / "user")
    pyproject = project / "pyproject.toml"
    before = pyproject.read_text().replace(
        "[tool.poetry]", 'dependencies = ["tiny"]\n[tool.poetry]'
    )
    pyproject.write_text(before)
    options = ("source", "--url", server[0], "--package", "tiny")
    assert "+source" not in client(user, *options, "--dry-run", cwd=project).stdout
    assert pyproject.read_text() == before

    done = document(client(user, *options, "--json", cwd=project))
    assert (done["priority"], done["changed"]) == ("explicit", True)
    assert pyproject.read_text().startswith(before)
    checked = user.run("check", cwd=project)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    locked = user.run("lock", cwd=project)
    assert locked.returncode == 0, locked.stdout + locked.stderr
    lock = (project / "poetry.lock").read_text()
    assert f'url = "{server[0]}simple"' in lock
    assert 'reference = "aegis"' in lock
    assert not document(client(user, *options, "--json", cwd=project))["changed"]

    refused = client(user, "source", "--url", server[0], "--package", "other", cwd=project)
    assert refused.returncode == UsageError.exit_code
    wrong = client(user, "source", "--url", server[0], "--priority", "best", cwd=project)
    assert wrong.returncode == UsageError.exit_code


def test_show_tells_what_each_client_asks_and_what_comes_back(
    user: PoetryHome, server: tuple[str, Path], tmp_path: Path
) -> None:
    user.extra_env["TWINE_REPOSITORY"] = "aegis"  # so that none but the loopback is asked
    client(user, "setup", *named(server), "--no-check", password=PASSWORD)
    project = make_user(tmp_path / "user")
    client(user, "source", "--url", server[0], cwd=project)

    def seen() -> dict[tuple[str, str], str]:
        rows = document(client(user, "show", "--json", cwd=project))["indexes"]
        return {(row["tool"], row["role"]): row["state"] for row in rows}

    assert seen() == {
        ("poetry", "primary"): "answers",
        ("poetry", "upload"): "answers",
        ("pip", "index"): "answers",
        ("uv", "index"): "untrusted",
        ("twine", "upload"): "answers",
    }
    (kept,) = user.root.rglob("authorities/aegis.crt")
    user.extra_env["SSL_CERT_DIR"] = f"{kept.parent}"
    user.extra_env["PIP_EXTRA_INDEX_URL"] = "http://ada:s3cret@127.0.0.1:1/simple/"
    (user.root / ".netrc").unlink()
    (user.root / "config" / "auth.toml").unlink()
    assert seen() == {
        ("poetry", "primary"): "unauthorized",
        ("poetry", "upload"): "answers",
        ("pip", "index"): "unauthorized",
        ("pip", "beside it"): "unreachable",
        ("uv", "index"): "unauthorized",
        ("twine", "upload"): "answers",
    }
    told = client(user, "show", cwd=project)
    assert "s3cret" not in told.stdout
    assert "http://127.0.0.1:1/simple/" in told.stdout
    assert str(user.root / ".config/pip/pip.conf") in told.stdout


def test_what_the_older_command_writes_is_taken_back_too(
    user: PoetryHome, server: tuple[str, Path]
) -> None:
    furnish(user)
    before = files_of(user.root)
    done = client(user, "poetry", *named(server), password=PASSWORD)
    assert done.returncode == 0, done.stderr
    assert PASSWORD.encode() in files_of(user.root)["config/auth.toml"]
    assert client(user, "setup", "poetry", "--undo").returncode == 0
    assert files_of(user.root) == before


def test_a_password_is_used_again_for_the_index_that_it_is_of_and_for_no_other(
    user: PoetryHome, server: tuple[str, Path]
) -> None:
    client(user, "setup", "poetry", *named(server), "--no-check", password=PASSWORD)
    asked: list[str] = []

    class Listening(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers.get("Authorization", ""))
            self.send_error(401)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  inherited name
            """Keep the tests' output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Listening) as other:
        threading.Thread(target=other.serve_forever, args=(0.01,), daemon=True).start()
        url = ("--url", f"http://127.0.0.1:{other.server_port}/")
        nobody = client(user, "setup", "pip", *url)
        named_user = client(user, "setup", "pip", *url, "--username", "pub")
        other.shutdown()
    assert nobody.returncode == named_user.returncode == UsageError.exit_code
    assert set(asked) == {""}
    host = server[0].removeprefix("https://")
    user.extra_env["PYPI_INDEX_URL"] = f"https://pub:wrong@{host}"
    refused = client(user, "setup", "pip", "--ca", str(server[1]))
    assert refused.returncode == Unauthorized.exit_code
    assert not (user.root / ".netrc").exists()


KEYRING = """\
import json, pathlib
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

FILE = pathlib.Path(__file__).with_name("keyring.json")


class FileKeyring(KeyringBackend):
    priority = 1

    def _all(self):
        return json.loads(FILE.read_text()) if FILE.exists() else {}

    def get_password(self, service, username):
        return self._all().get(f"{service} {username}")

    def set_password(self, service, username, password):
        FILE.write_text(json.dumps(self._all() | {f"{service} {username}": password}))

    def delete_password(self, service, username):
        known = self._all()
        if known.pop(f"{service} {username}", None) is None:
            raise PasswordDeleteError
        FILE.write_text(json.dumps(known))
"""


def test_where_there_is_a_keyring_no_file_of_twines_or_poetrys_has_the_password(
    user: PoetryHome, server: tuple[str, Path], tmp_path: Path
) -> None:
    """The keyring is a file, for want of a desktop; all goes through the real keyring library."""
    (tmp_path / "filekeyring.py").write_text(KEYRING)
    kept = tmp_path / "keyring.json"
    kept.write_text('{"mine ada": "x"}')
    settings = {
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
        "PYTHON_KEYRING_BACKEND": "filekeyring.FileKeyring",
        "POETRY_KEYRING_ENABLED": "true",
    }
    user.extra_env.update(settings)
    done = document(client(user, "setup", "twine", *named(server), "--json", password=PASSWORD))
    assert [item["state"] for item in done["checks"]] == ["works"]
    client(user, "setup", "poetry", *named(server), "--no-check", password=PASSWORD)
    assert not [
        name for name, content in files_of(user.root).items() if PASSWORD.encode() in content
    ]
    entries = {f"{server[0]}legacy/ pub": PASSWORD, "poetry-repository-aegis pub": PASSWORD}
    assert json.loads(kept.read_text()) == {"mine ada": "x", **entries}

    # Poetry knows it now, so that nobody is asked.
    again = document(client(user, "setup", "pip", *named(server)[:4], "--json"))
    assert [item["state"] for item in again["checks"]] == ["works"]
    client(user, "setup", "--undo")
    assert json.loads(kept.read_text()) == {"mine ada": "x"}


def test_an_index_that_all_may_read_needs_no_password(user: PoetryHome, tmp_path: Path) -> None:
    with running_registry(tmp_path / "data", arguments=("--anonymous-read",)) as registry:
        done = document(client(user, "setup", "pip", "--url", registry.url, "--json"))
        assert [item["state"] for item in done["checks"]] == ["works"]
        assert not (user.root / ".netrc").exists()
    with running_registry(tmp_path / "other") as registry:
        refused = client(user, "setup", "pip", "--url", registry.url)
        assert refused.returncode == UsageError.exit_code
        assert "--username" in refused.stderr
