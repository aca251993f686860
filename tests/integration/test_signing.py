"""Keys and signatures, from the command line of a real Poetry: who signs, and who believes it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import WrongPassphrase
from poetry_aegis.settings import load_settings
from poetry_aegis.signatures.verdict import Finding, Subject, judge
from poetry_aegis.signing.files import attestation_file, read_attestations
from poetry_aegis.signing.team import load_trust
from tests.support.distributions import make_sdist, make_wheel
from tests.support.needs import needs_program
from tests.unit.signing.gnupg import gnupg

if TYPE_CHECKING:
    from pathlib import Path
    from subprocess import CompletedProcess

    from tests.support.poetry import PoetryHome

ADAS, BOBS = "adas own passphrase", "bobs own passphrase"


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Return a project with its distributions."""
    folder = tmp_path / "library"
    make_wheel(folder / "dist")
    make_sdist(folder / "dist")
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "demo"\nversion = "1.0.0"\n\n[tool.poetry-aegis.trust]\nthreshold = 2\n'
    )
    return folder


def run(
    poetry: PoetryHome, library: Path, *arguments: str, stdin: str | None = None
) -> CompletedProcess[str]:
    done = poetry.run("aegis", *arguments, cwd=library, stdin=stdin)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not any(secret in done.stdout + done.stderr for secret in (ADAS, BOBS, "PRIVATE KEY"))
    return done


def findings(library: Path) -> set[Finding]:
    """Return what is found about the files of the library by those who trust as it does."""
    pyproject = library / "pyproject.toml"
    trust = load_trust(load_settings(pyproject).trust, pyproject)
    found = set()
    for path in [*library.glob("dist/*.whl"), *library.glob("dist/*.tar.gz")]:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        subject = Subject("demo", path.name, sha256)
        found.add(judge(subject, read_attestations(path), trust).finding)
    return found


def type_on_terminal(poetry: PoetryHome, cwd: Path, arguments: list[str], *answers: str) -> str:
    """Run ``poetry aegis ARGUMENTS`` on a terminal, answer what is asked, and return the screen."""
    import pty

    child, terminal = pty.fork()
    if child == 0:
        os.chdir(cwd)
        command = [sys.executable, "-m", "poetry", "aegis", *arguments]
        os.execve(sys.executable, command, poetry.env)  # noqa: S606 - no shell is wanted
    screen, left = b"", list(answers)
    with contextlib.suppress(OSError):  # The terminal is gone with the last process at it.
        while chunk := os.read(terminal, 4096):
            screen += chunk
            if left and chunk.rstrip(b" ").endswith((b":", b"[y/N]")):
                os.write(terminal, left.pop(0).encode() + b"\n")
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, screen
    return screen.decode()


def test_two_people_sign_and_nobody_else_will_do(poetry: PoetryHome, library: Path) -> None:
    ada = replace(poetry, extra_env={"AEGIS_KEYS_HOME": str(poetry.root / "ada")})
    bob = replace(poetry, extra_env={"AEGIS_KEYS_HOME": str(poetry.root / "bob")})
    run(ada, library, "key", "generate", "ada", "--passphrase-stdin", stdin=f"{ADAS}\n")
    run(bob, library, "key", "generate", "bob", "--passphrase-stdin", stdin=f"{BOBS}\n")
    run(ada, library, "key", "trust", "ada")
    handed = run(bob, library, "key", "export").stdout
    run(ada, library, "key", "trust", "-", "--projects", "demo", stdin=handed)
    assert findings(library) == {Finding.UNSIGNED}

    run(ada, library, "sign", "--passphrase-stdin", stdin=f"{ADAS}\n")
    assert findings(library) == {Finding.TOO_FEW}
    run(bob, library, "sign", "--passphrase-stdin", stdin=f"{BOBS}\n")
    assert findings(library) == {Finding.VERIFIED}

    run(ada, library, "key", "revoke", "bob", "--reason", "left")
    assert findings(library) == {Finding.REVOKED}


def test_a_changed_file_and_a_swapped_attestation_are_found(
    poetry: PoetryHome, library: Path
) -> None:
    run(poetry, library, "key", "generate", "ada", "--passphrase-stdin", stdin=f"{ADAS}\n")
    run(poetry, library, "key", "trust", "ada")
    pyproject = library / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("threshold = 2", "threshold = 1"))
    run(poetry, library, "sign", "--passphrase-stdin", stdin=f"{ADAS}\n")
    assert findings(library) == {Finding.VERIFIED}
    (wheel,), (sdist,) = library.glob("dist/*.whl"), library.glob("dist/*.tar.gz")
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    attestation_file(sdist).write_bytes(attestation_file(wheel).read_bytes())
    assert findings(library) == {Finding.ALTERED}


