"""``poetry aegis publish`` to index servers of others: real ones, with real builds and installs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import FileConflict, Forbidden, NotAnUploadUrl, Unauthorized
from tests.support import peers
from tests.support.clients import run
from tests.support.registry import running_registry, upload
from tests.targets.conftest import kind_name, make_theirs, start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.poetry import PoetryHome
    from tests.targets.conftest import Theirs

REPLACING = (peers.OverwritingPypiserver, peers.VolatileDevpi)


def test_a_project_arrives_and_is_installed(theirs: Theirs, tmp_path: Path) -> None:
    done = theirs.publish()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 uploaded; verified on the index." in done.stdout
    assert theirs.shown() == theirs.has(*theirs.dist.iterdir())
    assert len(theirs.shown()) == 2

    again = theirs.publish()
    assert again.returncode == 0, again.stdout + again.stderr
    assert "2 skipped; verified on the index." in again.stdout

    index = theirs.peer.index_for(theirs.peer.reader or theirs.peer.publisher)
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--index-url", index]
    installed = run(*pip, "--target", tmp_path / "site", theirs.name, home=tmp_path)
    assert installed.returncode == 0, installed.stdout
    module = tmp_path / "site" / theirs.name.replace("-", "_") / "__init__.py"
    assert module.read_text() == "ANSWER = 42\n"


def test_another_file_of_that_name_is_refused_with_both_hashes(theirs: Theirs) -> None:
    theirs.build()
    assert theirs.publish("--skip-build").returncode == 0
    before = theirs.shown()
    here = theirs.has(*theirs.build(content="other = 1\n"))

    refused = theirs.publish("--skip-build")
    assert refused.returncode == FileConflict.exit_code, refused.stderr
    name = next(name for name in here if before[name] in refused.stderr)
    assert here[name] in refused.stderr
    assert "poetry aegis publish --force" in refused.stderr
    assert theirs.shown() == before


def test_a_wrong_password_sends_nothing(theirs: Theirs) -> None:
    theirs.build()
    theirs.knows(theirs.peer.upload_url, (theirs.peer.publisher[0], "mistaken-for-it"))
    refused = theirs.publish("--skip-build")
    # pypiserver has one answer to a wrong password and to a missing right.
    expected = Forbidden if theirs.peer.name.startswith("pypiserver") else Unauthorized
    assert refused.returncode == expected.exit_code, refused.stderr
    assert theirs.shown() == {}


def test_without_a_password_it_is_said_how_to_give_one(theirs: Theirs) -> None:
    theirs.build()
    theirs.knows(theirs.peer.upload_url, None)
    refused = theirs.publish("--skip-build")
    assert refused.returncode == Unauthorized.exit_code, refused.stderr
    assert "poetry config http-basic.theirs USER" in refused.stderr
    assert theirs.shown() == {}


# pypiserver knows no such user.
@pytest.mark.parametrize("peer", [peers.Devpi, peers.Peryx], ids=kind_name, indirect=True)
def test_who_may_only_read_is_refused(theirs: Theirs) -> None:
    assert theirs.peer.reader is not None
    theirs.build()
    theirs.knows(theirs.peer.upload_url, theirs.peer.reader)
    refused = theirs.publish("--skip-build")
    assert refused.returncode == Forbidden.exit_code, refused.stderr
    assert f"theirs does not allow this to {theirs.peer.reader[0]}" in refused.stderr
    assert theirs.shown() == {}


def test_the_address_of_the_index_works_or_is_explained(theirs: Theirs) -> None:
    theirs.build()
    theirs.knows(theirs.peer.index_url, theirs.peer.publisher)
    refused = theirs.publish("--skip-build")
    assert refused.returncode == NotAnUploadUrl.exit_code, refused.stderr
    assert f"poetry config repositories.theirs {theirs.peer.upload_url}\n" in refused.stderr
    assert theirs.shown() == {}


def test_a_release_is_promoted_from_a_registry_of_ones_own(theirs: Theirs, tmp_path: Path) -> None:
    files = theirs.build()
    with running_registry(tmp_path / "data") as registry:
        for file in files:
            assert upload(registry, file).status_code == 200
        ours = theirs.poetry.root / "config"
        with (ours / "config.toml").open("a") as stream:
            stream.write(f'[repositories.ours]\nurl = "{registry.url}/legacy/"\n')
        with (ours / "auth.toml").open("a") as stream:
            password = registry.users["rae"][0]
            stream.write(f'[http-basic.ours]\nusername = "rae"\npassword = "{password}"\n')
        promoted = theirs.run(
            *("promote", f"{theirs.name}==1.0.0", "--from", "ours", "--to", "theirs")
        )
    assert promoted.returncode == 0, promoted.stdout + promoted.stderr
    assert "2 uploaded; verified on the index." in promoted.stdout
    assert theirs.shown() == theirs.has(*files)


# --force


def replace(theirs: Theirs) -> tuple[dict[str, str], dict[str, str], str, int]:
    """Publish files, then others by force; return the hashes, what was said, the exit code."""
    theirs.build()
    first = theirs.publish("--skip-build")
    assert first.returncode == 0, first.stderr
    before = theirs.shown()
    here = theirs.has(*theirs.build(content="other = 1\n"))
    forced = theirs.publish("--skip-build", "--force")
    return before, here, forced.stdout + forced.stderr, forced.returncode


@pytest.fixture(scope="module", params=REPLACING, ids=kind_name)
def replacing_peer(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[peers.Peer]:
    yield from start(request.param, tmp_path_factory)


def test_force_replaces_where_the_server_does(
    replacing_peer: peers.Peer, poetry: PoetryHome, tmp_path: Path
) -> None:
    theirs = make_theirs(replacing_peer, poetry, tmp_path / "project", "forced")
    _, here, said, code = replace(theirs)
    assert code == 0, said
    assert "2 replaced; verified on the index." in said
    assert "lock" in said, "who has locked the old files is warned of"
    assert theirs.shown() == here


def test_force_removes_first_or_explains_itself(theirs: Theirs) -> None:
    before, here, said, code = replace(theirs)
    if theirs.peer.name.startswith("pypiserver"):
        assert code == 0, said
        assert "2 replaced; verified on the index." in said
        assert theirs.shown() == here
    else:
        assert code == FileConflict.exit_code, said
        assert "theirs does not let the file be replaced" in said
        assert theirs.shown() == before
