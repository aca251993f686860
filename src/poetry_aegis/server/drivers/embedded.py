"""The ``embedded`` driver: the registry as a background process of this machine, no Docker."""

from __future__ import annotations

import os
import signal
import time
from typing import IO, TYPE_CHECKING

from poetry_aegis.atomic import write_text
from poetry_aegis.errors import PortInUse, ServerError, UsageError
from poetry_aegis.server import logs, ports, probe, processes, usage
from poetry_aegis.server.drivers import former, preflight
from poetry_aegis.server.drivers.interface import SILENCE, Applied, Started, Status
from poetry_aegis.server.drivers.launch import (
    command_line,
    early_end,
    environment,
    planned_changes,
    port_way_out,
    require_no_service,
    wait_until_ready,
)
from poetry_aegis.server.drivers.removal import delete_data
from poetry_aegis.server.extra import require_registry
from poetry_aegis.server.locks import locked
from poetry_aegis.server.template import render_registry_settings
from poetry_aegis.signals import stops_as_interrupts

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from poetry_aegis.server.config import ServerSettings
    from poetry_aegis.server.drivers.interface import Listener
    from poetry_aegis.server.home import ServerHome
    from poetry_aegis.server.processes import ProcessRecord
    from poetry_aegis.server.stack.writing import Change

# How a process ends that was asked to; Windows gives it the signal's number for its exit code.
STOPPED = (0, -signal.SIGTERM, -signal.SIGINT, *([int(signal.SIGTERM)] if os.name == "nt" else []))
PATIENCE = 30.0  # seconds until a server that does not answer is given up


class EmbeddedDriver:
    """Runs the registry of *home* as a process that outlives the command and its terminal."""

    def __init__(
        self, home: ServerHome, settings: ServerSettings, *, patience: float = PATIENCE
    ) -> None:
        self.home = home
        self.settings = settings
        self.patience = patience

    def start(self, listener: Listener = SILENCE) -> Started:  # noqa: ARG002  one step only
        """Start the process and wait for its readiness. See `Driver.start`."""
        self._require_startable()
        self.home.make_directories()
        with locked(self.home):
            if running := self._find_process():
                return Started(running.url, running.pid, already_running=True)
            with self._opened_log() as output:
                before = output.tell()
                process = self._launch(output)
            try:
                wait_until_ready(
                    self.home,
                    self.settings,
                    process,
                    patience=self.patience,
                    log_before=before,
                )
            except BaseException:
                self._end_child(process)
                raise
            return Started(self.settings.url, process.pid, already_running=False)

    def stop(self) -> bool:
        """End the process, and containers from before it was one. See `Driver.stop`."""
        was_running = self.stop_process()
        with locked(self.home):
            return former.stop_stack(self.home) or was_running

    def stop_process(self) -> bool:
        """End the process, when asked or by force; return whether it was running."""
        with locked(self.home):
            running = self._find_process()
            if running:
                self._end(running)
            self.home.pid_file.unlink(missing_ok=True)
        return running is not None

    def status(self) -> Status:
        """Ask the process and count its files. See `Driver.status`."""
        running = self._find_process()
        held, backed_up = usage.measure(self.home.data), usage.last_backup(self.home.data)
        if running is None:
            return Status(
                "stopped",
                "embedded",
                str(self.home.root),
                url=self.settings.url,
                usage=held,
                last_backup=backed_up,
                notes=former.notes_on(former.running_stack(self.home)),
            )
        health = probe.read_health(running.url)
        return Status(
            "running" if health and probe.is_ready(running.url) else "not ready",
            "embedded",
            str(self.home.root),
            url=running.url,
            usage=held,
            last_backup=backed_up,
            pid=running.pid,
            version=str(health["version"]) if "version" in health else None,
            uptime=max(0.0, time.time() - running.started_at),
        )

    def restart(self, service: str | None = None, listener: Listener = SILENCE) -> Started:
        """Stop the process and start another. See `Driver.restart`."""
        require_no_service(service)
        self.stop()
        return self.start(listener)

    def logs(self, *, lines: int, follow: bool, service: str | None = None) -> Iterator[str]:
        """Read the log file. See `Driver.logs`."""
        require_no_service(service)
        end = logs.size_of(self.home.log_file)
        yield from logs.read_tail(self.home.log_file, lines)
        if follow:
            yield from logs.follow(self.home.log_file, after=end)

    def run(self, *, started: Callable[[], None]) -> int:
        """Run the process with this terminal's output. See `Driver.run`."""
        return self._serve(started, loud=False)

    def _serve(self, started: Callable[[], None], *, loud: bool) -> int:
        self._require_startable()
        self.home.make_directories()
        with stops_as_interrupts():
            with locked(self.home):
                self._refuse_second()
                process = self._launch(None, loud=loud)
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
        raise early_end(self.home, self.settings, code)

    def debug(self, *, started: Callable[[], None], service: str | None = None) -> int:
        """Run in the foreground, with Python's development mode. See `Driver.debug`."""
        require_no_service(service)
        return self._serve(started, loud=True)

    def plan(self) -> tuple[Change, ...]:
        """Compare what the process reads with what it would read. See `Driver.plan`."""
        former.require_no_stack(self.home)
        return planned_changes(self.home, self.settings)

    def apply(self, listener: Listener = SILENCE, *, overwrite: bool = False) -> Applied:  # noqa: ARG002  nothing is edited by hand
        """Restart a process that reads other settings than it would now. See `Driver.apply`."""
        self._require_startable()
        running = self._find_process()
        changes = self.plan()
        if running and (changes or running.url != self.settings.url):
            self.restart(listener=listener)
            return Applied(changes, restarted=("registry",), running=True)
        return Applied(changes, running=running is not None)

    def upgrade(self, listener: Listener = SILENCE, *, pull: bool = False) -> Applied:
        """Restart the process, so that it is of the installed version. See `Driver.upgrade`."""
        if pull:
            raise UsageError("There are no images to pull: the server runs without containers.")
        self._require_startable()
        if self._find_process() is None:
            return Applied()
        changes = self.plan()
        self.restart(listener=listener)
        return Applied(changes, restarted=("registry",), running=True)

    def destroy(self, *, data: bool) -> bool:
        """End the process, and delete the data where asked to. See `Driver.destroy`."""
        was_running = self.stop()
        return (delete_data(self.home) if data else False) or was_running

    # The process

    def _require_startable(self) -> None:
        """Raise the error that says what stands against a start; nothing is written yet."""
        preflight.require_no_restore(self.home)
        require_registry()
        self.home.require_data()
        former.require_no_stack(self.home)

    def _find_process(self) -> ProcessRecord | None:
        """Return the process that serves this home; ``None`` also where the pid file is stale."""
        record = processes.read_pid_file(self.home.pid_file)
        return record if record and record.is_alive else None

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

    def _launch(self, output: IO[bytes] | None, *, loud: bool = False) -> subprocess.Popen[bytes]:
        """Start the process and write its pid file."""
        settings = self.settings
        ports.require_free_port(settings.host, settings.port, way_out=port_way_out(self.home))
        write_text(self.home.registry_settings, render_registry_settings(settings), mode=0o600)
        process = processes.spawn_detached(
            command_line(self.home, settings, loud=loud),
            cwd=self.home.root,
            environment=environment(),
            output=output,
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

    def _end(self, record: ProcessRecord) -> None:
        try:
            processes.end_process(record)
        except PermissionError as error:
            raise ServerError(
                f"The server (pid {record.pid}) belongs to another user.",
                hint="Stop it as the user who started it.",
            ) from error
