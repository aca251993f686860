from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import pytest

from poetry_aegis.errors import CorruptProject, NoProject, SettingsError
from poetry_aegis.settings import Settings, load_settings, read_table

if TYPE_CHECKING:
    from pathlib import Path


def write(tmp_path: Path, table: str) -> Path:
    path = tmp_path / "pyproject.toml"
    path.write_text(f"[tool.poetry-aegis]\n{table}\n", encoding="utf-8")
    return path


def test_a_project_without_the_table_has_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text('[project]\nname = "x"\n')
    assert load_settings(path) == Settings()


def test_every_key_can_be_set(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        'tag_format = "release-{version}"\n'
        'commit_message = "Release {version}"\n'
        'changelog = "docs/changes.md"\n'
        'remote = "upstream"\n'
        'repository = "corp"\n'
        "major_on_zero = true\n"
        'bumps = { feat = "minor", docs = "patch" }\n'
        'sections = { feat = "New", docs = "Documentation" }',
    )
    assert load_settings(path) == Settings(
        tag_format="release-{version}",
        commit_message="Release {version}",
        changelog="docs/changes.md",
        remote="upstream",
        repository="corp",
        major_on_zero=True,
        bumps={"feat": "minor", "docs": "patch"},
        sections={"feat": "New", "docs": "Documentation"},
    )


@pytest.mark.parametrize(
    ("key", "near"),
    [("tag-format", "tag_format"), ("comit_message", "commit_message"), ("Remote", "remote")],
)
def test_an_unknown_key_names_the_key_the_file_and_the_nearest(
    tmp_path: Path, key: str, near: str
) -> None:
    path = write(tmp_path, f'{key} = "v{{version}}"')
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert repr(key) in str(caught.value)
    assert str(path) in str(caught.value)
    assert f"Did you mean {near!r}?" in caught.value.hint


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("tag_format = 3", "'tag_format'"),
        ('major_on_zero = "yes"', "true or false"),
        ("major_on_zero = 1", "true or false"),
        ('bumps = { feat = "huge" }', "'bumps.feat'"),
        ("bumps = [1]", "a table"),
        ('sections = "x"', "a table"),
        ("sections = { feat = 1 }", "'sections.feat'"),
    ],
)
def test_a_wrong_type_names_the_key_and_what_it_must_be(
    tmp_path: Path, line: str, expected: str
) -> None:
    path = write(tmp_path, line)
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert expected in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "template",
    [
        "v",
        "{version}{version}",
        "{name}",
        "{",
        "{0}",
        "{version.major}",
        "{version!s}",
        "{version:>9}",
    ],
)
def test_a_template_names_the_version_once(tmp_path: Path, template: str) -> None:
    with pytest.raises(SettingsError, match="tag_format"):
        load_settings(write(tmp_path, f'tag_format = "{template}"'))


def test_the_table_must_be_one(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text("[tool]\npoetry-aegis = 1\n")
    with pytest.raises(SettingsError, match="must be a table"):
        load_settings(path)


def test_a_corrupt_file_is_told_with_the_place(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text("[project\n")
    with pytest.raises(CorruptProject, match="line 1"):
        load_settings(path)


def test_bytes_that_are_not_utf_8_are_told(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_bytes(b'[project]\nname = "\xff"\n')
    with pytest.raises(CorruptProject):
        load_settings(path)


def test_a_missing_file_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(NoProject):
        load_settings(tmp_path / "pyproject.toml")


@dataclass(frozen=True)
class Inner:
    size: int


@dataclass(frozen=True)
class Outer:
    inner: Inner
    names: tuple[str, ...] = ()
    mode: Literal["a", "b"] = "a"
    limit: int | None = None
    ports: dict[str, int] = field(default_factory=dict)


def test_tables_lists_and_optional_values_are_read() -> None:
    table = {"inner": {"size": 1}, "names": ["x"], "mode": "b", "limit": 2, "ports": {"http": 80}}
    assert read_table(Outer, table, where="T") == Outer(Inner(1), ("x",), "b", 2, {"http": 80})


def test_a_string_stands_for_a_list_of_one(tmp_path: Path) -> None:
    lines = (
        'version_files = "a.txt:{version}"',
        'discover = "libs/*"',
        'hooks = { pre_bump = "make check" }',
        'packages.x = { path = "x", paths = "shared" }',
    )
    settings = load_settings(write(tmp_path, "\n".join(lines)))
    assert settings.version_files == ("a.txt:{version}",)
    assert settings.discover == ("libs/*",)
    assert settings.hooks.pre_bump == ("make check",)
    assert settings.packages["x"].paths == ("shared",)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "no key 'inner'"),
        ({"inner": {}}, "no key 'size'"),
        ({"inner": {"size": 1, "sise": 1}}, "'sise' in inner in T"),
        ({"inner": {"size": 1}, "mode": "c"}, "one of 'a', 'b'"),
        ({"inner": {"size": 1}, "names": [1]}, "'names'"),
        ({"inner": {"size": 1}, "limit": "2"}, "a whole number"),
    ],
)
def test_nested_mistakes_are_named(table: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        read_table(Outer, table, where="T")


def test_a_key_that_stands_among_the_packages_is_told_where_it_belongs(tmp_path: Path) -> None:
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text('[tool.poetry-aegis.packages]\ndiscover = ["libs/*"]\n')
    with pytest.raises(SettingsError, match=r"'discover' stands in packages .* too deep") as caught:
        load_settings(pyproject)
    assert "outside of packages" in caught.value.hint
    pyproject.write_text('[tool.poetry-aegis.packages.remote]\npath = "libs/remote"\n')
    assert load_settings(pyproject).packages["remote"].path == "libs/remote"
