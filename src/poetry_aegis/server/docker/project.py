"""One Compose project: the services of the stack in a home."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Literal

from poetry_aegis.errors import StackError
from poetry_aegis.server.docker import client
from poetry_aegis.server.docker.services import (
    read_documents,
    read_services,
    with_inspection,
    with_load,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from poetry_aegis.server.docker.services import ServiceStatus
    from poetry_aegis.server.home import ServerHome

_NAME = re.compile(r"""^name:\s*["']?([a-z0-9][a-z0-9_-]*)["']?\s*$""", re.MULTILINE)
_PROJECT = "com.docker.compose.project"  # labels that Compose gives to each container
_FOLDER = '{{json (.Label "com.docker.compose.project.working_dir")}}'
_UNSET = "required variable"  # how Compose says that .env lacks one


@dataclass(frozen=True)
class ComposeProject:
    """The stack in *home*, which Compose knows by the name *project*."""

    home: ServerHome
    project: str

    # Questions

    def services(self, *, thorough: bool = True) -> list[ServiceStatus]:
        """Return the services that have a container, running or not; none before the first start.

        Without *thorough* one question is asked, and no more is told than states and health.
        Raises `StackError`.
        """
        if not self.home.compose_file.exists():
            return []
        services = read_services(self.ask("ps", "--all", "--format", "json"))
        return self._looked_into(services) if thorough and services else services

    def names(self) -> list[str]:
        """Return the services that ``compose.yaml`` has. Raises `StackError`."""
        return sorted(self.ask("config", "--services").split())

    def folders(self) -> frozenset[str]:
        """Return the folders that the containers of this name were made for. Raises `StackError`.

        It asks about the name alone, for another folder's ``compose.yaml`` may have it, too.
        """
        named = ("--filter", f"label={_PROJECT}={self.project}")
        told = client.ask(["container", "ls", "--all", *named, "--format", _FOLDER])
        return frozenset(str(json.loads(line)) for line in told.splitlines()) - {""}

    def last_lines(self, service: str, count: int = 10) -> list[str]:
        """Return the last lines that *service* has logged; none where they cannot be had."""
        with contextlib.suppress(StackError):
            told = self.ask("logs", "--no-color", "--no-log-prefix", "--tail", str(count), service)
            return [line for line in client.harmless(told).splitlines() if line.strip()][-count:]
        return []

    # Deeds

    def ask(self, *arguments: str, timeout: float | None = client.PATIENCE) -> str:
        """Return what ``docker compose ARGUMENTS`` prints. Raises `StackError`."""
        try:
            return client.ask(self._arguments(arguments), timeout=timeout, cwd=self.home.root)
        except StackError as error:
            raise self._explained(error) from error

    def do(self, *arguments: str) -> None:
        """Run ``docker compose ARGUMENTS`` to its end, however long. Raises `StackError`."""
        self.ask(*arguments, timeout=None)

    def remove_image(self, name: str) -> None:
        """Remove the image *name* from this machine. Raises `StackError` where it is in use."""
        client.ask(["image", "rm", name])

    def remove_container(self, name: str) -> None:
        """Stop and remove the container *name*, where there is one."""
        for deed in (["stop", name], ["rm", "--force", name]):
            with contextlib.suppress(StackError):
                client.ask(deed)

    def signal(self, service: str, name: Literal["HUP", "USR1"]) -> None:
        """Send a signal to the first process of *service*, from within. Raises `StackError`.

        Docker takes whatever it was told to kill, by any signal, for stopped on purpose: it would
        not restart that container when it crashes later.
        """
        self.ask("exec", "-T", service, "sh", "-c", f"kill -{name} 1")

    def begin(
        self, *arguments: str, output: IO[bytes] | int | None = None
    ) -> subprocess.Popen[bytes]:
        """Start ``docker compose ARGUMENTS``; what it prints goes to *output*, or to the terminal.

        Ctrl-C does not reach it, so that whoever waits for it decides. Raises `StackError`.
        """
        try:
            return subprocess.Popen(
                [client.find_docker(), *self._arguments(arguments)],
                cwd=self.home.root,
                env=client.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output is not None else None,
                start_new_session=True,
            )
        except OSError as error:
            raise StackError(f"docker cannot be run: {error.strerror}.") from error

    def lines(self, *arguments: str) -> Iterator[str]:
        """Yield the lines that ``docker compose ARGUMENTS`` prints, as they come.

        Raises `StackError` where it fails.
        """
        process = self.begin(*arguments, output=subprocess.PIPE)
        last: list[str] = []
        try:
            for raw in process.stdout or ():
                line = client.harmless(raw.decode("utf-8", errors="replace")).rstrip("\n")
                last = [*last[-client.SHOWN_LINES :], line]
                yield line
            if process.wait():
                said = "\n".join(last)
                raise self._explained(client.failure_of(self._arguments(arguments), said))
        finally:
            end(process)

    # How

    def _explained(self, error: StackError) -> StackError:
        """Return *error*, or what is behind it where Compose speaks of its own variables."""
        if _UNSET not in f"{error}\n{error.hint}":
            return error
        return StackError(
            f"Passwords of the services are missing in {self.home.env_file}.",
            hint="Make them again with: poetry aegis server doctor --fix",
        )

    def _arguments(self, arguments: Sequence[str]) -> list[str]:
        home = self.home
        files = ("--file", str(home.compose_file)) if home.compose_file.exists() else ()
        secrets = ("--env-file", str(home.env_file)) if home.env_file.exists() else ()
        where = ("--project-directory", str(home.root), "--project-name", self.project)
        return ["compose", *where, *files, *secrets, *arguments]

    def _looked_into(self, services: Sequence[ServiceStatus]) -> list[ServiceStatus]:
        """Return *services* with what two more questions tell; a failing one tells nothing."""
        running = [service.container for service in services if service.is_running]
        inspected = _told(["inspect"], [service.container for service in services], key="Id")
        loads = _told(["stats", "--no-stream", "--format", "json"], running, key="ID")
        return [
            with_load(with_inspection(service, _of(service, inspected)), _of(service, loads))
            for service in services
        ]


def project_of(home: ServerHome) -> str | None:
    """Return the project that *home*'s ``compose.yaml`` names; ``None`` without one."""
    try:
        found = _NAME.search(home.compose_file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None
    return found[1] if found else None


def end(process: subprocess.Popen[bytes], *, patience: float = 15.0) -> None:
    """End *process*, which is asked to first, and take note of its end."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _told(
    question: Sequence[str], containers: Sequence[str], *, key: str
) -> dict[str, dict[str, object]]:
    """Return what docker tells of each container, by the first 12 digits of its id."""
    if not containers:  # Asked about none, docker tells of all that the machine has.
        return {}
    try:
        documents = read_documents(client.ask([*question, *containers]))
    except StackError:
        return {}  # A container went meanwhile, or a daemon is too busy to measure.
    return {str(item.get(key, ""))[:12]: item for item in documents}


def _of(service: ServiceStatus, documents: dict[str, dict[str, object]]) -> dict[str, object]:
    return documents.get(service.container[:12], {})
