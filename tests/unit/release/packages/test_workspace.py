from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import CorruptProject, NoProject, NoVersion, SettingsError, UsageError
from poetry_aegis.release.packages.merging import named
from poetry_aegis.release.packages.workspace import (
    Package,
    find_lintable,
    find_packages,
    find_scope,
    find_workspace,
    repository_root,
)
from poetry_aegis.settings import Settings, load_settings
from tests.support.monorepo import Member, make_monorepo, packages_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.git import GitProject

DISCOVER = '[tool.poetry-aegis]\ndiscover = ["libs/*"]\n'
TAGGED = 'packages.%s = { path = "libs/%s", tag_format = "%s" }\n'
CORE, APP = Member("libs/core", "core"), Member("libs/app", "My.App", version="2.1.0")


def names(packages: tuple[Package, ...]) -> list[str]:
    return [package.name for package in packages]


def test_a_project_that_lists_no_packages_stands_alone(project: GitProject) -> None:
    assert find_packages(project.pyproject, load_settings(project.pyproject), project.root) == ()
    assert find_workspace(project.pyproject, project.root) is None


def test_packages_are_discovered_with_their_tags_and_paths(tmp_path: Path) -> None:
    repository = make_monorepo(tmp_path / "r", DISCOVER, CORE, APP)
    app, core = packages_in(repository)
    assert (app.name, app.distribution, app.version.text) == ("my-app", "my-app", "2.1.0")
    assert app.settings.tag_format == "my-app-v{version}"
    assert app.settings.commit_message == "chore(release): my-app {version}"
    assert app.settings.changelog == "CHANGELOG.md"
    assert (core.paths, core.root) == (("libs/core",), repository.root.resolve() / "libs/core")


def test_only_what_git_tracks_is_discovered(tmp_path: Path) -> None:
    repository = make_monorepo(
        tmp_path / "r", '[tool.poetry-aegis]\ndiscover = ["**"]\n', CORE, APP
    )
    Member("libs/.venv/lib/other", "other").write(repository.root)
    assert names(packages_in(repository)) == ["my-app", "core"]


def test_what_is_no_package_is_not_discovered(tmp_path: Path) -> None:
    repository = make_monorepo(tmp_path / "r", DISCOVER, CORE)
    for name, text in (
        ("tools", "[tool.ruff]\n"),
        ("site", '[project]\nname = "site"\n[tool.poetry]\npackage-mode = false\n'),
    ):
        (repository.root / "libs" / name).mkdir()
        (repository.root / "libs" / name / "pyproject.toml").write_text(text)
    repository.commit("chore: more")
    assert names(packages_in(repository)) == ["core"]


def test_listed_packages_keep_the_name_they_are_given(tmp_path: Path) -> None:
    settings = """\
[tool.poetry-aegis]
discover = ["libs/*"]

[tool.poetry-aegis.packages.Engine]
path = "libs/core"
paths = ["libs/core/core", "shared"]
tag_format = "{name}/{version}"
changelog = "docs/changes.md"
"""
    repository = make_monorepo(tmp_path / "r", settings, CORE, APP)
    engine, app = packages_in(repository)
    assert (engine.name, engine.distribution) == ("Engine", "core")
    assert engine.settings.tag_format == "Engine/{version}"
    assert engine.settings.changelog == "docs/changes.md"
    assert engine.paths == ("libs/core/core", "shared")
    assert app.name == "my-app"


def test_settings_come_from_the_root_then_its_entry_then_the_package(tmp_path: Path) -> None:
    settings = """\
[tool.poetry-aegis]
discover = ["libs/*"]
tag_format = "v{version}"
version_files = ["VERSION:version"]
changelog_template = "docs/changes.md.j2"
sign = true
bumps = { docs = "patch", feat = "major" }
hooks = { pre_bump = ["make root"], post_release = ["make tell"] }
"""
    extra = """
[tool.poetry-aegis]
sign = false
commit_message = "release {name}: {version}"
bumps = { feat = "patch" }
hooks = { pre_bump = ["make app"] }
version_files = ["app/__init__.py:__version__"]
"""
    repository = make_monorepo(
        tmp_path / "r", settings, CORE, Member("libs/app", "app", (), extra=extra)
    )
    app, core = packages_in(repository)
    assert core.settings.sign
    assert not app.settings.sign
    assert (core.settings.tag_format, core.settings.version_files) == ("core-v{version}", ())
    assert app.settings.version_files == ("app/__init__.py:__version__",)
    assert (app.settings.bumps["feat"], app.settings.bumps["docs"]) == ("patch", "patch")
    assert core.settings.bumps["feat"] == "major"
    assert app.settings.hooks.pre_bump == ("make app",)
    assert app.settings.hooks.post_release == ("make tell",)
    assert app.settings.commit_message == "release app: {version}"
    assert core.settings.changelog_template == "../../docs/changes.md.j2"


