"""Writes the dashboards that the server stack's Grafana shows, as JSON, with Grafana's own SDK.

Only who changes a dashboard needs it; the JSON is shipped. In an environment of its own, with a pip
that knows groups (25.1)::

    pip install --group dashboards
    python -m scripts.dashboards

The versions of the SDK have an epoch, by which those for older Grafanas count as newer, so without
a pin pip takes the wrong one. A newer Grafana reads the JSON of an older one.
"""

from __future__ import annotations

import json
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.boards import BOARDS

if TYPE_CHECKING:
    from scripts.panels import Board, Panel

TARGET = Path(__file__).resolve().parent.parent / "src/poetry_aegis/server/stack/dashboards"
DATASOURCE = "aegis-prometheus"
NOTE = "It is written by the server: what is changed here is lost."


def main() -> None:
    """Write every dashboard."""
    TARGET.mkdir(exist_ok=True)
    writer = Writer()
    for board in BOARDS:
        path = TARGET / f"{board.uid.removeprefix('aegis-')}.json"
        path.write_text(writer.render(board), encoding="utf-8")
        print(f"wrote {path.name}")


class Writer:
    """Turns boards into Grafana's JSON."""

    def __init__(self) -> None:
        sdk = "grafana_foundation_sdk"
        self._dashboard, self._timeseries, self._stat, self._prometheus, self._common = (
            import_module(f"{sdk}.builders.{name}")
            for name in ("dashboard", "timeseries", "stat", "prometheus", "common")
        )
        self._models: Any = import_module(f"{sdk}.models.dashboard")
        self._styles: Any = import_module(f"{sdk}.models.common")
        self._encoder: Any = import_module(f"{sdk}.cog.encoder").JSONEncoder()

    def render(self, board: Board) -> str:
        """Return the JSON of *board*."""
        numbers = count(1)
        made = (
            self._dashboard.Dashboard(board.title)
            .uid(board.uid)
            .description(f"{board.description} {NOTE}")
            .tags(["poetry-aegis"])
            .readonly()
            .refresh("30s")
            .time("now-6h", "now")
            .timezone("browser")
            .tooltip(self._models.DashboardCursorSync.CROSSHAIR)
            .link(
                self._dashboard.DashboardLink("Index")
                .type(self._models.DashboardLinkType.DASHBOARDS)
                .tags(["poetry-aegis"])
                .keep_time(keep_time=True)
            )
        )
        for title, panels in board.rows.items():
            made = made.with_row(self._dashboard.Row(title).id(next(numbers)))
            for panel in panels:
                made = made.with_panel(self._panel(panel, next(numbers)))
        table = json.loads(self._encoder.encode(made.build()))
        # Grafana wants lists where the SDK leaves them out.
        return (
            json.dumps({**table, "annotations": {"list": []}, "templating": {"list": []}}, indent=2)
            + "\n"
        )

    def _panel(self, panel: Panel, number: int) -> Any:
        made = self._number(panel) if panel.kind == "stat" else self._curves(panel)
        made = (
            made.id(number)
            .title(panel.title)
            .description(panel.description)
            .unit(panel.unit)
            .min(0)
            .span(panel.width)
            .height(panel.height)
            .datasource(self._source())
            .thresholds(self._thresholds(panel))
        )
        if panel.most is not None:
            made = made.max(panel.most)
        for letter, (legend, expression) in zip("ABCDEF", panel.queries.items(), strict=False):
            made = made.with_target(self._query(panel, letter, legend, expression))
        return made

    def _number(self, panel: Panel) -> Any:
        made = (
            self._stat.Panel()
            .reduce_options(self._common.ReduceDataOptions().calcs(["lastNotNull"]))
            .color_mode(self._styles.BigValueColorMode.VALUE)
            .graph_mode(self._styles.BigValueGraphMode.NONE)
            .no_value("none")
        )
        if not panel.words:
            return made.mappings([self._nothing_of_nothing()])
        words = {
            str(value): self._models.ValueMappingResult(text=word, index=value)
            for value, word in enumerate(panel.words)
        }
        return made.mappings([self._models.ValueMap(options=words)])

    def _nothing_of_nothing(self) -> Any:
        """Return what shows the share of nothing in nothing, which is no number, as a word."""
        match = self._models.SpecialValueMatch.NA_N
        word = self._models.ValueMappingResult(text="none")
        options = self._models.DashboardSpecialValueMapOptions(match=match, result=word)
        return self._models.SpecialValueMap(options=options)

    def _curves(self, panel: Panel) -> Any:
        style = self._styles
        bars = panel.kind == "bars"
        made = (
            self._timeseries.Panel()
            .draw_style(style.GraphDrawStyle.BARS if bars else style.GraphDrawStyle.LINE)
            .fill_opacity(60 if bars else 10)
            .show_points(style.VisibilityMode.NEVER)
            .legend(
                self._common.VizLegendOptions()
                .display_mode(style.LegendDisplayMode.LIST)
                .placement(style.LegendPlacement.BOTTOM)
                .show_legend(show_legend=True)
            )
            .tooltip(
                self._common.VizTooltipOptions()
                .mode(style.TooltipDisplayMode.MULTI)
                .sort(style.SortOrder.DESCENDING)
            )
        )
        if panel.stacked:
            made = made.stacking(self._common.StackingConfig().mode(style.StackingMode.NORMAL))
        if panel.steps:
            line = style.GraphThresholdsStyleMode.DASHED
            made = made.thresholds_style(self._common.GraphThresholdsStyleConfig().mode(line))
        return made

    def _thresholds(self, panel: Panel) -> Any:
        step = self._models.Threshold
        steps = [step(value=None, color=panel.base)]
        steps += [step(value=value, color=color) for value, color in panel.steps]
        mode = self._models.ThresholdsMode.ABSOLUTE
        return self._dashboard.ThresholdsConfig().mode(mode).steps(steps)

    def _query(self, panel: Panel, letter: str, legend: str, expression: str) -> Any:
        query = self._prometheus.Dataquery().ref_id(letter).expr(expression).legend_format(legend)
        query = query.datasource(self._source())
        return query.instant() if panel.kind == "stat" else query.range()

    def _source(self) -> Any:
        return self._models.DataSourceRef(type_val="prometheus", uid=DATASOURCE)


if __name__ == "__main__":
    main()
