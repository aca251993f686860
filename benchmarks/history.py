"""Repositories of any length with a history as projects have them, the same ones on each run.

Commits with types, scopes, bodies and footers, short side branches merged as forges merge them, and
tags evenly along the way, all made by one ``git fast-import``.

    python -m benchmarks.history DIRECTORY [--commits 20000] [--tags 200] [--unreleased 100]
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = 20150601
FIRST = 1433116800  # 2015-06-01
APART = 600

TYPES = {
    "fix": 32,
    "feat": 20,
    "docs": 10,
    "chore": 10,
    "refactor": 8,
    "test": 7,
    "ci": 3,
    "perf": 2,
    "": 8,  # not a conventional commit
}
SCOPES = ("api", "cli", "core", "db", "docs", "http", "parser", "release", "ui", "worker")
PEOPLE = (
    "Ada Lovelace",
    "Grace Hopper",
    "Edsger Dijkstra",
    "Barbara Liskov",
    "장영실",
    "José Díaz",
)
VOCABULARY = (
    "accept add allow answer ask async batch before build cache call carry check client close "
    "config connection count date default document drop each empty error every file first format "
    "handle header index keep key large limit line list load lock log long message name never new "
    "number option order package page parse path pool queue read release remove repeat request "
    "retry return row schema second send server session show slow sort start state stop stream "
    "table task test time token tree type unicode update use user value version wait when write"
)
WORDS = VOCABULARY.split()
# What each tool under test needs to know; none of them reads another's table.
PYPROJECT = """\
[project]
name = "demo-pkg"
version = "{version}"
description = "A demonstration."
requires-python = ">=3.10"

[build-system]
requires = ["poetry-core>=2.0"]
build-backend = "poetry.core.masonry.api"

[tool.poetry-aegis]
tag_format = "{prefix}{{version}}"

[tool.commitizen]
version_provider = "pep621"
tag_format = "{prefix}$version"

[tool.semantic_release]
version_toml = ["pyproject.toml:project.version"]
tag_format = "{prefix}{{version}}"
allow_zero_version = true
"""
REMOTE = "https://github.com/example/demo-pkg.git"


@dataclass(frozen=True)
class Shape:
    """How many commits and tags a history has, and how many commits come after the last tag."""

    commits: int
    tags: int = 200
    unreleased: int = 100

    def __post_init__(self) -> None:
        if self.tags > self.commits - self.unreleased:
            raise ValueError(f"{self.commits} commits are too few for {self.tags} tags.")

    def version(self, number: int) -> str:
        """Return the version of the tag that is the *number*-th, from 1 on: ten patches a minor."""
        return f"1.{number // 10}.{number % 10}"

    def tagged(self) -> dict[int, int]:
        """Return which tag is on which commit, both numbered from 1 on."""
        released = self.commits - self.unreleased
        return {released * number // self.tags: number for number in range(1, self.tags + 1)}


@dataclass(frozen=True)
class History:
    """A repository to measure in. *since* is its last version tag, or empty."""

    title: str
    root: Path
    commits: int
    since: str
    synthetic: bool = True


def make_history(root: Path, shape: Shape) -> History:
    """Make a repository of that *shape* at *root*, checked out."""
    root.mkdir(parents=True)
    git(root, "init", "--quiet")
    git(root, "symbolic-ref", "HEAD", "refs/heads/main")
    git(root, "config", "fastimport.unpackLimit", "0")
    command = ["git", "fast-import", "--quiet"]
    with subprocess.Popen(command, cwd=root, env=environment(), stdin=subprocess.PIPE) as importing:
        assert importing.stdin is not None
        for part in stream(shape):
            importing.stdin.write(part)
    if importing.returncode:
        raise RuntimeError(f"git fast-import ended with {importing.returncode}")
    git(root, "remote", "add", "origin", REMOTE)
    git(root, "reset", "--quiet", "--hard", "main")
    # As git itself leaves a repository that is used for a while: packed, with a commit-graph.
    git(root, "gc", "--quiet")
    title = f"{shape.commits:,} commits, {shape.tags} tags, {shape.unreleased} unreleased"
    return History(title, root, shape.commits, f"v{shape.version(shape.tags)}")


def stream(shape: Shape) -> Iterator[bytes]:
    """Yield what ``git fast-import`` is to read."""
    chance = random.Random(SEED)
    tagged = shape.tagged()
    for number, parents in layout(shape, chance):
        merge = len(parents) > 1
        text = merge_message(chance, number) if merge else message(chance, number)
        yield commit(chance, number, parents, text)
        if merge:
            pass  # It changes nothing of its own.
        elif parents:
            path = f"demo_pkg/{chance.choice(SCOPES)}/{chance.choice(WORDS)}.py"
            yield file(path, f"{sentence(chance, 12)}\n")
        else:
            yield file("pyproject.toml", pyproject(shape.version(shape.tags)))
            yield file("demo_pkg/__init__.py", "")
        if number in tagged:
            yield tag(number, shape.version(tagged[number]))
    yield f"reset refs/heads/main\nfrom :{shape.commits}\n\n".encode()


def layout(shape: Shape, chance: random.Random) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield the number of each commit and those of its parents, the first from 1 on.

    Tags are on the main line only: no side branch comes where one would be tagged.
    """
    tagged = shape.tagged()
    tip = 0
    while tip < shape.commits:
        aside = chance.randint(1, 4) if tip and chance.random() < 0.03 else 0
        merge = tip + aside + 1
        if aside and merge <= shape.commits and tagged.keys().isdisjoint(range(tip, merge)):
            yield from ((number, (number - 1,)) for number in range(tip + 1, merge))
            yield merge, (tip, merge - 1)
            tip = merge
        else:
            yield tip + 1, (tip,) if tip else ()
            tip += 1


