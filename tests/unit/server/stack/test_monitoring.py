"""Prometheus's files as Prometheus's own tool reads them; dashboards that ask for what there is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from functools import lru_cache
from itertools import combinations, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import CollectorRegistry
from scripts.boards import BOARDS

from poetry_aegis.registry.exposition import Moments, RegistryCollector
from poetry_aegis.registry.metrics import Metrics, WebCounts
from poetry_aegis.registry.state.catalog import Totals
from poetry_aegis.server.config import ServerSettings
from poetry_aegis.server.stack.monitoring import DATASOURCE, RULES, monitoring_files
from poetry_aegis.server.stack.settings import MonitoringSettings, RedisSettings
from tests.support.needs import needs_program

if TYPE_CHECKING:
    from collections.abc import Iterator

WHOLE = ServerSettings(driver="compose", redis=RedisSettings(enabled=True))
SMALL = ServerSettings(driver="compose")
STOCK = ServerSettings(driver="compose", engine="pypiserver")
KINDS = {"whole": WHOLE, "without Redis": SMALL, "pypiserver": STOCK}

DASHBOARDS = ("overview", "downloads", "security", "host")
STATISTICS = {"aegis_request_seconds", "aegis_web_request_seconds"}
# What other programs than ours expose, of all that they do.
PROCESS = {
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
}
PROMETHEUS = {"up", "ALERTS", "prometheus_tsdb_head_series"}
NGINX = {
    "nginx_up",
    "nginx_connections_reading",
    "nginx_connections_writing",
    "nginx_connections_waiting",
    "nginx_http_requests_total",
}
REDIS = {
    "redis_up",
    "redis_connected_clients",
    "redis_memory_used_bytes",
    "redis_db_keys",
    "redis_commands_processed_total",
}
NODE = {
    "node_cpu_seconds_total",
    "node_load1",
    "node_load15",
    "node_memory_MemTotal_bytes",
    "node_memory_MemAvailable_bytes",
    "node_filesystem_avail_bytes",
    "node_filesystem_size_bytes",
    "node_filesystem_readonly",
    "node_disk_read_bytes_total",
    "node_disk_written_bytes_total",
    "node_filesystem_files",
    "node_filesystem_files_free",
}
WORDS = {"by", "on", "or", "and", "unless", "le", "without", "ignoring", "group_left", "bool"}


@pytest.fixture(params=KINDS.values(), ids=list(KINDS))
def settings(request: pytest.FixtureRequest) -> ServerSettings:
    """Return the settings of each kind of stack, one after the other."""
    found: ServerSettings = request.param
    return found


@lru_cache
def of_the_registry() -> frozenset[str]:
    """Return the names of all samples that a registry has, taken from one."""
    metrics = Metrics()
    metrics.request("project", "GET", 200, 0.1)
    web = WebCounts()
    web.add("GET", 200, 1, 0.1)
    metrics.followed(web, 1, 1)
    registry = CollectorRegistry()
    with TemporaryDirectory() as folder:
        (moment := Path(folder, "moment")).write_text("1800000000")
        moments = Moments(last_backup=moment, certificate_expiry=moment)
        registry.register(
            RegistryCollector(metrics, lambda: Totals(1, 1, 1), Path(folder), moments, "1")
        )
        text = generate_latest(registry).decode()
    return frozenset(
        sample.name for family in text_string_to_metric_families(text) for sample in family.samples
    )


def dashboards(settings: ServerSettings) -> dict[str, dict[str, Any]]:
    return {
        Path(path).stem: json.loads(text)
        for path, text in monitoring_files(settings).items()
        if path.startswith("stack/grafana/dashboards/")
    }


def panels(settings: ServerSettings) -> Iterator[dict[str, Any]]:
    for dashboard in dashboards(settings).values():
        yield from (panel for panel in dashboard["panels"] if panel["type"] != "row")


def expressions(settings: ServerSettings) -> list[str]:
    return [target["expr"] for panel in panels(settings) for target in panel["targets"]]


def as_promql(expression: str) -> str:
    """Return *expression* with Grafana's variables filled in."""
    return expression.replace("$__rate_interval", "1m").replace("$__range", "1h")


def names_in(expression: str) -> set[str]:
    """Return the names of the metrics that *expression* asks for."""
    text = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^]]*\]', " ", expression)
    text = re.sub(r"\b(by|on|without|ignoring)\s*\([^)]*\)", " ", text)
    return set(re.findall(r"(?<![\w:.$])[A-Za-z_][\w:]*(?!\s*\(|[\w:])", text)) - WORDS


