"""The pages of a project on a forge: commits, comparisons, tags, issues and pull requests."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal
from urllib.parse import quote

Kind = Literal["github", "gitlab", "gitea", "bitbucket"]

BITBUCKET_CLOUD = "https://bitbucket.org"


@dataclass(frozen=True)
class _Pages:
    """The paths of a forge's pages below the project's own."""

    commit: str
    compare: str
    tag: str
    issue: str
    pull: str


_PAGES: dict[str, _Pages] = {
    "github": _Pages(
        commit="commit/{sha}",
        compare="compare/{old}...{new}",
        tag="releases/tag/{name}",
        issue="issues/{number}",
        pull="pull/{number}",
    ),
    "gitlab": _Pages(
        commit="-/commit/{sha}",
        compare="-/compare/{old}...{new}",
        tag="-/tags/{name}",
        issue="-/issues/{number}",
        pull="-/merge_requests/{number}",
    ),
    "gitea": _Pages(
        commit="commit/{sha}",
        compare="compare/{old}...{new}",
        tag="releases/tag/{name}",
        issue="issues/{number}",
        pull="pulls/{number}",
    ),
    "bitbucket": _Pages(
        commit="commits/{sha}",
        compare="branches/compare/{new}%0D{old}",
        tag="commits/tag/{name}",
        issue="issues/{number}",
        pull="pull-requests/{number}",
    ),
    # Bitbucket Server has no issues: a number in a commit message can only be a pull request's.
    "bitbucket-server": _Pages(
        commit="commits/{sha}",
        compare="compare/commits?sourceBranch=refs/tags/{new}&targetBranch=refs/tags/{old}",
        tag="browse?at=refs/tags/{name}",
        issue="pull-requests/{number}",
        pull="pull-requests/{number}",
    ),
}


@dataclass(frozen=True)
class Links:
    """Where the pages of the project *owner*/*name* are, on the forge whose first page is *base*.

    *owner* may hold slashes on GitLab, which has subgroups. Every address returned is
    percent-encoded whole, so that it may stand in Markdown and HTML whatever a tag is called.
    """

    kind: Kind
    base: str
    owner: str
    name: str

    @property
    def project(self) -> str:
        """The project's path as people write it: ``owner/name``, not encoded."""
        return f"{self.owner}/{self.name}"

    @cached_property
    def web(self) -> str:
        """The project's own page, without a slash at its end."""
        if self._style == "bitbucket-server":
            home, owner = "projects", self.owner
            if owner.startswith("~"):
                home, owner = "users", owner[1:]
            return f"{self.base}/{home}/{_encode(owner)}/repos/{_encode(self.name)}"
        return f"{self.base}/{_encode(self.project)}"

    def commit(self, sha: str) -> str:
        """Return the page of the commit *sha*."""
        return self._page(self._pages.commit, sha=sha)

    def compare(self, old: str, new: str) -> str:
        """Return the page that shows what came from the tag *old* to the tag *new*."""
        return self._page(self._pages.compare, old=old, new=new)

    def tag(self, name: str) -> str:
        """Return the page of the tag *name*; where a release has a page of its own, that one."""
        return self._page(self._pages.tag, name=name)

    def issue(self, number: int | str) -> str:
        """Return the page of the issue *number*."""
        return self._page(self._pages.issue, number=number)

    def pull(self, number: int | str) -> str:
        """Return the page of the pull request, or merge request, *number*."""
        return self._page(self._pages.pull, number=number)

    @property
    def _style(self) -> str:
        server = self.kind == "bitbucket" and self.base != BITBUCKET_CLOUD
        return "bitbucket-server" if server else self.kind

    @cached_property
    def _pages(self) -> _Pages:
        return _PAGES[self._style]

    def _page(self, template: str, **names: int | str) -> str:
        encoded = {key: _encode(str(value)) for key, value in names.items()}
        return f"{self.web}/{template.format(**encoded)}"


def _encode(text: str) -> str:
    # git's names are bytes: what is not UTF-8 comes as surrogates, and goes as the bytes it was.
    if text.isalnum() and text.isascii():
        return text
    return quote(text, safe="/", errors="surrogateescape")