def message(chance: random.Random, number: int) -> str:
    """Return the message of a commit: a header, often a body, sometimes footers."""
    kind = chance.choices(list(TYPES), weights=list(TYPES.values()))[0]
    scope = f"({chance.choice(SCOPES)})" if chance.random() < 0.5 else ""
    mark = "!" if chance.random() < 0.002 else ""
    subject = sentence(chance, chance.randint(3, 8))
    header = f"{kind}{scope}{mark}: {subject}" if kind else subject.capitalize()
    paragraphs = [f"{header} (#{number})" if chance.random() < 0.4 else header]
    if chance.random() < 0.4:
        for _ in range(chance.randint(1, 3)):
            body = sentence(chance, chance.randint(12, 50)).capitalize()
            paragraphs.append("\n".join(textwrap.wrap(f"{body}.", 72)))
    footers = list(some_footers(chance, number))
    if footers:
        paragraphs.append("\n".join(footers))
    return "\n\n".join(paragraphs) + "\n"


def some_footers(chance: random.Random, number: int) -> Iterator[str]:
    """Yield footers, none for most commits."""
    if chance.random() < 0.15:
        yield f"Closes: #{chance.randint(1, number)}"
    if chance.random() < 0.05:
        yield "Co-authored-by: Grace Hopper <grace@example.com>"
    if chance.random() < 0.002:
        yield f"BREAKING CHANGE: {sentence(chance, 10)}"


def merge_message(chance: random.Random, number: int) -> str:
    """Return what a forge writes on a merge."""
    topic = "-".join(chance.choices(WORDS, k=2))
    return f"Merge pull request #{number} from someone/{topic}\n\n{message(chance, number)}"


def sentence(chance: random.Random, words: int) -> str:
    """Return so many words."""
    return " ".join(chance.choices(WORDS, k=words))


def commit(chance: random.Random, number: int, parents: tuple[int, ...], text: str) -> bytes:
    """Return the fast-import command for a commit; its changes follow."""
    name = chance.choice(PEOPLE)
    who = f"{name} <{name.split()[0].lower()}@example.com> {FIRST + number * APART} +0000"
    data = text.encode()
    lines = [f"commit refs/heads/main\nmark :{number}\nauthor {who}\ncommitter {who}\n"]
    lines += [f"data {len(data)}\n{text}\n"]
    lines += [
        f"{verb} :{parent}\n" for verb, parent in zip(("from", "merge"), parents, strict=False)
    ]
    return "".join(lines).encode()


def file(path: str, text: str) -> bytes:
    """Return the fast-import command that writes *text*, which is ASCII, to *path*."""
    return f"M 100644 inline {path}\ndata {len(text)}\n{text}\n".encode()


def tag(number: int, version: str) -> bytes:
    """Return the fast-import command for a tag: every other one annotated."""
    if version[-1] in "02468":
        return f"reset refs/tags/v{version}\nfrom :{number}\n\n".encode()
    who = f"Ada Lovelace <ada@example.com> {FIRST + number * APART} +0000"
    return (
        f"tag v{version}\nfrom :{number}\ntagger {who}\ndata {len(version)}\n{version}\n".encode()
    )


def pyproject(version: str, prefix: str = "v") -> str:
    """Return a ``pyproject.toml`` with what each tool has to know of the project."""
    return PYPROJECT.format(version=version, prefix=prefix)


def git(root: Path, *arguments: str) -> str:
    """Return what git prints, with nobody's settings."""
    command = ["git", *arguments]
    ran = subprocess.run(
        command, cwd=root, env=environment(), capture_output=True, text=True, check=True
    )
    return ran.stdout.strip()


def environment() -> dict[str, str]:
    """Return an environment in which git has nobody's settings and an identity."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    identity = {"NAME": "Ada Lovelace", "EMAIL": "ada@example.com"}
    people = {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in identity.items()
    }
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    return kept | people | settings | {"GIT_TERMINAL_PROMPT": "0"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("directory", type=Path, help="where to make the repository")
    for name, value in (("commits", 20_000), ("tags", 200), ("unreleased", 100)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    make_history(options.directory, Shape(options.commits, options.tags, options.unreleased))


if __name__ == "__main__":
    main()
