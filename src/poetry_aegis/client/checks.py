"""What the real clients make of their configuration: each asks the index, and changes nothing."""

from __future__ import annotations

import re
import tempfile
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from poetry_aegis.client import netrc, programs
from poetry_aegis.client.edits import read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from poetry_aegis.client.poetry import Index

State = Literal["works", "fails", "skipped"]

# A project that nobody has: an index that lists none of it has answered whom it knows.
PROBE = "poetry-aegis-check"
_TLS = re.compile(r"certificate|UnknownIssuer|SSLError", re.IGNORECASE)
_ERROR = re.compile(r"\b(4\d\d|5\d\d) (?:Client Error|Server Error|Unauthorized|Forbidden)")
_FOUND = re.compile(rf'"GET [^"]*/{PROBE}/ HTTP/[\d.]+" (?:200|304)\b')
_TWINE = re.compile(r"HTTPError: (\d{3})")


@dataclass(frozen=True)
class Check:
    """What a client's own run has shown: a *state*, and a *sentence* about it."""

    tool: str
    state: State
    sentence: str


def check_pip(index: Index) -> Check:
    """Let pip look for a project."""
    options = ("--no-input", "--disable-pip-version-check", "--no-cache-dir", "--retries", "0")
    told = _run("pip", "index", "versions", "-vv", *options, PROBE)
    if isinstance(told, Check):
        return told
    code, output = told
    if index.simple_url not in output:
        return _asks_another("pip", index)
    about = "\n".join(line for line in output.splitlines() if index.simple_url in line)
    if code == 0 or _status(about) == "404" or _FOUND.search(output):
        return _works("pip", index)
    if "not a trusted or secure host" in output:
        return Check("pip", "fails", f"pip refuses {index.base_url} because it has no TLS.")
    return _judge("pip", index, _status(about) or "no answer", about)


def check_uv(index: Index, environment: Mapping[str, str]) -> Check:
    """Let uv resolve a project, in an *environment* with what it has to be told there."""
    options = ("--no-cache", "--no-deps", "--no-header", "--no-build", "--verbose")
    told = _run("uv", "pip", "compile", *options, "-", stdin=PROBE, environment=environment)
    if isinstance(told, Check):
        return told
    _, output = told
    if f"{index.simple_url}{PROBE}/" not in output:
        return _asks_another("uv", index)
    if "was not found in the package registry" in output and not _ERROR.search(output):
        return _works("uv", index)
    judged = _judge("uv", index, _status(output) or "no answer", output)
    suspect = _suspect() if _status(output) == "401" else ""
    return replace(judged, sentence=f"{judged.sentence}{suspect}")


def _suspect() -> str:
    """Return what may be wrong in ``.netrc``, where uv finds no password that others find."""
    path = netrc.location()
    odd = netrc.oddity(read(path))
    return f" uv cannot read {path}, which {odd}" if odd else ""


def check_twine(index: Index) -> Check:
    """Let twine log in with a request that stores nothing: its ``register``, of times long gone."""
    with tempfile.TemporaryDirectory(prefix="aegis-") as folder:
        wheel = _probe_wheel(Path(folder))
        told = _run("twine", "register", "--non-interactive", "-r", index.name, str(wheel))
    if isinstance(told, Check):
        return told
    code, output = told
    if code == 0:
        return _works("twine", index)
    found = _TWINE.search(output)
    status = found[1] if found else "no answer"
    if status in {"400", "405", "410"}:
        return _works("twine", index)
    if status == "403":
        return Check("twine", "works", "twine reaches the index; this user may not upload to it.")
    return _judge("twine", index, status, output)


def check_hosts(host: str, address: str) -> Check:
    """Let this machine look for *host*."""
    import socket

    try:
        found = {str(item[4][0]) for item in socket.getaddrinfo(host, None)}
    except OSError:
        found = set()
    if address in found:
        return Check("hosts", "works", f"{host} leads to {address} on this machine.")
    return Check("hosts", "fails", f"{host} does not lead to {address} on this machine.")


def _run(
    tool: str, *arguments: str, stdin: str = "", environment: Mapping[str, str] | None = None
) -> tuple[int, str] | Check:
    program = programs.find(tool)
    if program is None:
        return Check(tool, "skipped", f"{tool} is not installed, so it was not tried.")
    told = programs.run([*program, *arguments], stdin=stdin, environment=environment)
    if told is None:
        return Check(tool, "fails", f"{tool} did not answer in time, or could not be started.")
    return told


def _status(output: str) -> str:
    found = _ERROR.search(output)
    return found[1] if found else ""


def _judge(tool: str, index: Index, status: str, output: str) -> Check:
    """Return what the *status* of an answer means that did not let the tool in."""
    if status == "401":
        sentence = f"{tool} is not known to the index: it found no password, or a wrong one (401)."
    elif status == "403":
        sentence = f"{tool} is known to the index, and may not read it (403)."
    elif _TLS.search(output):
        sentence = f"{tool} does not trust the certificate of {index.base_url}"
    else:
        sentence = f"{tool} gets no answer that it can use from {index.base_url} ({status})."
    return Check(tool, "fails", sentence)


def _works(tool: str, index: Index) -> Check:
    return Check(tool, "works", f"{tool} reaches {index.base_url} and is let in.")


def _asks_another(tool: str, index: Index) -> Check:
    return Check(tool, "fails", f"{tool} asks another index than {index.simple_url}")


def _probe_wheel(folder: Path) -> Path:
    """Write a wheel with nothing in it but what twine wants to read."""
    path = folder / "poetry_aegis_check-0-py3-none-any.whl"
    inside = "poetry_aegis_check-0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            f"{inside}/METADATA", f"Metadata-Version: 2.1\nName: {PROBE}\nVersion: 0\n"
        )
        archive.writestr(
            f"{inside}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: poetry-aegis\nRoot-Is-Purelib: true\n"
            "Tag: py3-none-any\n",
        )
        archive.writestr(f"{inside}/RECORD", "")
    return path
