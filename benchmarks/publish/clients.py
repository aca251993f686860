"""The clients that are compared, each as its users install and call it.

Each is told of the certificate by its own option, and of the token by its own variable or file.
"""

from __future__ import annotations

import os
import subprocess
from importlib.metadata import version
from typing import TYPE_CHECKING

from benchmarks.publish.servers import TOKEN_USER
from benchmarks.tools import OURS, REPOSITORY, install, installed_version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.publish.servers import Site

NAME = "bench"  # of the repository
STEERING = ("PIP_", "UV_", "POETRY_", "TWINE_", "HATCH_", "AEGIS_", "XDG_", "VIRTUAL_ENV")
TRUST = ("SSL_", "REQUESTS_", "CURL_")
PROXIES = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}
MARK = "ready"


class Client:
    """One that publishes, in a virtual environment of its own below *environments*."""

    name = ""
    program = ""
    verb: tuple[str, ...] = ("publish",)
    takes_files = True
    requirements: tuple[str, ...] = ()

    def __init__(self, environments: Path, *, jobs: int | None = None) -> None:
        self.environment = environments / self.name.replace(" ", "-")
        self.jobs = jobs

    def __str__(self) -> str:
        return f"{self.name} {installed_version(self._programs, self.program)}"

    def install(self) -> None:
        """Install it unless it is. Raises `CalledProcessError` where it cannot be had."""
        if not (self.environment / MARK).exists():
            install(self.environment, *self.requirements)
            (self.environment / MARK).touch()
        self.run_once()

    def run_once(self) -> None:
        """Start it for the first time: what that takes is nobody's publication."""
        subprocess.run([self.path, "--version"], check=True, capture_output=True)

    @property
    def path(self) -> str:
        """Where its program is."""
        return str(self._programs / self.program)

    @property
    def _programs(self) -> Path:
        return self.environment / "bin"

    def command(self, site: Site, files: Sequence[str]) -> list[str]:
        """Return the command that publishes *files*, which are all in dist/, to *site*."""
        named = files if self.takes_files else ()
        return [self.path, *self.verb, *self.options(site), *named]

    def options(self, site: Site) -> list[str]:
        """Return the options that tell it of *site*, where its settings do not."""
        raise NotImplementedError

    def settings(self, site: Site) -> Mapping[str, str]:
        """Write what it needs into the home of *site*, and return the environment it runs in."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith((*STEERING, *TRUST)) and name.lower() not in PROXIES
        }
        return kept | {"HOME": str(site.home), "NO_COLOR": "1"} | self.own_settings(site)

    def own_settings(self, site: Site) -> dict[str, str]:
        """Return the variables that tell it of the token and, where it must, the certificate."""
        raise NotImplementedError


class Poetry(Client):
    name = "poetry publish"
    program = "poetry"
    requirements: tuple[str, ...] = (f"poetry=={version('poetry')}",)
    takes_files = False

    def options(self, site: Site) -> list[str]:  # noqa: ARG002 - its settings tell of it
        return ["--no-interaction", "--repository", NAME]

    def own_settings(self, site: Site) -> dict[str, str]:
        """Write what ``poetry config`` writes."""
        config = site.home / "CONFIG"
        config.mkdir()
        (config / "config.toml").write_text(
            f'[repositories.{NAME}]\nurl = "{site.url}/legacy/"\n'
            f'[certificates.{NAME}]\ncert = "{site.authority}"\n'
        )
        (config / "auth.toml").write_text(f'[pypi-token]\n{NAME} = "{site.token}"\n')
        homes = {
            f"POETRY_{kind}_DIR": str(site.home / kind) for kind in ("CONFIG", "DATA", "CACHE")
        }
        return homes | {"POETRY_KEYRING_ENABLED": "false"}


class Aegis(Poetry):
    """This project, as it is now: it is installed anew each time."""

    name = OURS
    verb = ("aegis", "publish", "--skip-build")
    requirements = (*Poetry.requirements, str(REPOSITORY))

    def __str__(self) -> str:
        at_a_time = f", {self.jobs} jobs" if self.jobs else ""
        return f"poetry aegis publish{at_a_time}"

    def install(self) -> None:
        if (self.environment / MARK).exists():
            pip = [str(self._programs / "python"), "-m", "pip", "install", "-qq"]
            again = ["--force-reinstall", "--no-deps", str(REPOSITORY)]
            subprocess.run([*pip, *again], check=True)
        super().install()

    def options(self, site: Site) -> list[str]:
        return [*super().options(site), *(["--jobs", str(self.jobs)] if self.jobs else [])]


class Twine(Client):
    name = program = "twine"
    verb = ("upload", "--non-interactive", "--disable-progress-bar")
    requirements = ("twine",)

    def options(self, site: Site) -> list[str]:
        return ["--cert", str(site.authority), "--repository-url", f"{site.url}/legacy/"]

    def own_settings(self, site: Site) -> dict[str, str]:
        return {"TWINE_USERNAME": TOKEN_USER, "TWINE_PASSWORD": site.token}


class Uv(Client):
    name = program = "uv"
    verb = ("publish", "--no-config", "--no-cache", "--trusted-publishing", "never")
    requirements = ("uv",)

    def options(self, site: Site) -> list[str]:
        return ["--publish-url", f"{site.url}/legacy/"]

    def own_settings(self, site: Site) -> dict[str, str]:
        return {"UV_PUBLISH_TOKEN": site.token, "SSL_CERT_FILE": str(site.authority)}


class Hatch(Client):
    name = program = "hatch"
    verb = ("publish", "--no-prompt")
    requirements = ("hatch",)

    def options(self, site: Site) -> list[str]:
        return ["--ca-cert", str(site.authority), "--repo", f"{site.url}/legacy/"]

    def own_settings(self, site: Site) -> dict[str, str]:
        homes = {f"HATCH_{kind}_DIR": str(site.home / kind) for kind in ("DATA", "CACHE")}
        configuration = site.home / "hatch.toml"
        configuration.touch()
        return homes | {
            "HATCH_CONFIG": str(configuration),
            "HATCH_INDEX_USER": TOKEN_USER,
            "HATCH_INDEX_AUTH": site.token,
        }


PEERS: tuple[type[Client], ...] = (Poetry, Twine, Uv, Hatch)
