"""What commands print where an output has no code for a letter, and of what others have named."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.commands.base import plain
from poetry_aegis.errors import NotVerified, Unreachable
from tests.support.faulty import FaultyIndex, Reply, faulty_index
from tests.support.signing import new_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.git import GitProject
    from tests.support.poetry import PoetryHome

HASH = "ab" * 32


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_what_the_output_cannot_spell_is_escaped(
    project: GitProject, poetry: PoetryHome, encoding: str
) -> None:
    project.commit("feat: 첫 기능 \N{ROCKET}")
    poetry = replace(poetry, extra_env={"PYTHONIOENCODING": encoding})
    for_machines = poetry.run("aegis", "changelog", "--json", cwd=project.root)
    assert for_machines.returncode == 0, for_machines.stderr
    assert "첫 기능 \N{ROCKET}" in json.loads(for_machines.stdout)["changelog"]
    for_people = poetry.run("aegis", "changelog", cwd=project.root)
    assert for_people.returncode == 0, for_people.stderr
    assert r"\uccab \uae30\ub2a5 \U0001f680" in for_people.stdout


def test_what_could_steer_a_terminal_is_not_written() -> None:
    assert plain("a\x1b[2J\x9b1m\x07\rb\ud800 <c1>\n\tc\xa0d") == "a?[2J?1m??b? \\<c1>\n\tc\xa0d"


@pytest.fixture
def index() -> Iterator[FaultyIndex]:
    with faulty_index() as running:
        yield running


@pytest.fixture
def there(poetry: PoetryHome, index: FaultyIndex, tmp_path: Path) -> PoetryHome:
    """Return a Poetry that knows *index*, twice, and has no patience with what is altered."""
    urls = {f"POETRY_REPOSITORIES_{name}_URL": f"{index.url}/legacy/" for name in ("A", "B")}
    return replace(poetry, extra_env=urls)


def show(index: FaultyIndex, name: str, url: str) -> None:
    """Have the page of the project show a file of that *name* at *url*, for as long as it takes."""
    file = {"filename": name, "url": url, "hashes": {"sha256": HASH}}
    page = json.dumps({"meta": {"api-version": "1.1"}, "files": [file]})
    headers = {"Content-Type": "application/vnd.pypi.simple.v1+json"}
    index.page_replies.extend([Reply(200, page, headers=headers)] * 4)


def test_a_name_that_is_no_text_breaks_no_json(
    there: PoetryHome, index: FaultyIndex, tmp_path: Path
) -> None:
    trust = f"[tool.poetry-aegis.trust]\n{new_key('ada').trusted()}"
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "user"\nversion = "1"\n{trust}')
    name = "demo-1.0.0-py3-none-any\ud800.whl"
    show(index, name, f"{index.url}/files/x")
    index.has("x", b"other content than it should be")
    done = there.run("aegis", "verify", "demo==1.0.0", "-r", "a", "--json", cwd=tmp_path)
    assert done.returncode == NotVerified.exit_code, done.stdout + done.stderr
    (found,) = json.loads(done.stdout)["files"]
    assert (found["file"], found["finding"]) == (name, "altered")


def test_no_index_steers_a_terminal(there: PoetryHome, index: FaultyIndex, tmp_path: Path) -> None:
    show(index, "demo-1.0.0-py3-none-any\x1b[2J.whl", "http://127.0.0.1:9/\x1b[2J/x")
    done = there.run(*("aegis", "promote", "demo==1.0.0", "--from", "a", "--to", "b"), cwd=tmp_path)
    assert done.returncode == Unreachable.exit_code, done.stdout + done.stderr
    assert "http://127.0.0.1:9/?[2J/x" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
