from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import MissingExtra, SettingsError
from poetry_aegis.extras import adding
from poetry_aegis.release.changelog.section import group_entries
from poetry_aegis.release.changelog.template import load_template
from poetry_aegis.release.history.commits import Change, Commit
from poetry_aegis.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

COMMIT = Commit("abcdef0123" * 4, "Ada", "2026-01-01T00:00:00+00:00", "")
GROUPS = group_entries([Change(COMMIT, "fix", "api", "<b> mended")], Settings(), None)


def render(root: Path, source: str, name: str = "template.md") -> str:
    (root / "template.md").write_text(source, encoding="utf-8")
    settings = Settings(changelog_template=name)
    template = load_template(root, root / "pyproject.toml", settings)
    assert template is not None
    return template.render(GROUPS, version="1.0.0", tag="v1.0.0", previous=None)


def test_it_sees_the_version_and_the_entries(tmp_path: Path) -> None:
    source = (
        "{{ version }} {{ tag }} {{ previous }}\n{% for section in sections %}\n"
        "{{ section.heading }}\n{% for entry in section.entries %}\n"
        "{{ entry }}|{{ entry.scope }}|{{ entry.description }}|{{ entry.commit.name }}\n"
        "{% endfor %}\n{% endfor %}"
    )
    assert render(tmp_path, source) == (
        "1.0.0 v1.0.0 None\nFixed\n- **api:** &lt;b> mended (abcdef0)|api|&lt;b> mended|abcdef0\n"
    )


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("one\ntwo {{ nowhere }}\n", 2),
        ("{% for x in sections %}\n", 1),
        ("\n\n{{ 1 / 0 }}\n", 3),
        ("\n{{ ''.__class__.__mro__ }}\n", 2),
        ("\n{% include '/etc/passwd' %}\n", 2),
        ("\n{{ sections.append(1) }}\n", 2),
        ("\n{{ 'x' * 1000000000 }}\n", 2),
        ("\n{{ 1000000000 * [1] }}\n", 2),
        ("\n{{ 9 ** 999999999 }}\n", 2),
    ],
)
def test_an_error_names_file_and_line(tmp_path: Path, source: str, line: int) -> None:
    with pytest.raises(SettingsError, match=rf"template\.md, line {line}: "):
        render(tmp_path, source)


def test_small_products_are_let_through(tmp_path: Path) -> None:
    assert render(tmp_path, "{{ '-' * 20 }} {{ 6 * 7 }}") == "-------------------- 42"


def test_a_title_would_end_the_section(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="second level"):
        render(tmp_path, "## [9.9.9]\n")


@pytest.mark.parametrize("name", ["../template.md", "/etc/hostname"])
def test_it_stays_in_the_repository(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="leaves the repository"):
        render(tmp_path, "", name)


def test_one_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"other\.md.*cannot be read"):
        render(tmp_path, "", "other.md")


def test_without_jinja_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtra) as raised:
        render(tmp_path, "")
    assert raised.value.hint == adding("templates")


def test_no_template_is_no_template(tmp_path: Path) -> None:
    assert load_template(tmp_path, tmp_path / "pyproject.toml", Settings()) is None
