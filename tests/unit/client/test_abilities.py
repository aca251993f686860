"""What an index answers of itself: real servers, of which some are none of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.client.abilities import about_public, may_upload, shows_public
from poetry_aegis.client.poetry import Index
from poetry_aegis.client.setup import Login
from tests.support.registry import USERS, running_registry
from tests.support.server import answering

if TYPE_CHECKING:
    from pathlib import Path


def test_a_registry_tells_who_may_upload(tmp_path: Path) -> None:
    with running_registry(tmp_path / "data") as registry:
        index = Index("corp", f"{registry.url}/")
        may = {name: may_upload(index, Login(name, USERS[name][0]), None) for name in USERS}
        assert may == {"ada": True, "pub": True, "rae": False}
        assert may_upload(index, Login("rae", "wrong"), None) is None
        assert may_upload(index, None, None) is None
        assert shows_public(index, ("rae", USERS["rae"][0]), None) is False


@pytest.mark.parametrize("status", [200, 404, 502])
def test_an_index_of_another_kind_tells_nothing_of_rights(status: int) -> None:
    with answering(status) as url:
        assert may_upload(Index("corp", url), Login("ada", "x"), None) is None
        assert shows_public(Index("corp", url), None, None) is {200: True, 404: False}.get(status)


def test_what_does_not_answer_tells_nothing() -> None:
    index = Index("corp", "http://127.0.0.1:1/")
    assert may_upload(index, None, None) is None
    assert shows_public(index, None, None) is None


def test_what_is_said_of_an_index_that_is_asked_alone() -> None:
    index = Index("corp", "https://host/")
    assert about_public(index, shows=True) == ()
    (unknown,) = about_public(index, shows=None)
    (lacking,) = about_public(index, shows=False)
    assert "[upstream]" in unknown
    assert "no public packages" not in unknown
    assert "has no public packages" in lacking
