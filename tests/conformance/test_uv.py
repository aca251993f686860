from __future__ import annotations

import hashlib
import json
import sys
from typing import TYPE_CHECKING

import pytest
import tomlkit

from tests.conformance.conftest import YANKED_FOR, make_token, set_status
from tests.support.attestations import attestation
from tests.support.clients import run
from tests.support.distributions import make_sdist, make_wheel
from tests.support.registry import RegistryServer, listed_files, read, upload

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.conformance.relay import Index

WHEELS = ["base-2.0.0-py3-none-any.whl", "top-1.0.0-py3-none-any.whl"]


def uv(
    home: Path, *arguments: str | Path, env: dict[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-m", "uv", *arguments, home=home, env=env, cwd=cwd)


def install(
    index: str, home: Path, *arguments: str | Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    target = ("--target", home / "site", "--python", sys.executable)
    return uv(home, "pip", "install", "--default-index", index, *target, *arguments, env=env)


def publish(
    registry: RegistryServer, home: Path, user: str, *arguments: str | Path
) -> subprocess.CompletedProcess[str]:
    login = ("--username", user, "--password", registry.users[user][0])
    url = f"{registry.url}/legacy/"
    return uv(home, "publish", "--publish-url", url, *login, *arguments)


def installed(home: Path) -> set[str]:
    return {path.name.removesuffix(".dist-info") for path in (home / "site").glob("*.dist-info")}


def test_installs_what_is_right_for_this_python_and_not_yanked(
    index: Index, tmp_path: Path
) -> None:
    result = install(index.as_user(), tmp_path, "top")

    assert result.returncode == 0, result.stdout
    assert installed(tmp_path) == {"top-1.0.0", "base-2.0.0"}
    assert index.sent_only_its_format()
    assert index.fetched(".whl") == WHEELS
    assert "uv/" in index.agents("base-2.0.0-py3-none-any.whl.metadata")


def test_gets_a_yanked_version_that_is_pinned_and_says_why_it_is_yanked(
    index: Index, tmp_path: Path
) -> None:
    result = install(index.as_user(), tmp_path, "base==2.5.0")

    assert result.returncode == 0, result.stdout
    assert installed(tmp_path) == {"base-2.5.0"}
    assert YANKED_FOR in result.stdout


def test_gets_a_version_with_an_epoch_and_a_local_part(index: Index, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "odd", "1!2.0+local.1")
    assert upload(index.registry, wheel).status_code == 200

    result = install(index.as_user(), tmp_path, "odd")

    assert result.returncode == 0, result.stdout
    assert installed(tmp_path) == {"odd-1!2.0+local.1"}


def test_compiles_requirements_from_metadata_alone(index: Index, tmp_path: Path) -> None:
    wishes = tmp_path / "requirements.in"
    wishes.write_text("top\n")
    options = ("--generate-hashes", "--python", sys.executable, "--default-index", index.as_user())

    result = uv(tmp_path, "pip", "compile", *options, wishes)

    assert result.returncode == 0, result.stdout
    assert "top==1.0.0" in result.stdout
    assert "base==2.0.0" in result.stdout
    digests = {f["hashes"]["sha256"] for f in listed_files(index.registry, "top").values()}
    assert all(f"--hash=sha256:{digest}" in result.stdout for digest in digests)
    assert index.fetched(".whl.metadata") == [f"{wheel}.metadata" for wheel in WHEELS]
    assert index.fetched(".whl") == []


def test_locks_and_syncs(index: Index, tmp_path: Path) -> None:
    project = tmp_path / "app"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.10"\n'
        'dependencies = ["top"]\n'
        f'[[tool.uv.index]]\nname = "corp"\nurl = "{index.simple}"\ndefault = true\n'
    )
    # Where a project names its indexes, the environment names who asks.
    env = {"UV_INDEX_CORP_USERNAME": "rae", "UV_INDEX_CORP_PASSWORD": "reader-secret"}
    env |= {"UV_PYTHON": sys.executable, "UV_NO_CONFIG": "0"}

    locked = uv(tmp_path, "lock", env=env, cwd=project)
    fetched_to_lock = index.fetched(".whl")
    synced = uv(tmp_path, "sync", "--locked", env=env, cwd=project)

    assert locked.returncode == 0, locked.stdout
    assert fetched_to_lock == []
    lock = (project / "uv.lock").read_text()
    assert "reader-secret" not in lock
    assert {(p["name"], p["version"]) for p in tomlkit.parse(lock).unwrap()["package"]} >= {
        ("top", "1.0.0"),
        ("base", "2.0.0"),
    }
    assert synced.returncode == 0, synced.stdout
    assert index.fetched(".whl") == WHEELS
    assert len(list(project.glob(".venv/**/base-2.0.0.dist-info"))) == 1


def test_refuses_a_file_that_is_not_what_is_locked(index: Index, tmp_path: Path) -> None:
    name = f"changed-{index.format}"
    assert upload(index.registry, make_wheel(tmp_path, name)).status_code == 200
    digest = next(iter(listed_files(index.registry, name).values()))["hashes"]["sha256"]
    make_wheel(index.registry.data / "packages" / name, name, files={"other.py": ""})
    pins = tmp_path / "requirements.txt"
    pins.write_text(f"{name}==1.0.0 --hash=sha256:{digest}\n")

    result = install(index.as_user(), tmp_path, "--require-hashes", "-r", pins)

    assert result.returncode != 0
    assert "Hash mismatch" in result.stdout


@pytest.mark.parametrize("status", ["archived", "deprecated"])
def test_installs_from_a_project_that_is_no_longer_kept(
    index: Index, tmp_path: Path, status: str
) -> None:
    name = f"{status}-{index.format}"
    assert upload(index.registry, make_wheel(tmp_path, name)).status_code == 200
    set_status(index.registry, name, status, 'Use "top" <instead>.')

    assert install(index.as_user(), tmp_path, name).returncode == 0


def test_finds_nothing_in_a_quarantined_project(index: Index, tmp_path: Path) -> None:
    name = f"suspect-{index.format}"
    assert upload(index.registry, make_wheel(tmp_path, name)).status_code == 200
    set_status(index.registry, name, "quarantined", "It may be malware.")

    result = install(index.as_user(), tmp_path, name)

    assert result.returncode != 0
    assert name in result.stdout
    assert not installed(tmp_path)


def test_takes_credentials_from_netrc(json_index: Index, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login rae password reader-secret\n")

    result = install(json_index.simple, tmp_path, "top", env={"NETRC": str(netrc)})

    assert result.returncode == 0, result.stdout


def test_takes_credentials_from_a_keyring(
    json_index: Index, tmp_path: Path, keyring: dict[str, str]
) -> None:
    index = json_index.simple.replace("://", "://rae@")

    result = install(index, tmp_path, "--keyring-provider", "subprocess", "top", env=keyring)

    assert result.returncode == 0, result.stdout


def test_takes_a_token_for_a_password(json_index: Index, tmp_path: Path) -> None:
    token = make_token(json_index.registry, "rae")

    assert install(json_index.as_user("__token__", token), tmp_path, "top").returncode == 0


def test_is_told_of_a_wrong_password(json_index: Index, tmp_path: Path) -> None:
    result = install(json_index.as_user("rae", "wrong"), tmp_path, "top")

    assert result.returncode != 0
    assert "401" in result.stdout


def test_asks_only_whether_what_it_has_is_still_right(index: Index, tmp_path: Path) -> None:
    assert install(index.as_user(), tmp_path, "top").returncode == 0
    index.passed.clear()

    assert install(index.as_user(), tmp_path, "--reinstall", "top").returncode == 0

    assert {answer.status for answer in index.passed} == {304}


def test_publishes_and_is_told_why_not(registry: RegistryServer, tmp_path: Path) -> None:
    files = [make_wheel(tmp_path, "by-uv"), make_sdist(tmp_path, "by-uv")]

    done = publish(registry, tmp_path, "pub", *files)
    again = publish(registry, tmp_path, "pub", *files)
    denied = publish(registry, tmp_path, "rae", *files)

    assert done.returncode == 0, done.stdout
    assert set(listed_files(registry, "by-uv")) == {file.name for file in files}
    assert again.returncode == 0, again.stdout
    assert denied.returncode != 0
    assert "has the role reader" in denied.stdout


def test_does_not_replace_what_is_there(registry: RegistryServer, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "once")
    assert publish(registry, tmp_path, "pub", wheel).returncode == 0
    check = ("--check-url", registry.authenticated_url("pub"))

    skipped = publish(registry, tmp_path, "pub", *check, wheel)
    make_wheel(tmp_path, "once", files={"once/more.py": ""})
    other = publish(registry, tmp_path, "pub", wheel)
    other_checked = publish(registry, tmp_path, "pub", *check, wheel)

    assert skipped.returncode == 0, skipped.stdout
    assert "already exists, skipping" in skipped.stdout
    assert other.returncode != 0
    assert "File already exists" in other.stdout
    assert other_checked.returncode != 0


def test_publishes_with_a_token_that_may_do_nothing_else(
    registry: RegistryServer, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "by-token")
    token = make_token(registry, "pub", "upload")

    result = uv(
        tmp_path, "publish", "--publish-url", f"{registry.url}/legacy/", "--token", token, wheel
    )

    assert result.returncode == 0, result.stdout
    assert wheel.name in listed_files(registry, "by-token")


def test_publishes_attestations(registry: RegistryServer, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "signed-by-uv")
    signed = attestation(wheel.name, hashlib.sha256(wheel.read_bytes()).hexdigest())
    beside = wheel.with_name(f"{wheel.name}.publish.attestation")
    beside.write_text(json.dumps(signed))

    result = publish(registry, tmp_path, "pub", wheel, beside)

    assert result.returncode == 0, result.stdout
    provenance = read(registry, f"/packages/signed-by-uv/{wheel.name}.provenance").json()
    assert provenance["attestation_bundles"][0]["attestations"] == [signed]
