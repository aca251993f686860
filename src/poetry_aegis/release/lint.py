"""Commit messages checked against Conventional Commits 1.0.0, and what is wrong with them said."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from itertools import groupby
from operator import attrgetter
from string import Formatter
from textwrap import wrap
from typing import TYPE_CHECKING

from poetry_aegis.errors import InvalidVersion
from poetry_aegis.release.history.commits import (
    COMMON_TYPES,
    FIXUPS,
    Commit,
    quoted_by,
    read_changes,
)
from poetry_aegis.release.history.messages import FOOTER
from poetry_aegis.release.version.numbers import parse_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from poetry_aegis.release.history.commits import Change
    from poetry_aegis.settings import Settings

# What git and the forges call a merge.
MERGE = re.compile(
    r"Merged? (?:(?:remote-tracking )?branch|tags? |commits? |pull request|PR |in |[0-9a-f]{7,} )"
)
# A header as people get it wrong. Every part but the type may be missing, so that it always
# matches at once, however long the text is.
ATTEMPT = re.compile(
    r"(?P<type>[^\W\d_][\w-]*)(?P<early>!?)(?P<gap>\s*)(?:\((?P<scope>[^()]*)\))?(?P<breaking>!?)"
    r"(?P<space>\s*)(?P<colon>[:\uff1a]?)(?P<room>\s*)(?P<description>.*)",
    re.DOTALL,
)
BREAKING = re.compile(
    r"[\s*_#>-]{0,9}breaking(?:[ _-]?changes?[*_]{0,2}\s{0,9}[:!#-]|[*_]{0,2}:\s)", re.IGNORECASE
)
# Trailers that nobody takes for prose.
TRAILER = re.compile(r"(?P<token>[A-Za-z]+(?:-[A-Za-z]+){0,3}-by|Release-As|Refs): \S")

SHOWN = 72  # characters of a header
NARROWEST = 40  # characters of a line


@dataclass(frozen=True)
class Finding:
    """Something wrong with a message: what, and what to write. *sha* is empty for no commit yet."""

    sha: str
    subject: str
    problem: str
    remedy: str

    @property
    def sentence(self) -> str:
        """The finding on one line."""
        what = f"{self.sha[:7]} {self.subject or '(empty)'}".strip()
        return f"{what}: {self.problem}; {self.remedy}"

    def to_json(self) -> dict[str, str]:
        """Return the finding as ``--json`` prints it."""
        return asdict(self)


def lint_messages(commits: Iterable[Commit], settings: Settings) -> list[Finding]:
    """Return what is wrong with the messages of *commits*, in their order.

    Merges, reverts and ``fixup!`` commits are in order, and so is the project's release commit.
    """
    known = sorted({*COMMON_TYPES, *settings.bumps, *settings.sections})
    release = _release_subject(settings)
    # Here a message that is not conventional is found, whatever a release makes of it.
    rules = replace(settings, other_commits="ignore")
    findings = []
    for commit in commits:
        subject = commit.subject
        if not (_is_automatic(commit, subject) or release.fullmatch(subject)):
            # The same thing twice is told once.
            told = dict.fromkeys(_problems(commit, subject, rules, known))
            findings += [Finding(commit.sha, _shown(subject), *problem) for problem in told]
    return findings


def report(findings: Iterable[Finding], width: int) -> Iterator[str]:
    """Yield the lines that tell of *findings*, each of at most *width* characters.

    Below the subject of each message stands what is wrong with it and what to do about it.
    """
    width = max(width, NARROWEST)
    for (sha, subject), same in groupby(findings, key=attrgetter("sha", "subject")):
        yield _shown(f"{sha[:7]}  {subject or '(empty)'}".lstrip(), width)
        for finding in same:
            for text in (finding.problem, finding.remedy):
                yield from _indented(text, width)


def _indented(text: str, width: int) -> list[str]:
    return wrap(text, width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def _problems(
    commit: Commit, subject: str, rules: Settings, known: list[str]
) -> Iterator[tuple[str, str]]:
    """Give each thing that is wrong with *commit* and what to do about it."""
    if not subject:
        yield "the message is empty", f"write: {_example(known)}"
        return
    changes = read_changes(commit, rules)
    if not changes:
        yield _diagnose(subject, known)
        return
    for change in changes:
        yield from _type_problems(change, known)
    body = commit.message.strip().splitlines()[1:]
    if body and body[0].strip():
        yield "the body stands right below the header", "leave a line empty between them"
    footers = [footer for change in changes for footer in change.footers]
    yield from _footer_problems(footers, body)


def _type_problems(change: Change, known: list[str]) -> Iterator[tuple[str, str]]:
    if change.type not in known:
        near = get_close_matches(change.type[:SHOWN], known, n=1)
        yield (
            f"the type {_shown(change.type)!r} is unknown",
            f"did you mean {near[0]!r}?" if near else f"choose one of: {', '.join(known)}",
        )


def _footer_problems(footers: list[tuple[str, str]], body: list[str]) -> Iterator[tuple[str, str]]:
    unseen = Counter(token for token, _ in footers)
    for line in body:
        meant = _footer_meant(line)
        if meant and unseen[meant]:
            unseen[meant] -= 1
        elif meant:
            yield (
                f"{meant!r} is not read as a footer where it stands",
                "put it into the last paragraph, after an empty line",
            )
        elif meant is not None:
            yield (
                f"{_shown(line)!r} is not read as a breaking change",
                "write: BREAKING CHANGE: what breaks",
            )
    for token, value in footers:
        if token.lower() == "release-as" and not _is_version(value):
            yield f"{_shown(value)!r} is not a version", "write: Release-As: 1.4.0"


def _footer_meant(line: str) -> str | None:
    """Return the token of the footer that *line* is surely meant to be, ``None`` for prose.

    Empty for a breaking change that is spelled in a way that nothing reads.
    """
    if BREAKING.match(line):
        footer = FOOTER.fullmatch(line)
        return (footer["breaking"] or "") if footer else ""
    trailer = TRAILER.match(line)
    return trailer["token"] if trailer else None


def _diagnose(header: str, known: list[str]) -> tuple[str, str]:
    """Return what keeps *header* from being a conventional one, and how it should look."""
    attempt = ATTEMPT.fullmatch(header.strip())
    kind = attempt["type"].lower() if attempt else ""
    if attempt is None or not (attempt["colon"] or kind in known):
        return "there is no type", f"write: {_example(known, _shown(header.strip()))}"
    if attempt["description"].startswith("("):
        return "the scope is not closed", f"write: {kind}(SCOPE): DESCRIPTION"
    scope = (attempt["scope"] or "").strip()
    mark = attempt["early"] or attempt["breaking"]
    description = _shown(attempt["description"].strip()) or "DESCRIPTION"
    wrong = {
        "there is no colon after the type": not attempt["colon"],
        "the colon is not the ASCII one": attempt["colon"] != ":",
        "the description is missing": not attempt["description"].strip(),
        "the scope is empty": attempt["scope"] is not None and not scope,
        "the ! stands before the scope": attempt["early"] and attempt["scope"] is not None,
        "there is a space before the scope": attempt["gap"] and attempt["scope"] is not None,
        "there is a space before the colon": attempt["gap"] or attempt["space"],
        "there is no space after the colon": not attempt["room"],
    }
    problem = next((said for said, is_so in wrong.items() if is_so), "it is not conventional")
    return problem, f"write: {kind}{f'({scope})' if scope else ''}{mark}: {description}"


def _is_automatic(commit: Commit, subject: str) -> bool:
    """Return whether git or a forge wrote *commit*, or a rebase is going to take it away."""
    if commit.is_merge or commit.message.startswith(FIXUPS):
        return True
    return MERGE.match(subject) is not None or quoted_by(subject) is not None


def _release_subject(settings: Settings) -> re.Pattern[str]:
    """Return what matches the header of the project's own release commits."""
    header = settings.commit_message.strip().partition("\n")[0]
    parts = Formatter().parse(header)
    return re.compile(
        "".join(re.escape(text) + (r"\S+" if name else "") for text, name, *_ in parts)
    )


def _example(known: list[str], description: str = "DESCRIPTION") -> str:
    return f"fix: {description}, or another type: {', '.join(known)}"


def _shown(text: str, most: int = SHOWN) -> str:
    """Return *text* in at most so many characters, and without those that steer a terminal."""
    plain = "".join(char if char.isprintable() else "\ufffd" for char in text[: most + 1])
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def _is_version(text: str) -> bool:
    try:
        parse_version(text)
    except InvalidVersion:
        return False
    return True
