"""The ``embedded`` driver: the registry as a background process of this machine, no Docker."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import IO, TYPE_CHECKING

from poetry_aegis.atomic import write_text
from poetry_aegis.errors import AegisError, NotReady, PortInUse, ServerError, UnreadableUsers
from poetry_aegis.server import logs, ports, probe, processes, usage
from poetry_aegis.server.drivers.interface import Started, Status
from poetry_aegis.server.extra import require_registry
from poetry_aegis.server.locks import locked
from poetry_aegis.server.template import render_registry_settings
from poetry_aegis.signals import stops_as_interrupts

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from poetry_aegis.server.config import ServerSettings
    from poetry_aegis.server.home import ServerHome
    from poetry_aegis.server.processes import ProcessRecord

# Exit codes of the registry, as its --help lists them.
UNREADABLE_USERS = 96
ADDRESS_IN_USE = 98
STOPPED = (0, -signal.SIGTERM, -signal.SIGINT)  # how a process ends that was asked to
PATIENCE = 30.0  # seconds until a server that does not answer is given up


class EmbeddedDriver:
    """Runs the registry of *home* as a process that outlives the command and its terminal."""

    def __init__(
        self, home: ServerHome, settings: ServerSettings, *, patience: float = PATIENCE
    ) -> None:
        self.home = home
        self.settings = settings
        self.patience = patience

    def start(self) -> Started:
        """Start the process and wait for its readiness. See `Driver.start`."""
        require_registry()
        self._require_data()
        self.home.make_directories()
        with locked(self.home):
            if running := self._find_process():
                return Started(running.url, running.pid, already_running=True)
            with self._opened_log() as output:
                before = output.tell()
                process = self._launch(output)
            try:
                self._wait_until_ready(process, log_before=before)
            except BaseException:
                self._end_child(process)
                raise
            return Started(self.settings.url, process.pid, already_running=False)

    def stop(self) -> bool:
        """End the process, at once or by force. See `Driver.stop`."""
        self.home.make_directories()
        with locked(self.home):
            running = self._find_process()
            if running:
                self._end(running)
            self.home.pid_file.unlink(missing_ok=True)
        return running is not None

    def status(self) -> Status:
        """Ask the process and count its files. See `Driver.status`."""
        running = self._find_process()
        held = usage.measure(self.home.data)
        if running is None:
            return Status(
                "stopped", "embedded", str(self.home.root), url=self.settings.url, usage=held
            )
        health = probe.read_health(running.url)
        return Status(
            "running" if health and probe.is_ready(running.url) else "not ready",
            "embedded",
            str(self.home.root),
            url=running.url,
            usage=held,
            pid=running.pid,
            version=str(health["version"]) if "version" in health else None,
            uptime=max(0.0, time.time() - running.started_at),
        )

    def logs(self, *, lines: int, follow: bool) -> Iterator[str]:
        """Read the log file. See `Driver.logs`."""
        end = logs.size_of(self.home.log_file)
        yield from logs.read_tail(self.home.log_file, lines)
        if follow:
            yield from logs.follow(self.home.log_file, after=end)

    def run(self, *, started: Callable[[], None]) -> int:
        """Run the process with this terminal's output. See `Driver.run`."""
        require_registry()
        self._require_data()
        self.home.make_directories()
        with stops_as_interrupts():
            with locked(self.home):
                self._refuse_second()
                process = self._launch(None)
            try:
                started()
                code = process.wait()
            except KeyboardInterrupt:
                return 0
            finally:
                with locked(self.home):
                    self._end_child(process)
        if code in STOPPED:
            return 0
        raise self._early_end(code)

    # The process

    def _find_process(self) -> ProcessRecord | None:
        """Return the process that serves this home; ``None`` also where the pid file is stale."""
        record = processes.read_pid_file(self.home.pid_file)
        return record if record and record.is_alive else None

    def _require_data(self) -> None:
        """Raise `ServerError` where the data is gone: an empty index must not take its place."""
        if not self.home.auth.is_dir():
            raise ServerError(
                f"The data of this server, {self.home.data}, is not there.",
                hint="Is a disk not mounted? Bring it back, or set up a new server: "
                "remove server.toml and run poetry aegis server init",
            )

    def _refuse_second(self) -> None:
        if running := self._find_process():
            raise PortInUse(
                f"The server is already running at {running.url} (pid {running.pid}).",
                hint="Stop it with: poetry aegis server stop",
            )

    def _opened_log(self) -> IO[bytes]:
        try:
            logs.rotate(self.home.log_file)
            return self.home.log_file.open("ab")
        except OSError as error:
            raise ServerError(
                f"{self.home.log_file} cannot be written: {error.strerror}."
            ) from error

    def _launch(self, output: IO[bytes] | None) -> subprocess.Popen[bytes]:
        """Start the process and write its pid file."""
        settings = self.settings
        ports.require_free_port(settings.host, settings.port, way_out=self._port_way_out())
        write_text(self.home.registry_settings, render_registry_settings(settings), mode=0o600)
        process = processes.spawn_detached(
            self._command_line(), cwd=self.home.root, environment=_environment(), output=output
        )
        try:
            record = processes.record_of(process.pid, url=settings.url)
            processes.write_pid_file(self.home.pid_file, record)
        except BaseException:
            self._end_child(process)
            raise
        return process

    def _end_child(self, process: subprocess.Popen[bytes]) -> None:
        """End the process that this very command has started, and forget it."""
        processes.end_child(process)
        record = processes.read_pid_file(self.home.pid_file)
        if record and record.pid == process.pid:
            self.home.pid_file.unlink(missing_ok=True)

    def _command_line(self) -> list[str]:
        settings = self.settings
        arguments = {
            "--data": self.home.data,
            "--host": settings.host,
            "--port": settings.port,
            "--settings": self.home.registry_settings,
        }
        command = [sys.executable, "-m", "poetry_aegis.registry", "serve"]
        for option, value in arguments.items():
            command += [option, str(value)]
        return command

    def _wait_until_ready(self, process: subprocess.Popen[bytes], *, log_before: int) -> None:
        deadline = time.monotonic() + self.patience
        while not probe.is_ready(self.settings.url):
            self._require_alive(process, log_before)
            if time.monotonic() > deadline:
                raise NotReady(
                    f"The server did not answer at {self.settings.url} "
                    f"within {self.patience:.0f} seconds.",
                    hint=self._last_words(log_before),
                )
            time.sleep(processes.POLL)
        self._require_alive(process, log_before)

    def _require_alive(self, process: subprocess.Popen[bytes], log_before: int) -> None:
        code = process.poll()
        if code is not None:
            error = self._early_end(code)
            error.hint = error.hint or self._last_words(log_before)
            raise error

    def _end(self, record: ProcessRecord) -> None:
        try:
            processes.end_process(record)
        except PermissionError as error:
            raise ServerError(
                f"The server (pid {record.pid}) belongs to another user.",
                hint="Stop it as the user who started it.",
            ) from error

    # Words

    def _early_end(self, code: int) -> AegisError:
        if code == ADDRESS_IN_USE:
            settings = self.settings
            return ports.port_in_use(settings.host, settings.port, way_out=self._port_way_out())
        if code == UNREADABLE_USERS:
            return UnreadableUsers(f"The server cannot read its users in {self.home.auth}.")
        return NotReady(f"The server ended by itself with exit code {code}.")

    def _last_words(self, log_before: int) -> str:
        lines = logs.read_tail(self.home.log_file, 10, after=log_before)
        if not lines:
            return f"It printed nothing to {self.home.log_file}."
        return "\n  ".join([f"The last lines of {self.home.log_file}:", *lines])

    def _port_way_out(self) -> str:
        return f"Stop that program, or choose another port in {self.home.settings_file}"


def _environment() -> dict[str, str]:
    """Return the environment for the process: this one's, less Poetry's, which holds passwords."""
    inherited = {name: value for name, value in os.environ.items() if not _is_of_poetry(name)}
    # The working directory is the home; no module is to be imported from there.
    return inherited | {"PYTHONSAFEPATH": "1"}


def _is_of_poetry(variable: str) -> bool:
    return variable.upper().startswith("POETRY_")