def recorded(settings: ServerSettings) -> set[str]:
    """Return the names of what the rules record."""
    return set(
        re.findall(r"- record: (\S+)", monitoring_files(settings)["stack/prometheus/rules.yml"])
    )


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def written(settings: ServerSettings, tmp_path: Path) -> Path:
    """Return a folder with Prometheus's files."""
    files = monitoring_files(settings)
    for name in ("prometheus.yml", "rules.yml"):
        text = files[f"stack/prometheus/{name}"].replace(RULES, str(tmp_path / "rules.yml"))
        (tmp_path / name).write_text(text)
    return tmp_path


def test_prometheus_takes_its_configuration_and_the_rules(
    written: Path, settings: ServerSettings
) -> None:
    promtool = needs_program("promtool")

    said = run(promtool, "check", "config", "prometheus.yml", cwd=written)
    assert "SUCCESS" in said
    assert "SUCCESS" in run(promtool, "check", "rules", "rules.yml", cwd=written)


def test_each_alert_fires_when_it_should_and_not_before(tmp_path: Path) -> None:
    promtool = needs_program("promtool")
    text = monitoring_files(WHOLE)["stack/prometheus/rules.yml"]
    (tmp_path / "rules.yml").write_text(text)
    tests = Path(__file__).with_name("rules_test.yml")
    shutil.copy(tests, tmp_path)

    run(promtool, "test", "rules", "rules_test.yml", cwd=tmp_path)

    for alert in re.findall(r"- alert: (\S+)", text):
        assert alert in tests.read_text(), f"{alert} is not tested"


def test_every_panel_asks_in_promql(settings: ServerSettings, tmp_path: Path) -> None:
    promtool = needs_program("promtool")
    rules = [
        {"record": f"panel:{number}", "expr": as_promql(expression)}
        for number, expression in enumerate(expressions(settings))
    ]
    groups = {"groups": [{"name": "panels", "rules": rules}]}
    (tmp_path / "panels.yml").write_text(json.dumps(groups))  # JSON is YAML.

    assert f"{len(rules)} rules found" in run(
        promtool, "check", "rules", "panels.yml", cwd=tmp_path
    )


def test_panels_and_rules_ask_only_for_what_is_measured(settings: ServerSettings) -> None:
    measured = PROCESS | PROMETHEUS | NGINX | NODE | recorded(settings)
    if settings.engine == "registry":
        measured |= of_the_registry()
    if settings.redis.enabled:
        measured |= REDIS
    rules = monitoring_files(settings)["stack/prometheus/rules.yml"]
    asked = [*expressions(settings), *re.findall(r"expr: (?:>-\n)?((?:.|\n {10})*)", rules)]

    for expression in asked:
        assert names_in(expression), expression
        assert names_in(expression) <= measured, expression


def test_the_names_of_metrics_are_found_in_an_expression() -> None:
    expression = (
        'sum by (le, a_label) (rate(one_total{x=~"two|(three)"}[5m])) / on (four) '
        'a:five:rate5m or label_replace(vector(0), "six", "seven", "", "") > 14 * 86400 - time()'
    )
    assert names_in(expression) == {"one_total", "a:five:rate5m"}


def test_all_that_the_registry_tells_is_looked_at() -> None:
    """What no panel and no rule asks for is noise, or was forgotten."""
    rules = monitoring_files(WHOLE)["stack/prometheus/rules.yml"]
    asked = " ".join([*expressions(WHOLE), rules])

    unasked = {
        name
        for name in of_the_registry()
        if re.sub("_(bucket|count|sum|created)$", "", name) not in STATISTICS and name not in asked
    }
    assert unasked == {"aegis_info"}


def test_panels_have_numbers_of_their_own_and_do_not_overlap(settings: ServerSettings) -> None:
    for name, dashboard in dashboards(settings).items():
        numbers = [panel["id"] for panel in dashboard["panels"]]
        assert len(set(numbers)) == len(numbers), name
        places = [panel["gridPos"] for panel in dashboard["panels"]]
        for place in places:
            assert place["x"] >= 0
            assert place["y"] >= 0
            assert place["x"] + place["w"] <= 24
        for one, other in combinations(places, 2):
            assert (
                one["x"] + one["w"] <= other["x"]
                or other["x"] + other["w"] <= one["x"]
                or one["y"] + one["h"] <= other["y"]
                or other["y"] + other["h"] <= one["y"]
            ), (name, one, other)


