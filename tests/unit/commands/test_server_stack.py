"""Commands about a stack, in Poetry's own application, with a docker that answers as told."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

import pytest

from poetry_aegis import atomic
from poetry_aegis.errors import (
    NoDaemon,
    NoDocker,
    NotReady,
    NotRunning,
    ServerError,
    StackError,
    UsageError,
)
from poetry_aegis.server.config import ServerSettings
from poetry_aegis.server.stack.settings import MonitoringSettings, WebSettings
from poetry_aegis.server.template import render_settings
from tests.support import fake_docker
from tests.support.commands import Result, aegis
from tests.support.fake_docker import DOWN, service
from tests.support.server import EVERY_ADDRESS, free_ports, vacant_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from poetry_aegis.server.home import ServerHome
    from tests.support.fake_docker import FakeDocker

WELL = [service("nginx"), service("pypi-server", container="abc")]


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    docker = fake_docker.install(tmp_path / "bin", monkeypatch)
    docker.says(names=["nginx", "pypi-server"])
    docker.on("up", ps=[[service("nginx", "created", ""), WELL[1]], WELL])
    return docker


@pytest.fixture
def home(tmp_path: Path, docker: FakeDocker) -> Iterator[ServerHome]:
    http, https = free_ports(2)
    settings = ServerSettings(
        driver="compose",
        web=WebSettings(name="localhost", listen="127.0.0.1", http_port=http, https_port=https),
        monitoring=MonitoringSettings(prometheus=False, grafana=False),
    )
    with vacant_home(tmp_path / "server") as home:
        home.make_directories()
        text = render_settings(settings)
        text = text.replace(f'#listen = "{EVERY_ADDRESS}"', 'listen = "127.0.0.1"')
        atomic.write_text(home.settings_file, text)
        yield home


def server(home: ServerHome, *arguments: str) -> Result:
    return aegis("server", *arguments, "--home", str(home.root))


def test_start_tells_how_the_services_come(home: ServerHome) -> None:
    told = server(home, "start")
    assert told.code == 0, told.err
    lines = told.out.splitlines()
    assert "Building and starting." in lines
    assert "  + nginx            healthy" in lines
    assert lines[-1].startswith("The server is running at https://localhost:")
    assert "already running" in server(home, "start").out


def test_start_for_machines(home: ServerHome) -> None:
    told = server(home, "start", "--json")
    assert told.document["pid"] is None
    assert [found["service"] for found in told.document["services"]] == ["nginx", "pypi-server"]
    assert "Building and starting." in told.err


def test_status_is_a_table(home: ServerHome, docker: FakeDocker) -> None:
    server(home, "start")
    docker.says(
        ps=[[service("nginx", health="unhealthy"), WELL[1]]],
        stats={"abc": {"ID": "abc", "CPUPerc": "1.26%", "MemUsage": "30MiB / 1GiB"}},
    )
    told = server(home, "status")
    assert told.code == NotRunning.exit_code
    lines = told.out.splitlines()
    assert max(map(len, lines[:4])) <= 80
    assert lines[0].startswith("SERVICE      STATE    HEALTH ")
    assert "  " in lines[2].removeprefix("pypi-server  ").removeprefix("running")[:2]
    assert lines[0].split() == [
        *("SERVICE", "STATE", "HEALTH", "VERSION", "UPTIME", "CPU", "MEMORY")
    ]
    assert lines[2].split() == [
        "pypi-server",
        "running",
        "healthy",
        "1.2.3",
        "-",
        "1.3%",
        *("30.0", "MiB"),
    ]
    assert "  nginx: its health check fails" in lines
    assert any("certificate  39" in line for line in lines)
    assert any("last backup  never" in line for line in lines)
    document = server(home, "status", "--json").document
    assert document["services"][1]["memory_bytes"] == 30 * 1024**2


def test_status_tells_of_containers_from_before_server_toml_was_changed(
    home: ServerHome, docker: FakeDocker
) -> None:
    server(home, "start")
    docker.on("stop", ps=[[]])
    text = home.settings_file.read_text()
    home.settings_file.write_text(text.replace('driver = "compose"', 'driver = "embedded"'))
    told = server(home, "status")
    assert told.code == NotRunning.exit_code
    assert told.out.splitlines()[-1] == (
        "Note: The server still runs in containers (project aegis). "
        "Stop it with: poetry aegis server stop"
    )
    assert server(home, "stop").code == 0
    assert "Note:" not in server(home, "status").out


def test_watching_needs_a_terminal(home: ServerHome) -> None:
    assert server(home, "status", "--watch").code == UsageError.exit_code


def test_what_docker_lacks_is_one_sentence(
    home: ServerHome, docker: FakeDocker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    docker.says(refusal=DOWN)
    for command in ("start", "status", "apply", "upgrade", "restart", "debug", "run"):
        told = server(home, command)
        assert told.code == NoDaemon.exit_code, (command, told.err)
        assert told.err.startswith("The Docker daemon does not answer.\n")
    assert server(home, "destroy", "--yes").code == NoDaemon.exit_code
    monkeypatch.setenv("PATH", str(tmp_path))
    assert server(home, "start", "--json").document["exit_code"] == NoDocker.exit_code


def test_a_service_that_is_not_well_ends_the_start(home: ServerHome, docker: FakeDocker) -> None:
    docker.on("up", ps=[[service("nginx", "exited", "")]])
    docker.on("logs", out="[emerg] <b>bad</b>\n")
    told = server(home, "start")
    assert told.code == NotReady.exit_code
    assert (
        "nginx has ended: exit code 0.\nThe last lines of nginx:\n  [emerg] <b>bad</b>\n"
        in told.err
    )


def test_apply_shows_the_difference(home: ServerHome, docker: FakeDocker) -> None:
    server(home, "start")
    text = home.settings_file.read_text().replace("#rate = 0", "rate = 5")
    home.settings_file.write_text(text)
    for dry in (server(home, "apply", "--dry-run"), server(home, "apply", "--dry-run")):
        assert "+    limit_req_zone" in dry.out
        assert dry.out.endswith("Nothing was changed.\n")
    shown = server(home, "apply", "--dry-run", "--json").document
    assert [change["path"] for change in shown["changes"]] == ["stack/nginx/nginx.conf"]
    done = server(home, "apply", "--json").document
    assert (done["reloaded"], done["recreated"], done["running"]) == (["nginx"], [], True)
    assert server(home, "apply", "--dry-run").out == "All is as server.toml says.\n"


def test_apply_counts_what_the_image_is_built_of(home: ServerHome) -> None:
    dry = server(home, "apply", "--dry-run").out
    (line,) = [line for line in dry.splitlines() if "stack/image" in line]
    assert re.fullmatch(r"new: stack/image/ \(\d{2,} files\)", line)
    assert "new: compose.yaml" in dry
    assert "new: stack/image/Dockerfile" in server(home, "apply", "--dry-run", "-v").out
    server(home, "start")
    dockerfile = home.stack / "image" / "Dockerfile"
    dockerfile.unlink()
    assert "new: stack/image/ (1 file)" in server(home, "apply", "--dry-run").out
    dockerfile.write_text("# mine\n")
    assert "edited by hand: stack/image/Dockerfile" in server(home, "apply", "--dry-run").out


def test_apply_asks_before_an_edit_is_lost(home: ServerHome) -> None:
    server(home, "start")
    conf = home.stack / "nginx" / "nginx.conf"
    conf.write_text("# mine\n")
    refused = server(home, "apply")
    assert refused.code == StackError.exit_code
    assert "-# mine" in refused.out
    assert conf.read_text() == "# mine\n"
    assert server(home, "apply", "--yes").code == 0
    assert conf.read_text() != "# mine\n"


def test_stop_needs_no_sound_settings(home: ServerHome, docker: FakeDocker) -> None:
    server(home, "start")
    home.settings_file.write_text("driver = [half\n")
    assert server(home, "stop").out == "The server is stopped.\n"
    assert docker.asked("stop") == [["stop"]]
    assert server(home, "start").code not in (0, 1)


def test_destroy_asks_first(home: ServerHome, docker: FakeDocker) -> None:
    server(home, "start")
    for options in ((), ("--data",), ("--json",)):
        assert server(home, "destroy", *options).code == UsageError.exit_code
    assert docker.asked("down") == []
    assert server(home, "destroy", "--yes").out == "The server is gone; its data are kept.\n"
    gone = server(home, "destroy", "--data", "--yes", "--json")
    assert gone.document == {"removed": True, "data": True}
    assert not home.data.exists()


def test_the_addresses(home: ServerHome) -> None:
    told = server(home, "open", "--json").document
    assert told["index"].startswith("https://localhost:")
    assert told["prometheus"] is told["grafana_password"] is None
    text = home.settings_file.read_text()
    home.settings_file.write_text(
        text.replace("= false\ngrafana = false", "= true\ngrafana = true")
    )
    shown = server(home, "open").out
    assert "http://127.0.0.1:3000/" in shown
    assert f"GRAFANA_PASSWORD in {home.env_file}" in shown


def test_logs_restart_and_upgrade(home: ServerHome, docker: FakeDocker) -> None:
    server(home, "start")
    docker.on("logs", out="nginx-1  | <c1>hello</c1>\n")
    told = server(home, "logs", "nginx")
    assert told.out == "nginx-1  | <c1>hello</c1>\n"
    assert str(home.nginx_logs / "access.log") in told.err
    assert server(home, "logs").err == ""
    assert server(home, "logs", "apache").code == UsageError.exit_code
    assert "nginx is restarted" in server(home, "restart", "nginx").out
    assert "runs the installed version" in server(home, "upgrade").out


def test_a_table_that_is_too_wide_for_two_spaces_has_one() -> None:
    from poetry_aegis.commands.server_view import service_table
    from poetry_aegis.server.docker.services import ServiceStatus

    long = ServiceStatus(
        "n" * 16, "restarting", "unhealthy", version="v" * 12, uptime=1e9, cpu=100.0, memory=10**9
    )
    title, row = service_table([long])
    assert len(row) < 80 + len("<fg=red></>")
    assert "SERVICE          STATE      HEALTH    VERSION" in title


def test_a_service_that_was_stopped_is_to_be_started(home: ServerHome, docker: FakeDocker) -> None:
    server(home, "start")
    docker.says(ps=[[service("nginx", "exited", ""), WELL[1]]])
    told = server(home, "status")
    assert told.code == NotRunning.exit_code
    last = told.out.splitlines()[-1]
    assert last == f"Start what does not run with: poetry aegis server start --home {home.root}"
    docker.says(ps=[[service("nginx", health="unhealthy"), WELL[1]]])
    assert "server logs" in server(home, "status").out.splitlines()[-1]


def test_a_dry_run_tells_of_containers_that_a_process_would_meet(home: ServerHome) -> None:
    server(home, "start")
    text = home.settings_file.read_text()
    home.settings_file.write_text(text.replace('driver = "compose"', 'driver = "embedded"'))
    told = server(home, "apply", "--dry-run")
    assert told.code == ServerError.exit_code
    assert told.err.startswith("The server still runs in containers (project aegis).\n")


def test_a_home_that_was_given_the_name_of_another(
    home: ServerHome, docker: FakeDocker, tmp_path: Path
) -> None:
    docker.on("container", out=f"{json.dumps(str(tmp_path))}\n")
    told = server(home, "start")
    assert told.code == StackError.exit_code
    assert f"belong to another home, {tmp_path}.\n" in told.err
    assert f"Note: The containers of the project aegis belong to another home, {tmp_path}." in (
        server(home, "status").out
    )


def test_passwords_that_are_gone_are_told_of(home: ServerHome) -> None:
    text = home.settings_file.read_text()
    home.settings_file.write_text(
        text.replace("= false\ngrafana = false", "= true\ngrafana = true")
    )
    assert "is missing; make it with: poetry aegis server doctor --fix" in server(home, "open").out
    home.env_file.write_text("GRAFANA_PASSWORD=right\n")
    assert "missing" not in server(home, "open").out


def test_watching_leaves_the_prompt_a_line_of_its_own(
    home: ServerHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleep = time.sleep

    def interrupted(seconds: float) -> None:
        if seconds >= 1:  # Less is what subprocess waits for docker.
            raise KeyboardInterrupt
        sleep(seconds)

    monkeypatch.setattr("time.sleep", interrupted)
    told = server(home, "status", "--watch", "--ansi")
    assert told.code == 0, told.err
    assert "until Ctrl-C" in told.out
    assert told.out.endswith("\n\n")
