"""The docker program: whether it is there and answers, and what it says where it does not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.errors import DockerForbidden, NoCompose, NoDaemon, NoDocker, StackError
from poetry_aegis.server.docker.images import NONE_KNOWN, image_failure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

OLDEST_COMPOSE = (2, 20)
PATIENCE = 30.0  # seconds for a question; what takes its time has no limit
SHOWN_LINES = 8

# What a shell may hold that would lead Compose to another project, file or password than ours.
_MISLEADING = frozenset(
    {
        *("COMPOSE_FILE", "COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES", "COMPOSE_ENV_FILES"),
        *("COMPOSE_DISABLE_ENV_FILE", "GRAFANA_PASSWORD", "REDIS_PASSWORD"),
    }
)
_FORBIDDEN = "permission denied while trying to connect"
_UNREACHABLE = (
    "Cannot connect to the Docker daemon",
    "error during connect",
    "failed to connect to the docker API",
    "Is the docker daemon running",
)
_NEED_IMAGES = frozenset({"compose up", "compose pull", "compose build", "compose run"})
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[^\x20-\x7e\t\n\u00a0-\U0010ffff]")


@dataclass(frozen=True)
class Versions:
    """What runs here: the versions of Docker's engine and of Compose."""

    engine: str
    compose: str


def require_docker() -> Versions:
    """Return the versions of a Docker that can run a stack.

    Raises `NoDocker`, `NoCompose`, `NoDaemon` and `DockerForbidden`.
    """
    find_docker()
    compose = compose_version()
    return Versions(engine=engine_version(), compose=compose)


def find_docker() -> str:
    """Return the path of the docker program. Raises `NoDocker`."""
    found = shutil.which("docker")
    if found is None:
        raise NoDocker(
            "There is no docker on PATH.",
            hint="Install Docker Engine with its Compose plugin, https://docs.docker.com/engine/"
            'install/\nOr run without containers: driver = "embedded" in server.toml',
        )
    return found


def compose_version() -> str:
    """Return the version of Compose; it needs no daemon. Raises `NoDocker` and `NoCompose`."""
    answer = _run([find_docker(), "compose", "version", "--short"], timeout=PATIENCE)
    version = answer.stdout.strip().removeprefix("v")
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if answer.returncode or numbers is None:
        raise NoCompose(_no_compose(), hint=_HOW_TO_GET_COMPOSE)
    if (int(numbers[1]), int(numbers[2])) < OLDEST_COMPOSE:
        oldest = ".".join(map(str, OLDEST_COMPOSE))
        raise NoCompose(
            f"Compose {version} is too old: the stack needs {oldest} or newer.",
            hint=_HOW_TO_GET_COMPOSE,
        )
    return version


def engine_version() -> str:
    """Return the version of the daemon. Raises `NoDocker`, `NoDaemon` and `DockerForbidden`."""
    return ask(["version", "--format", "{{.Server.Version}}"]).strip()


def ask(
    arguments: Sequence[str], *, timeout: float | None = PATIENCE, cwd: Path | None = None
) -> str:
    """Return what ``docker ARGUMENTS`` prints on standard output.

    Raises `StackError`, or the one of its kinds that says why docker refused.
    """
    answer = _run([find_docker(), *arguments], timeout=timeout, cwd=cwd)
    if answer.returncode:
        raise failure_of(arguments, answer.stderr or answer.stdout)
    return answer.stdout


def failure_of(
    arguments: Sequence[str], said: str, images: Mapping[str, str] = NONE_KNOWN
) -> StackError:
    """Return the error for a docker that printed *said* and failed.

    *images* are those of the services, which Compose does not name where it cannot have one.
    """
    if _FORBIDDEN in said:
        return DockerForbidden(
            "This user may not talk to the Docker daemon.",
            hint="Let the user in, then log in again: sudo usermod -aG docker $USER\n"
            "Or run Docker rootless: https://docs.docker.com/engine/security/rootless/",
        )
    # Before the daemon is blamed: of a pull that is broken off, Compose says that it is not there.
    needs_images = _verb(arguments) in _NEED_IMAGES
    if needs_images and (missing := image_failure(harmless(said), images)):
        return missing
    if any(words in said for words in _UNREACHABLE):
        return NoDaemon(
            f"The Docker daemon does not answer{_where()}.",
            hint="Start it with: sudo systemctl start docker\nOr start Docker Desktop.",
        )
    lines = meaningful_lines(said) or ["It did not say why."]
    return StackError(f"docker {_verb(arguments)} failed: {lines[-1]}", hint="\n".join(lines[:-1]))


def environment() -> dict[str, str]:
    """Return the environment for docker: this one's, less Poetry's and what would mislead it."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in _MISLEADING and not name.upper().startswith("POETRY_")
    }


def meaningful_lines(said: str) -> list[str]:
    """Return the last lines of *said* that say something, without what steers a terminal."""
    lines = [line.strip() for line in harmless(said).splitlines()]
    return [line for line in lines if line and "level=warning" not in line][-SHOWN_LINES:]


def harmless(text: str) -> str:
    """Return *text* without control characters and the colours of terminals."""
    return _CONTROL.sub("", text)


_HOW_TO_GET_COMPOSE = (
    "Install Docker's Compose plugin: https://docs.docker.com/compose/install/linux/\n"
    'Or run without containers: driver = "embedded" in server.toml'
)


def _no_compose() -> str:
    if shutil.which("docker-compose"):
        return "Only the old docker-compose is here; the stack needs Docker's Compose plugin."
    return "This Docker has no Compose plugin."


def _where() -> str:
    address = os.environ.get("DOCKER_HOST", "")
    # A password has no place in such an address, and none here.
    return f" at {address.rpartition('@')[2]}" if address else ""


def _verb(arguments: Sequence[str]) -> str:
    """Return the words of a command line that say what was asked for, without its options."""
    words: list[str] = []
    expects_value = False
    for argument in arguments:
        if expects_value:
            expects_value = False
        elif argument.startswith("-"):
            expects_value = argument.startswith("--") and "=" not in argument
        else:
            words.append(argument)
    return " ".join(words[:2])


def _run(
    command: Sequence[str],
    *,
    timeout: float | None,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run *command* to its end with standard input closed. Raises `StackError`."""
    try:
        return subprocess.run(
            command,
            cwd=cwd,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NoDaemon(
            f"docker {_verb(command[1:])} did not answer within {timeout:.0f} seconds.",
            hint="Is the Docker daemon well? See: docker info",
        ) from None
    except OSError as error:
        raise StackError(f"{command[0]} cannot be run: {error.strerror}.") from error
