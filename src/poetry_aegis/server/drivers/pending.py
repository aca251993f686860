"""What services need so that they see what was written; remembered until they have it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from poetry_aegis import atomic

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from poetry_aegis.server.home import ServerHome
    from poetry_aegis.server.stack.writing import Change


@dataclass(frozen=True)
class Need:
    """How a service comes to see that files below *path* have changed."""

    path: str
    service: str
    how: Literal["reload", "restart"]


# Of a folder that is removed and made anew, a container has the old one until it starts again.
MOUNTED = MappingProxyType(
    {
        "stack/nginx": ("nginx",),
        "stack/trust": ("pypi-server",),
        "stack/prometheus": ("prometheus",),
        "stack/grafana/provisioning": ("grafana",),
        "stack/grafana/dashboards": ("grafana",),
        "tls": ("nginx",),
        "logs/nginx": ("nginx", "pypi-server"),
    }
)


def made_anew(folder: str) -> str:
    """Return what is remembered of a mounted *folder* that had to be made again."""
    return f"made anew/{folder}"


OWN_CERTIFICATE = "own certificate"
MADE_CERTIFICATE = "tls/server.crt"
# A single file that is mounted stays the old one until its container starts again, whereas in a
# folder the new one is seen. Grafana looks at its dashboards by itself, and at what tells of them
# only when it starts. A change of compose.yaml or of an image is seen by Compose.
NEEDS = (
    Need("stack/registry.toml", "pypi-server", "restart"),
    Need(MADE_CERTIFICATE, "pypi-server", "restart"),  # it tells when the certificate ends
    Need("stack/grafana/provisioning", "grafana", "restart"),
    Need(OWN_CERTIFICATE, "nginx", "restart"),
    Need(OWN_CERTIFICATE, "pypi-server", "restart"),
    Need("stack/nginx", "nginx", "reload"),
    Need(MADE_CERTIFICATE, "nginx", "reload"),
    Need("stack/prometheus", "prometheus", "reload"),
    *(
        Need(made_anew(folder), service, "restart")
        for folder, services in MOUNTED.items()
        for service in services
    ),
)


@dataclass(frozen=True)
class Pending:
    """The paths of *home* that have changed, and that not all services have seen yet.

    A command that breaks off between writing and reloading leaves them to the next one.
    """

    home: ServerHome

    @property
    def paths(self) -> frozenset[str]:
        """What is remembered; nothing where that cannot be read."""
        try:
            found = json.loads(self._file.read_bytes())
        except (OSError, ValueError, RecursionError):
            return frozenset()
        known = found if isinstance(found, list) else []
        return frozenset(path for path in known if isinstance(path, str))

    @property
    def needs(self) -> list[Need]:
        """What services need because of that."""
        return [need for need in NEEDS if any(lies_below(path, need.path) for path in self.paths)]

    def remember(self, paths: Iterable[str]) -> None:
        """Add *paths*. Raises ``OSError``."""
        known = self.paths
        if not known.issuperset(paths := frozenset(paths)):
            atomic.write_text(self._file, json.dumps(sorted(known | paths)) + "\n", mode=0o600)

    def forget(self) -> None:
        """Remember nothing more: all have seen it."""
        self._file.unlink(missing_ok=True)

    @property
    def _file(self) -> Path:
        return self.home.lock_file.with_name("pending.json")


def paths_of(changes: Iterable[Change]) -> list[str]:
    """Return the paths of *changes*."""
    return [change.path for change in changes]


def lies_below(path: str, top: str) -> bool:
    """Return whether *path* is *top* or in it."""
    return PurePosixPath(path).is_relative_to(top)