def test_the_root_is_a_package_where_poetry_would_build_it(tmp_path: Path) -> None:
    project = '[project]\nname = "Whole"\nversion = "3.0"\n'
    more = 'version_files = ["VERSION:version"]\n'
    repository = make_monorepo(tmp_path / "r", project + DISCOVER + more, CORE)
    whole, core = packages_in(repository)
    assert (whole.name, whole.paths, whole.nested) == ("whole", (), ("libs/core",))
    assert whole.settings.tag_format == "v{version}"
    assert whole.settings.version_files == ("VERSION:version",)
    assert whole.owns("README.md")
    assert not whole.owns("libs/core/a.py")
    assert core.owns("libs/core/a.py")
    repository.commit(
        "chore: virtual",
        **{"pyproject.toml": f"{project}[tool.poetry]\npackage-mode = false\n{DISCOVER}"},
    )
    assert names(packages_in(repository)) == ["core"]


def test_a_change_belongs_to_the_innermost_package(tmp_path: Path) -> None:
    settings = '[tool.poetry-aegis]\ndiscover = ["libs/**"]\n'
    repository = make_monorepo(
        tmp_path / "r",
        settings,
        Member("libs/a", "a"),
        Member("libs/a/plugins/b", "b"),
        Member("libs/ab", "ab"),
        Member("libs/한국어 é", "c"),
    )
    owners = {
        path: [package.name for package in packages_in(repository) if package.owns(path)]
        for path in (
            "libs/a/x.py",
            "libs/a/plugins/other.py",
            "libs/a/plugins/b/x.py",
            "libs/ab/x.py",
            "libs/한국어 é/x.py",
            "README.md",
        )
    }
    assert list(owners.values()) == [["a"], ["a"], ["b"], ["ab"], ["c"], []]


def test_paths_that_are_named_win_over_a_package_around_them(tmp_path: Path) -> None:
    settings = """\
[tool.poetry-aegis.packages]
a = { path = "libs/a", paths = ["libs/a", "libs/b/shared"] }
b = { path = "libs/b" }
"""
    repository = make_monorepo(
        tmp_path / "r", settings, Member("libs/a", "a"), Member("libs/b", "b")
    )
    a, b = packages_in(repository)
    assert a.owns("libs/b/shared/x.py")
    assert b.owns("libs/b/shared/x.py")
    assert not a.owns("libs/b/x.py")


def test_a_root_below_the_top_of_the_repository(tmp_path: Path) -> None:
    repository = make_monorepo(tmp_path / "r", "", Member("py[1]/libs/core", "core"))
    root = repository.root / "py[1]" / "pyproject.toml"
    root.write_text(DISCOVER)
    (core,) = find_packages(root, load_settings(root), repository.root)
    assert core.paths == ("py[1]/libs/core",)


def test_a_command_inside_a_package_means_that_package(tmp_path: Path) -> None:
    repository = make_monorepo(tmp_path / "r", DISCOVER, CORE, APP, Member("tools/x", "x"))
    workspace = find_workspace(repository.root / "libs/core/pyproject.toml", repository.root)
    assert workspace is not None
    assert workspace.root == repository.pyproject.resolve()
    assert workspace.here is not None
    assert workspace.here.name == "core"
    at_the_root = find_workspace(repository.pyproject, repository.root)
    assert at_the_root is not None
    assert at_the_root.here is None
    assert at_the_root.packages == workspace.packages
    assert find_workspace(repository.root / "tools/x/pyproject.toml", repository.root) is None


def test_the_search_for_a_root_ends_at_the_repository(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.poetry-aegis]\ndiscover = ["r"]\n')
    repository = make_monorepo(tmp_path / "r", '[project]\nname = "r"\nversion = "1.0"\n')
    assert find_workspace(repository.pyproject, repository.root) is None


def test_a_package_is_found_in_any_spelling(tmp_path: Path) -> None:
    settings = '[tool.poetry-aegis.packages]\nEngine = { path = "libs/core" }\n'
    repository = make_monorepo(tmp_path / "r", settings, CORE)
    workspace = find_workspace(repository.pyproject, repository.root)
    assert workspace is not None
    assert workspace.find("ENGINE") is workspace.find("Core") is workspace.packages[0]
    with pytest.raises(UsageError, match="no package 'cor'") as caught:
        workspace.find("cor")
    assert caught.value.hint == "Its packages are: Engine."


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ('discover = ["lib/*"]', "'lib/\\*' in discover names no directory"),
        ('discover = ["../*"]', "leaves the directory"),
        ('discover = ["/libs/*"]', "leaves the directory"),
        ('packages.a.path = "../a"', "leaves the repository"),
        (
            'packages = { a = { path = "libs/core" }, b = { path = "libs/./core" } }',
            "have the path",
        ),
        ('packages = { a = { path = "libs/core" }, A = { path = "libs/app" } }', "called a"),
        ('packages."a b".path = "libs/core"', "'a b' in .* cannot name a package"),
        ('packages."a..b".path = "libs/core"', "cannot name a package"),
        ('packages."{x}".path = "libs/core"', "cannot name a package"),
        ('packages.a = { path = "libs/core", paths = ["../x"] }', "leaves the repository"),
        (
            "".join(TAGGED % (*item, "v{version}") for item in (("a", "core"), ("b", "app"))),
            "The tag v1 of a could be one of b",
        ),
        (
            "".join(TAGGED % (*item, "{name}{version}") for item in (("a", "core"), ("a1", "app"))),
            "The tag a11 of a1 could be one of a",
        ),
    ],
)
def test_settings_that_make_no_sense_are_told(tmp_path: Path, settings: str, message: str) -> None:
    repository = make_monorepo(tmp_path / "r", f"[tool.poetry-aegis]\n{settings}\n", CORE, APP)
    with pytest.raises(SettingsError, match=message):
        packages_in(repository)


