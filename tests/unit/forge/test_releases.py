"""Releases on each forge: created, completed, mended, never doubled, whatever breaks off."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from poetry_aegis.errors import ForgeError
from tests.support.forge import FAULTS, NAME, OWNER, Fault, Reply, StandIn, running
from tests.support.forges import GiteaStandIn, GitHubStandIn, GitLabStandIn
from tests.unit.forge.conftest import IMPATIENT, STAND_INS, connect

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.forge.releases import ForgeRelease


def ignore(_: str) -> None: ...


def expected(standin: StandIn, release: ForgeRelease) -> list[dict[str, Any]]:
    """Return what the forge shows when it shows *release* and nothing else."""
    files = [(path.name, path.read_bytes()) for path in release.files]
    shown: dict[str, Any] = {"tag": release.tag, "title": release.title, "notes": release.notes}
    if isinstance(standin, GitLabStandIn):
        return [shown | {"files": sorted(files)}]
    states = [(name, content, "uploaded") for name, content in files]
    flags = {"prerelease": release.prerelease, "draft": False}
    return [shown | flags | {"files": sorted(states)}]


def test_a_release_is_created(standin: StandIn, release: ForgeRelease) -> None:
    forge = connect(standin)
    heard: list[str] = []
    assert not forge.stands(release)
    page = forge.publish(release, heard.append)
    assert standin.shown() == expected(standin, release)
    assert forge.stands(release)
    assert page.startswith(f"{forge.url}/")
    assert page.endswith("/v1.0.0")
    assert heard == [f"{forge.name} has {path.name}." for path in release.files]


def test_a_second_run_changes_nothing(standin: StandIn, release: ForgeRelease) -> None:
    forge = connect(standin)
    page = forge.publish(release, ignore)
    standin.requests.clear()
    assert forge.publish(release, ignore) == page
    assert standin.writes == []


@pytest.mark.parametrize("change", ["title", "notes", "prerelease", "content", "file"])
def test_what_differs_is_mended(
    standin: StandIn, release: ForgeRelease, change: str, tmp_path: Path
) -> None:
    forge = connect(standin)
    forge.publish(release, ignore)
    if change == "content":
        release.files[0].write_bytes(b"A WHEEL")  # Of the same length.
    elif change == "file":
        (tmp_path / "more.txt").write_bytes(b"more")
        release = replace(release, files=(*release.files, tmp_path / "more.txt"))
    else:
        values: dict[str, Any] = {"title": "Other", "notes": "Other.\n", "prerelease": True}
        release = replace(release, **{change: values[change]})
    unseen = change == "prerelease" and standin.kind == "gitlab"  # It has no such flag.
    assert forge.stands(release) == unseen
    forge.publish(release, ignore)
    assert standin.shown() == expected(standin, release)
    assert forge.stands(release)


def test_line_endings_make_no_difference(standin: StandIn, release: ForgeRelease) -> None:
    forge = connect(standin)
    forge.publish(replace(release, notes=release.notes.replace("\n", "\r\n")), ignore)
    assert forge.stands(release)


def test_a_prerelease(release: ForgeRelease) -> None:
    for standin in (GitHubStandIn(), GiteaStandIn()):
        with running(standin):
            connect(standin).publish(replace(release, prerelease=True), ignore)
            assert [shown["prerelease"] for shown in standin.shown()] == [True]


def test_files_of_others_are_left_alone(standin: StandIn, release: ForgeRelease) -> None:
    forge = connect(standin)
    forge.publish(release, ignore)
    fewer = replace(release, files=release.files[:1])
    forge.publish(fewer, ignore)
    assert standin.shown() == expected(standin, release)
    assert forge.stands(fewer)


def test_names_that_forges_would_change(
    standin: StandIn, release: ForgeRelease, tmp_path: Path
) -> None:
    standin.tags = {"pkg/v1!1.0+local"}
    odd = tmp_path / "demo 1!1.0+local.whl"
    odd.write_bytes(b"odd")
    release = replace(release, tag="pkg/v1!1.0+local", files=(odd,))
    forge = connect(standin)
    forge.publish(release, ignore)
    (shown,) = standin.shown()
    assert shown["tag"] == "pkg/v1!1.0+local"
    assert shown["files"][0][:2] == ("demo.1.1.0+local.whl", b"odd")
    assert forge.stands(release)


def test_a_tag_that_was_not_pushed_is_not_made(standin: StandIn, release: ForgeRelease) -> None:
    standin.tags = set()
    with pytest.raises(ForgeError) as caught:
        connect(standin).publish(release, ignore)
    assert "git push REMOTE v1.0.0" in caught.value.hint
    assert standin.tags == set()
    assert standin.shown() == []


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("begun", ["nothing", "an older state"])
@pytest.mark.parametrize("kind", STAND_INS)
def test_every_request_may_fail_once(
    kind: str, begun: str, fault: Fault, release: ForgeRelease
) -> None:
    with running(STAND_INS[kind]()) as standin:
        prepare(standin, begun)
        connect(standin).publish(release, ignore)
        count = len(standin.requests)
    assert count > 5
    for number in range(count):
        with running(STAND_INS[kind]()) as standin:
            prepare(standin, begun)
            standin.faults = {number: fault}
            forge, heard = connect(standin), list[str]()
            forge.publish(release, heard.append)
            assert standin.shown() == expected(standin, release), number
            assert any("Trying again" in line for line in heard), number
            assert forge.stands(release)
            assert standin.leaks == []


@pytest.mark.parametrize("fault", ["dropped", "answer lost"])
@pytest.mark.parametrize("begun", ["nothing", "an older state"])
@pytest.mark.parametrize("kind", STAND_INS)
def test_what_broke_off_anywhere_is_completed_by_the_next_run(
    kind: str, begun: str, fault: Fault, release: ForgeRelease
) -> None:
    number = 0
    while True:
        with running(STAND_INS[kind]()) as standin:
            prepare(standin, begun)
            standin.faults = {number: fault}
            forge = connect(standin, IMPATIENT)
            try:
                forge.publish(release, ignore)
            except ForgeError:
                forge.publish(release, ignore)
            else:
                assert number > 5
                return
            assert standin.shown() == expected(standin, release), number
            number += 1


def prepare(standin: StandIn, begun: str) -> None:
    """Have an older state, where one is wanted: other notes, a wrong file, a lost link."""
    if begun == "nothing":
        return
    wheel = "demo-1.0.0-py3-none-any.whl"
    if isinstance(standin, GitLabStandIn):
        folder = f"{standin.url}/api/v4/projects/{OWNER}%2Fsub%2F{NAME}/packages/generic"
        standin.packages["release-assets", "v1.0.0", wheel] = [b"another"]
        standin.releases["v1.0.0"] = {
            "tag_name": "v1.0.0",
            "name": "Old",
            "description": "Old.",
            "assets": {
                "links": [
                    {"id": 1, "name": wheel, "url": "https://elsewhere.example/x"},
                    {
                        "id": 2,
                        "name": "old",
                        "url": f"{folder}/release-assets/v1.0.0/demo-1.0.0.tar.gz",
                    },
                ]
            },
        }
        return
    assert isinstance(standin, (GitHubStandIn, GiteaStandIn))
    identity = standin.add_release(name="Old", body="Old.", draft=True)
    if isinstance(standin, GitHubStandIn):
        standin.digests = False
        standin.add_asset(identity, wheel, b"", state="starter")
    else:
        standin.add_asset(identity, wheel, b"another")
        standin.add_asset(identity, wheel, b"a wheel")
        standin.add_asset(identity, wheel, b"a wheel")


@pytest.mark.parametrize("status", [409, 422])
def test_what_another_run_made_meanwhile_is_taken_up(release: ForgeRelease, status: int) -> None:
    standin = GitHubStandIn() if status == 422 else GiteaStandIn()
    taken = Reply(status, {"message": "Validation Failed", "errors": [{"code": "already_exists"}]})
    with running(standin):
        connect(standin).publish(release, ignore)
        posts = [n for n, request in enumerate(standin.requests) if request.method == "POST"]
    for number in posts[:2] if status == 422 else posts[:1]:
        with running(type(standin)()) as again:
            again.replies = {number: taken}
            connect(again).publish(release, ignore)
            assert again.shown() == expected(again, release)


def test_a_name_that_stays_taken_is_told(release: ForgeRelease) -> None:
    taken = Reply(422, {"message": "Validation Failed", "errors": [{"code": "already_exists"}]})
    with running(GitHubStandIn()) as standin:
        standin.replies = dict.fromkeys((3, 7, 11), taken)
        with pytest.raises(ForgeError, match="Validation Failed: already_exists"):
            connect(standin).publish(release, ignore)


def test_a_draft_behind_many_releases_is_found(release: ForgeRelease) -> None:
    with running(GitHubStandIn()) as standin:
        assert isinstance(standin, GitHubStandIn)
        for number in range(150):
            standin.add_release(tag_name=f"v0.{number}.0")
        standin.add_release(tag_name="v1.0.0", draft=True)
        connect(standin).publish(release, ignore)
        assert standin.shown()[150:] == expected(standin, release)


def test_an_upload_that_leaves_a_stump_is_repeated(release: ForgeRelease) -> None:
    with running(GitHubStandIn(breaks_uploads=2)) as standin:
        connect(standin).publish(release, ignore)
        assert standin.shown() == expected(standin, release)


def test_an_older_line_does_not_become_the_latest(release: ForgeRelease) -> None:
    with running(GitHubStandIn()) as standin:
        connect(standin).publish(release, ignore)
        (patch,) = (request for request in standin.requests if request.method == "PATCH")
        assert patch.document["make_latest"] == "legacy"


def test_a_file_of_which_only_the_size_can_be_seen(release: ForgeRelease) -> None:
    with running(GiteaStandIn()) as standin:
        forge = connect(standin)
        forge.publish(release, ignore)
        moved = standin.url.replace("127.0.0.1", "localhost")
        standin.url = moved  # It tells another address of itself, where the token does not go.
        standin.requests.clear()
        forge.publish(release, ignore)
        assert standin.writes == []
        assert standin.leaks == []


def test_a_registry_that_takes_each_file_once(release: ForgeRelease) -> None:
    with running(GitLabStandIn(duplicates=False)) as standin:
        forge = connect(standin)
        forge.publish(release, ignore)
        forge.publish(release, ignore)
        release.files[0].write_bytes(b"A WHEEL")
        with pytest.raises(ForgeError, match="Duplicate package is not allowed"):
            forge.publish(release, ignore)
