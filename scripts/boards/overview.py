"""Whether the index is well."""

from __future__ import annotations

from scripts.panels import (
    CERTIFICATE_ENDS,
    LAST_BACKUP,
    SHARE,
    Board,
    Panel,
    number,
    quantiles,
    rate,
    up,
)

OVERVIEW = Board(
    "aegis-overview",
    "Index: overview",
    "Whether the package index is well, and what it does.",
    {
        "Now": (
            up("Registry", "Whether Prometheus reaches the registry.", 'up{job="registry"}'),
            up("nginx", "Whether the exporter reaches nginx.", "nginx_up"),
            number(
                "Alerts",
                "How many alerts are firing; Prometheus tells which.",
                "none",
                'count(ALERTS{alertstate="firing"}) or vector(0)',
                base="green",
                steps=((1, "red"),),
            ),
            number("Projects", "Projects of the index.", "short", "aegis_projects"),
            number("Files", "Distributions of the index.", "short", "aegis_files"),
            number("Stored", "Size of all distributions.", "bytes", "aegis_storage_bytes"),
            LAST_BACKUP,
            CERTIFICATE_ENDS,
        ),
        "What clients see": (
            Panel(
                "Requests",
                "Answers of nginx a second, by status; its access log tells of them.",
                "reqps",
                {"{{status}}": rate("aegis_web_requests_total", "status")},
                stacked=True,
            ),
            Panel(
                "Failed requests",
                "The share of answers with a status of 500 or more.",
                "percentunit",
                {"5xx": "aegis:web_errors:ratio_rate5m"},
                steps=SHARE,
                most=1,
            ),
            Panel(
                "Time of a request",
                "From the request to the last byte of the answer, as nginx measures it. A large "
                "file takes as long as the client's network does.",
                "s",
                quantiles("aegis_web_request_seconds_bucket"),
            ),
            Panel(
                "Sent",
                "What nginx sent to clients a second.",
                "Bps",
                {"sent": rate("aegis_web_sent_bytes_total")},
            ),
        ),
        "nginx": (
            Panel(
                "Connections",
                "Open connections of nginx, by what they are doing.",
                "short",
                {
                    "reading": "nginx_connections_reading",
                    "writing": "nginx_connections_writing",
                    "waiting": "nginx_connections_waiting",
                },
                stacked=True,
            ),
            Panel(
                "Requests that nginx counted",
                "All requests a second that nginx took, checks of its health and Prometheus's own "
                "among them.",
                "reqps",
                {"requests": rate("nginx_http_requests_total")},
            ),
        ),
        "Alerts": (
            Panel(
                "Firing alerts",
                "How many of each alert are firing.",
                "none",
                {
                    "{{alertname}}": 'sum by (alertname) (ALERTS{alertstate="firing"}) '
                    'or label_replace(vector(0), "alertname", "none", "", "")'
                },
                width=24,
                height=6,
            ),
        ),
    },
)
