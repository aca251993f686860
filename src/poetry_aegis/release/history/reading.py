"""What git knows of the past: the version tags, and the commits since one of them.

One ``git for-each-ref`` for the tags, a second one for which of them HEAD contains (git before 2.41
cannot say both at once), and one ``git log``, however long the history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, overload

from poetry_aegis.release.history.ancestry import ancestors
from poetry_aegis.release.history.commits import is_other, read_changes
from poetry_aegis.release.history.log import read_commits
from poetry_aegis.release.history.reverts import net_changes, without_reverted
from poetry_aegis.release.history.stretches import Sorter
from poetry_aegis.release.version.numbers import template_ends, version_of_tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from poetry.core.constraints.version import Version

    from poetry_aegis.release.git import GitRepository
    from poetry_aegis.release.history.ancestry import Parents
    from poetry_aegis.release.history.commits import Change, Commit
    from poetry_aegis.settings import Settings

    Owns = Callable[[str], bool]

TAG_FIELDS = ("refname:strip=2", "objectname", "*objectname", "*objecttype", "creatordate:short")
TAG_FORMAT = "%00".join(f"%({name})" for name in TAG_FIELDS)


@dataclass(frozen=True)
class Tag:
    """A tag that names a version. *date* is the day it was made, ISO 8601.

    *commit* is the id of the commit that it stands for, annotated or not.
    """

    name: str
    version: Version
    date: str
    commit: str


@dataclass(frozen=True)
class Tags:
    """The version tags: those that HEAD contains, and all there are. The highest come first."""

    reachable: Sequence[Tag] = ()
    all: tuple[Tag, ...] = ()

    @property
    def last(self) -> Tag | None:
        """The highest version that HEAD contains, pre-releases too."""
        return next(iter(self.reachable), None)

    @property
    def last_final(self) -> Tag | None:
        """The highest version that HEAD contains and that is no pre-release."""
        return next((tag for tag in self.reachable if not tag.version.is_unstable()), None)


class _Reachable(Sequence[Tag]):
    """Those of *tags* that HEAD contains. Only as many are looked for as are asked for.

    For the oldest tags git walks the whole history, for the last ones next to nothing.
    """

    FIRST = 8

    def __init__(self, repository: GitRepository, tags: Sequence[Tag]) -> None:
        self._repository = repository
        self._unknown = list(tags)
        self._found: list[Tag] = []
        self._looked = False

    def __iter__(self) -> Iterator[Tag]:
        place = 0
        while place < len(self._found) or self._unknown:
            if place < len(self._found):
                yield self._found[place]
                place += 1
            else:
                self._look()

    @overload
    def __getitem__(self, index: int) -> Tag: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Tag]: ...
    def __getitem__(self, index: int | slice) -> Tag | Sequence[Tag]:
        return tuple(self)[index]

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _look(self) -> None:
        first = not self._looked and len(self._unknown) > self.FIRST
        self._looked = True
        count = self.FIRST if first else len(self._unknown)
        candidates, self._unknown = self._unknown[:count], self._unknown[count:]
        # All of them by their common place: thousands of names make no command line.
        places = [f"refs/tags/{tag.name}" for tag in candidates] if first else ["refs/tags"]
        merged = self._repository.run(
            "for-each-ref", "--merged=HEAD", "--format=%(refname:strip=2)", *places
        )
        names = set(merged.split("\n"))
        self._found += [tag for tag in candidates if tag.name in names]


@dataclass(frozen=True)
class History:
    """The commits after *since*, newest first, *since* being ``None`` where all of them are meant.

    *changes* are what they change in the end, reverts considered; *others* those commits of which
    the project's rules make nothing: not conventional, nor a merge, a revert or a fixup.
    """

    since: Tag | None
    commits: tuple[Commit, ...]
    changes: tuple[Change, ...]
    others: tuple[Commit, ...] = ()
    # The parents of these commits, and of those between them that were left out.
    _parents: Parents = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        since: Tag | None,
        commits: Sequence[Commit],
        settings: Settings,
        parents: Parents | None = None,
    ) -> History:
        """Return what *commits* tell by the rules in *settings*; *parents* may know of more.

        Raises `UnconventionalCommit`.
        """
        parents = parents or {commit.sha: commit.parents for commit in commits}
        changes: list[Change] = []
        others: list[Commit] = []
        for commit in without_reverted(commits, parents):
            said = read_changes(commit, settings)
            changes += said
            if is_other(commit, said):
                others.append(commit)
        return cls(since, tuple(commits), tuple(changes), tuple(others), parents)

    def after(self, tag: Tag | None, settings: Settings) -> History:
        """Return the part of this history that *tag* does not contain; git is not asked."""
        contained = ancestors([tag.commit] if tag else [], self._parents)
        rest = [commit for commit in self.commits if commit.sha not in contained]
        return History.of(tag, rest, settings, self._parents)


def read_tags(repository: GitRepository, tag_format: str) -> Tags:
    """Return the tags of the shape *tag_format*; others are no versions of this project.

    Raises `GitError`, also where there is no commit yet.
    """
    listing = repository.run("for-each-ref", f"--format={TAG_FORMAT}", "refs/tags")
    tags = _parse_tags(repository, listing.split("\n"), tag_format)
    return Tags(_Reachable(repository, tags), tuple(tags))


def read_all_tags(repository: GitRepository, tag_formats: Sequence[str]) -> list[Tags]:
    """Return the tags of each of *tag_formats*, all out of one listing. Raises `GitError`."""
    lines = repository.run("for-each-ref", f"--format={TAG_FORMAT}", "refs/tags").split("\n")
    merged = repository.run(
        "for-each-ref", "--merged=HEAD", "--format=%(refname:strip=2)", "refs/tags"
    )
    reachable = set(merged.split("\n"))
    found = []
    for tag_format in tag_formats:
        before, after = template_ends(tag_format)
        own = [line for line in lines if line.startswith(before) and f"{after}\0" in line]
        tags = _parse_tags(repository, own, tag_format)
        found.append(Tags(tuple(tag for tag in tags if tag.name in reachable), tuple(tags)))
    return found


def unpushed_tags(repository: GitRepository, remote: str, tag_format: str) -> list[str]:
    """Return the tags of the shape *tag_format* that *remote* lacks, the lowest version first.

    These are those on commits that HEAD has and no branch of *remote* did when it was last heard
    of; *remote* itself is not asked. Raises `GitError`.
    """
    listing = repository.run("rev-list", "HEAD", "--not", f"--remotes={remote}")
    commits = set(listing.split("\n"))
    tags = read_tags(repository, tag_format).all
    return [tag.name for tag in reversed(tags) if tag.commit in commits]


def read_history(
    repository: GitRepository,
    settings: Settings,
    since: Tag | None,
    until: str = "HEAD",
    *,
    owns: Owns | None = None,
) -> History:
    """Return what *until* contains and *since* does not.

    With *owns*, which tells whether a path belongs to the package that is meant, only the commits
    that change such a path. Raises `UnconventionalCommit` where *settings* refuse such commits, and
    `GitError`.
    """
    excluded = [f"^{since.commit}"] if since else []
    commits = list(read_commits(repository, until, *excluded, with_paths=owns is not None))
    parents = {commit.sha: commit.parents for commit in commits}
    return History.of(since, _owned(commits, owns), settings, parents)


def read_since_oldest(
    repository: GitRepository, settings: Settings, tags: Sequence[Tag | None]
) -> History:
    """Return, with paths, what HEAD contains and at least one of *tags* does not.

    ``None`` stands for a package that was never released. `History.after` and `History.of` cut
    each package's part out of it, and only there commits may be refused. Raises `GitError`.
    """
    released = sorted({tag.commit for tag in tags if tag})
    shared: list[str] = []
    if released and None not in tags:
        found = repository.try_run("merge-base", "--all", "--octopus", *released)
        shared = found.output.split()  # nothing, where their histories have no commit in common
    excluded = [f"^{sha}" for sha in shared]
    commits = list(read_commits(repository, "HEAD", *excluded, with_paths=True))
    return History.of(None, commits, _refusing_none(settings))


@dataclass(frozen=True)
class Stretch:
    """What one release tells of, newest first; *tag* is ``None`` for what is unreleased."""

    tag: Tag | None
    changes: tuple[Change, ...]


def read_stretches(
    repository: GitRepository,
    settings: Settings,
    tags: Tags,
    *,
    gather: bool = True,
    owns: Owns | None = None,
) -> Iterator[Stretch]:
    """Yield the stretch of what is unreleased, then that of each reachable tag, highest first.

    A commit belongs to the lowest version that contains it. With *gather* it is told of in the
    lowest final version, too, where that first one is a pre-release. Commits that are not
    conventional are no reason to refuse here: what was released was released. *owns* is as for
    `read_history`.

    In memory are the stretches that branches keep open, no more. Raises `GitError`.
    """
    settings = _refusing_none(settings)
    # The log first: while git sorts it, the tags are looked for.
    log = read_commits(repository, "HEAD", with_paths=owns is not None)
    sorter = Sorter(tuple(tags.reachable), gather=gather)
    for commit in log:
        sorter.take(commit)
        for tag, commits in sorter.whole():
            yield Stretch(tag, net_changes(_owned(commits, owns), settings))
    for tag, commits in sorter.rest():
        yield Stretch(tag, net_changes(_owned(commits, owns), settings))


def _owned(commits: Sequence[Commit], owns: Owns | None) -> Sequence[Commit]:
    if owns is None:
        return commits
    return [commit for commit in commits if any(map(owns, commit.paths))]


def _refusing_none(settings: Settings) -> Settings:
    refuse = settings.other_commits == "refuse"
    return replace(settings, other_commits="ignore") if refuse else settings


def _parse_tags(repository: GitRepository, listing: Iterable[str], tag_format: str) -> list[Tag]:
    """Return the tags in the lines of *listing*, the highest version first."""
    tags: list[Tag] = []
    nested: list[int] = []
    for line in filter(None, listing):
        name, own, target, kind, date = line.split("\0")
        version = version_of_tag(tag_format, name)
        if version is not None:
            if kind == "tag":
                nested.append(len(tags))
            tags.append(Tag(name, version, date, target or own))
    if nested:
        # Of a tag of a tag, git before 2.45 tells the next one only.
        targets = [f"{tags[index].commit}^{{}}" for index in nested]
        for index, commit in zip(
            nested, repository.run("rev-parse", *targets).split(), strict=True
        ):
            tags[index] = replace(tags[index], commit=commit)
    return sorted(tags, key=lambda tag: tag.version, reverse=True)
