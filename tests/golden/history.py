"""A history from a script, written straight into a repository's object database.

A script has one instruction a line; what is indented below one belongs to its message:

::

    commit feat: greet people       a commit on the branch that is checked out
      BREAKING CHANGE: new names    (its footer, after an empty line)
    commit @one fix: again          the same, remembered: {one} is its id in later messages
    author Grace Hopper             of the commits that follow
    branch work                     start a branch here and check it out
    checkout main
    merge work Merge branch 'work'  a commit with two parents
    tag v1.0.0                      on the commit that is checked out
    remote git@github.com:acme/demo.git

Each commit is a minute after the one before, so ids and dates are always the same.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START = 1767225600  # 2026-01-01, 00:00 UTC


@dataclass
class Script:
    """Builds the repository in the directory *root*, one instruction after another."""

    root: Path
    branch: str = "main"
    author: str = "Ada Lovelace"
    heads: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    clock: int = START

    def run(self, script: str) -> None:
        git = self.root / ".git"
        (git / "objects").mkdir(parents=True)
        (git / "refs" / "tags").mkdir(parents=True)
        (git / "refs" / "heads").mkdir()
        self._config = "[core]\n\trepositoryformatversion = 0\n\tbare = false\n"
        self._tree = self._write("tree", b"")
        for verb, words, body in _instructions(script):
            getattr(self, verb)(words, body)
        (git / "config").write_text(self._config)
        (git / "HEAD").write_text(f"ref: refs/heads/{self.branch}\n")
        for name, sha in self.heads.items():
            path = git / "refs" / "heads" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{sha}\n")

    def commit(self, words: str, body: list[str], *parents: str) -> None:
        label = ""
        if words.startswith("@"):
            label, _, words = words[1:].partition(" ")
        message = "\n".join([words, *([""] if body else []), *body])
        for name, sha in self.labels.items():
            message = message.replace(f"{{{name}}}", sha)
        before = self.heads.get(self.branch)
        person = f"{self.author} <someone@example.com> {self.clock} +0000"
        lines = [f"tree {self._tree}"]
        lines += [f"parent {sha}" for sha in (before, *parents) if sha]
        lines += [f"author {person}", f"committer {person}", "", f"{message}\n"]
        self.heads[self.branch] = self._write("commit", "\n".join(lines).encode())
        self.labels[label] = self.heads[self.branch]
        self.clock += 60

    def merge(self, words: str, body: list[str]) -> None:
        other, _, message = words.partition(" ")
        self.commit(message, body, self.heads[other])

    def branch_(self, words: str, body: list[str]) -> None:
        self.heads[words] = self.heads[self.branch]
        self.branch = words

    def checkout(self, words: str, body: list[str]) -> None:
        self.branch = words

    def author_(self, words: str, body: list[str]) -> None:
        self.author = words

    def tag(self, words: str, body: list[str]) -> None:
        path = self.root / ".git" / "refs" / "tags" / words
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{self.heads[self.branch]}\n")

    def remote(self, words: str, body: list[str]) -> None:
        self._config += f'[remote "origin"]\n\turl = {words}\n'

    def _write(self, kind: str, content: bytes) -> str:
        stored = f"{kind} {len(content)}".encode() + b"\0" + content
        sha = hashlib.sha1(stored, usedforsecurity=False).hexdigest()
        path = self.root / ".git" / "objects" / sha[:2] / sha[2:]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(zlib.compress(stored, 1))
        return sha


def _instructions(script: str) -> Iterator[tuple[str, str, list[str]]]:
    """Yield verb, words and the indented lines below; a field's verb has an underscore."""
    verb, words, body = "", "", list[str]()
    for line in script.splitlines():
        if line.startswith("  ") or (not line and verb):
            body.append(line[2:])
            continue
        if verb:
            yield verb, words, _stripped(body)
        verb, _, words = line.partition(" ")
        verb, body = f"{verb}_" if verb in {"branch", "author"} else verb, []
    if verb:
        yield verb, words, _stripped(body)


def _stripped(body: list[str]) -> list[str]:
    return "\n".join(body).strip("\n").split("\n") if "".join(body) else []
