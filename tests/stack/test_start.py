"""From nothing to a healthy stack, and what it is made of."""

from __future__ import annotations

import json
import re
import stat
import time
from typing import TYPE_CHECKING

from tests.support.docker import inspect
from tests.support.registry import USERS

if TYPE_CHECKING:
    from tests.stack.stack import Stack

SERVICES = {
    *("pypi-server", "nginx", "redis", "prometheus", "grafana"),
    *("nginx-exporter", "redis-exporter", "node-exporter"),
}


def test_everything_is_healthy(stack: Stack) -> None:
    status = stack.json("status")

    services = {service["service"]: service for service in status["services"]}
    assert services.keys() == SERVICES
    assert {service["state"] for service in services.values()} == {"running"}
    assert {service["health"] for service in services.values()} <= {"healthy", None}
    assert {services[name]["health"] for name in ("pypi-server", "nginx", "redis")} == {"healthy"}
    assert status["state"] == "running"
    assert status["url"] == f"https://pypi.aegis.local:{stack.ports['https']}/"
    assert status["certificate_days"] > 300
    for name, service in services.items():
        assert service["uptime_seconds"] >= 0
        assert service["memory_bytes"] > 0
        assert service["restarts"] == inspect(stack.containers[name])["RestartCount"]


def test_status_is_a_table(stack: Stack) -> None:
    told = stack.ok("status")

    for service in SERVICES:
        assert re.search(rf"^\W*{service}\b", told, re.MULTILINE), told
    assert max(map(len, told.splitlines())) <= 120  # as wide as the tests say the terminal is


def test_a_second_start_changes_nothing(stack: Stack) -> None:
    before = {name: inspect(name)["State"]["StartedAt"] for name in stack.containers.values()}

    told = stack.ok("start")

    assert "already running" in told
    after = {name: inspect(name)["State"]["StartedAt"] for name in stack.containers.values()}
    assert after == before


def test_only_nginx_is_published_and_monitoring_on_the_loopback(stack: Stack) -> None:
    published = {
        service: {
            (inside, binding["HostIp"], int(binding["HostPort"]))
            for inside, bindings in inspect(name)["NetworkSettings"]["Ports"].items()
            for binding in bindings or ()
        }
        for service, name in stack.containers.items()
    }

    assert {service: ports for service, ports in published.items() if ports} == {
        "nginx": {
            ("80/tcp", "127.0.0.1", stack.ports["http"]),
            ("443/tcp", "127.0.0.1", stack.ports["https"]),
        },
        "prometheus": {("9090/tcp", "127.0.0.1", stack.ports["prometheus"])},
        "grafana": {("3000/tcp", "127.0.0.1", stack.ports["grafana"])},
    }


def test_containers_can_do_little(stack: Stack) -> None:
    for service, name in stack.containers.items():
        found = inspect(name)
        host = found["HostConfig"]
        assert host["ReadonlyRootfs"], service
        assert host["CapDrop"] == ["ALL"], service
        assert not host["CapAdd"], service
        assert any("no-new-privileges" in option for option in host["SecurityOpt"]), service
        assert not host["Privileged"], service
        assert host["RestartPolicy"]["Name"] == "unless-stopped", service
        assert host["Memory"] > 0, service
        assert host["LogConfig"]["Config"]["max-size"], service
        uid = stack.inside(service, "python3", "-c", "import os; print(os.getuid())")
        assert int(uid) != 0, service


def test_what_they_write_belongs_to_whom_the_settings_name(stack: Stack) -> None:
    user = {int(part) for part in inspect(stack.containers["nginx"])["Config"]["User"].split(":")}
    for path in (stack.home.data, stack.home.auth, stack.home.nginx_logs / "access.log"):
        found = path.stat()
        assert {found.st_uid, found.st_gid} == user, path


def test_what_is_generated_says_so_and_is_valid(stack: Stack) -> None:
    for path in (
        stack.home.compose_file,
        stack.home.stack / "registry.toml",
        stack.home.stack / "nginx" / "nginx.conf",
        stack.home.stack / "prometheus" / "prometheus.yml",
        stack.home.stack / "prometheus" / "rules.yml",
    ):
        assert "server.toml" in path.read_text(encoding="utf-8").splitlines()[0], path
    stack.compose("config", "--quiet")
    nginx = inspect(stack.containers["nginx"])
    configuration = next(part for part in nginx["Args"] if part.endswith(".conf"))
    stack.inside("nginx", "nginx", "-t", "-c", configuration)
    prometheus = next(
        part.partition("=")[2]
        for part in inspect(stack.containers["prometheus"])["Args"]
        if part.startswith("--config.file=")
    )
    assert "rule files found" in stack.inside(
        "prometheus", "promtool", "check", "config", prometheus
    )


def test_no_secret_is_told_or_lies_open(stack: Stack) -> None:
    env_file = stack.home.env_file
    lines = [line for line in env_file.read_text().splitlines() if line and line[0] != "#"]
    generated = dict(line.split("=", 1) for line in lines)
    assert generated.keys() >= {"GRAFANA_PASSWORD", "REDIS_PASSWORD"}
    secrets = [value.strip("'\"") for value in generated.values()]
    secrets += [password for password, _ in USERS.values()]

    assert stat.S_IMODE(env_file.stat().st_mode) == 0o600
    for key in stack.home.tls.glob("*.key"):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    for path in (path for path in stack.home.root.rglob("*") if path.is_file()):
        if path.stat().st_mode & 0o004:
            assert not any(secret.encode() in path.read_bytes() for secret in secrets), path
    arguments = json.dumps(
        [(inspect(name)["Path"], inspect(name)["Args"]) for name in stack.containers.values()]
    )
    log = stack.ok("logs", "--lines", "10000")
    for secret in secrets:
        assert secret not in arguments
        assert secret not in log


def test_logs_of_all_and_of_one(stack: Stack) -> None:
    with stack.client() as client:
        assert client.get("/api/v1/downloads/nosuch").status_code in {200, 404}

    time.sleep(1)
    assert "pypi-server" in stack.ok("logs", "--lines", "200")
    assert '"listening"' in stack.ok("logs", "pypi-server", "--lines", "1000")
    prometheus = stack.ok("logs", "prometheus", "--lines", "5")
    assert 0 < len(prometheus.splitlines()) <= 5
    assert "nosuch" in stack.run("logs", "nosuch").stderr


def test_grafana_is_given_what_it_provisions(stack: Stack) -> None:
    # What answers in Grafana's place prints what it could read there, as its user.
    shown = stack.ok("logs", "grafana", "--lines", "100")

    assert "provisioning/datasources" in shown
    assert "provisioning/dashboards" in shown
