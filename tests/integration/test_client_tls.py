"""``poetry aegis client poetry`` against a server whose certificate a local authority has signed.

TLS is ended before a real registry, as nginx does it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shlex
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from poetry_aegis import atomic
from poetry_aegis.errors import CertificateError, Unreachable, UsageError
from poetry_aegis.server import users
from poetry_aegis.server.certificates import ca_certificate, certificate_files, ensure_certificates
from poetry_aegis.server.config import ServerSettings
from poetry_aegis.server.stack.settings import WebSettings
from poetry_aegis.server.template import render_settings
from tests.support.poetry import make_library, make_user
from tests.support.registry import running_registry
from tests.support.server import free_port, vacant_home

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poetry_aegis.server.home import ServerHome
    from tests.support.poetry import PoetryHome

PASSWORD = "correct horse battery staple"


@contextlib.contextmanager
def ending_tls(certificate: Path, key: Path, port: int, behind: int) -> Iterator[None]:
    """Take TLS at *port*, and hand on what is said to what listens at *behind*."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    loop, listening = asyncio.new_event_loop(), threading.Event()

    async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", behind)
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while content := await reader.read(65536):
                writer.write(content)
                await writer.drain()
        writer.close()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(asyncio.start_server(hand_on, "127.0.0.1", port, ssl=context))
        listening.set()
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert listening.wait(10)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


@pytest.fixture
def server(poetry: PoetryHome) -> Iterator[tuple[ServerHome, ServerSettings]]:
    """Return the home and settings of a server that answers with TLS, in Poetry's default home."""
    # Set, they would hide the authority from poetry publish: see below.
    poetry.extra_env.update({"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": ""})
    port = free_port()
    settings = ServerSettings(driver="compose", web=WebSettings(name="localhost", https_port=port))
    with vacant_home(Path(poetry.env["AEGIS_SERVER_HOME"])) as home:
        home.make_directories()
        atomic.write_text(home.settings_file, render_settings(settings))
        users.add_first_user(home, "ada", PASSWORD)
        ensure_certificates(home, settings.web)
        with running_registry(home.data, users={}) as registry:
            behind = int(registry.url.rpartition(":")[2])
            with ending_tls(*certificate_files(home, settings.web), port, behind):
                yield home, settings


def configure(poetry: PoetryHome, *options: str) -> subprocess.CompletedProcess[str]:
    return poetry.run(
        *("aegis", "client", "poetry", "--password-stdin", *options),
        cwd=poetry.root,
        stdin=PASSWORD,
    )


def elsewhere(poetry: PoetryHome, settings: ServerSettings) -> tuple[str, ...]:
    """Return the options of a machine that the server does not run on."""
    poetry.extra_env["AEGIS_SERVER_HOME"] = str(poetry.root / "nowhere")
    return ("--url", settings.url, "--username", "ada")


def nothing_written(poetry: PoetryHome) -> bool:
    return not list((poetry.root / "config").glob("*"))


