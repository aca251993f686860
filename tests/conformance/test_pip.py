from __future__ import annotations

import hashlib
import os
import sys
from typing import TYPE_CHECKING

import pytest

from tests.conformance.conftest import YANKED_FOR, make_token, set_status
from tests.support.clients import run
from tests.support.distributions import make_wheel
from tests.support.needs import missing
from tests.support.registry import RegistryServer, listed_files, upload

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.conformance.relay import Index

BIG = 30 * 1024 * 1024
OLD_PIP = "23.1.2"


def pip(
    index: str, home: Path, command: str, *rest: str | Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    options = ("--no-input", "--disable-pip-version-check", "--index-url", index)
    return run(sys.executable, "-m", "pip", command, *options, *rest, home=home, env=env)


def pip_version(home: Path, env: dict[str, str]) -> str:
    return run(sys.executable, "-m", "pip", "--version", home=home, env=env).stdout


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_installs_what_is_right_for_this_python_and_not_yanked(
    index: Index, tmp_path: Path
) -> None:
    target = tmp_path / "site"

    result = pip(index.as_user(), tmp_path, "install", "--target", target, "top")

    assert result.returncode == 0, result.stdout
    assert {path.name for path in target.glob("*.dist-info")} == {
        "top-1.0.0.dist-info",
        "base-2.0.0.dist-info",
    }
    assert index.sent_only_its_format()
    assert index.fetched(".whl") == ["base-2.0.0-py3-none-any.whl", "top-1.0.0-py3-none-any.whl"]
    assert "pip/" in index.agents("base-2.0.0-py3-none-any.whl.metadata")


def test_installs_with_a_pip_that_fails_over_metadata_by_their_first_name(
    index: Index, tmp_path: Path
) -> None:
    """pip 22.3 to 23.1, as in Debian 12 and Python 3.11: what PEP 714 is for."""
    old, target = tmp_path / "old", tmp_path / "site"
    uv_install = (sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", old)
    made = run(*uv_install, f"pip=={OLD_PIP}", home=tmp_path)
    if made.returncode:
        missing(f"needs pip {OLD_PIP}, which cannot be installed: {made.stdout[-300:]}")
    with_old = {"PYTHONPATH": str(old)}

    result = pip(
        index.as_user(), tmp_path, "install", "--target", target, "top", "base", env=with_old
    )

    assert f"pip {OLD_PIP} " in pip_version(tmp_path, with_old)
    assert result.returncode == 0, result.stdout
    assert {path.name for path in target.glob("*.dist-info")} == {
        "top-1.0.0.dist-info",
        "base-2.0.0.dist-info",
    }


def test_gets_a_yanked_version_that_is_pinned_and_says_why_it_is_yanked(
    index: Index, tmp_path: Path
) -> None:
    folder = tmp_path / "got"

    result = pip(index.as_user(), tmp_path, "download", "--no-deps", "-d", folder, "base==2.5.0")

    assert result.returncode == 0, result.stdout
    assert names(folder) == {"base-2.5.0-py3-none-any.whl"}
    assert YANKED_FOR in result.stdout


def test_gets_a_version_with_an_epoch_and_a_local_part(index: Index, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "odd", "1!2.0+local.1")
    assert upload(index.registry, wheel).status_code == 200

    result = pip(index.as_user(), tmp_path, "download", "-d", tmp_path / "got", "odd")

    assert result.returncode == 0, result.stdout
    assert names(tmp_path / "got") == {wheel.name}


def test_resolves_from_metadata_alone(index: Index, tmp_path: Path) -> None:
    result = pip(
        index.as_user(), tmp_path, "install", "--dry-run", "--target", tmp_path / "site", "top"
    )

    assert "Would install base-2.0.0 top-1.0.0" in result.stdout
    assert index.fetched(".whl.metadata") == [
        "base-2.0.0-py3-none-any.whl.metadata",
        "top-1.0.0-py3-none-any.whl.metadata",
    ]
    assert index.fetched(".whl") == []


def test_lists_the_versions(index: Index, tmp_path: Path) -> None:
    result = pip(index.as_user(), tmp_path, "index", "versions", "base")

    assert result.returncode == 0, result.stdout
    assert "base (2.0.0)" in result.stdout
    assert "2.0.0, 1.0.0" in result.stdout
    assert "3.0.0" not in result.stdout


def test_checks_the_hash_that_is_pinned(registry: RegistryServer, tmp_path: Path) -> None:
    digest = listed_files(registry, "base")["base-1.0.0-py3-none-any.whl"]["hashes"]["sha256"]
    pins = tmp_path / "requirements.txt"
    index = registry.authenticated_url("rae")
    download = ("download", "--no-deps", "--only-binary=:all:", "-r", pins, "-d")

    pins.write_text(f"base==1.0.0 --hash=sha256:{digest}\n")
    good = pip(index, tmp_path, *download, tmp_path / "got")
    pins.write_text(f"base==1.0.0 --hash=sha256:{'0' * 64}\n")
    bad = pip(index, tmp_path, *download, tmp_path / "not")

    assert good.returncode == 0, good.stdout
    assert names(tmp_path / "got") == {"base-1.0.0-py3-none-any.whl"}
    assert bad.returncode != 0
    assert "DO NOT MATCH THE HASHES" in bad.stdout


def test_refuses_a_file_that_is_not_what_the_page_says(index: Index, tmp_path: Path) -> None:
    name = f"changed-{index.format}"
    assert upload(index.registry, make_wheel(tmp_path, name)).status_code == 200
    make_wheel(index.registry.data / "packages" / name, name, files={"other.py": ""})

    result = pip(index.as_user(), tmp_path, "download", "-d", tmp_path / "got", name)

    assert result.returncode != 0
    assert "DO NOT MATCH THE HASHES" in result.stdout


@pytest.mark.parametrize("status", ["archived", "deprecated"])
def test_installs_from_a_project_that_is_no_longer_kept(
    index: Index, tmp_path: Path, status: str
) -> None:
    name = f"{status}-{index.format}"
    assert upload(index.registry, make_wheel(tmp_path, name)).status_code == 200
    set_status(index.registry, name, status, 'Use "top" <instead>.')

    result = pip(index.as_user(), tmp_path, "download", "-d", tmp_path / "got", name)

    assert result.returncode == 0, result.stdout


def test_finds_nothing_in_a_quarantined_project(index: Index, tmp_path: Path) -> None:
    name = f"suspect-{index.format}"
    assert upload(index.registry, make_wheel(tmp_path, name)).status_code == 200
    set_status(index.registry, name, "quarantined", "It may be malware.")

    result = pip(index.as_user(), tmp_path, "download", "-d", tmp_path / "got", name)

    assert result.returncode != 0
    assert f"No matching distribution found for {name}" in result.stdout


def test_takes_credentials_from_netrc(json_index: Index, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login rae password reader-secret\n")

    result = pip(
        json_index.simple,
        tmp_path,
        "download",
        "-d",
        tmp_path / "got",
        "top",
        env={"NETRC": str(netrc)},
    )

    assert result.returncode == 0, result.stdout
    assert len(names(tmp_path / "got")) == 2


def test_takes_credentials_from_a_keyring(
    json_index: Index, tmp_path: Path, keyring: dict[str, str]
) -> None:
    result = pip(
        json_index.simple,
        tmp_path,
        "download",
        "--keyring-provider",
        "import",
        "-d",
        tmp_path / "got",
        "top",
        env=keyring,
    )

    assert result.returncode == 0, result.stdout
    assert len(names(tmp_path / "got")) == 2


def test_takes_a_token_for_a_password(json_index: Index, tmp_path: Path) -> None:
    token = make_token(json_index.registry, "rae")

    result = pip(
        json_index.as_user("__token__", token), tmp_path, "download", "-d", tmp_path / "got", "top"
    )

    assert result.returncode == 0, result.stdout
    assert len(names(tmp_path / "got")) == 2


def test_is_told_of_a_wrong_password(json_index: Index, tmp_path: Path) -> None:
    index = json_index.as_user("rae", "wrong")

    result = pip(index, tmp_path, "download", "-d", tmp_path / "got", "base")

    assert result.returncode != 0
    assert "401" in result.stdout
    assert {answer.status for answer in json_index.passed} == {401}


def test_asks_only_whether_what_it_has_is_still_right(index: Index, tmp_path: Path) -> None:
    # Without TLS pip keeps only what trusted hosts send.
    options = ("--trusted-host", "127.0.0.1", "--cache-dir", tmp_path / "cache")
    for folder in ("first", "second"):
        index.passed.clear()
        result = pip(
            index.as_user(), tmp_path, "download", *options, "-d", tmp_path / folder, "top"
        )
        assert result.returncode == 0, result.stdout

    assert names(tmp_path / "second") == names(tmp_path / "first")
    assert {answer.status for answer in index.passed if answer.status != 401} == {304}


def test_downloads_a_large_wheel_whole(json_index: Index, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "large", files={"large/data.bin": os.urandom(BIG)})
    assert upload(json_index.registry, wheel).status_code == 200

    result = pip(
        json_index.as_user(),
        tmp_path,
        "download",
        "--no-cache-dir",
        "-d",
        tmp_path / "got",
        "large",
    )

    assert result.returncode == 0, result.stdout
    got = (tmp_path / "got" / wheel.name).read_bytes()
    assert len(got) > BIG
    assert hashlib.sha256(got).digest() == hashlib.sha256(wheel.read_bytes()).digest()
