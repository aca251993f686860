"""Uploads, logins, and what was refused."""

from __future__ import annotations

from scripts.panels import (
    CERTIFICATE_ENDS,
    FREE,
    LAST_BACKUP,
    Board,
    Panel,
    number,
    quantile,
    rate,
    up,
)

SECURITY = Board(
    "aegis-security",
    "Index: uploads and security",
    "Who gets in, what is uploaded and refused. Names are in the audit trail, never in metrics.",
    {
        "In this time": (
            number(
                "Uploads",
                "Files that were taken.",
                "short",
                'sum(increase(aegis_uploads_total{outcome=~"created|overwritten"}[$__range]))',
            ),
            number(
                "Refused uploads",
                "Files that were not what they should be, or there already.",
                "short",
                'sum(increase(aegis_uploads_total{outcome="refused"}[$__range]))',
            ),
            number(
                "Failed uploads",
                "Files that the registry could not store.",
                "short",
                'sum(increase(aegis_uploads_total{outcome="failed"}[$__range]))',
                base="green",
                steps=((1, "red"),),
            ),
            number(
                "Wrong logins",
                "Credentials that were wrong.",
                "short",
                'sum(increase(aegis_logins_total{outcome="wrong"}[$__range]))',
                base="green",
                steps=((20, "orange"), (200, "red")),
            ),
            number(
                "Logins put off",
                "Credentials that were not looked at: too many wrong ones came before.",
                "short",
                'sum(increase(aegis_logins_total{outcome="limited"}[$__range]))',
                base="green",
                steps=((1, "orange"), (200, "red")),
            ),
            number(
                "Data disk free",
                "The share that is free of the disk with the distributions.",
                "percentunit",
                "aegis_disk_free_bytes / aegis_disk_bytes",
                base="red",
                steps=FREE,
            ),
            LAST_BACKUP,
            CERTIFICATE_ENDS,
        ),
        "Uploads": (
            Panel(
                "Uploads",
                "By their outcome, within five minutes.",
                "short",
                {"{{outcome}}": "sum by (outcome) (increase(aegis_uploads_total[5m]))"},
                kind="bars",
                stacked=True,
            ),
            Panel(
                "Stored",
                "Size of all distributions.",
                "bytes",
                {"stored": "aegis_storage_bytes", "free on the disk": "aegis_disk_free_bytes"},
            ),
        ),
        "Logins": (
            Panel(
                "Logins",
                "Credentials that the registry looked at, by outcome. nginx goes by an answer for "
                "up to ten seconds, so not every request is one.",
                "ops",
                {"{{outcome}}": rate("aegis_logins_total", "outcome")},
            ),
            Panel(
                "Refused requests",
                "Without a right credential (401), without the right to it (403), too many (429).",
                "reqps",
                {
                    "{{status}}": rate('aegis_web_requests_total{status=~"401|403|429"}', "status")
                    + ' or label_replace(vector(0), "status", "none", "", "")'
                },
            ),
            Panel(
                "Requests that change something",
                "By method and status.",
                "reqps",
                {
                    "{{method}} {{status}}": rate(
                        'aegis_requests_total{method=~"POST|PUT|DELETE"}', "method, status"
                    )
                },
            ),
            Panel(
                "Slowest uploads",
                "What 99 of 100 uploads do not exceed, the time that they are sent for included.",
                "s",
                {"p99": quantile(0.99, 'aegis_request_seconds_bucket{route="upload"}')},
            ),
        ),
        "Redis": (
            up("Redis", "Whether the exporter reaches Redis.", "redis_up"),
            number("Clients", "Connections to Redis.", "short", "redis_connected_clients"),
            number("Memory", "What Redis holds.", "bytes", "redis_memory_used_bytes"),
            number("Keys", "Counters that Redis holds.", "short", "sum(redis_db_keys)"),
            Panel(
                "Commands",
                "Commands a second that Redis was given.",
                "ops",
                {"commands": rate("redis_commands_processed_total")},
                height=4,
            ),
        ),
    },
)
