from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from poetry_aegis.registry.people.users import Users
from poetry_aegis.server.config import ServerSettings
from poetry_aegis.server.doctor.context import Context
from poetry_aegis.server.doctor.examination import examine, select
from poetry_aegis.server.home import ServerHome
from poetry_aegis.server.stack.settings import WebSettings
from tests.support.registry import running_registry
from tests.unit.server.stack.running import NAME, Nginx, running_nginx

if TYPE_CHECKING:
    from pathlib import Path

ASKED = ["server", "tls", "version", "answer-anonymous", "answer-401", "answer-403", "answer-404"]
ASKED += ["answer-413", "metrics", "redirect"]


def found_behind(nginx: Nginx, settings: ServerSettings, token: str) -> dict[str, str]:
    http_port, https_port, _ = nginx.ports
    web = WebSettings(
        name=NAME,
        listen="127.0.0.1",
        http_port=http_port,
        https_port=https_port,
        certificate="tls/server.crt",
        certificate_key="tls/server.key",
    )
    context = Context(
        ServerHome(nginx.home),
        replace(settings, web=web),
        environment={"AEGIS_READER_TOKEN": token},
    )
    return {
        finding.check.name: finding.verdict.state for finding in examine(context, select(ASKED))
    }


def test_the_stacks_nginx_before_a_registry_is_well(tmp_path: Path) -> None:
    settings = ServerSettings(driver="compose", max_upload_size="1MiB")
    data = tmp_path / "data"
    with running_registry(data) as registry:
        _, token = Users(data / "auth").create_token("rae")
        engine = registry.url.removeprefix("http://")
        with running_nginx(tmp_path / "home", settings, engine=engine, data=data) as nginx:
            assert found_behind(nginx, settings, token) == dict.fromkeys(ASKED, "ok")

            other = replace(settings, max_upload_size="64MiB", anonymous_read=True)
            found = found_behind(nginx, other, token)

    assert found["answer-413"] == found["answer-anonymous"] == "problem"
    assert found["server"] == "ok"
