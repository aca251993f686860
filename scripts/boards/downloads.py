"""What is downloaded, and who answers."""

from __future__ import annotations

from scripts.panels import SLOW, Board, Panel, number, quantile, rate

DOWNLOADS = Board(
    "aegis-downloads",
    "Index: downloads",
    "What is downloaded, by whom it is answered, and the index behind this one. Downloads of one "
    "project are on its page and in the registry's API.",
    {
        "In this time": (
            number(
                "Downloads",
                "Distributions downloaded, whether nginx or the registry sent them.",
                "short",
                "sum(increase(aegis_downloads_total[$__range]))",
                width=6,
            ),
            number(
                "Downloaded",
                "Size of the distributions downloaded.",
                "bytes",
                "sum(increase(aegis_downloaded_bytes_total[$__range]))",
                width=6,
            ),
            number(
                "Answered by the registry",
                "The share of requests that nginx could not answer by itself.",
                "percentunit",
                'sum(increase(aegis_requests_total{route!~"authorize|health|ready"}[$__range])) '
                "/ sum(increase(aegis_web_requests_total[$__range]))",
                width=6,
            ),
            number(
                "Found in the cache",
                "The share of looks for the other index's pages and files that needed no request.",
                "percentunit",
                'sum(increase(aegis_upstream_cache_total{result="hit"}[$__range])) '
                "/ sum(increase(aegis_upstream_cache_total[$__range]))",
                width=6,
            ),
        ),
        "Downloads": (
            Panel(
                "Downloads a second",
                "Distributions, whoever sent them.",
                "ops",
                {"downloads": rate("aegis_downloads_total")},
            ),
            Panel(
                "Downloaded a second",
                "Their size.",
                "Bps",
                {"downloaded": rate("aegis_downloaded_bytes_total")},
            ),
        ),
        "The registry": (
            Panel(
                "Requests by route",
                "What the registry answers itself; authorize is nginx asking who may read what.",
                "reqps",
                {"{{route}}": rate("aegis_requests_total", "route")},
                stacked=True,
            ),
            Panel(
                "Slowest requests by route",
                "What 99 of 100 requests do not exceed.",
                "s",
                {"{{route}}": quantile(0.99, "aegis_request_seconds_bucket", "route")},
                steps=SLOW,
            ),
        ),
        "The index behind this one": (
            Panel(
                "Looks into the cache",
                "Pages and files of the other index that were asked for.",
                "ops",
                {"{{result}}": rate("aegis_upstream_cache_total", "result")},
                stacked=True,
            ),
            Panel(
                "Failures of the other index",
                "By their kind.",
                "ops",
                {"{{kind}}": rate("aegis_upstream_errors_total", "kind")},
            ),
        ),
    },
)
