"""Logins of several users, profiles and broken files: what ``client setup`` says before it acts."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import AegisError, Unauthorized, UsageError
from tests.integration.test_client_setup import KEYRING, client, document, files_of, stripped
from tests.support.distributions import make_wheel
from tests.support.poetry import make_user
from tests.support.registry import USERS, running_registry, upload
from tests.support.upstream import running_index

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.support.poetry import PoetryHome
    from tests.support.registry import RegistryServer

PATIENCE = 60.0  # seconds until a question that does not come is a failure


@pytest.fixture
def user(poetry: PoetryHome) -> PoetryHome:
    """Return a user's new home, where nothing of this machine tells clients anything."""
    return stripped(poetry)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    root = tmp_path_factory.mktemp("registry")
    with running_registry(root / "data") as server:
        assert upload(server, make_wheel(root, "tiny", "1.0")).status_code == 200
        yield server


def as_user(registry: RegistryServer, name: str) -> tuple[str, ...]:
    return ("--url", registry.url, "--username", name, "--password-stdin")


def set_up(
    user: PoetryHome, registry: RegistryServer, name: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    return client(user, *arguments, *as_user(registry, name), password=USERS[name][0])


def test_a_publishers_login_is_not_lost_to_a_readers(
    user: PoetryHome, registry: RegistryServer
) -> None:
    published = set_up(user, registry, "pub", "poetry")
    assert "poetry aegis publish -r aegis" in published.stdout
    before = files_of(user.root)

    shown = set_up(user, registry, "rae", "setup", "poetry", "--dry-run")
    auth = user.root / "config" / "auth.toml"
    assert f"poetry: replaces the login of pub in {auth}" in shown.stdout
    for command in (("setup", "poetry"), ("setup", "poetry", "--json"), ("poetry",)):
        refused = set_up(user, registry, "rae", *command)
        assert refused.returncode == UsageError.exit_code
        assert "--replace-login" in refused.stderr
    assert files_of(user.root) == before

    done = set_up(user, registry, "rae", "setup", "poetry", "--replace-login", "--no-check")
    assert done.returncode == 0, done.stderr
    assert "poetry aegis publish" not in done.stdout  # A reader may not.
    assert b"rae" in files_of(user.root)["config/auth.toml"]
    back = client(user, "setup", "poetry", "--undo")
    assert files_of(user.root) == before
    assert "poetry aegis client setup poetry --undo" in back.stdout
    client(user, "setup", "poetry", "--undo")
    assert not auth.exists()


def test_a_publishers_login_in_the_keyring_is_not_lost_to_a_readers(
    user: PoetryHome, registry: RegistryServer, tmp_path: Path
) -> None:
    """The keyring is a file, for want of a desktop; all goes through the real keyring library."""
    (tmp_path / "filekeyring.py").write_text(KEYRING)
    user.extra_env.update(
        {
            "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
            "PYTHON_KEYRING_BACKEND": "filekeyring.FileKeyring",
            "POETRY_KEYRING_ENABLED": "true",
        }
    )
    set_up(user, registry, "pub", "poetry")
    before = files_of(user.root), (tmp_path / "keyring.json").read_text()
    refused = set_up(user, registry, "rae", "setup", "poetry")
    assert refused.returncode == UsageError.exit_code
    done = set_up(user, registry, "rae", "setup", "poetry", "--replace-login", "--no-check")
    assert done.returncode == 0, done.stderr
    assert "poetry-repository-aegis rae" in (tmp_path / "keyring.json").read_text()
    client(user, "setup", "poetry", "--undo")
    assert (files_of(user.root), (tmp_path / "keyring.json").read_text()) == before


def on_terminal(
    user: PoetryHome, *arguments: str, answers: Sequence[tuple[str, str]]
) -> tuple[int, str]:
    """Run ``poetry aegis client`` on a terminal; give each answer once its question is there."""
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "poetry", "aegis", "client", *arguments],
        cwd=user.root,
        env=user.env,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    told, place, end = "", 0, time.monotonic() + PATIENCE
    waiting = list(answers)
    try:
        while time.monotonic() < end:
            if waiting and waiting[0][0] in told[place:]:
                time.sleep(0.2)  # getpass drops what was typed before it listens.
                place = len(told)
                os.write(ours, f"{waiting.pop(0)[1]}\n".encode())
            if not select.select([ours], [], [], 0.1)[0]:
                continue
            try:
                part = os.read(ours, 65536)
            except OSError:  # Linux says so that the other side is closed.
                break
            if not part:
                break
            told += part.decode(errors="replace")
        assert not waiting, told
        return process.wait(PATIENCE), told
    finally:
        process.kill()
        process.wait()
        os.close(ours)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such terminal")
def test_a_wrong_password_is_asked_for_again_and_a_replaced_login_too(
    user: PoetryHome, registry: RegistryServer
) -> None:
    set_up(user, registry, "pub", "poetry")
    before = files_of(user.root)
    options = ("setup", "poetry", "--url", registry.url, "--username", "rae", "--no-check")
    right, wrong = ("Password of rae", USERS["rae"][0]), ("Password of rae", "wrong")
    code, told = on_terminal(user, *options, answers=[wrong, wrong, wrong])
    assert code == Unauthorized.exit_code, told
    code, told = on_terminal(user, *options, answers=[wrong, right, ("another user", "no")])
    assert code == UsageError.exit_code, told
    assert files_of(user.root) == before
    code, told = on_terminal(user, *options, answers=[right, ("another user", "yes")])
    assert code == 0, told
    assert b"rae" in files_of(user.root)["config/auth.toml"]


