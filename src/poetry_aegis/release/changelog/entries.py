"""What one line of the changelog says of one change, with the links that lead to its source."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from poetry_aegis.release.changelog.markdown import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poetry_aegis.forge.links import Links
    from poetry_aegis.release.history.commits import Change
    from poetry_aegis.settings import Settings

BREAKING = "Breaking"

# How forges end the subject of a squash merge, and what they write into a merge commit.
PULL_AT_END = re.compile(r"\((?:pull request )?(?P<sign>[#!])(?P<number>\d{1,10})\)")
MERGED_PULL = re.compile(r"Merge pull request #(\d{1,10}) ")
MERGED_REQUEST = re.compile(r"^See merge request \S*!(\d{1,10})$", re.MULTILINE)

CLOSING = frozenset(
    f"{verb}{ending}"
    for verb, endings in {"close": ",s,d", "fix": ",es,ed", "resolve": ",s,d"}.items()
    for ending in endings.split(",")
)
ISSUE = re.compile(r"#?(\d{1,10})")
# A commit as an entry names it: (abcdef0), ([abcdef0](https://...)) or (abcdef0, Ada Lovelace).
NAMED_COMMIT = re.compile(r"[(\[]([0-9a-f]{7,40})(?=[)\],])")


class Reference(NamedTuple):
    """Something on the forge by its name; *url* is ``None`` where the forge is not known."""

    name: str
    url: str | None = None

    def __str__(self) -> str:
        return f"[{self.name}]({self.url})" if self.url else self.name


# A tuple, because a long history has very many of them.
class Entry(NamedTuple):
    """A change as the changelog tells of it; all of its texts are Markdown, safe to be put there.

    *pull* is the pull or merge request that brought it, *issues* are those it closes.
    """

    type: str
    scope: str
    description: str
    breaking: bool
    note: str
    commit: Reference
    sha: str
    author: str
    date: str
    pull: Reference | None
    issues: tuple[Reference, ...]
    with_author: bool = False

    def __str__(self) -> str:
        scope = f"**{self.scope}:** " if self.scope else ""
        pull = f" ({self.pull})" if self.pull else ""
        source = f"{self.commit}, {self.author}" if self.with_author else str(self.commit)
        closes = f", closes {', '.join(map(str, self.issues))}" if self.issues else ""
        note = f"\n  {self.note}" if self.note else ""
        return f"- {scope}{self.description}{pull} ({source}){closes}{note}"


def make_entry(change: Change, settings: Settings, links: Links | None) -> Entry:
    """Return what the changelog says of *change*."""
    commit = change.commit
    description, pull = _split_pull(change, links)
    return Entry(
        type=change.type,
        scope=escape(change.scope or ""),
        description=escape(description),
        breaking=change.breaking,
        note=escape(change.note or ""),
        commit=Reference(commit.short_sha, links.commit(commit.sha) if links else None),
        sha=commit.sha,
        author=escape(commit.author),
        date=commit.date,
        pull=pull,
        issues=tuple(
            Reference(f"#{number}", links.issue(number) if links else None)
            for number in _closed_issues(change)
        ),
        with_author=settings.authors,
    )


def heading_of(change: Change, settings: Settings) -> str:
    """Return the heading that *change* stands under, nothing where it is not for users to read."""
    if change.breaking:
        return BREAKING
    untyped = change.type == "other" and settings.other_commits == "patch"
    return settings.sections.get(change.type, "Changed" if untyped else "")


def headings_of(settings: Settings) -> list[str]:
    """Return all headings in the order in which a section has them."""
    untyped = ["Changed"] if settings.other_commits == "patch" else []
    return list(dict.fromkeys([BREAKING, *filter(None, settings.sections.values()), *untyped]))


def named_commits(text: str) -> set[str]:
    """Return the commits that the entries in *text* name, by the first seven digits."""
    return {sha[:7] for sha in NAMED_COMMIT.findall(text)}


def _split_pull(change: Change, links: Links | None) -> tuple[str, Reference | None]:
    """Return the description without the pull request at its end, and that."""
    before, _, last = change.description.rpartition(" (")
    found = PULL_AT_END.fullmatch(f"({last}")
    if before and found:
        return before.rstrip(), _pull(found["sign"], int(found["number"]), links)
    message = change.commit.message
    merged = MERGED_PULL.match(message)
    if merged:
        return change.description, _pull("#", int(merged[1]), links)
    merged = MERGED_REQUEST.search(message) if "\nSee merge request" in message else None
    return change.description, _pull("!", int(merged[1]), links) if merged else None


def _pull(sign: str, number: int, links: Links | None) -> Reference:
    if links is None:
        return Reference(f"{sign}{number}")
    # GitLab counts issues (#) and merge requests (!) apart.
    is_issue = links.kind == "gitlab" and sign == "#"
    return Reference(f"{sign}{number}", links.issue(number) if is_issue else links.pull(number))


def _closed_issues(change: Change) -> Iterator[int]:
    for token, value in change.footers:
        if token.lower() in CLOSING:
            words = value.replace(",", " ").replace("&", " ").split()
            # "Closes #5, refs #6" closes one issue; "Closes #5 and #6" two.
            for word in (word for word in words if word.lower() != "and"):
                issue = ISSUE.fullmatch(word)
                if issue is None:
                    break
                yield int(issue[1])
