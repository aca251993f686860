"""The names of services that completion offers, and those of a stack with everything in it."""

from __future__ import annotations

from dataclasses import replace

from ruamel.yaml import YAML

from poetry_aegis.server.config import ServerSettings
from poetry_aegis.server.stack.owner import Owner
from poetry_aegis.server.stack.rendering import compose_yaml
from poetry_aegis.server.stack.services import service_names
from poetry_aegis.server.stack.settings import RedisSettings


def test_a_stack_with_everything_has_just_these() -> None:
    settings = replace(ServerSettings(driver="compose"), redis=RedisSettings(enabled=True))
    rendered = YAML(typ="safe").load(compose_yaml(settings, Owner(1000, 1001)))
    assert tuple(rendered["services"]) == service_names()
    assert "pypi-server" in service_names()
