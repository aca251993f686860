"""Questions to a server over HTTP, past any proxy, with its certificate verified."""

from __future__ import annotations

import http.client
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.server.doctor.verdicts import NoAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TIMEOUT = 5.0  # seconds
LARGEST = 65536  # bytes that are read of an answer


@dataclass(frozen=True)
class Answer:
    """What came back. The names of *headers* are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Door:
    """Where this machine reaches the server: an *address*, and the *name* that clients use.

    *authority* is the file of certificates to verify it by; ``None`` is the system's own.
    """

    address: str
    port: int
    name: str
    secure: bool = False
    authority: Path | None = None

    def ask(
        self, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Return the answer to one request without a body. Raises `NoAnswer`."""
        connection = http.client.HTTPConnection(self.name, self.port, timeout=TIMEOUT)
        try:
            connection.sock = self.connect()
            connection.putrequest(method, path)
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            received = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, received, answer.read(LARGEST))
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(f"{self.address}:{self.port}: {reason_of(error)}") from error
        finally:
            connection.close()

    def connect(self) -> socket.socket:
        """Return a connection, through TLS where it is secure. Raises ``OSError``."""
        plain = socket.create_connection((self.address, self.port), timeout=TIMEOUT)
        if not self.secure:
            return plain
        try:
            context = ssl.create_default_context(cafile=self.authority)
            return context.wrap_socket(plain, server_hostname=self.name)
        except BaseException:
            plain.close()
            raise


def reason_of(error: Exception) -> str:
    """Return what went wrong, in few words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
