"""The command that adds an extra: `poetry self add` keeps those that it names, and no others."""

from __future__ import annotations

from importlib.metadata import distribution

import pytest
from packaging.requirements import Requirement

from poetry_aegis import extras

EVERYTHING = {module for modules in extras.MODULES.values() for module in modules}
SIGNING = set(extras.MODULES["signing"])


@pytest.mark.parametrize(
    ("there", "wanted", "named"),
    [
        (set(), "registry", "registry"),
        (set(), "signing", "signing"),
        (set(), "templates", "templates"),
        (set(), "cluster", "cluster"),
        (SIGNING, "templates", "signing,templates"),
        ({"jinja2"}, "signing", "signing,templates"),
        (SIGNING, "registry", "registry"),
        ({"redis", "jinja2"}, "registry", "registry,cluster"),
        (EVERYTHING - {"redis"}, "cluster", "registry,cluster"),
        # What has a part of the registry missing is made whole by it.
        (EVERYTHING - {"jinja2"}, "templates", "registry,cluster"),
    ],
)
def test_what_is_there_is_kept(
    there: set[str], wanted: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: name if name in there else None)
    assert extras.adding(wanted) == f'poetry self add "poetry-aegis[{named}]"'


def test_a_version_stands_behind_the_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    command = 'poetry self add "poetry-aegis[registry]@latest"'
    assert extras.adding("registry", "@latest") == command


@pytest.mark.parametrize("extra", extras.MODULES)
def test_all_of_an_extra_is_there_or_something_is_missing(
    extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = extras.MODULES[extra]
    for missing in wanted:
        there = set(wanted) - {missing}
        monkeypatch.setattr(
            extras, "find_spec", lambda name, there=there: name if name in there else None
        )
        assert extras.missing_module(extra) == missing
    monkeypatch.setattr(extras, "find_spec", lambda name: name)
    assert extras.missing_module(extra) is None


def test_they_are_those_of_the_package() -> None:
    package = distribution("poetry-aegis")
    requires = [Requirement(line) for line in package.requires or ()]
    brought = {
        extra: {
            one.name for one in requires if one.marker and one.marker.evaluate({"extra": extra})
        }
        for extra in extras.MODULES
    }
    assert set(package.metadata.get_all("Provides-Extra") or ()) == set(extras.MODULES)
    assert brought["signing"] | brought["templates"] <= brought["registry"]
    assert all(brought.values())
    assert not brought["cluster"] & brought["registry"]
