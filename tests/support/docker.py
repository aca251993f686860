"""Docker's engine, driven for real: what tests need of it, and what they ask of it."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.needs import missing, needs_program

if TYPE_CHECKING:
    from types import ModuleType

PATIENCE = 60.0  # seconds until a container that does not do what it should is a failure
_SCRIPT = Path(__file__).parents[2] / "scripts" / "stack_images.py"
_SERVICES = (
    *("pypiserver", "nginx", "redis", "prometheus", "grafana"),
    *("nginx_exporter", "redis_exporter", "node_exporter"),
)


def needs_docker() -> None:
    """Skip, or fail where all must run, without an engine, Compose and the images of the tests."""
    if sys.platform != "linux" or os.geteuid() != 0:
        missing("needs root on Linux, to kill what runs in containers")
    needs_program("docker")
    for asked in (("version",), ("compose", "version")):
        if (done := _run(*asked)).returncode:
            missing(f"needs Docker with Compose; `docker {asked[0]}` says: {done.stdout[-300:]}")
    if _run("image", "inspect", *images().values()).returncode:
        missing("needs the images that scripts/stack_images.py makes")


def images() -> dict[str, str]:
    """Return the images of the tests, as ``[images]`` in ``server.toml`` names them."""
    script = image_script()
    named = {service: script.named(service.replace("_", "-")) for service in _SERVICES}
    return {"python": script.BASE, **named}


@cache
def image_script() -> ModuleType:
    """Return ``scripts/stack_images.py``, which is no part of a package."""
    spec = importlib.util.spec_from_file_location("stack_images", _SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def docker(*arguments: str, timeout: float = PATIENCE) -> str:
    """Run ``docker ARGUMENTS`` and return what it printed. Raises `AssertionError`."""
    done = _run(*arguments, timeout=timeout)
    assert done.returncode == 0, f"docker {' '.join(arguments)}:\n{done.stdout}"
    return done.stdout


def inspect(container: str) -> dict[str, Any]:
    """Return all that the engine knows of *container*."""
    (found,) = json.loads(docker("inspect", container))
    assert isinstance(found, dict)
    return found


def containers(project: str) -> dict[str, str]:
    """Return the containers of the Compose project *project*, running or not, by service."""
    label = f"label=com.docker.compose.project={project}"
    shown = '{{.Label "com.docker.compose.service"}} {{.Names}}'
    lines = docker("ps", "--all", "--filter", label, "--format", shown).splitlines()
    return dict(sorted(line.split() for line in lines))


def crash(container: str) -> None:
    """Kill the process of *container* as the kernel would, short of memory: nobody asked for it.

    ``docker kill`` is a request, and what was stopped on request is not started again.
    """
    state = inspect(container)["State"]
    assert state["Running"], f"{container} does not run."
    os.kill(state["Pid"], signal.SIGKILL)


def is_well(container: str) -> bool:
    """Return whether *container* runs, and is healthy where it can tell."""
    state = inspect(container)["State"]
    health = state.get("Health", {}).get("Status", "healthy")
    return bool(state["Running"]) and health == "healthy"


def wait_until_well(container: str, *, started_after: str = "") -> None:
    """Wait until *container* is well, and was started later than *started_after*."""
    deadline = time.monotonic() + PATIENCE
    while inspect(container)["State"]["StartedAt"] <= started_after or not is_well(container):
        assert time.monotonic() < deadline, f"{container} is not well:\n{logs(container)}"
        time.sleep(0.25)


def logs(container: str) -> str:
    """Return the last lines of what *container* printed."""
    return _run("logs", "--tail", "40", container).stdout


def remove_project(project: str) -> None:
    """Remove the containers, networks and volumes of *project*, and no others."""
    label = f"label=com.docker.compose.project={project}"
    for kind, listing, removal in (
        ("container", ("ls", "--all", "--quiet"), ("rm", "--force", "--volumes")),
        ("network", ("ls", "--quiet"), ("rm",)),
        ("volume", ("ls", "--quiet"), ("rm", "--force")),
    ):
        if found := docker(kind, *listing, "--filter", label).split():
            docker(kind, *removal, *found)


def leftovers(project: str) -> list[str]:
    """Return the containers, networks and volumes of *project* that are there."""
    label = f"label=com.docker.compose.project={project}"
    kinds = (("container", "--all"), ("network",), ("volume",))
    return [
        f"{kind} {name}"
        for kind, *more in kinds
        for name in docker(kind, "ls", "--quiet", *more, "--filter", label).split()
    ]


def _run(*arguments: str, timeout: float = PATIENCE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=timeout,
        check=False,
    )
