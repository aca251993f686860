"""The services of a stack: what Docker tells of each, in whatever shape its version tells it."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from poetry_aegis.registry.times import parse_moment
from poetry_aegis.server.docker.client import harmless

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNITS = {
    unit + suffix: size**power
    for suffix, size in (("b", 1000), ("ib", 1024))
    for power, unit in enumerate(("k", "m", "g", "t"), start=1)
} | {"b": 1}
_ONE_OFF = "com.docker.compose.oneoff=True"
VERSION_LABEL = "org.opencontainers.image.version"


@dataclass(frozen=True)
class ServiceStatus:
    """A service and its container, as Docker tells of them.

    *state* is Docker's word: ``running``, ``exited``, ``restarting``, ``created`` and others.
    *health* is ``healthy``, ``unhealthy``, ``starting``, or empty where nothing is checked.
    *version* is that of the image, *uptime* in seconds, *cpu* in percent of one core, *memory* in
    bytes; ``None`` stands for what is not known, as for a container that does not run. *reason*
    says why a service is not well.
    """

    name: str
    state: str
    health: str = ""
    container: str = ""
    image: str = ""
    version: str = ""
    exit_code: int = 0
    uptime: float | None = None
    cpu: float | None = None
    memory: int | None = None
    restarts: int = 0
    reason: str = ""
    ports: tuple[int, ...] = ()

    @property
    def is_running(self) -> bool:
        """Whether its container runs, well or not."""
        return self.state == "running"

    @property
    def is_well(self) -> bool:
        """Whether it runs and, where that is checked, is healthy."""
        return self.is_running and self.health in {"", "healthy"}

    @property
    def is_stopped(self) -> bool:
        """Whether it runs not, and will not without being started: Docker restarts what fails."""
        return self.state in {"created", "exited", "missing"}

    @property
    def is_lost(self) -> bool:
        """Whether waiting for it makes no sense: it ended, or is found to be ill."""
        return self.state in {"exited", "dead"} or self.health == "unhealthy" or self.restarts > 2

    def to_json(self) -> dict[str, Any]:
        """Return the service as ``--json`` prints it."""
        return {
            "service": self.name,
            "state": self.state,
            "health": self.health or None,
            "image": self.image,
            "version": self.version or None,
            "uptime_seconds": None if self.uptime is None else int(self.uptime),
            "cpu_percent": self.cpu,
            "memory_bytes": self.memory,
            "restarts": self.restarts,
            "reason": self.reason or None,
        }


def read_documents(text: str) -> list[dict[str, Any]]:
    """Return the objects in *text*, be it one JSON array or an object on each line.

    Compose printed an array until 2.20 and lines from 2.21 on; ``docker stats`` prints lines.
    """
    try:
        whole = json.loads(text or "[]")
    except ValueError:
        whole = [_parsed(line) for line in text.splitlines()]
    found = whole if isinstance(whole, list) else [whole]
    return [item for item in found if isinstance(item, dict)]


def read_services(text: str) -> list[ServiceStatus]:
    """Return what ``docker compose ps --all --format json`` tells, by the services' names."""
    found = [_service(item) for item in read_documents(text) if _is_of_stack(item)]
    return sorted(found, key=lambda service: service.name)


def with_inspection(service: ServiceStatus, found: Mapping[str, Any]) -> ServiceStatus:
    """Return *service* with what ``docker inspect`` tells: start, restarts, health, version."""
    state = _table(found.get("State"))
    config = _table(found.get("Config"))
    label = _table(config.get("Labels")).get(VERSION_LABEL)
    return replace(
        service,
        version=str(label or "") or service.version,
        uptime=_seconds_since(str(state.get("StartedAt", ""))) if service.is_running else None,
        restarts=int(found.get("RestartCount") or 0),
        reason=_reason(service, state),
    )


def with_load(service: ServiceStatus, found: Mapping[str, Any]) -> ServiceStatus:
    """Return *service* with what ``docker stats`` tells: CPU and memory."""
    used = str(found.get("MemUsage", "")).partition("/")[0]
    return replace(service, cpu=read_percent(str(found.get("CPUPerc", ""))), memory=read_size(used))


def read_percent(text: str) -> float | None:
    """Return the number in ``0.15%``; ``None`` where there is none, as in ``--``."""
    try:
        return float(text.strip().removesuffix("%"))
    except ValueError:
        return None


def read_size(text: str) -> int | None:
    """Return the bytes that ``20.1MiB`` or ``1.5kB`` stands for; ``None`` where it is no size."""
    parts = re.fullmatch(r"([0-9.]+)\s*([A-Za-z]+)", text.strip())
    unit = _UNITS.get(parts[2].lower()) if parts else None
    if parts is None or unit is None or parts[1].count(".") > 1 or parts[1] == ".":
        return None
    return int(float(parts[1]) * unit)


def version_of(image: str) -> str:
    """Return the tag of *image*; empty where it has none."""
    name = image.partition("@")[0]
    return name.rpartition("/")[2].partition(":")[2]


def _is_of_stack(item: Mapping[str, Any]) -> bool:
    """Return whether it is a service's own container, and none that was run beside it."""
    return bool(item.get("Service")) and _ONE_OFF not in str(item.get("Labels", ""))


def _service(item: Mapping[str, Any]) -> ServiceStatus:
    image = str(item.get("Image", ""))
    return ServiceStatus(
        name=str(item["Service"]),
        state=str(item.get("State", "")).lower(),
        health=str(item.get("Health") or "").lower(),
        container=str(item.get("ID", "")),
        image=image,
        version=version_of(image),
        exit_code=int(item.get("ExitCode") or 0),
        ports=_ports(item.get("Publishers")),
    )


def _ports(publishers: object) -> tuple[int, ...]:
    listed = publishers if isinstance(publishers, list) else []
    ports = {int(_table(item).get("PublishedPort") or 0) for item in listed}
    return tuple(sorted(ports - {0}))


def _reason(service: ServiceStatus, state: Mapping[str, Any]) -> str:
    """Return why a service is not well, in the words that Docker has for it."""
    if service.is_well:
        return ""
    if state.get("OOMKilled"):
        return "out of memory"
    if error := str(state.get("Error") or ""):
        return _first_line(error)
    if service.health == "unhealthy":
        log = _table(state.get("Health")).get("Log") or [{}]
        return _first_line(str(_table(log[-1]).get("Output") or "")) or "its health check fails"
    if service.state in {"exited", "dead", "restarting"}:
        return f"exit code {state.get('ExitCode', service.exit_code)}"
    return ""


def _first_line(text: str) -> str:
    lines = [line.strip() for line in harmless(text).splitlines() if line.strip()]
    return lines[0][:200] if lines else ""


def _seconds_since(moment: str) -> float | None:
    """Return how long ago *moment* was."""
    parsed = parse_moment(moment)
    return max(0.0, time.time() - parsed.timestamp()) if parsed else None


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _parsed(line: str) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return None  # A warning among the lines.
