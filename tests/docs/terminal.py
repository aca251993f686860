"""A reader of the documentation: a terminal with a home of its own, who types what stands there."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import shlex
import signal
import struct
import subprocess
import sys
import termios
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from poetry_aegis.release.history.pipelines import PIPELINES

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 180.0  # seconds for one block
ROWS, COLUMNS = 40, 400  # wide: on the pages no sentence is broken
HOME_ON_PAGES = "/home/ada"
PORT_ON_PAGES = "8080"
OTHER_PORT_ON_PAGES = "8090"
# Of a key in GnuPG, which is another one each time.
FINGERPRINT_ON_PAGES = "32EB2557F8CFD94B9FDBD6856A70213925BC6A59"
# Makes the terminal its own, so that a password can be asked for, and becomes the shell.
BEGIN = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv('/bin/bash', ['bash', '--norc', '-c', sys.argv[1]])"
)
NEW_PASSWORD = re.compile(r"Password for (?P<user>\w+) \(empty: generate one\): $")
PASSWORD = re.compile(r"Password of (?P<user>\w+)(?: on \w+)?: $")
AGREED = re.compile(r"\[y/N\] $")
PASSPHRASE = re.compile(r"(?:[Pp]assphrase[^\n]*|The same again): $")
A_PASSPHRASE = "correct horse battery staple"
GENERATED = re.compile(r"^ *password +(?P<password>\S+) +\(shown only this once\)", re.MULTILINE)
# What has a name of its own each time, by which a page goes on to speak of it: tokens and backups.
NAMED = re.compile(r"\b[0-9a-f]{12}\b|\bbackup-\d{8}-\d{6}\b")
# An index is on a free port: several tests, and the reader's own index, may run meanwhile.
POETRY = """\
#!/bin/sh
if [ "$AEGIS_SERVER_HOME" ]; then port={other_port}; else port={port}; fi
if [ "$1 $2 $3" = "aegis server init" ]; then set -- "$@" --port $port; fi
exec {python} -m poetry "$@"
"""
GITCONFIG = """\
[user]
    name = Ada Lovelace
    email = ada@example.com
[init]
    defaultBranch = main
[log]
    decorate = no
"""


@dataclass
class Terminal:
    """Runs code as typed in a terminal; the working directory and exports stay for the next."""

    root: Path
    port: int
    other_port: int  # of a second index, which has its home in AEGIS_SERVER_HOME
    passwords: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)  # those on the page, and what is so here

    def __post_init__(self) -> None:
        programs = self.home / ".local" / "bin"
        programs.mkdir(parents=True)
        (self.home / ".gitconfig").write_text(GITCONFIG)
        poetry = programs / "poetry"
        python = shlex.quote(sys.executable)
        poetry.write_text(POETRY.format(port=self.port, other_port=self.other_port, python=python))
        poetry.chmod(0o755)
        self._state.write_text(f"cd {shlex.quote(str(self.home))}\n")

    @property
    def home(self) -> Path:
        """The home of the reader."""
        return self.root / "home"

    @property
    def _state(self) -> Path:
        return self.root / "state"

    @property
    def env(self) -> dict[str, str]:
        """The environment: what reaches packages from here, and nothing of this machine's else."""
        kept = ("PIP_", "UV_", "PYTHONPATH", "SSL_", "REQUESTS_", "HTTP", "http", "no_proxy")
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name.startswith(kept) and name not in PIPELINES
        }
        tools = os.path.dirname(sys.executable)  # noqa: PTH120 -- not resolved: it is in a venv
        return inherited | {
            "PATH": os.pathsep.join([str(self.home / ".local/bin"), tools, os.environ["PATH"]]),
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "NO_COLOR": "1",
            "PAGER": "cat",
            "GIT_CONFIG_NOSYSTEM": "1",
            # Nothing that a page does may reach a repository outside of here.
            "GIT_CEILING_DIRECTORIES": str(self.root),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "UV_PYTHON_DOWNLOADS": "never",
        }

    @property
    def _addresses(self) -> dict[str, str]:
        """The addresses of the indexes here, by those that stand on pages."""
        return {
            f"127.0.0.1:{PORT_ON_PAGES}": f"127.0.0.1:{self.port}",
            f"127.0.0.1:{OTHER_PORT_ON_PAGES}": f"127.0.0.1:{self.other_port}",
        }

    def here(self, code: str) -> str:
        """Return *code* from a page with the addresses and the names that are so here."""
        for name, ours in self.names.items():
            code = code.replace(name, ours)
        for on_page, address in self._addresses.items():
            code = code.replace(on_page, address)
        return code.replace(FINGERPRINT_ON_PAGES, "$FINGERPRINT")

    def shown(self, output: str) -> str:
        """Return what was printed as a page would show it."""
        for on_page, address in self._addresses.items():
            output = output.replace(address, on_page)
        for name, ours in self.names.items():
            output = output.replace(ours, name)
        return output.replace(str(self.home), HOME_ON_PAGES)

    def learn_names(self, on_page: str, printed: str) -> None:
        """Know from now on what the page calls otherwise than what was *printed* in its place."""
        for name, ours in zip(NAMED.findall(on_page), NAMED.findall(printed), strict=False):
            self.names.setdefault(name, ours)

    def run(self, code: str) -> tuple[int, str]:
        """Run *code*; return the exit code of its last command and what was to be seen.

        Questions are answered: for a new password with an empty line, for one or for a passphrase
        with what it is; whether something shall be done with yes.
        """
        state = shlex.quote(str(self._state))
        script = (
            f'source {state}\ntrap \'code=$?; {{ export -p; printf "cd %q\\n" "$PWD"; }} '
            f"> {state}; exit $code' EXIT\n{code}"
        )
        ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        process = subprocess.Popen(
            [sys.executable, "-c", BEGIN, script],
            env=self.env,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        try:
            output = self._converse(process, ours)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            os.close(ours)
        return process.wait(), self.shown(output)

    def _converse(self, process: subprocess.Popen[bytes], terminal: int) -> str:
        seen, answered = b"", 0
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            ended = process.poll() is not None
            ready, _, _ = select.select([terminal], [], [], 0 if ended else 0.05)
            piece = b""
            if ready:
                with contextlib.suppress(OSError):  # Linux says so where nobody is left.
                    piece = os.read(terminal, 65536)
            if ended and not piece:
                break
            seen += piece
            text = seen.decode("utf-8", "replace").replace("\r\n", "\n")
            self._learn(text)
            if (answer := self._answer(text[answered:])) is not None:
                answered = len(text)
                os.write(terminal, f"{answer}\n".encode())
        else:
            seen += b"\n(it did not end in time)\n"
        return seen.decode("utf-8", "replace").replace("\r\n", "\n")

    def _answer(self, text: str) -> str | None:
        if NEW_PASSWORD.search(text):
            return ""
        if found := PASSWORD.search(text):
            return self.passwords[found["user"]]
        if AGREED.search(text):
            return "y"
        return A_PASSPHRASE if PASSPHRASE.search(text) else None

    def _learn(self, text: str) -> None:
        """Keep the passwords that were generated."""
        users = re.findall(r"^Password for (\w+) ", text, re.MULTILINE)
        for user, found in zip(users, GENERATED.finditer(text), strict=False):
            self.passwords[user] = found["password"]
