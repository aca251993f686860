"""The machine, and what the services take of it."""

from __future__ import annotations

from scripts.panels import FULL, Board, Panel, rate

HOST_DISKS = 'fstype!~"tmpfs|ramfs|devtmpfs"'

HOST = Board(
    "aegis-host",
    "Index: host",
    "The machine that the index runs on, and what the services take of it.",
    {
        "The machine": (
            Panel(
                "Processors",
                "The share of their time in which they work.",
                "percentunit",
                {
                    "busy": '1 - avg(rate(node_cpu_seconds_total{mode="idle"}[$__rate_interval]))',
                    "waiting for disks": "avg(rate(node_cpu_seconds_total"
                    '{mode="iowait"}[$__rate_interval]))',
                },
                steps=FULL,
                most=1,
            ),
            Panel(
                "Memory",
                "What is in use and cannot be given up.",
                "bytes",
                {
                    "used": "node_memory_MemTotal_bytes - node_memory_MemAvailable_bytes",
                    "there is": "node_memory_MemTotal_bytes",
                },
            ),
            Panel(
                "Disks",
                "The share of each file system that is full. An alert fires at 90 %.",
                "percentunit",
                {
                    "{{mountpoint}}": f"1 - node_filesystem_avail_bytes{{{HOST_DISKS}}} "
                    f"/ node_filesystem_size_bytes{{{HOST_DISKS}}}"
                },
                steps=FULL,
                most=1,
            ),
            Panel(
                "Disks read and written",
                "Bytes a second.",
                "Bps",
                {
                    "read {{device}}": rate("node_disk_read_bytes_total", "device"),
                    "written {{device}}": rate("node_disk_written_bytes_total", "device"),
                },
            ),
            Panel(
                "Places for files",
                "The share of the inodes of each file system that is taken; without a free one no "
                "file is stored, however much space there is.",
                "percentunit",
                {
                    "{{mountpoint}}": f"1 - node_filesystem_files_free{{{HOST_DISKS}}} "
                    f"/ node_filesystem_files{{{HOST_DISKS}}}"
                },
                steps=FULL,
                most=1,
            ),
            Panel(
                "Load",
                "Tasks that run or wait, and how many processors there are.",
                "short",
                {
                    "one minute": "node_load1",
                    "fifteen minutes": "node_load15",
                    "processors": 'count(node_cpu_seconds_total{mode="idle"})',
                },
            ),
        ),
        "The services": (
            Panel(
                "Processor time",
                "How many processors the registry, Prometheus and the exporters keep busy.",
                "short",
                {"{{job}}": rate("process_cpu_seconds_total", "job")},
            ),
            Panel(
                "Memory of processes",
                "What the registry, Prometheus and the exporters hold.",
                "bytes",
                {"{{job}}": "sum by (job) (process_resident_memory_bytes)"},
            ),
            Panel(
                "Measured",
                "Whether Prometheus reaches what it measures: 1 where it does.",
                "none",
                {"{{job}}": "up"},
                most=1,
            ),
            Panel(
                "Measurements",
                "Time series that Prometheus keeps.",
                "short",
                {"series": "prometheus_tsdb_head_series"},
            ),
        ),
    },
)
