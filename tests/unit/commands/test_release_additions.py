"""What a release that breaks off has been told, and remembers."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from poetry_aegis.commands import publishing
from poetry_aegis.commands.publishing import PublishOptions
from poetry_aegis.commands.release_additions import ReleaseAdditions
from poetry_aegis.errors import UsageError
from poetry_aegis.publish.repository import Repository

if TYPE_CHECKING:
    from poetry_aegis.commands.base import AegisCommand
    from poetry_aegis.release.plan import Plan

CORP = Repository("corp", "https://corp.example/legacy/", None, "poetrys-own", "s3cret")
ALL = PublishOptions(
    overwrite=True,
    verify=False,
    skip_build=True,
    formats=("wheel",),
    jobs=3,
    check=False,
    sign=True,
    key="release",
    user="ada",
)


class Command:
    """A command with *options* that is answered *typed* when it asks."""

    def __init__(self, typed: str | None = None, **options: object) -> None:
        self.options = options
        self.typed = typed
        self.asked: list[str] = []

    def option(self, name: str) -> object:
        return self.options.get(name.replace("-", "_"), False)

    def read_secret(self, question: str, *, from_stdin: bool) -> str | None:
        self.asked.append(question)
        return self.typed


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Poetry know the repository."""
    monkeypatch.setattr(publishing, "find_repository", lambda _, name: {"corp": CORP}[name])


def begun_with(options: PublishOptions, repository: Repository = CORP) -> Any:
    """Return what the journal of a release has of *options*."""
    command = cast("AegisCommand", Command())
    return json.loads(json.dumps(ReleaseAdditions(command, repository, options).choices))


def resumed(choices: Any, command: Command) -> ReleaseAdditions:
    plan = cast("Plan", SimpleNamespace(choices=choices))
    return ReleaseAdditions.of_plan(cast("AegisCommand", command), plan)


def test_all_that_was_chosen_is_remembered() -> None:
    kept = begun_with(ALL)
    again = resumed(kept, Command("typed")).choices
    assert json.loads(json.dumps(again)) == kept
    assert kept["publish"]["repository"] == "corp"
    assert set(kept["publish"]["options"]) == set(PublishOptions.__dataclass_fields__)


def test_a_release_goes_on_with_the_index_that_it_was_begun_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYPI_INDEX_URL", "https://ada:s3cret@index.example/simple/")
    begun = begun_with(PublishOptions())
    assert begun["publish"]["index"] == "https://index.example/simple/"
    assert "s3cret" not in json.dumps(begun)
    for other in ("https://other.example/simple/", ""):
        monkeypatch.setenv("PYPI_INDEX_URL", other)
        with pytest.raises(UsageError, match=r"begun with PYPI_INDEX_URL as https://index\.exam"):
            resumed(begun, Command())
    monkeypatch.delenv("PYPI_INDEX_URL")
    without = begun_with(PublishOptions())
    resumed(without, Command())
    old = {"publish": {key: without["publish"][key] for key in ("repository", "options")}}
    resumed(old, Command())
    monkeypatch.setenv("PYPI_INDEX_URL", "https://index.example/simple/")
    with pytest.raises(UsageError, match="begun without PYPI_INDEX_URL") as raised:
        resumed(without, Command())
    assert raised.value.hint == "Run first: unset PYPI_INDEX_URL"


def test_no_password_is() -> None:
    assert "s3cret" not in json.dumps(begun_with(ALL))


def test_the_user_is_asked_again() -> None:
    command = Command("typed")
    repository = resumed(begun_with(ALL), command)._repository
    assert repository is not None
    assert (repository.username, repository.password) == ("ada", "typed")
    assert command.asked == ["Password of ada on corp:"]


def test_without_an_answer_it_is_refused_with_the_way_out() -> None:
    for way, command in (("resume", Command(resume=True)), ("abort", Command(abort=True))):
        with pytest.raises(UsageError, match="no password for ada") as caught:
            resumed(begun_with(ALL), command)
        assert f"poetry aegis release --{way} --password-stdin" in caught.value.hint
        assert "poetry config http-basic.corp ada" in caught.value.hint


def test_whom_poetry_knows_by_now_is_not_asked() -> None:
    command = Command()
    repository = resumed(begun_with(PublishOptions(user="poetrys-own")), command)._repository
    assert repository == CORP
    assert command.asked == []


def test_a_release_that_named_nobody_goes_on_with_what_poetry_has() -> None:
    command = Command()
    assert resumed(begun_with(PublishOptions()), command)._repository == CORP
    assert command.asked == []
    nothing: dict[str, object] = {}
    for choices in (nothing, begun_with(PublishOptions())):
        with pytest.raises(UsageError, match="no user named"):
            resumed(choices, Command("typed", password_stdin=True))


def test_a_journal_from_before_users_were_remembered_is_read() -> None:
    kept = begun_with(PublishOptions())
    del kept["publish"]["options"]["user"]
    assert resumed(kept, Command())._repository == CORP