def test_a_key_of_gnupg_signs_for_the_project(poetry: PoetryHome, library: Path) -> None:
    with gnupg() as home:
        fingerprint = home.make_key("Ada <ada@example.com>")
        uri = f"gnupg:{home.home}"
        run(poetry, library, "key", "add", "ada", "--gpg", fingerprint, "--uri", uri)
        run(poetry, library, "key", "trust", "ada")
        pyproject = library / "pyproject.toml"
        pyproject.write_text(pyproject.read_text().replace("threshold = 2", "threshold = 1"))
        run(poetry, library, "sign")
        listed = run(poetry, library, "key", "list").stdout.splitlines()[1].split()
    assert listed[:4] == ["ada", "eddsa", "(gnupg)", fingerprint.lower()[:16]]
    assert findings(library) == {Finding.VERIFIED}


def test_a_pipeline_signs_with_what_its_environment_has(poetry: PoetryHome, library: Path) -> None:
    home = replace(poetry, extra_env={"AEGIS_KEYS_HOME": str(poetry.root / "keys")})
    run(home, library, "key", "generate", "ci", "--passphrase-stdin", stdin=f"{ADAS}\n")
    run(home, library, "key", "trust", "ci")
    private = poetry.root / "keys" / "ci.key"
    environment = {"AEGIS_SIGNING_KEY": private.read_text(), "AEGIS_SIGNING_PASSPHRASE": ADAS}
    private.unlink()
    run(replace(poetry, extra_env=environment), library, "sign", "--json")
    assert findings(library) == {Finding.TOO_FEW}  # It is one of the two that are wanted.


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of POSIX is needed")
def test_a_passphrase_is_typed_unseen(poetry: PoetryHome, library: Path) -> None:
    made = type_on_terminal(poetry, library, ["key", "generate", "ada"], ADAS, ADAS)
    assert "The key ada is in" in made
    signed = type_on_terminal(poetry, library, ["sign"], ADAS)
    assert "Passphrase of the key ada:" in signed
    assert "Signed with the key ada" in signed
    assert ADAS not in made + signed


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of POSIX is needed")
def test_a_passphrase_is_changed_and_a_key_removed_on_a_terminal(
    poetry: PoetryHome, library: Path
) -> None:
    home = replace(poetry, extra_env={"AEGIS_KEYS_HOME": str(poetry.root / "keys")})
    run(home, library, "key", "generate", "ada", "--passphrase-stdin", stdin=f"{ADAS}\n")
    run(home, library, "key", "trust", "ada")
    changed = type_on_terminal(home, library, ["key", "passphrase", "ada"], ADAS, BOBS, BOBS)
    assert "The key ada has a new passphrase." in changed
    assert not any(secret in changed for secret in (ADAS, BOBS))
    signed = home.run("aegis", "sign", "--passphrase-stdin", cwd=library, stdin=f"{ADAS}\n")
    assert signed.returncode == WrongPassphrase.exit_code
    run(home, library, "sign", "--passphrase-stdin", stdin=f"{BOBS}\n")
    removed = type_on_terminal(home, library, ["key", "remove", "ada"], "y")
    assert "The key ada is removed." in removed
    assert not list(poetry.root.glob("keys/ada*"))
    assert findings(library) == {Finding.TOO_FEW}  # What it has signed still counts.


def test_openssl_signs_what_we_believe(poetry: PoetryHome, library: Path) -> None:
    """The key is openssl's own, and the signature that of RFC 8032 over DSSE."""
    import base64
    import json
    import subprocess

    from poetry_aegis.signatures.attestation import signed_bytes

    openssl = needs_program("openssl")
    (poetry.root / "secret").write_text(ADAS)
    private = poetry.root / "ada.pem"
    command = [openssl, "genpkey", "-algorithm", "ed25519", "-aes-256-cbc", "-out", str(private)]
    command += ["-pass", f"file:{poetry.root / 'secret'}"]
    subprocess.run(command, capture_output=True, check=True)
    home = replace(poetry, extra_env={"AEGIS_SIGNING_KEY": private.read_text()})
    run(home, library, "sign", "--passphrase-stdin", stdin=f"{ADAS}\n")
    (kept, *_) = library.glob("dist/*.publish.attestation")
    document = json.loads(kept.read_text())
    envelope = {name: base64.b64decode(text) for name, text in document["envelope"].items()}
    (poetry.root / "data").write_bytes(signed_bytes(envelope["statement"]))
    command = [openssl, "pkeyutl", "-sign", "-rawin", "-inkey", str(private)]
    command += ["-passin", f"file:{poetry.root / 'secret'}", "-in", str(poetry.root / "data")]
    done = subprocess.run(command, capture_output=True, check=True)
    assert done.stdout == envelope["signature"]
