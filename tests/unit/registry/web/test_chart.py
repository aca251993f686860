from __future__ import annotations

from datetime import date

from poetry_aegis.registry.web.chart import HEIGHT, WIDTH, chart_of


def test_bars_are_as_high_as_their_days_had_downloads() -> None:
    counts = (0, 4_000, 2_000, 1)
    chart = chart_of([(date(2026, 1, day), count) for day, count in enumerate(counts, 1)])
    none, most, half, one = chart.bars

    assert chart.total == 6_001
    assert chart.busiest is most
    assert (none.height, most.height, half.height) == (0, HEIGHT, HEIGHT / 2)
    assert one.height >= 1  # it can be seen
    assert all(bar.y + bar.height == HEIGHT for bar in chart.bars)
    assert [bar.x for bar in chart.bars] == sorted(bar.x for bar in chart.bars)
    assert one.x + one.width <= WIDTH


def test_days_without_downloads_draw_nothing() -> None:
    chart = chart_of([(date(2026, 1, day), 0) for day in range(1, 31)])

    assert chart.total == 0
    assert not any(bar.height for bar in chart.bars)
