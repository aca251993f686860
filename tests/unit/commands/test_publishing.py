"""What a publication leaves behind when it fails: the answer to "take the release back?"."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from cleo.io.outputs.buffered_output import BufferedOutput

from poetry_aegis.commands.publishing import Publishing, PublishOptions, summary
from poetry_aegis.errors import PublishError
from poetry_aegis.poetry_api import Project
from poetry_aegis.publish.distributions import Distribution, read_distribution
from poetry_aegis.publish.repository import Repository, index_url_of
from tests.support.distributions import make_wheel
from tests.support.faulty import FaultyIndex, Reply, faulty_index

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from poetry_aegis.commands.base import AegisCommand


@pytest.fixture
def index() -> Iterator[FaultyIndex]:
    with faulty_index() as running:
        yield running


@pytest.fixture
def wheel(tmp_path: Path) -> Distribution:
    return read_distribution(make_wheel(tmp_path / "built"))


@pytest.fixture
def publishing(index: FaultyIndex, tmp_path: Path) -> Publishing:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "demo"\n')
    output = BufferedOutput()
    for style in ("c1", "warning"):
        output.formatter.set_style(style, output.formatter.style("info"))
    return Publishing(
        cast("AegisCommand", SimpleNamespace(messages=output)),
        Project("demo", tmp_path / "pyproject.toml"),
        Repository("corp", index.url, index_url_of(index.url)),
        PublishOptions(jobs=1),
        tmp_path / "built",
    )


def fail(publishing: Publishing, wheel: Distribution) -> None:
    with pytest.raises(PublishError):
        publishing.publish((wheel,))


def test_an_upload_whose_fate_is_unknown_has_begun(
    publishing: Publishing, index: FaultyIndex, wheel: Distribution
) -> None:
    index.script(Reply(500, stores=True, headers={"Retry-After": "3600"}))
    index.page_replies.extend([Reply(404), Reply(500)])
    fail(publishing, wheel)
    assert publishing.has_begun()


def test_an_upload_that_is_refused_has_not_begun(
    publishing: Publishing, index: FaultyIndex, wheel: Distribution
) -> None:
    index.script(Reply(403))
    index.page_replies.extend([Reply(404), Reply(500)])
    fail(publishing, wheel)
    assert not publishing.has_begun()


@pytest.mark.parametrize("before", [None, b"of an earlier build"])
def test_what_was_kept_is_discarded(
    publishing: Publishing, index: FaultyIndex, wheel: Distribution, before: bytes | None
) -> None:
    kept = publishing.project.root / "dist" / wheel.filename
    if before is not None:
        kept.parent.mkdir()
        kept.write_bytes(before)
    index.script(Reply(403))
    new = publishing.not_in_dist((wheel,))
    fail(publishing, wheel)
    assert kept.read_bytes() == wheel.path.read_bytes()
    publishing.discard(new)
    assert not kept.exists()


@pytest.mark.parametrize("same", [True, False])
def test_what_was_there_and_is_untouched_stays(
    publishing: Publishing, index: FaultyIndex, wheel: Distribution, *, same: bool
) -> None:
    """The same file was there before; or another, and the publication ends before it keeps any."""
    content = wheel.path.read_bytes() if same else b"of an earlier build"
    kept = publishing.project.root / "dist" / wheel.filename
    kept.parent.mkdir()
    kept.write_bytes(content)
    if same:
        index.script(Reply(403))
    else:
        index.has(wheel.filename, b"another")
    new = publishing.not_in_dist((wheel,))
    fail(publishing, wheel)
    publishing.discard(new)
    assert kept.read_bytes() == content


def test_the_summary_names_the_package_where_there_are_several(
    publishing: Publishing, index: FaultyIndex, wheel: Distribution
) -> None:
    planned = publishing.plan((wheel,))
    version = planned.version
    assert summary(planned).startswith(f"<success>Published {version}</success>: 1 uploaded")
    named = summary(planned, of="acme-core")
    assert named.startswith(f"<success>Published acme-core {version}</success>: 1 uploaded")
