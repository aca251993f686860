"""Forges to release on, and what is released."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.forge.patience import Patience
from poetry_aegis.forge.releases import Forge, ForgeRelease, find_forge
from poetry_aegis.forge.remote import find_links
from tests.support.forge import TOKEN, StandIn, running
from tests.support.forges import GiteaStandIn, GitHubStandIn, GitLabStandIn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

STAND_INS = {"github": GitHubStandIn, "gitea": GiteaStandIn, "gitlab": GitLabStandIn}
IMPATIENT = Patience(backoffs=())
PATIENT = Patience(backoffs=(0.0, 0.0))


@pytest.fixture(autouse=True)
def loopback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Reach the loopback directly, and read no bundle of authorities that nobody needs there."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))


@pytest.fixture(params=STAND_INS)
def standin(request: pytest.FixtureRequest) -> Iterator[StandIn]:
    """Return each of the forges, running."""
    with running(STAND_INS[request.param]()) as forge:
        yield forge


@pytest.fixture
def release(tmp_path: Path) -> ForgeRelease:
    """Return a release with a wheel and an sdist."""
    wheel, sdist = tmp_path / "demo-1.0.0-py3-none-any.whl", tmp_path / "demo-1.0.0.tar.gz"
    wheel.write_bytes(b"a wheel")
    sdist.write_bytes(b"an sdist")
    return ForgeRelease("v1.0.0", "Demo 1.0.0", "### Added\n\n- A thing.\n", files=(wheel, sdist))


def connect(
    standin: StandIn, patience: Patience = PATIENT, environ: Mapping[str, str] | None = None
) -> Forge:
    """Return the forge as a project finds it, with the token in its own variable."""
    links = find_links(standin.remote, standin.kind)
    return find_forge(links, environ or {standin.variable: TOKEN}, patience)
