"""What is counted, to the number; and what Prometheus and the dashboards make of it."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

from tests.stack.test_gate import upload
from tests.support.distributions import make_wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.stack.stack import Stack

DOWNLOADS = 25
PATIENCE = 20.0
SCRAPED = 150.0  # seconds until rates over a minute have two scrapes to go by
VARIABLES = {"__rate_interval": "1m", "__interval": "15s", "__range": "5m", "__range_s": "300"}


def until(wanted: object, question: Callable[[], object], patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while (found := question()) != wanted:
        assert time.monotonic() < deadline, f"{found} and not {wanted}"
        time.sleep(0.2)


def test_downloads_and_requests_are_counted_to_the_number(stack: Stack, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "counted")
    assert upload(stack, wheel, "pub").status_code == 200
    time.sleep(2.5)  # What others did before is in the numbers by then.
    before = stack.metrics()
    size = wheel.stat().st_size

    with stack.client() as client:
        for _ in range(DOWNLOADS):
            assert client.get(f"/packages/counted/{wheel.name}").status_code == 200
        for _ in range(3):
            assert client.head(f"/packages/counted/{wheel.name}").status_code == 200
            assert client.get(f"/packages/counted/{wheel.name}.metadata").status_code == 200
            assert client.get("/packages/counted/nosuch-1.0.0.whl").status_code == 404
        for _ in range(4):
            assert (
                client.get(f"/packages/counted/{wheel.name}", auth=("rae", "x")).status_code == 401
            )

        def counted() -> int:
            return int(client.get("/api/v1/downloads/counted").json()["total"])

        until(DOWNLOADS, counted)
        time.sleep(2.5)  # What would be counted twice is counted by then.
        assert counted() == DOWNLOADS
        asked = before_and(stack, before)

    web = 'aegis_web_requests_total{method="%s",status="%s"}'
    assert asked(web % ("HEAD", "200")) == 3
    assert asked(web % ("GET", "404")) == 3
    assert asked(web % ("GET", "401")) == 4
    assert sum(downloads(stack.metrics())) - sum(downloads(before)) == DOWNLOADS
    sent = asked("aegis_web_sent_bytes_total")
    assert sent >= DOWNLOADS * size
    by_stats = stack.json("stats")
    assert "counted" in json.dumps(by_stats)


def before_and(stack: Stack, before: dict[str, float]) -> Callable[[str], float]:
    """Return what asks how much a metric has grown since *before*."""
    after = stack.metrics()
    return lambda name: after.get(name, 0.0) - before.get(name, 0.0)


def downloads(metrics: dict[str, float]) -> list[float]:
    found = [
        value
        for name, value in metrics.items()
        if re.match(r"aegis(_registry)?_downloads_total\b", name)
    ]
    assert found, sorted(metrics)
    return found


def test_everything_is_scraped(stack: Stack) -> None:
    def down() -> list[str]:
        return [series["metric"]["job"] for series in stack.query("up == 0")]

    until(0, lambda: len(down()) if len(stack.query("up")) >= 5 else -1, SCRAPED)


def test_every_panel_is_answered_with_data(stack: Stack, tmp_path: Path) -> None:
    queries = list(panels(stack))
    assert len(queries) > 15
    wheel = make_wheel(tmp_path, "watched")
    stack.ok("backup")
    deadline = time.monotonic() + SCRAPED

    empty = queries
    while empty:
        something_of_each(stack, wheel)
        empty = [query for query in empty if not stack.query(query[2])]
        assert time.monotonic() < deadline, f"Without data: {empty}"
        time.sleep(1 if empty else 0)


def something_of_each(stack: Stack, wheel: Path) -> None:
    """Let there be something to show: uploads, refused ones, downloads, failed logins."""
    upload(stack, wheel, "pub")
    upload(stack, make_wheel(wheel.parent / "other", "watched", files={"watched/x.py": ""}), "pub")
    upload(stack, wheel, "rae")
    upload(stack, wheel, "pub", "wrong")
    with stack.client() as client:
        for path in ("/simple/", "/simple/watched/", f"/packages/watched/{wheel.name}", "/nosuch"):
            client.get(path)
        client.get("/simple/", auth=("rae", "wrong"))


def panels(stack: Stack) -> Iterator[tuple[str, str, str]]:
    """Yield dashboard, panel and query of each panel that is provisioned."""
    for path in sorted((stack.home.stack / "grafana" / "dashboards").glob("*.json")):
        dashboard = json.loads(path.read_text(encoding="utf-8"))
        for panel in flat(dashboard["panels"]):
            for target in panel.get("targets", ()):
                yield path.stem, panel["title"], filled_in(target["expr"])


def flat(found: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for panel in found:
        yield panel
        yield from flat(panel.get("panels", []))


def filled_in(expression: str) -> str:
    """Return *expression* with Grafana's variables replaced: by a duration, or by anything."""
    return re.sub(
        r"\$\{?(\w+)(?::\w+)?\}?", lambda found: VARIABLES.get(found[1], ".*"), expression
    )


def test_the_rules_are_there_and_none_fires_for_a_well_server(stack: Stack) -> None:
    import httpx

    where = f"http://127.0.0.1:{stack.ports['prometheus']}/api/v1/rules"
    groups = httpx.get(where, trust_env=False).json()["data"]["groups"]
    rules = {rule["name"]: rule for group in groups for rule in group["rules"]}
    assert len([rule for rule in rules.values() if rule["type"] == "alerting"]) >= 7
    assert {rule["health"] for rule in rules.values()} <= {"ok", "unknown"}
    firing = {name for name, rule in rules.items() if rule.get("state") == "firing"}
    # There is no backup yet, and failed logins are what other tests do.
    assert {name for name in firing if not re.search("(?i)backup|login", name)} == set()
