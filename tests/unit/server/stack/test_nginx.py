"""What nginx is told, read by the real nginx."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.registry.people.identity import Identity
from poetry_aegis.server.config import ServerSettings
from poetry_aegis.server.stack.nginx import nginx_conf, writers_conf
from poetry_aegis.server.stack.settings import WebSettings
from tests.unit.server.stack.running import (
    LIMITED,
    PLAIN,
    nginx_command,
    prepared,
)

if TYPE_CHECKING:
    from pathlib import Path


NOTHING = "127.0.0.1:9"


@pytest.mark.parametrize(
    "settings",
    [
        PLAIN,
        LIMITED,
        replace(PLAIN, engine="pypiserver"),
        replace(PLAIN, anonymous_read=True, web=WebSettings(rate=1, burst=0)),
        replace(
            PLAIN, max_upload_size="99999999999999GiB", web=WebSettings(rate=10**6, burst=10**6)
        ),
        replace(LIMITED, engine="pypiserver"),
    ],
)
def test_nginx_takes_the_configuration(tmp_path: Path, settings: ServerSettings) -> None:
    writers = writers_conf([Identity("pub", "publisher")])
    prepared(tmp_path, settings, engine=NOTHING, data=tmp_path, writers=writers)
    tested = subprocess.run(
        [*nginx_command(tmp_path), "-t"], capture_output=True, text=True, check=False
    )
    assert tested.returncode == 0, tested.stderr
    assert "[emerg]" not in tested.stderr


def test_a_name_that_differs_from_a_readers_in_case_alone_may_not_write() -> None:
    text = writers_conf([Identity("Rae", "publisher"), Identity("rae", "reader")])
    assert "ae" not in text.partition("\n")[2]


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
NAMES = st.one_of(st.lists(LABEL, min_size=1, max_size=4).map(".".join), st.ip_addresses().map(str))


SETTINGS = st.builds(
    lambda names, rate, burst: WebSettings(
        name=names[0], names=tuple(names[1:]), rate=rate, burst=burst
    ),
    st.lists(NAMES, min_size=1, max_size=4),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
).flatmap(
    lambda web: st.builds(
        ServerSettings,
        driver=st.just("compose"),
        web=st.just(web),
        max_upload_size=st.integers(1, 10**30).map(str),
        engine=st.sampled_from(["registry", "pypiserver"]),
        anonymous_read=st.booleans(),
    )
)


@given(SETTINGS)
def test_any_settings_give_a_configuration_whose_braces_and_quotes_match(
    settings: ServerSettings,
) -> None:
    text = re.sub(r"#[^\n]*", "", nginx_conf(settings))
    bare = re.sub(r'"(\\.|[^"\\])*"|\'[^\']*\'|\\.', "", text)
    assert '"' not in bare
    assert bare.count("{") == bare.count("}") > 10
    assert "{{" not in bare
    assert "{%" not in bare
