"""What forges refuse, what is said of it, and that the token stays where it belongs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import AegisError, ForgeError, NoForgeToken
from tests.support.forge import TOKEN, Reply, StandIn, running
from tests.support.forges import GitHubStandIn, GitLabStandIn
from tests.unit.forge.conftest import PATIENT, connect

if TYPE_CHECKING:
    from poetry_aegis.forge.patience import Patience
    from poetry_aegis.forge.releases import ForgeRelease


def ignore(_: str) -> None: ...


def refused(standin: StandIn, patience: Patience = PATIENT) -> AegisError:
    """Return what `check` raises; the token is in no word of it."""
    with pytest.raises(ForgeError) as caught:
        connect(standin, patience).check()
    told = f"{caught.value} {caught.value.hint} {caught.value!r} {caught.value.__cause__!r}"
    assert TOKEN not in told
    return caught.value


def test_a_token_that_may_write(standin: StandIn) -> None:
    connect(standin).check()
    assert standin.writes == []


def test_a_token_that_is_not_known(standin: StandIn) -> None:
    forge = connect(standin, environ={standin.variable: "wr0ng-t0ken"})
    with pytest.raises(NoForgeToken) as caught:
        forge.check()
    assert f"does not accept the token in {standin.variable} (401" in str(caught.value)
    assert "wr0ng" not in f"{caught.value} {caught.value.hint}"
    assert "wr0ng" not in repr(vars(forge))


def test_a_token_that_may_only_read(standin: StandIn) -> None:
    standin.may_write = False
    error = refused(standin)
    assert "may read" in str(error)
    assert standin.variable in str(error)


def test_rights_that_do_not_show_are_not_denied(standin: StandIn) -> None:
    standin.may_write = None
    connect(standin).check()


def test_an_app_has_rights_that_its_user_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(GitHubStandIn(may_write=False)) as standin:
        standin.replies = {0: Reply(200, {"permissions": {"push": False}})}
        connect(standin, environ={"GITHUB_TOKEN": "ghs_app"}).check()


def test_the_token_of_a_gitlab_job(release: ForgeRelease) -> None:
    with running(GitLabStandIn(header="job-token")) as standin:
        environ = {"CI_JOB_TOKEN": TOKEN, "CI_SERVER_URL": standin.url}
        forge = connect(standin, environ=environ)
        forge.check()
        forge.publish(release, ignore)
        assert forge.stands(release)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (403, "may not do this"),
        (404, "does not show acme/"),
        (301, "sends"),
        (400, "refused the request (400 Because of this)"),
        (500, "failed (500 Because of this)"),
        (429, "asks for fewer requests"),
    ],
)
def test_refusals(standin: StandIn, status: int, said: str) -> None:
    reply = Reply(status, {"message": f"Because of\n{'this'}"}, {"Location": "/elsewhere"})
    standin.replies = dict.fromkeys(range(9), reply)
    error = refused(standin)
    assert said in str(error)
    assert type(error) is ForgeError
    assert error.hint
    assert len(standin.requests) == (3 if status in (500, 429) else 1)


def test_a_reason_is_short_and_tells_no_secret(standin: StandIn) -> None:
    words = f"\x1b[31m{TOKEN} " + "long " * 99
    standin.replies = {0: Reply(400, {"message": {"base": "x"}, "errors": [{"message": words}]})}
    error = refused(standin)
    assert "***" in str(error)
    assert str(error).isprintable()
    assert len(str(error)) < 300


@pytest.mark.parametrize("body", [b"<html></html>", b"[]", b"7", b'{"permissions": 7}'])
def test_something_else_than_a_forge(standin: StandIn, body: bytes) -> None:
    standin.replies = {0: Reply(200, body)}
    assert "does not answer as a forge does" in str(refused(standin))


def test_no_answer(standin: StandIn) -> None:
    standin.faults = dict.fromkeys(range(9), "dropped")
    assert "gave no answer" in str(refused(standin))
    assert len(standin.requests) == 3


def test_the_wait_asked_for_is_obeyed(standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    standin.replies = {0: Reply(503, b"", {"Retry-After": "7"})}
    connect(standin).check()
    assert waits == [7.0]


def test_too_long_a_wait_is_not_begun(standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", pytest.fail)
    reset = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 3600)}
    standin.replies = {0: Reply(403, {"message": "API rate limit exceeded"}, reset)}
    assert "asks for fewer requests" in str(refused(standin))


def test_an_upload_address_on_another_host_gets_nothing(release: ForgeRelease) -> None:
    with running(GitHubStandIn()) as foreign, running(GitHubStandIn()) as standin:
        assert isinstance(standin, GitHubStandIn)
        standin.upload_host = foreign.url
        with pytest.raises(ForgeError, match="another host"):
            connect(standin).publish(release, ignore)
        assert foreign.requests == []


def test_the_token_does_not_follow_a_redirect_to_another_host(release: ForgeRelease) -> None:
    for standin in (GitHubStandIn(digests=False), GitLabStandIn()):
        with running(standin):
            forge = connect(standin)
            forge.publish(release, ignore)
            assert forge.stands(release)
            stored = [r for r in standin.requests if r.path.startswith("/storage/")]
            assert stored
            assert standin.leaks == []


@pytest.mark.parametrize("headers", [{}, {"Location": "http://["}])
def test_a_redirect_that_leads_nowhere_is_no_file(
    release: ForgeRelease, headers: dict[str, str]
) -> None:
    with running(GitLabStandIn()) as standin:
        forge = connect(standin)
        forge.publish(release, ignore)
        asked = len(standin.requests)
        standin.replies = {asked + 1: Reply(302, headers=headers)}
        assert not forge.stands(release)
        assert len(standin.requests) == asked + 2


def test_a_proxy_that_cannot_be_used_is_not_shown(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://me:hunter2@proxy:port/")
    error = refused(standin)
    assert "proxy" in str(error)
    assert "hunter2" not in f"{error} {error.hint} {error.__cause__!r}"


def test_a_proxy_is_used(standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", standin.url)
    monkeypatch.setenv("NO_PROXY", "")
    standin.url = "http://forge.invalid"
    standin.replies = {0: Reply(400, {"message": "from the proxy"})}
    assert "from the proxy" in str(refused(standin))