def test_undo_names_the_profiles_that_are_still_set_up(
    user: PoetryHome, registry: RegistryServer, tmp_path: Path
) -> None:
    project = make_user(tmp_path / "user")
    with (project / "pyproject.toml").open("a") as stream:
        for name in ("dev", "prod"):
            stream.write(f'[tool.poetry-aegis.profiles.{name}]\nurl = "{registry.url}"\n')
    secret = USERS["rae"][0]
    for profile in ([], ["--profile", "dev"], ["--profile", "prod"]):
        url = [] if profile else ["--url", registry.url]
        options = ("setup", "pip", *url, *profile, "--username", "rae", "--password-stdin")
        done = client(user, *options, "--no-check", cwd=project, password=secret)
        assert done.returncode == 0, done.stderr
    command = "poetry aegis client setup pip --profile prod --undo"
    told = client(user, "setup", "pip", "--undo")
    assert told.returncode == 0
    assert "Nothing was set up, in the profile default" in told.stdout
    assert command in told.stdout
    assert document(client(user, "setup", "pip", "--undo", "--json"))["still_set_up"] == [command]
    client(user, *command.split()[3:])
    assert not (user.root / ".netrc").exists()
    assert "still" not in client(user, "setup", "pip", "--undo").stdout


def test_an_index_without_public_packages_says_so(
    user: PoetryHome, registry: RegistryServer, tmp_path: Path
) -> None:
    told = set_up(user, registry, "rae", "setup", "pip")
    assert told.returncode == 0, told.stderr
    assert "has no public packages" in told.stderr
    assert "[upstream]" in told.stderr
    with running_index() as other:
        other.publish("pip", make_wheel(tmp_path, "pip", "1.0"))
        settings = f'[upstream]\nurl = "{other.simple}"\n'
        with running_registry(tmp_path / "data", settings=settings) as through:
            done = document(set_up(user, through, "rae", "setup", "pip", "--json"))
    assert not [note for note in done["notes"] if "upstream" in note]


def test_a_source_that_changes_its_priority_says_so(
    user: PoetryHome, registry: RegistryServer, tmp_path: Path
) -> None:
    set_up(user, registry, "rae", "setup", "poetry", "--no-check")
    project = make_user(tmp_path / "user")
    source = ("source", "--url", registry.url)
    client(user, *source, "--priority", "explicit", cwd=project)
    told = client(user, *source, "--dry-run", cwd=project)
    assert "The source aegis was explicit, and becomes primary." in told.stderr
    assert "has no public packages" in told.stderr
    notes = document(client(user, *source, "--json", cwd=project))["notes"]
    assert len(notes) == 2


def test_broken_files_are_named_by_setup_and_by_show(
    user: PoetryHome, registry: RegistryServer
) -> None:
    broken = {
        "poetry": user.root / "config" / "config.toml",
        "pip": user.root / ".config" / "pip" / "pip.conf",
        "uv": user.root / ".config" / "uv" / "uv.toml",
        "twine": user.root / ".pypirc",
    }
    for path in broken.values():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("[[x\n")
    rows = document(client(user, "show", "--json"))["indexes"]
    assert {row["tool"]: row["where"] for row in rows} == {t: str(p) for t, p in broken.items()}
    assert all(row["problem"].startswith(f"cannot be read: {row['where']}") for row in rows)
    assert {(row["state"], row["url"]) for row in rows} == {("unreadable", None)}
    told = client(user, "show").stdout
    assert all(f"cannot be read: {path}" in told for path in broken.values())

    for command in (("setup", "poetry"), ("poetry",), ("setup", "pip")):
        refused = set_up(user, registry, "rae", *command)
        assert refused.returncode == AegisError.exit_code
        assert f"{broken['poetry']}: It is no valid TOML" in refused.stderr
        assert "in line 1" in refused.stderr
    broken.pop("poetry").unlink()
    for tool, path in broken.items():
        refused = set_up(user, registry, "rae", "setup", tool, "--json")
        assert refused.returncode == AegisError.exit_code
        assert str(path) in json.loads(refused.stdout)["message"]
        assert "line 1" in json.loads(refused.stdout)["message"]


def test_a_file_that_is_read_only_stops_it_before_anything_is_written(
    user: PoetryHome, registry: RegistryServer
) -> None:
    path = user.root / ".pypirc"
    path.write_text("[distutils]\n")
    path.chmod(0o444)
    before = files_of(user.root)
    refused = set_up(user, registry, "rae", "setup")
    assert refused.returncode == AegisError.exit_code
    assert f"{path} is read-only" in refused.stderr
    assert files_of(user.root) == before


def test_a_netrc_that_uv_cannot_read_is_named(user: PoetryHome, registry: RegistryServer) -> None:
    path = user.root / ".netrc"
    path.write_bytes(b"machine other login a password b\r\n\r\nmacdef init\r\n  cd /\r\n\r\n")
    refused = set_up(user, registry, "rae", "setup", "uv")
    assert f"uv cannot read {path}" in refused.stdout
    assert "line ends of Windows" in refused.stdout
