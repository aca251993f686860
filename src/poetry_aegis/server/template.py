"""``server.toml`` as it is written for the first time: commented, for an operator to edit."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poetry_aegis.server.config import ServerSettings

HEAD = """\
# The settings of this index server, and the one file to edit. Then bring the server up to date:
#   poetry aegis server apply

# How the server runs: "embedded" is a background process of this machine, "compose" a stack of
# containers with nginx and TLS before it.
driver = {driver}
"""

EMBEDDED = """
# The address it listens on. Beyond 127.0.0.1 passwords and packages travel unencrypted.
host = {host}
port = {port}
"""

COMMON = """
# Whether packages can be listed and downloaded without a password.
anonymous_read = {anonymous_read}

# The largest file an upload may bring, such as "500MB" or "2GiB".
max_upload_size = {max_upload_size}

# Whether an admin may overwrite a file. Where nobody may, clients keep files for good.
#overwrite = true

# Whether files that are copied into data/packages by hand appear at once; they appear after
# `poetry aegis server reindex` in any case.
#watch = false

# Projects that are never looked up in the index behind this one, for example ["acme-*"].
#reserved = []

# Below this much free space the server says that it is not ready.
#minimum_free_space = "64MiB"
"""

EMBEDDED_MORE = """
# A port of its own for Prometheus to read /metrics from, on the same host; 0 for none.
#metrics_port = 0

# Proxies whose X-Forwarded-For is believed, for example ["10.0.0.5", "172.16.0.0/12"].
#trusted_proxies = []

# The access log of a web server that serves files by itself, as JSON: its downloads are counted,
# too, but for the lines with an "upstream". "" for none.
#followed_log = "/var/log/nginx/aegis.log"
"""

COMPOSE_MORE = """
# What serves the packages: "registry", which is this project's own, or "pypiserver".
#engine = "registry"

[web]
# The name that clients use, and others that lead here, too; all are in the certificate.
name = {name}
#names = ["10.0.0.7"]

# Where nginx is published.
#listen = "0.0.0.0"
http_port = {http_port}
https_port = {https_port}

# A certificate of your own instead of the local authority's.
#certificate = "tls/own.crt"
#certificate_key = "tls/own.key"

# The networks that may come at all, for example ["10.0.0.0/8"]; all if empty.
#allow = []

# How many requests a second one credential may make, 0 for any number, and how many more at a time.
#rate = 0
#burst = 200

[monitoring]
# Prometheus and Grafana, for this machine alone.
prometheus = {prometheus}
grafana = {grafana}
#prometheus_port = 9090
#grafana_port = 3000
#retention = "30d"

[redis]
# Counts failed logins over restarts of the registry.
enabled = {redis}
#memory = "64m"

# What each service runs, named anew where a mirror has the images.
#[images]
#nginx = "mirror.example.com/nginx:1.28.0"

#[containers]
#project = "aegis"     # the name that Compose knows the stack by
#user = "1000:1000"    # who the services run as, and whom the data belong to
#memory = "512m"       # of the registry and nginx, each
#log_size = "10m"
"""

TABLES = """
# Where `poetry aegis server backup` writes, and how many are kept; 0 keeps all.
#[backup]
#folder = "backups"
#keep = 7

# How many wrong passwords are taken within a window of seconds.
#[logins]
#per_address = 20
#per_user = 50
#window = 60

# Another index, whose projects are shown where this one has none of that name.
#[upstream]
#url = "https://index.example.com/simple/"
#allow = ["*"]
#deny = []
#minimum_age = 0      # days that a release must be old
#fresh = 600          # seconds until a page is asked for again
#timeout = 15         # seconds

# Projects whose uploads must be signed, and the file of the keys that count, in this folder. It is
# read anew when it changes; a stack of containers has a copy, which `apply` brings up to date.
#[signatures]
#required = ["acme-*"]   # ["*"] for all
#trust = "trust.toml"    # under this name it is in backups, too

# Which releases `poetry aegis server prune` may delete; any number of rules.
#[[retention]]
#projects = ["*"]
#keep_releases = 0      # 0 keeps all of them
#keep_pre_releases = 3
#keep_dev_releases = 3
#older_than = 30        # days
"""

GENERATED = "# Written from server.toml when the server starts. Edit that file, not this one.\n"


def render_settings(settings: ServerSettings) -> str:
    """Return *settings* as a commented ``server.toml``."""
    import tomlkit

    shown = {
        **{key: getattr(settings, key) for key in ("driver", "host", "port")},
        **{key: getattr(settings, key) for key in ("anonymous_read", "max_upload_size")},
        **{key: getattr(settings.web, key) for key in ("name", "http_port", "https_port")},
        **{key: getattr(settings.monitoring, key) for key in ("prometheus", "grafana")},
        "redis": settings.redis.enabled,
    }
    parts = (
        (HEAD, COMMON, COMPOSE_MORE, TABLES)
        if settings.is_stack
        else (HEAD, EMBEDDED, COMMON, EMBEDDED_MORE, TABLES)
    )
    values = {key: tomlkit.item(value).as_string() for key, value in shown.items()}
    return "".join(parts).format(**values)


def render_registry_settings(settings: ServerSettings) -> str:
    """Return what the registry's process is to read: all of its settings, in TOML."""
    import tomlkit

    table = settings.of_registry()
    if trust := settings.signatures.trust:
        # What is relative to the home is read from a file one folder below it.
        table["signatures"]["trust"] = PurePath("..", trust).as_posix()
    return GENERATED + tomlkit.dumps(table)
