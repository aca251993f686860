"""The parts that dashboards are put together from, and PromQL that is written again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

DAY = 24 * 60 * 60

Steps = tuple[tuple[float, str], ...]  # from which value on which color
UP: Steps = ((1, "green"),)
SHARE: Steps = ((0.01, "orange"), (0.05, "red"))
SLOW: Steps = ((0.5, "orange"), (1, "red"))
FREE: Steps = ((0.1, "orange"), (0.2, "green"))
FULL: Steps = ((0.8, "orange"), (0.9, "red"))
BACKUP: Steps = ((DAY, "orange"), (2 * DAY, "red"))
CERTIFICATE: Steps = ((14 * DAY, "orange"), (30 * DAY, "green"))


@dataclass(frozen=True)
class Panel:
    """What a panel shows: *queries* are expressions by their legends, *base* the lowest color."""

    title: str
    description: str
    unit: str
    queries: dict[str, str]
    kind: str = "timeseries"
    width: int = 12
    height: int = 8
    base: str = "green"
    steps: Steps = ()
    stacked: bool = False
    most: float | None = None
    words: tuple[str, ...] = ()  # for 0, 1, …


@dataclass(frozen=True)
class Board:
    """A dashboard: its rows, by their headings. The uid stays, so that links to it do."""

    uid: str
    title: str
    description: str
    rows: dict[str, tuple[Panel, ...]]


def number(title: str, description: str, unit: str, query: str, **more: Any) -> Panel:
    """Return a panel with one number, eight of which fill a row."""
    shape = {"width": 3, "height": 4, "base": "blue", **more}
    return Panel(title, description, unit, {title: query}, kind="stat", **shape)


def up(title: str, description: str, query: str) -> Panel:
    """Return a panel that says whether something is there."""
    return number(title, description, "none", query, base="red", steps=UP, words=("down", "up"))


def rate(metric: str, by: str = "") -> str:
    """Return the expression of a rate, summed up by a label."""
    return f"sum{f' by ({by})' if by else ''} (rate({metric}[$__rate_interval]))"


def quantile(part: float, buckets: str, by: str = "") -> str:
    """Return the expression of a quantile of a histogram."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({part}, sum by ({labels}) (rate({buckets}[$__rate_interval])))"


def quantiles(buckets: str) -> dict[str, str]:
    """Return the quantiles that are looked at, by their names."""
    return {f"p{part * 100:g}": quantile(part, buckets) for part in (0.5, 0.95, 0.99)}


LAST_BACKUP = number(
    "Last backup",
    "How long ago the last backup was made. Without any there is no number.",
    "s",
    "time() - aegis_last_backup_timestamp_seconds",
    base="green",
    steps=BACKUP,
)
CERTIFICATE_ENDS = number(
    "Certificate ends in",
    "How long the certificate of the web server is still good.",
    "s",
    "aegis_certificate_not_after_seconds - time()",
    base="red",
    steps=CERTIFICATE,
)
