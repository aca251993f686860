"""The services of a stack on a terminal: a table of them, and how they come up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.commands.base import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cleo.io.outputs.output import Output
    from cleo.io.outputs.section_output import SectionOutput

    from poetry_aegis.server.docker.services import ServiceStatus

_TITLES = ("SERVICE", "STATE", "HEALTH", "VERSION", "UPTIME", "CPU", "MEMORY")
_LONGEST = (16, 10, 9, 12, 8, 6, 10)  # with the gaps, less than 80 columns


class StartView:
    """Tells *output* how the services of a stack come up, as `Listener` has it.

    On a terminal there is a line for each service, which changes; elsewhere each change is a line.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self._live: SectionOutput | None = None
        self._step = ""
        self._services: dict[str, ServiceStatus] = {}
        self._told: dict[str, str] = {}
        self._waiting: set[str] = set()  # stopped from the start on, as they were meant to be
        if output.is_decorated():
            self._live = output.section()

    def step(self, what: str) -> None:
        """Show what is being done now."""
        self._step = what
        if self._live is None:
            self._output.write_line(f"{plain(what.capitalize())}.")
        else:
            self._draw(self._live)

    def services(self, services: Sequence[ServiceStatus]) -> None:
        """Show the services, or those that have changed."""
        if not self._services:
            self._note_the_first(services)
        # While a container takes another's place, its service is listed twice: the new one counts.
        ordered = sorted(services, key=lambda service: service.state == "created")
        self._services = {service.name: service for service in ordered}
        self._waiting &= {name for name, found in self._services.items() if found.is_stopped}
        if self._live is not None:
            self._draw(self._live)
        else:
            self._write_news()

    def _note_the_first(self, services: Sequence[ServiceStatus]) -> None:
        """Take note of what is no news: services that are well, and those yet to be started."""
        self._waiting = {service.name for service in services if service.state == "exited"}
        known = [s for s in services if s.is_well or s.name in self._waiting]
        self._told = {service.name: _state(service) for service in known}

    def _write_news(self) -> None:
        for name, service in sorted(self._services.items()):
            if self._told.get(name) != _state(service):
                self._output.write_line(_line(service))
            self._told[name] = _state(service)

    def _draw(self, live: SectionOutput) -> None:
        found = [self._services[name] for name in sorted(self._services)]
        lines = [_waiting_line(s) if s.name in self._waiting else _line(s) for s in found]
        live.overwrite("\n".join([f"{plain(self._step.capitalize())} ...", *lines]))


def service_table(services: Sequence[ServiceStatus]) -> list[str]:
    """Return *services* as lines of a table, tags and all, in 79 columns."""
    rows = [_row(service) for service in services]
    widths = [
        max(len(title), *(len(row[column]) for row in rows)) for column, title in enumerate(_TITLES)
    ]
    gap = "  " if sum(widths) + 2 * (len(widths) - 1) < 80 else " "
    lines = [f"<b>{_joined(_TITLES, widths, gap)}</b>"]
    for service, row in zip(services, rows, strict=True):
        text = plain(_joined(row, widths, gap))
        lines.append(text if service.is_well else f"<fg=red>{text}</>")
    reasons = [(service.name, service.reason) for service in services if service.reason]
    return lines + [f"  <fg=red>{plain(f'{name}: {reason}')}</>" for name, reason in reasons]


def _row(service: ServiceStatus) -> tuple[str, ...]:
    from poetry_aegis.server.units import format_size

    cells = (
        service.name,
        service.state,
        service.health or "-",
        service.version or "-",
        "-" if service.uptime is None else _short_duration(service.uptime),
        "-" if service.cpu is None else f"{service.cpu:.1f}%",
        "-" if service.memory is None else format_size(service.memory),
    )
    return tuple(cell[:longest] for cell, longest in zip(cells, _LONGEST, strict=True))


def _joined(cells: Sequence[str], widths: Sequence[int], gap: str) -> str:
    """Return *cells* side by side; the last two, numbers, set to the right."""
    left = [f"{cell:<{width}}" for cell, width in zip(cells[:5], widths[:5], strict=True)]
    right = [f"{cell:>{width}}" for cell, width in zip(cells[5:], widths[5:], strict=True)]
    return gap.join([*left, *right]).rstrip()


def _short_duration(seconds: float) -> str:
    from poetry_aegis.server.units import format_duration

    text = format_duration(seconds).replace("min", "m")
    for unit in "dhms":
        text = text.replace(f" {unit}", unit)
    return text


def _line(service: ServiceStatus) -> str:
    sign, colour = ("+", "green") if service.is_well else (" ", "default")
    if service.is_lost:
        sign, colour = "!", "red"
    return f"  <fg={colour}>{sign} {plain(f'{service.name:<16} {_state(service)}')}</>"


def _waiting_line(service: ServiceStatus) -> str:
    return f"    {plain(f'{service.name:<16} stopped')}"


def _state(service: ServiceStatus) -> str:
    return service.health if service.is_running and service.health else service.state
