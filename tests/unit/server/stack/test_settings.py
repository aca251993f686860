from __future__ import annotations

from typing import Any

import pytest

from poetry_aegis.server.config import ServerSettings
from poetry_aegis.server.stack.settings import (
    BackupSettings,
    ContainerSettings,
    ImageSettings,
    MonitoringSettings,
    RedisSettings,
    WebSettings,
)
from poetry_aegis.tables import InvalidTable

WRONG: list[tuple[type, dict[str, Any], str]] = [
    (WebSettings, {"name": "Pypi.Example.com"}, "name = 'Pypi.Example.com'"),
    (WebSettings, {"name": 'a"; return 200'}, "name"),
    (WebSettings, {"name": "-a.example.com"}, "name"),
    (WebSettings, {"names": ("ok.example.com", "a b")}, "'a b'"),
    (WebSettings, {"names": ('fe80::1%"; x',)}, "fe80"),
    (WebSettings, {"listen": "localhost"}, "listen"),
    (WebSettings, {"http_port": 0}, "http_port = 0"),
    (WebSettings, {"https_port": 65536}, "https_port = 65536"),
    (WebSettings, {"certificate": "own.crt"}, "belong together"),
    (WebSettings, {"allow": ("10.0.0.0/33",)}, "10.0.0.0/33"),
    (WebSettings, {"allow": ('fe80::%"; x',)}, "allow"),
    (WebSettings, {"rate": -1}, "rate"),
    (WebSettings, {"burst": 10**9}, "burst"),
    (MonitoringSettings, {"retention": "for ever"}, "retention"),
    (MonitoringSettings, {"prometheus": False}, "prometheus"),
    (MonitoringSettings, {"grafana_port": 70000}, "grafana_port"),
    (RedisSettings, {"memory": "much"}, "memory"),
    (ImageSettings, {"nginx": "nginx:1 && true"}, "nginx"),
    (ImageSettings, {"nginx": ""}, "nginx"),
    (ContainerSettings, {"project": "My Project"}, "project"),
    (ContainerSettings, {"user": "www-data"}, "user"),
    (ContainerSettings, {"memory": "1.5g"}, "memory"),
    (BackupSettings, {"folder": ""}, "folder"),
    (BackupSettings, {"keep": -1}, "keep"),
    (ServerSettings, {"engine": "pypiserver"}, "driver"),
    (
        ServerSettings,
        {"driver": "compose", "engine": "pypiserver", "redis": RedisSettings(enabled=True)},
        "redis",
    ),
]


@pytest.mark.parametrize(("schema", "values", "words"), WRONG)
def test_what_makes_no_sense_is_refused_with_its_key(
    schema: type, values: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidTable, match=words.replace("(", r"\(")):
        schema(**values)


def test_addresses_and_mirrors_are_taken() -> None:
    WebSettings(name="10.0.0.7", names=("::1", "a.b-c.example"), listen="::", allow=("::1/128",))
    ImageSettings(registry="mirror:5000/team/registry@sha256:ab", nginx="mirror/nginx:1")
    ContainerSettings(user="1000")


def test_the_address_of_a_stack_is_that_of_nginx() -> None:
    def url(**web: Any) -> str:
        return ServerSettings(driver="compose", web=WebSettings(**web)).url

    assert url(name="pypi.example.com") == "https://pypi.example.com/"
    assert url(name="pypi.example.com", https_port=8443) == "https://pypi.example.com:8443/"
    assert url(name="::1") == "https://[::1]/"


ONE_PORT: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"http_port": 8443, "https_port": 8443}, {}, "http_port and https_port are both 8443"),
    ({"http_port": 9090}, {}, "http_port and prometheus_port are both 9090"),
    ({"listen": "::", "https_port": 3000}, {}, "https_port and grafana_port are both 3000"),
    ({}, {"grafana_port": 9090}, "prometheus_port and grafana_port are both 9090"),
]


@pytest.mark.parametrize(("web", "monitoring", "words"), ONE_PORT)
def test_two_services_cannot_have_one_port(
    web: dict[str, Any], monitoring: dict[str, Any], words: str
) -> None:
    tables: dict[str, Any] = {
        "web": WebSettings(**web),
        "monitoring": MonitoringSettings(**monitoring),
    }
    with pytest.raises(InvalidTable, match=words) as caught:
        ServerSettings(driver="compose", **tables)
    assert caught.value.hint
    ServerSettings(**tables)  # A single process publishes none of them.


def test_ports_that_never_meet_may_be_the_same() -> None:
    ServerSettings(
        driver="compose",
        web=WebSettings(listen="10.0.0.5", http_port=9090, https_port=3000),
    )
    ServerSettings(
        driver="compose",
        web=WebSettings(http_port=9090, https_port=3000),
        monitoring=MonitoringSettings(prometheus=False, grafana=False),
    )


@pytest.mark.parametrize(
    ("schema", "values", "hint"),
    [
        (ContainerSettings, {"log_size": "-1m"}, '"10m"'),
        (ContainerSettings, {"memory": "-1m"}, '"512m"'),
        (RedisSettings, {"memory": "much"}, '"64m"'),
        (WebSettings, {"listen": "localhost"}, "127.0.0.1"),
        (WebSettings, {"burst": -1}, "burst = 200"),
        (ImageSettings, {"nginx": ""}, '"nginx:'),
        (ImageSettings, {"registry": "A B"}, "registry.example.com"),
    ],
)
def test_the_hint_is_about_the_very_key(schema: type, values: dict[str, Any], hint: str) -> None:
    with pytest.raises(InvalidTable) as caught:
        schema(**values)
    assert hint in caught.value.hint
