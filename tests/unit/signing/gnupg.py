"""A real GnuPG, with a home and an agent of its own."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.needs import needs_program

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class GnuPG:
    """GnuPG's folder *home*."""

    home: Path

    def run(self, *arguments: str, program: str = "gpg") -> str:
        command = [needs_program(program), "--homedir", str(self.home), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout

    def make_key(self, user: str, algorithm: str = "ed25519", passphrase: str = "") -> str:
        """Make a key that can sign and return its fingerprint."""
        secret = ["--batch", "--pinentry-mode", "loopback", "--passphrase", passphrase]
        self.run(*secret, "--quick-generate-key", user, algorithm, "sign", "never")
        return self.fingerprints(user)[0]

    def fingerprints(self, user: str) -> list[str]:
        """Return the fingerprints of the keys of *user*, those of subkeys, too."""
        listed = self.run("--with-colons", "--with-subkey-fingerprint", "--list-keys", user)
        return [line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:")]


@contextlib.contextmanager
def gnupg() -> Iterator[GnuPG]:
    """Yield a GnuPG with an empty home, and end its agent afterwards."""
    needs_program("gpg")
    # Not below the test's own folder: the path of the agent's socket may be 107 bytes long.
    home = Path(tempfile.mkdtemp(prefix="gnupg "))
    found = GnuPG(home)
    try:
        yield found
    finally:
        found.run("--kill", "gpg-agent", program="gpgconf")
        shutil.rmtree(home, ignore_errors=True)