def test_dashboards_are_whole(settings: ServerSettings) -> None:
    for name, dashboard in dashboards(settings).items():
        assert dashboard["uid"] == f"aegis-{name}"
        assert dashboard["title"].startswith("Index: ")
        assert "written by the server" in dashboard["description"]
        assert dashboard["schemaVersion"] >= 36
        assert dashboard["editable"] is False
        assert (dashboard["refresh"], dashboard["time"]["to"]) == ("30s", "now")
        assert dashboard["templating"] == dashboard["annotations"] == {"list": []}
        assert "id" not in dashboard
        kinds = [panel["type"] for panel in dashboard["panels"]]
        assert set(kinds) <= {"row", "stat", "timeseries"}
        assert kinds[0] == "row"
        assert kinds[-1] != "row"
        assert ("row", "row") not in list(pairwise(kinds))


def test_each_panel_tells_what_it_shows(settings: ServerSettings) -> None:
    source = {"type": "prometheus", "uid": DATASOURCE}
    for panel in panels(settings):
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["datasource"] == source
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] is None
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters) > 0
        for target in panel["targets"]:
            assert target["datasource"] == source
            assert target["legendFormat"]
            assert target["instant"] is (panel["type"] == "stat")


def test_a_dashboard_in_one_piece_is_as_it_is_shipped() -> None:
    folder = Path(monitoring_files.__code__.co_filename).with_name("dashboards")
    shipped = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}

    assert set(shipped) == set(DASHBOARDS)
    assert dashboards(WHOLE) == shipped


def test_the_shipped_dashboards_are_those_that_the_script_writes() -> None:
    described = {
        board.title: [
            (panel.title, panel.description, list(panel.queries.values()))
            for row in board.rows.values()
            for panel in row
        ]
        for board in BOARDS
    }
    shipped = {
        dashboard["title"]: [
            (panel["title"], panel["description"], [target["expr"] for target in panel["targets"]])
            for panel in dashboard["panels"]
            if panel["type"] != "row"
        ]
        for dashboard in dashboards(WHOLE).values()
    }
    assert shipped == described, "run: python -m scripts.dashboards"


def test_pypiserver_has_what_can_be_measured_of_it() -> None:
    found = dashboards(STOCK)

    assert set(found) == {"overview", "host"}  # Nothing is left of the others.
    titles = [panel["title"] for panel in found["overview"]["panels"]]
    assert titles == [
        "Now", "nginx", "Alerts",
        "nginx", "Connections", "Requests that nginx counted",
        "Alerts", "Firing alerts",
    ]  # fmt: skip
    assert found["overview"]["panels"][1]["gridPos"] == {"h": 4, "w": 3, "x": 0, "y": 1}
    files = monitoring_files(STOCK)
    assert "pypi-server" not in files["stack/prometheus/prometheus.yml"]
    assert "aegis_" not in files["stack/prometheus/rules.yml"]


def test_only_what_runs_is_measured() -> None:
    whole = monitoring_files(WHOLE)["stack/prometheus/prometheus.yml"]
    small = monitoring_files(SMALL)["stack/prometheus/prometheus.yml"]

    assert re.findall(r'targets: \["(.*)"\]', whole) == [
        "pypi-server:9091",
        "nginx-exporter:9113",
        "redis-exporter:9121",
        "node-exporter:9100",
        "localhost:9090",
    ]
    assert "redis" not in small
    assert "redis" not in monitoring_files(SMALL)["stack/prometheus/rules.yml"]


def test_what_is_off_has_no_files() -> None:
    off = MonitoringSettings(prometheus=False, grafana=False)
    bare = MonitoringSettings(grafana=False)

    assert monitoring_files(ServerSettings(driver="compose", monitoring=off)) == {}
    assert set(monitoring_files(ServerSettings(driver="compose", monitoring=bare))) == {
        "stack/prometheus/prometheus.yml",
        "stack/prometheus/rules.yml",
    }


def test_generated_files_say_so_and_are_the_same_each_time(settings: ServerSettings) -> None:
    files = monitoring_files(settings)

    assert files == monitoring_files(settings)
    for path, text in files.items():
        assert text.endswith("\n")
        if not path.endswith(".json"):
            assert text.startswith("# Written from server.toml."), path


def test_grafana_finds_prometheus_and_the_dashboards() -> None:
    files = monitoring_files(WHOLE)
    source = files["stack/grafana/provisioning/datasources/prometheus.yaml"]
    provider = files["stack/grafana/provisioning/dashboards/dashboards.yaml"]

    assert f"uid: {DATASOURCE}\n" in source
    assert "url: http://prometheus:9090\n" in source
    assert "path: /etc/grafana/dashboards\n" in provider
