"""Golden cases: a script of commits, a configuration, and the changelog and version they make.

A case is a folder: ``script`` (see `tests.golden.history`), ``settings.toml`` with what stands
under ``[tool.poetry-aegis]``, ``before.md`` for a changelog that is there already, and what is
expected: ``CHANGELOG.md`` and ``version`` (``none`` for nothing to release). ``project`` is the
version in ``pyproject.toml``, 0.0.0 where there is no such file. ``wish`` is what is released,
``auto`` where there is no such file; ``all`` fills the changelog in from the history.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from poetry_aegis.release.changelog.chronicle import Chronicle
from poetry_aegis.release.changelog.notes import compose
from poetry_aegis.release.changelog.text import read_text_file
from poetry_aegis.release.changelog.writer import open_writer
from poetry_aegis.release.git import GitRepository
from poetry_aegis.release.history.reading import History, Tag, read_history, read_tags
from poetry_aegis.release.version.decision import Wish, decide
from poetry_aegis.release.version.numbers import format_tag, parse_version
from poetry_aegis.settings import Settings, load_settings
from tests.golden.history import Script

CASES = sorted(path.parent for path in Path(__file__).parent.glob("*/script"))
DATE = "2026-01-31"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_golden(case: Path, tmp_path: Path) -> None:
    version, changelog = run(case, tmp_path)
    assert version == _read(case / "version").strip()
    expected = case / "CHANGELOG.md"
    assert changelog == (expected.read_bytes() if expected.exists() else b"")


def test_there_are_many_cases() -> None:
    assert len(CASES) >= 40


def run(case: Path, root: Path) -> tuple[str, bytes]:
    """Return the version and the changelog that *case* makes in a new repository at *root*."""
    script = Script(root)
    script.run(_read(case / "script"))
    pyproject = root / "pyproject.toml"
    version = _read(case / "project").strip() or "0.0.0"
    text = f'[project]\nname = "demo"\nversion = "{version}"\n\n[tool.poetry-aegis]\n'
    pyproject.write_text(text + _read(case / "settings.toml"), encoding="utf-8")
    if (case / "template.md").exists():
        (root / "template.md").write_bytes((case / "template.md").read_bytes())
    changelog = root / "CHANGELOG.md"
    if (case / "before.md").exists():
        changelog.write_bytes((case / "before.md").read_bytes())
    settings = load_settings(pyproject)
    wish = _read(case / "wish").strip() or "auto"
    if wish == "all":
        chronicle = Chronicle(pyproject, settings)
        chronicle.write()
        assert not chronicle.write(), "A second time changes something."
        return "all", changelog.read_bytes()
    return _release(root, pyproject, settings, wish)


def _release(root: Path, pyproject: Path, settings: Settings, wish: str) -> tuple[str, bytes]:
    repository = GitRepository.around(root)
    tags = read_tags(repository, settings.tag_format)

    def read(tag: Tag | None) -> History:
        return read_history(repository, settings, tag)

    target, _, kind = wish.partition(" ")
    current = parse_version(_current(pyproject))
    wished = Wish(target, kind or None)  # type: ignore[arg-type]
    decision = decide(tags, read, settings, current, wished, branch=repository.branch())
    file = read_text_file(root / "CHANGELOG.md")
    if decision is None:
        return "none", file.content or b""
    writer = open_writer(repository, pyproject, settings)

    def composed(text: str) -> str:
        return compose(
            text,
            settings,
            version=decision.version,
            tag=format_tag(settings.tag_format, decision.version),
            previous=decision.history.since,
            changes=decision.history.changes,
            links=writer.links,
            date=DATE,
            template=writer.template,
        )

    after = composed(file.text)
    assert composed(after) == after, "A second time changes something."
    return decision.version.text, file.encode(after)


def _current(pyproject: Path) -> str:
    return pyproject.read_text(encoding="utf-8").split('version = "')[1].split('"')[0]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
