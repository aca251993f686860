from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from poetry.core.constraints.version import Version

from poetry_aegis.errors import ReleaseError
from poetry_aegis.release.packages.graph import Graph, Need, read_graph
from poetry_aegis.release.packages.requirements import Requirement
from poetry_aegis.release.packages.workspace import Package
from poetry_aegis.settings import Settings
from tests.support.monorepo import Member, make_monorepo, packages_in


def package(name: str, *requires: str | Requirement, version: str = "1.0.0") -> Package:
    """Return a package that requires others: "core ^1.0", or a requirement as it is."""
    requirements = []
    for item in requires:
        if isinstance(item, str):
            other, _, constraint = item.partition(" ")
            requirements.append(Requirement(canonicalize_name(other), constraint or None))
        else:
            requirements.append(item)
    return Package(
        name=name,
        distribution=canonicalize_name(name),
        pyproject=Path("/r") / name / "pyproject.toml",
        version=Version.parse(version),
        settings=Settings(),
        paths=(name,),
        requirements=tuple(requirements),
    )


def order(*packages: Package) -> list[str]:
    return [item.name for item in read_graph(packages).packages]


def test_what_is_needed_comes_first() -> None:
    assert order(package("app", "mid ^1"), package("mid", "core"), package("core")) == [
        "core",
        "mid",
        "app",
    ]


def test_a_diamond_and_what_stands_beside_it_keep_their_order() -> None:
    packages = [
        package("top", "left", "right"),
        package("zebra"),
        package("left", "bottom"),
        package("right", "bottom"),
        package("bottom"),
        package("alone"),
    ]
    assert order(*packages) == ["zebra", "bottom", "alone", "left", "right", "top"]


def test_a_circle_is_named() -> None:
    packages = [package("a", "b"), package("b", "c"), package("c", "a"), package("d", "a")]
    with pytest.raises(ReleaseError, match="in a circle: ") as caught:
        read_graph(packages)
    circle = str(caught.value).partition(": ")[2].rstrip(".").split(" -> ")
    assert circle[0] == circle[-1]
    needs = {"a": "b", "b": "c", "c": "a"}
    assert all(needs[one] == other for one, other in pairwise(circle))


def test_an_extra_may_lead_back() -> None:
    plugin = Requirement(canonicalize_name("plugin"), "^1", optional=True)
    packages = [package("plugin", "host ^1"), package("host", plugin)]
    assert order(*packages) == ["host", "plugin"]
    # Where it does not, it counts.
    assert order(package("host", plugin), package("plugin")) == ["plugin", "host"]


def test_what_only_developers_need_does_not_count() -> None:
    tester = Requirement(canonicalize_name("app"), "^1", published=False)
    graph = read_graph([package("core", tester), package("app", "core")])
    assert [item.name for item in graph.packages] == ["core", "app"]
    assert graph.needs == (Need("app", "core", None),)


def test_names_are_compared_as_pep_503_says_and_strangers_left_out() -> None:
    graph = read_graph([package("My.Core"), package("app", "my_core ^1", "httpx ^1", "app")])
    assert graph.needs == (Need("app", "My.Core", "^1"),)


def test_the_graph_tells_who_needs_whom() -> None:
    graph = diamond()
    assert graph.needs_of("left") == (Need("left", "bottom", "^1.0"),)
    assert graph.package("left").name == "left"
    assert graph.to_json() == {
        "packages": [
            {"name": "bottom", "version": "1.0.0", "paths": ["bottom"]},
            {"name": "left", "version": "1.0.0", "paths": ["left"]},
            {"name": "right", "version": "1.0.0", "paths": ["right"]},
        ],
        "needs": [
            {"package": "left", "dependency": "bottom", "constraint": "^1.0", "optional": False},
            {"package": "right", "dependency": "bottom", "constraint": None, "optional": False},
        ],
    }


def test_the_graph_of_real_projects(tmp_path: Path) -> None:
    poetry = '[tool.poetry.dependencies]\ncore = { path = "../core", develop = true }\n'
    repository = make_monorepo(
        tmp_path / "r",
        '[tool.poetry-aegis]\ndiscover = ["libs/*"]\n',
        Member("libs/app", "app", ("core (>=1.0,<2.0)",), extra=poetry),
        Member("libs/core", "core"),
    )
    graph = read_graph(packages_in(repository))
    assert [item.name for item in graph.packages] == ["core", "app"]
    assert graph.needs == (Need("app", "core", ">=1.0,<2.0"),)


def by_path(name: str) -> Requirement:
    return Requirement(canonicalize_name(name), path=f"../{name}")


def test_a_path_stands_for_the_constraint_that_the_last_build_put_there() -> None:
    core = package("core", version="1.4.0")
    graph = read_graph([package("app", by_path("core")), package("new", by_path("core")), core])
    published = graph.as_published(
        {"app": Version.parse("1.0.0"), "new": None, "core": Version.parse("1.3.0")}
    )
    assert {need.package: need.constraint for need in published.needs} == {
        "app": ">=1.3.0,<2.0.0",
        "new": None,
    }
    (app, _) = graph.as_published({"app": Version.parse("1.0.0")}).needs
    assert app.constraint == ">=1.4.0,<2.0.0"


@pytest.mark.parametrize(("beside", "constraint"), [("core", None), ("core ^1.0", "^1.0")])
def test_what_is_written_beside_a_path_is_what_is_published(
    beside: str, constraint: str | None
) -> None:
    graph = read_graph([package("app", beside, by_path("core")), package("core")])
    assert graph.needs == (Need("app", "core", constraint),)
    assert graph.as_published({"app": Version.parse("1.0.0")}) == graph


def diamond() -> Graph:
    return read_graph(
        [package("left", "bottom ^1.0"), package("right", "bottom"), package("bottom")]
    )
