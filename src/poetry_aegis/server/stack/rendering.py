"""All files of the stack that are written from ``server.toml``, and nobody has to edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from poetry_aegis.server.stack.image import BUILT_FROM, image_context, image_name, is_built
from poetry_aegis.server.stack.monitoring import DASHBOARDS, monitoring_files
from poetry_aegis.server.stack.nginx import nginx_conf, writers_conf
from poetry_aegis.server.stack.templating import fill
from poetry_aegis.server.template import GENERATED

if TYPE_CHECKING:
    from poetry_aegis.server.config import ServerSettings
    from poetry_aegis.server.home import ServerHome
    from poetry_aegis.server.stack.owner import Owner

REGISTRY_SETTINGS = "stack/registry.toml"
TRUST = "stack/trust/trust.toml"
METRICS_PORT = 9091
# From where the containers' own networks have their addresses. Nothing but nginx is on the network
# of the registry that would say for whom it asks.
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
HEALTH = "from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/health', timeout=4)"
ALIVE = "http://127.0.0.1:8081/alive"
REDIS_ROOM = 64 * 1024**2  # bytes that Redis takes beside what it keeps
_UNITS = {"k": 1024, "m": 1024**2, "g": 1024**3}

COPIED = (
    "# A copy of the file that server.toml names as trust in [signatures], made by:\n"
    "#   poetry aegis server apply\n"
    "# Edit that file, not this one.\n"
)

Files = dict[str, "str | bytes"]


def render(home: ServerHome, settings: ServerSettings, owner: Owner) -> Files:
    """Return every generated file: its content by its path in *home*, with slashes.

    The same settings give the same bytes. Raises `MissingExtra`; `ServerError` where the file of
    trusted keys cannot be used; and `UnreadableUsers` where the engine is pypiserver, for which
    nginx has to know the users.
    """
    files: Files = {
        "compose.yaml": compose_yaml(settings, owner),
        "stack/nginx/nginx.conf": nginx_conf(settings),
    }
    if settings.engine == "registry":
        files[REGISTRY_SETTINGS] = registry_toml(settings)
        files |= trust_copy(home, settings)
    else:
        files["stack/nginx/writers.conf"] = writers_conf(_users(home))
    if is_built(settings):
        files |= {f"{BUILT_FROM}/{path}": content for path, content in image_context().items()}
    return files | monitoring_files(settings)


def compose_yaml(settings: ServerSettings, owner: Owner) -> str:
    """Return the services, for Compose 2.20 and later. Raises `MissingExtra`."""
    return fill(
        "compose.yaml.j2",
        project=settings.containers.project,
        memory=settings.containers.memory,
        log_size=settings.containers.log_size,
        owner=str(owner),
        engine=settings.engine,
        anonymous_read=settings.anonymous_read,
        trust=bool(settings.signatures.trust),
        builds=is_built(settings),
        registry_image=image_name(settings),
        images=settings.images,
        web=settings.web,
        certificate=settings.web.certificate and _from_home(settings.web.certificate),
        certificate_key=settings.web.certificate_key and _from_home(settings.web.certificate_key),
        redis=settings.redis if settings.redis.enabled else None,
        redis_memory=_in_bytes(settings.redis.memory) + REDIS_ROOM,
        looks_outside=_looks_outside(settings),
        monitoring=settings.monitoring,
        dashboards=DASHBOARDS,
        health=HEALTH,
        alive=ALIVE,
    )


def registry_toml(settings: ServerSettings) -> str:
    """Return the settings that the registry reads in its container, in TOML.

    There may be the password of another index in them.
    """
    import tomlkit

    table: dict[str, Any] = {
        **settings.of_registry(),
        "trusted_proxies": [*settings.trusted_proxies, *PRIVATE],
        "metrics_port": METRICS_PORT if settings.monitoring.prometheus else 0,
        "followed_log": "/logs/access.log",
        "certificate_expiry": "/etc/aegis/certificate-expiry",
    }
    if settings.signatures.trust:
        table["signatures"]["trust"] = "/etc/aegis/trust/trust.toml"
    return GENERATED + tomlkit.dumps(table)


def trust_copy(home: ServerHome, settings: ServerSettings) -> Files:
    """Return the keys that the registry trusts, as its container has them.

    It is a copy in a folder, and no mount of the very file: a folder shows a file that was
    replaced, and what cannot be used stays outside. Raises `ServerError`.
    """
    from poetry_aegis.errors import ServerError
    from poetry_aegis.registry.errors import InvalidSettings
    from poetry_aegis.registry.signers import load_trust

    if not settings.signatures.trust:
        return {}
    path = home.trust_file(settings.signatures.trust)
    try:
        load_trust(path)
        text = path.read_text(encoding="utf-8")
    except InvalidSettings as error:
        raise ServerError(
            str(error), hint=f"Mend it, or name another file in {home.settings_file}"
        ) from error
    return {TRUST: f"{COPIED}{text}"}


def _users(home: ServerHome) -> list[Any]:
    from poetry_aegis.server.users import list_users

    return list_users(home) if home.exists else []


def _looks_outside(settings: ServerSettings) -> bool:
    """Return whether the registry asks somebody who is not in the stack."""
    asks = bool(settings.upstream.url or settings.redis_url)
    return settings.engine == "registry" and asks


def _from_home(path: str) -> str:
    """Return *path* so that Compose, too, takes it as relative to the home, and not for a name."""
    return path if path.startswith(("/", "./", "../")) else f"./{path}"


def _in_bytes(size: str) -> int:
    return int(size[:-1]) * _UNITS[size[-1]]