def test_two_packages_of_one_distribution_are_told(tmp_path: Path) -> None:
    settings = '[tool.poetry-aegis.packages]\na = { path = "a" }\nb = { path = "b" }\n'
    repository = make_monorepo(tmp_path / "r", settings, Member("a", "x-y"), Member("b", "X_Y"))
    with pytest.raises(SettingsError, match="a and b are both x-y"):
        packages_in(repository)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('[project]\nname = "core"\n', NoVersion),
        ('[project]\nversion = "1.0"\n', CorruptProject),
        ("[project", CorruptProject),
        (None, NoProject),
    ],
)
def test_a_listed_package_that_cannot_be_read_is_told(
    tmp_path: Path, text: str | None, error: type[Exception]
) -> None:
    settings = '[tool.poetry-aegis.packages]\ncore = { path = "libs/core" }\n'
    repository = make_monorepo(tmp_path / "r", settings, CORE)
    pyproject = repository.root / "libs/core/pyproject.toml"
    if text is None:
        pyproject.unlink()
    else:
        pyproject.write_text(text)
    with pytest.raises(error, match=r"core.pyproject\.toml"):
        packages_in(repository)


def test_packages_within_a_package_are_refused(tmp_path: Path) -> None:
    extra = '[tool.poetry-aegis]\ndiscover = ["plugins/*"]\n'
    repository = make_monorepo(tmp_path / "r", DISCOVER, Member("libs/a", "a", extra=extra))
    with pytest.raises(SettingsError, match=r"discover in .* has no meaning"):
        packages_in(repository)


def test_the_name_is_put_into_templates_and_braces_stay_braces() -> None:
    settings = Settings(tag_format="{{x}}{name}-{semver}", commit_message="{name} {version} {name}")
    resolved = named(settings, "core")
    assert resolved.tag_format == "{{x}}core-{semver}"
    assert resolved.commit_message == "core {version} core"


def test_at_a_root_that_is_no_package_the_scope_has_to_be_named(tmp_path: Path) -> None:
    repository = make_monorepo(tmp_path / "r", DISCOVER, CORE, APP)
    with pytest.raises(UsageError, match="Which of the packages") as caught:
        find_scope(repository.pyproject, repository.root)
    assert "my-app, core" in caught.value.hint
    core = repository.root.resolve() / "libs/core/pyproject.toml"
    by_name = find_scope(repository.pyproject, repository.root, "core")
    for scope in (by_name, find_scope(core, repository.root)):
        assert (scope.pyproject, scope.settings.tag_format) == (core, "core-v{version}")
        assert scope.owns is not None
        assert scope.owns("libs/core/x.py")
        assert not scope.owns("libs/app/x.py")


def test_what_is_linted_at_a_root_is_every_package(tmp_path: Path) -> None:
    repository = make_monorepo(tmp_path / "r", f'{DISCOVER}remote = "up"\n', CORE, APP)
    settings, packages = find_lintable(repository.pyproject, repository.root)
    assert (settings.remote, names(packages)) == ("up", ["my-app", "core"])
    inside = repository.root / "libs/core/pyproject.toml"
    settings, packages = find_lintable(inside, repository.root)
    assert (settings.tag_format, names(packages)) == ("core-v{version}", ["core"])


def test_a_project_alone_is_linted_by_its_own_tags(project: GitProject) -> None:
    text = project.pyproject.read_text()
    project.pyproject.write_text(
        f'{text}\n[tool.poetry-aegis]\ntag_format = "{{name}}-{{version}}"\n'
    )
    settings, packages = find_lintable(project.pyproject, project.root)
    assert (settings.tag_format, packages) == ("demo-pkg-{version}", ())


def test_without_a_repository_the_project_is_all_there_is(tmp_path: Path) -> None:
    assert repository_root(tmp_path / "pyproject.toml") == tmp_path
