"""What Prometheus measures and when it warns, and what Grafana shows of it.

The rules are in ``rules/``, a file for each group, the dashboards in ``dashboards/``, where
``scripts/dashboards.py`` writes them. What nobody measures here is left out of both: without Redis
what is about Redis, and with pypiserver whatever the registry alone can tell.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from poetry_aegis.server.config import ServerSettings

DATASOURCE = "aegis-prometheus"  # the uid that the dashboards name
DASHBOARDS = "/etc/grafana/dashboards"  # where Grafana finds stack/grafana/dashboards
RULES = "/etc/prometheus/rules.yml"  # where Prometheus finds stack/prometheus/rules.yml

_HERE = Path(__file__).parent
_NOTE = "# Written from server.toml. Edit that file, not this one.\n"
_WIDTH = 24  # columns of a dashboard

_PROMETHEUS = """\
global:
  scrape_interval: 15s
  scrape_timeout: 10s
  evaluation_interval: 15s

rule_files:
  - {rules}

scrape_configs:
{jobs}"""

_JOB = """\
  - job_name: {name}
    static_configs:
      - targets: ["{target}"]
"""

_DATASOURCES = f"""\
apiVersion: 1

datasources:
  - name: Prometheus
    uid: {DATASOURCE}
    type: prometheus
    access: proxy
    url: http://prometheus:9090
    isDefault: true
    editable: false
    jsonData:
      timeInterval: 15s
      httpMethod: POST
"""

_PROVIDERS = f"""\
apiVersion: 1

providers:
  - name: poetry-aegis
    type: file
    disableDeletion: true
    allowUiUpdates: false
    updateIntervalSeconds: 30
    options:
      path: {DASHBOARDS}
"""


def monitoring_files(settings: ServerSettings) -> dict[str, str]:
    """Return the files of Prometheus and Grafana by their paths in the server's home.

    Nothing of a service that the settings turn off.
    """
    files: dict[str, str] = {}
    if settings.monitoring.prometheus:
        files |= {
            "stack/prometheus/prometheus.yml": _NOTE + _prometheus(settings),
            "stack/prometheus/rules.yml": _NOTE + _rules(settings),
        }
    if settings.monitoring.grafana:
        files |= {
            "stack/grafana/provisioning/datasources/prometheus.yaml": _NOTE + _DATASOURCES,
            "stack/grafana/provisioning/dashboards/dashboards.yaml": _NOTE + _PROVIDERS,
        }
        files |= {f"stack/grafana/dashboards/{name}": text for name, text in _dashboards(settings)}
    return files


def _prometheus(settings: ServerSettings) -> str:
    jobs = {
        "registry": "pypi-server:9091",
        "nginx": "nginx-exporter:9113",
        "redis": "redis-exporter:9121",
        "node": "node-exporter:9100",
        "prometheus": "localhost:9090",
    }
    unmeasured = _unmeasured(settings)
    return _PROMETHEUS.format(
        rules=RULES,
        jobs="".join(
            _JOB.format(name=name, target=target)
            for name, target in jobs.items()
            if name not in unmeasured
        ),
    )


def _rules(settings: ServerSettings) -> str:
    unmeasured = _unmeasured(settings)
    groups = ("registry", "nginx", "redis", "host", "measuring")
    texts = [_read("rules", f"{name}.yml") for name in groups if name not in unmeasured]
    return "groups:\n" + "\n".join(texts)


def _dashboards(settings: ServerSettings) -> Iterator[tuple[str, str]]:
    """Return the dashboards that have something to show, by the names of their files."""
    beginnings = tuple(_unmeasured(settings).values())
    for path in sorted((_HERE / "dashboards").glob("*.json")):
        dashboard = json.loads(path.read_text(encoding="utf-8"))
        panels = [panel for panel in dashboard["panels"] if not _asks_for(panel, beginnings)]
        panels = list(_without_empty_rows(panels))
        if panels != dashboard["panels"]:
            dashboard["panels"] = list(_laid_out(panels))
        if panels:
            yield path.name, json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n"


def _unmeasured(settings: ServerSettings) -> dict[str, tuple[str, ...]]:
    """Return which jobs there are none of, each with what an expression about it has in it."""
    unmeasured: dict[str, tuple[str, ...]] = {}
    if settings.engine != "registry":
        unmeasured["registry"] = ("aegis_", "aegis:", 'job="registry"')
    if not settings.redis.enabled:
        unmeasured["redis"] = ("redis_",)
    return unmeasured


def _asks_for(panel: dict[str, Any], unmeasured: Iterable[tuple[str, ...]]) -> bool:
    expressions = [target["expr"] for target in panel.get("targets", ())]
    return any(part in text for text in expressions for parts in unmeasured for part in parts)


def _without_empty_rows(panels: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for panel, following in zip(panels, [*panels[1:], None], strict=True):
        if panel["type"] != "row" or (following is not None and following["type"] != "row"):
            yield panel


def _laid_out(panels: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Return *panels* one after the other, with no gaps where some were left out."""
    x = y = tallest = 0
    for panel in panels:
        place = panel["gridPos"]
        if x + place["w"] > _WIDTH:
            x, y, tallest = 0, y + tallest, 0
        yield {**panel, "gridPos": {**place, "x": x, "y": y}}
        x, tallest = x + place["w"], max(tallest, place["h"])


def _read(*names: str) -> str:
    return _HERE.joinpath(*names).read_text(encoding="utf-8")
