from __future__ import annotations

import pytest

from poetry_aegis.errors import UsageError
from poetry_aegis.publish.choice import Choice, choose
from poetry_aegis.settings import Settings

MAPPED = {"release/*": "staging", "main": "private", "*": "test", "release/1": "legacy"}


def chosen(
    asked: str | None = None,
    *,
    environ: dict[str, str] | None = None,
    settings: Settings | None = None,
    branch: str | None = None,
    configured: tuple[str, ...] = ("corp", "test"),
) -> Choice:
    return choose(asked, environ or {}, settings or Settings(), lambda: branch, configured)


def test_each_rule_gives_way_to_the_one_before_it() -> None:
    environ = {"AEGIS_REPOSITORY": "variable"}
    settings = Settings(repository="setting", repositories={"main": "mapped"})
    every = {"environ": environ, "settings": settings, "branch": "main", "configured": ("only",)}
    assert chosen("asked", **every).name == "asked"  # type: ignore[arg-type]
    del every["environ"]
    every["environ"] = environ
    assert chosen(**every).name == "variable"  # type: ignore[arg-type]
    every["environ"] = {"AEGIS_REPOSITORY": " "}
    assert chosen(**every).name == "mapped"  # type: ignore[arg-type]
    every["branch"] = "other"
    assert chosen(**every).name == "setting"  # type: ignore[arg-type]
    every["settings"] = Settings()
    assert chosen(**every).name == "only"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("branch", "name"),
    [
        ("main", "private"),
        ("release/1", "legacy"),  # Itself, before a pattern that it matches, too.
        ("release/2", "staging"),
        ("develop", "test"),
    ],
)
def test_a_branch_has_its_repository(branch: str, name: str) -> None:
    assert chosen(settings=Settings(repositories=MAPPED), branch=branch).name == name


def test_the_rule_is_told() -> None:
    assert chosen("corp").rule == "named with -r"
    assert "AEGIS_REPOSITORY" in chosen(environ={"AEGIS_REPOSITORY": "corp"}).rule
    mapped = chosen(settings=Settings(repositories=MAPPED), branch="release/2")
    assert mapped.rule == (
        "for the branch release/2, by 'release/*' in [tool.poetry-aegis.repositories]"
    )
    assert chosen(configured=("corp",)).rule == "the only one that Poetry knows"


def test_the_branch_is_not_looked_for_where_nothing_depends_on_it() -> None:
    def fail() -> str | None:
        raise AssertionError

    assert choose(None, {}, Settings(), fail, ["corp"]).name == "corp"


def test_a_branch_that_is_not_known_matches_no_pattern() -> None:
    settings = Settings(repositories=MAPPED, repository="setting")
    assert chosen(settings=settings, branch=None).name == "setting"


def test_without_a_rule_that_says_something_it_is_asked() -> None:
    with pytest.raises(UsageError, match="several repositories: corp, test"):
        chosen()
