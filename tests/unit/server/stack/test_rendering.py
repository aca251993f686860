"""The stack's files as they are written from the settings."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.errors import ServerError
from poetry_aegis.registry.options import RegistrySettings, SignatureSettings, UpstreamSettings
from poetry_aegis.registry.signers import load_trust
from poetry_aegis.server.config import ServerSettings
from poetry_aegis.server.home import ServerHome
from poetry_aegis.server.stack.owner import Owner
from poetry_aegis.server.stack.rendering import PRIVATE, compose_yaml, registry_toml, render
from poetry_aegis.server.stack.secrets import ensure_secrets
from poetry_aegis.server.stack.settings import (
    ContainerSettings,
    ImageSettings,
    MonitoringSettings,
    RedisSettings,
    WebSettings,
)
from poetry_aegis.server.stack.templating import as_nginx, as_yaml
from poetry_aegis.tables import read_table
from tests.support.needs import missing, needs_program
from tests.support.registry import add_users
from tests.unit.registry.signed import Person, trust

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Config = Callable[[ServerSettings], dict[str, Any]]

OWNER = Owner(1000, 1001)
PLAIN = ServerSettings(driver="compose")
WITH_REDIS = replace(PLAIN, redis=RedisSettings(enabled=True, memory="32m"))
BARE = replace(PLAIN, monitoring=MonitoringSettings(prometheus=False, grafana=False))
PYPISERVER = replace(PLAIN, engine="pypiserver")


@pytest.fixture
def configured(tmp_path: Path) -> Config:
    """Return how Compose itself reads the rendered services."""
    docker = needs_program("docker")
    asked = subprocess.run([docker, "compose", "version"], capture_output=True, check=False)
    if asked.returncode:
        missing("needs Docker Compose, which is not installed")
    home = ServerHome(tmp_path)

    def configure(settings: ServerSettings) -> dict[str, Any]:
        home.compose_file.write_text(compose_yaml(settings, OWNER), encoding="utf-8")
        ensure_secrets(home)
        command = [docker, "compose", "--project-directory", str(tmp_path), "config"]
        environment = {**os.environ, "COMPOSE_FILE": "compose.yaml"}
        read = subprocess.run(
            [*command, "--format", "json"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert read.returncode == 0, read.stderr
        assert not read.stderr
        table: dict[str, Any] = json.loads(read.stdout)
        return table

    return configure


def test_the_same_settings_give_the_same_bytes(tmp_path: Path) -> None:
    home = ServerHome(tmp_path)
    assert render(home, WITH_REDIS, OWNER) == render(home, WITH_REDIS, OWNER)


def test_every_file_that_can_says_where_it_comes_from(tmp_path: Path) -> None:
    for path, content in render(ServerHome(tmp_path), WITH_REDIS, OWNER).items():
        if path.startswith("stack/image/src") or path.endswith((".json", ".txt")):
            continue
        text = content if isinstance(content, str) else content.decode()
        assert "server.toml" in text.partition("\n")[0], path


def test_no_file_but_the_registrys_settings_holds_a_password(tmp_path: Path) -> None:
    secret = "pa55word"
    upstream = UpstreamSettings(url=f"https://me:{secret}@index.example.com/simple/")
    files = render(ServerHome(tmp_path), replace(WITH_REDIS, upstream=upstream), OWNER)
    holding = [
        path
        for path, content in files.items()
        if secret in (content if isinstance(content, str) else content.decode("utf-8", "replace"))
    ]
    assert holding == ["stack/registry.toml"]


def test_the_registry_can_read_its_settings() -> None:
    settings = replace(PLAIN, trusted_proxies=("203.0.113.1",), reserved=("acme-*",))
    table = tomlkit.parse(registry_toml(settings)).unwrap()
    read = read_table(RegistrySettings, table, where="registry.toml")
    assert read.trusted_proxies == ("203.0.113.1", *PRIVATE)
    assert read.followed_log == "/logs/access.log"
    assert read.metrics_port == 9091
    assert read.reserved == ("acme-*",)
    assert read.logins == settings.logins


def trusting(home: ServerHome, text: str) -> ServerSettings:
    (home.root / "keys").mkdir()
    (home.root / "keys" / "trust.toml").write_text(text)
    return replace(PLAIN, signatures=SignatureSettings(("acme-*",), "keys/trust.toml"))


def test_the_registry_gets_a_copy_of_the_keys_it_trusts(tmp_path: Path) -> None:
    ada = Person("ada")
    settings = trusting(ServerHome(tmp_path), trust(ada.trusted()))

    files = render(ServerHome(tmp_path), settings, OWNER)

    copy = tmp_path / "copy.toml"
    copy.write_text(str(files["stack/trust/trust.toml"]))
    assert load_trust(copy).keys["ada"].key == ada.key
    assert "Edit that file, not this one." in copy.read_text()
    table = tomlkit.parse(str(files["stack/registry.toml"])).unwrap()
    assert table["signatures"] == {
        "required": ["acme-*"],
        "trust": "/etc/aegis/trust/trust.toml",
    }
    assert "- ./stack/trust:/etc/aegis/trust:ro,z\n" in str(files["compose.yaml"])


def test_without_keys_there_is_nothing_of_them(tmp_path: Path) -> None:
    files = render(ServerHome(tmp_path), PLAIN, OWNER)

    assert "stack/trust/trust.toml" not in files
    assert "trust" not in str(files["compose.yaml"])


@pytest.mark.parametrize("text", ["threshold =", "threshold = 0", '[keys.ada]\npublic = "1"'])
def test_keys_that_cannot_be_used_are_not_brought_to_the_registry(
    tmp_path: Path, text: str
) -> None:
    settings = trusting(ServerHome(tmp_path), text)

    with pytest.raises(ServerError, match=r"trust\.toml") as caught:
        render(ServerHome(tmp_path), settings, OWNER)

    assert "server.toml" in caught.value.hint


def test_pypiserver_gets_no_registry_and_no_image_of_it(tmp_path: Path) -> None:
    home = ServerHome(tmp_path)
    home.make_directories()
    home.settings_file.touch()
    add_users(home.data, {"rae": ("secret-of-rae", "reader"), "pub": ("secret-of-pub", "admin")})
    files = render(home, PYPISERVER, OWNER)
    assert "stack/registry.toml" not in files
    assert not any(path.startswith("stack/image/") for path in files)
    assert str(files["stack/nginx/writers.conf"]).splitlines()[1:] == ['"\\\\pub" 1;']


def test_before_there_are_users_nobody_may_write_to_pypiserver(tmp_path: Path) -> None:
    text = render(ServerHome(tmp_path), PYPISERVER, OWNER)["stack/nginx/writers.conf"]
    assert str(text).count("\n") == 1


def test_an_image_that_is_named_is_not_built(tmp_path: Path) -> None:
    settings = replace(PLAIN, images=ImageSettings(registry="mirror/registry:1"))
    files = render(ServerHome(tmp_path), settings, OWNER)
    assert not any(path.startswith("stack/image/") for path in files)
    assert "build:" not in str(files["compose.yaml"])
    assert '"mirror/registry:1"' in str(files["compose.yaml"])


def test_compose_takes_the_services_with_all_that_keeps_them_in(configured: Config) -> None:
    table = configured(replace(WITH_REDIS, containers=ContainerSettings(project="demo")))
    assert table["name"] == "demo"
    services = table["services"]
    assert set(services) == {
        *("pypi-server", "nginx", "redis", "prometheus", "grafana"),
        *("nginx-exporter", "redis-exporter", "node-exporter"),
    }
    for name, service in services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["restart"] == "unless-stopped"
        assert service["user"].split(":")[0] not in {"", "0", "root"}
        assert service["logging"]["options"]["max-size"] == "10m"
        assert int(service["mem_limit"]) > 0
        assert "healthcheck" in service or name.endswith("-exporter")
    assert services["pypi-server"]["user"] == services["nginx"]["user"] == "1000:1001"


def test_only_nginx_is_published_to_the_world(configured: Config) -> None:
    web = WebSettings(listen="::", http_port=8080, https_port=8443)
    services = configured(replace(PLAIN, web=web))["services"]
    published = {
        (name, port["host_ip"], port["published"], port["target"])
        for name, service in services.items()
        for port in service.get("ports", ())
    }
    assert published == {
        ("nginx", "::", "8080", 80),
        ("nginx", "::", "8443", 443),
        ("prometheus", "127.0.0.1", "9090", 9090),
        ("grafana", "127.0.0.1", "3000", 3000),
    }
    assert list(services["pypi-server"]["networks"]) == ["back"]


def test_the_registry_has_a_way_out_only_where_it_has_to_ask_somebody(configured: Config) -> None:
    upstream = UpstreamSettings(url="https://index.example.com/simple/")
    table = configured(replace(PLAIN, upstream=upstream))
    assert set(table["services"]["pypi-server"]["networks"]) == {"back", "outside"}
    assert table["networks"]["back"]["internal"] is True
    assert "internal" not in table["networks"]["outside"]


def test_nginx_sees_neither_users_nor_the_authoritys_key(configured: Config) -> None:
    volumes = configured(PLAIN)["services"]["nginx"]["volumes"]
    mounted = {volume["target"]: volume for volume in volumes}
    assert mounted["/etc/nginx/tls/ca.key"]["source"] == "/dev/null"
    assert {target for target in mounted if target.startswith("/data")} == {
        "/data/packages",
        "/data/simple",
    }
    writable = {target for target, volume in mounted.items() if not volume.get("read_only")}
    assert writable == {"/var/log/nginx"}


def test_a_certificate_of_ones_own_is_mounted_from_wherever_it_is(
    configured: Config, tmp_path: Path
) -> None:
    web = WebSettings(certificate="own $x: y.crt", certificate_key="/etc/k e:y.pem")
    volumes = configured(replace(PLAIN, web=web))["services"]["nginx"]["volumes"]
    mounted = {volume["target"]: volume["source"] for volume in volumes}
    # Compose prints a dollar as it wants to read it.
    assert mounted["/etc/nginx/tls/server.crt"] == f"{tmp_path}/own $$x: y.crt"
    assert mounted["/etc/nginx/tls/server.key"] == "/etc/k e:y.pem"


def test_without_monitoring_nothing_of_it_is_there(configured: Config) -> None:
    table = configured(BARE)
    assert set(table["services"]) == {"pypi-server", "nginx"}
    assert set(table["networks"]) == {"front", "back"}
    assert not table.get("volumes")


def test_grafana_alone_can_be_left_out(configured: Config) -> None:
    table = configured(replace(PLAIN, monitoring=MonitoringSettings(grafana=False)))
    assert "grafana" not in table["services"]
    assert set(table["volumes"]) == {"prometheus-data"}


@pytest.mark.parametrize(
    ("anonymous", "actions"), [(True, "update"), (False, "update,download,list")]
)
def test_pypiserver_asks_for_what_the_settings_say(
    configured: Config, anonymous: bool, actions: str
) -> None:
    service = configured(replace(PYPISERVER, anonymous_read=anonymous))["services"]["pypi-server"]
    assert service["entrypoint"] == ["pypi-server"]
    assert f"--authenticate={actions}" in service["command"]
    assert "--disable-fallback" in service["command"]


def test_the_password_of_redis_is_no_argument(configured: Config, tmp_path: Path) -> None:
    services = configured(WITH_REDIS)["services"]
    password = dict(
        line.split("=", 1) for line in (tmp_path / ".env").read_text().splitlines() if "=" in line
    )["REDIS_PASSWORD"]
    for service in services.values():
        assert password not in json.dumps([service.get("command"), service.get("entrypoint")])
    assert password in services["pypi-server"]["environment"]["AEGIS_REDIS_URL"]
    assert "maxmemory 32mb" in services["redis"]["entrypoint"][2]


def test_redis_reads_its_password_and_keeps_nothing(configured: Config) -> None:
    script = configured(WITH_REDIS)["services"]["redis"]["entrypoint"][2].replace("$$", "$")
    script = script.replace("redis-server -", "cat")
    shell = shutil.which("sh") or "sh"
    environment = {**os.environ, "REDISCLI_AUTH": "s3cret"}
    shown = subprocess.run(
        [shell, "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert shown.stdout.splitlines() == [
        "requirepass s3cret",
        "maxmemory 32mb",
        "maxmemory-policy allkeys-lru",
        'save ""',
    ]


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"])))
def test_no_value_gets_out_of_its_quotes(text: str) -> None:
    quoted = as_yaml(text)
    assert json.loads(quoted.replace("$$", "$")) == text
    assert "$" not in quoted.replace("$$", "")
    nginx = as_nginx(text)
    assert nginx[1:-1].replace("\\\\", "").replace('\\"', "").count('"') == 0