def test_poetry_and_pip_verify_this_machines_server(
    poetry: PoetryHome, server: tuple[ServerHome, ServerSettings], tmp_path: Path
) -> None:
    home, settings = server
    done = configure(poetry, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(done.stdout)
    kept = Path(document["certificate"])
    assert kept.read_text() == ca_certificate(home, settings.web)
    assert kept.is_relative_to(poetry.root)

    library = make_library(tmp_path / "library")
    published = poetry.run("publish", "--build", "-r", "aegis", cwd=library)
    assert published.returncode == 0, published.stdout + published.stderr
    ours = poetry.run("aegis", "publish", "-r", "aegis", cwd=library)
    assert ours.returncode == 0, ours.stdout + ours.stderr

    user = make_user(tmp_path / "user")
    added = poetry.run(*shlex.split(document["next"]["add_source"])[1:], cwd=user)
    assert added.returncode == 0, added.stdout + added.stderr
    line = document["next"]["install_with_poetry"].replace("PACKAGE", "tiny-library")
    locked = poetry.run(*shlex.split(line)[1:], "--lock", cwd=user)
    assert locked.returncode == 0, locked.stdout + locked.stderr
    assert 'name = "tiny-library"\nversion = "1.2.3"' in (user / "poetry.lock").read_text()

    netrc = poetry.root / ".netrc"
    netrc.write_text(f'machine localhost login ada password "{PASSWORD}"\n')
    netrc.chmod(0o600)
    _, *options, _ = shlex.split(document["next"]["install_with_pip"])
    installed = subprocess.run(
        [
            *(sys.executable, "-m", "pip", *options, "--no-input", "--no-cache-dir", "--no-deps"),
            *("--target", str(tmp_path / "installed"), "tiny-library"),
        ],
        env=poetry.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert installed.returncode == 0, installed.stderr


def test_another_machine_is_given_the_authority(
    poetry: PoetryHome, server: tuple[ServerHome, ServerSettings], tmp_path: Path
) -> None:
    home, settings = server
    ca = tmp_path / "ca.crt"
    told = poetry.run("aegis", "server", "ca", "--output", str(ca), cwd=poetry.root)
    assert told.returncode == 0, told.stderr
    options = elsewhere(poetry, settings)

    refused = configure(poetry, *options)
    assert refused.returncode == Unreachable.exit_code
    assert "--ca FILE" in refused.stderr
    assert "poetry aegis server ca" in refused.stderr
    assert nothing_written(poetry)

    # What else is in the file stays there.
    ca.write_text(ca.read_text() + (home.tls / "ca.key").read_text())
    done = configure(poetry, *options, "--ca", str(ca))
    assert done.returncode == 0, done.stderr
    (kept,) = poetry.root.rglob("authorities/aegis.crt")
    assert re.search(rf"certificates\.aegis\.cert +{re.escape(str(kept))}\n", done.stdout)
    assert kept.read_text() == ca_certificate(home, settings.web)
    # What Poetry itself reads; its own config command knows no way to show it.
    config = (poetry.root / "config" / "config.toml").read_text()
    assert f'[certificates.aegis]\ncert = "{kept}"' in config


def test_what_hides_the_authority_from_poetry_is_told(
    poetry: PoetryHome, server: tuple[ServerHome, ServerSettings]
) -> None:
    assert "Warning" not in configure(poetry, "--dry-run").stderr
    poetry.extra_env["REQUESTS_CA_BUNDLE"] = "/etc/ssl/certs/ca-certificates.crt"
    assert "REQUESTS_CA_BUNDLE hides" in configure(poetry, "--dry-run").stderr


def test_a_dry_run_verifies_and_writes_nothing(
    poetry: PoetryHome, server: tuple[ServerHome, ServerSettings]
) -> None:
    done = configure(poetry, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "certificates.aegis.cert" in done.stdout
    assert nothing_written(poetry)
    assert not list(poetry.root.rglob("authorities"))


@pytest.mark.parametrize("content", [None, b"", b"rubbish\xff", b"-----BEGIN CERTIFICATE-----\n"])
def test_what_is_no_authority_is_refused(
    poetry: PoetryHome,
    server: tuple[ServerHome, ServerSettings],
    tmp_path: Path,
    content: bytes | None,
) -> None:
    _, settings = server
    ca = tmp_path / "ca.crt"
    if content is not None:
        ca.write_bytes(content)
    done = configure(poetry, *elsewhere(poetry, settings), "--ca", str(ca))
    assert done.returncode == CertificateError.exit_code, done.stderr
    assert "Traceback" not in done.stderr
    assert nothing_written(poetry)


def test_the_authority_of_another_server_is_refused(
    poetry: PoetryHome, server: tuple[ServerHome, ServerSettings], tmp_path: Path
) -> None:
    _, settings = server
    with vacant_home(tmp_path / "other") as other:
        other.make_directories()
        ensure_certificates(other, settings.web)
        options = elsewhere(poetry, settings)
        done = configure(poetry, *options, "--ca", str(other.tls / "ca.crt"))
    assert done.returncode == Unreachable.exit_code, done.stderr
    assert nothing_written(poetry)


def test_without_tls_there_is_nothing_to_verify(poetry: PoetryHome, tmp_path: Path) -> None:
    with vacant_home(tmp_path / "other") as other:
        other.make_directories()
        ensure_certificates(other, WebSettings())
        ca = str(other.tls / "ca.crt")
        done = configure(poetry, "--url", "http://localhost/", "--username", "ada", "--ca", ca)
    assert done.returncode == UsageError.exit_code
    assert "has no certificate to verify" in done.stderr
