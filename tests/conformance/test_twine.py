from __future__ import annotations

import hashlib
import json
import sys
from typing import TYPE_CHECKING

from tests.conformance.conftest import make_token
from tests.support.attestations import attestation
from tests.support.clients import run
from tests.support.distributions import core_metadata, make_sdist, make_wheel
from tests.support.registry import RegistryServer, listed_files, read

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path


def twine(
    registry: RegistryServer, home: Path, user: str, *arguments: str | Path, password: str = ""
) -> subprocess.CompletedProcess[str]:
    options = ("--non-interactive", "--verbose", "--repository-url", f"{registry.url}/legacy/")
    login = {"TWINE_USERNAME": user, "TWINE_PASSWORD": password or registry.users[user][0]}
    command = (sys.executable, "-m", "twine", "upload", *options)
    return run(*command, *arguments, home=home, env=login)


def test_uploads_what_it_finds_right(registry: RegistryServer, tmp_path: Path) -> None:
    written = core_metadata("by-twine").replace(
        "Summary", "Description-Content-Type: text/plain\nSummary"
    )
    files = [
        make_wheel(tmp_path, "by-twine", metadata=written),
        make_sdist(tmp_path, "by-twine", metadata=written),
    ]

    checked = run(sys.executable, "-m", "twine", "check", "--strict", *files, home=tmp_path)
    done = twine(registry, tmp_path, "pub", *files)
    again = twine(registry, tmp_path, "pub", *files)

    assert checked.returncode == 0, checked.stdout
    assert done.returncode == 0, done.stdout
    assert set(listed_files(registry, "by-twine")) == {file.name for file in files}
    assert again.returncode == 0, again.stdout


def test_is_told_why_not(registry: RegistryServer, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "base", files={"base/more.py": ""})

    other = twine(registry, tmp_path, "pub", wheel)
    denied = twine(registry, tmp_path, "rae", wheel)
    wrong = twine(registry, tmp_path, "pub", wheel, password="wrong")

    assert other.returncode != 0
    assert "File already exists" in other.stdout
    assert denied.returncode != 0
    assert "403" in denied.stdout
    assert "has the role reader" in denied.stdout
    assert wrong.returncode != 0
    assert "401" in wrong.stdout


def test_uploads_with_a_token_from_its_configuration(
    registry: RegistryServer, tmp_path: Path
) -> None:
    token = make_token(registry, "pub", "upload")
    wheel = make_wheel(tmp_path, "by-token")
    settings = tmp_path / ".pypirc"
    settings.write_text(
        "[distutils]\nindex-servers = corp\n\n"
        f"[corp]\nrepository = {registry.url}/legacy/\nusername = __token__\npassword = {token}\n"
    )

    command = (sys.executable, "-m", "twine", "upload", "--non-interactive", "-r", "corp")
    result = run(*command, wheel, home=tmp_path)

    assert result.returncode == 0, result.stdout
    assert wheel.name in listed_files(registry, "by-token")


def test_uploads_attestations(registry: RegistryServer, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "signed")
    signed = attestation(wheel.name, hashlib.sha256(wheel.read_bytes()).hexdigest())
    beside = wheel.with_name(f"{wheel.name}.publish.attestation")
    beside.write_text(json.dumps(signed))

    result = twine(registry, tmp_path, "pub", "--attestations", wheel, beside)

    assert result.returncode == 0, result.stdout
    assert listed_files(registry, "signed")[wheel.name]["provenance"].endswith(".provenance")
    provenance = read(registry, f"/packages/signed/{wheel.name}.provenance").json()
    assert provenance["version"] == 1
    assert provenance["attestation_bundles"][0]["attestations"] == [signed]
