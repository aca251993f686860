"""Clones that lack a part of the history, which may be the part that decides the version."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from poetry_aegis.errors import IncompleteHistory
from poetry_aegis.release.history.pipelines import is_pipeline
from poetry_aegis.release.version.numbers import version_of_tag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poetry_aegis.release.git import GitRepository
    from poetry_aegis.settings import Settings

FIRST_STEP = 64
MOST_TAGS = 200  # by name on one command line
SHALLOW = "This clone is shallow: commits since the last release may be missing."
UNSHALLOW = "Get the whole history with: git fetch --unshallow --tags"
GET_TAGS = "Get them with: git fetch --tags"


def is_shallow(repository: GitRepository) -> bool:
    """Return whether the repository was cloned with a limited depth. Raises `GitError`."""
    return repository.run("rev-parse", "--is-shallow-repository").strip() == "true"


def require_whole_history(  # noqa: PLR0913 - what is there, and what may be done about it
    repository: GitRepository,
    *,
    fetch: bool,
    remote: str,
    tag_formats: Sequence[str] = ("v{version}",),
    with_paths: bool = False,
    fetchable: bool = True,
) -> bool:
    """Make sure that all is there since the last final release; return whether it was fetched.

    With *fetch* a shallow clone is deepened from *remote*, twice as far each time, until HEAD shows
    a final release of each of *tag_formats* with all commits since, or the whole history is there.
    Their tags are fetched, too. Raises `IncompleteHistory` with the command that mends it: without
    *fetch*, where the remote does not help, and *with_paths* for a clone without trees. *fetchable*
    tells whether the command that asks has an option for *fetch*.
    """
    if with_paths:
        _require_trees(repository, remote)
    if not is_shallow(repository):
        return fetch and _fetch_tags_of_whole_clone(repository, remote)
    if not fetch:
        way = "\nOr let the release get what it needs: --fetch" if fetchable else ""
        raise IncompleteHistory(SHALLOW, hint=f"{UNSHALLOW}{way}")
    _deepen(repository, remote, tag_formats)
    return True


def _fetch_tags_of_whole_clone(repository: GitRepository, remote: str) -> bool:
    """Fetch the tags of a clone that was made without any; return whether it was."""
    has_tags = repository.run("for-each-ref", "--count=1", "refs/tags")
    if has_tags or remote not in repository.remotes():
        return False
    _fetch(repository, "--tags", remote, lacks="has no tags")
    return True


def require_readable_history(
    repository: GitRepository, settings: Settings, *, whole: bool = False, with_paths: bool = False
) -> None:
    """Make sure that all is there since the last final release; with *whole*, from the beginning.

    For what reads the history and releases nothing: in a pipeline, whose clones are often shallow,
    what is missing is fetched. Raises `IncompleteHistory` as `require_whole_history` does.
    """
    if with_paths:
        _require_trees(repository, settings.remote)
    if not is_shallow(repository):
        return
    if not is_pipeline(os.environ):
        raise IncompleteHistory(SHALLOW, hint=UNSHALLOW)
    if whole:
        _fetch(repository, "--no-tags", "--unshallow", settings.remote)
        if is_shallow(repository):
            raise _cut_off_there(settings.remote)
    _deepen(repository, settings.remote, [settings.tag_format])


def shorn_commits(repository: GitRepository) -> frozenset[str]:
    """Return the ids of the commits whose parents are missing. Raises `GitError`."""
    (place,) = repository.paths_of("shallow")
    return frozenset(place.read_text("ascii").split() if place.exists() else ())


def _deepen(repository: GitRepository, remote: str, tag_formats: Sequence[str]) -> None:
    finals = _RemoteTags(repository, remote, tag_formats)
    step = FIRST_STEP
    while is_shallow(repository) and not finals.reached():
        before = shorn_commits(repository)
        _fetch(repository, "--no-tags", f"--deepen={step}", remote)
        if shorn_commits(repository) == before:
            raise _cut_off_there(remote)
        step *= 2
    finals.fetch()


class _RemoteTags:
    """The final releases that *remote* has tags of, whether they are in the clone or not."""

    def __init__(self, repository: GitRepository, remote: str, tag_formats: Sequence[str]) -> None:
        self._repository = repository
        self._remote = remote
        self._formats = tag_formats
        self._commits = self._list()

    def reached(self) -> bool:
        """Return whether a final release of each format is there with all commits since."""
        git = self._repository
        known = set(git.run("rev-list", "HEAD").split())
        cut = shorn_commits(git)
        return all(self._is_whole(template, known, cut) for template in self._formats)

    def fetch(self) -> None:
        """Fetch the tags of the commits that are in the clone, and nothing else."""
        git = self._repository
        known = set(git.run("rev-list", "HEAD").split())
        # One that is there already, whatever it stands for here, is not for a release to move.
        own = set(git.run("for-each-ref", "--format=%(refname:strip=2)", "refs/tags").split("\n"))
        names = [name for name, sha in self._commits.items() if sha in known and name not in own]
        for start in range(0, len(names), MOST_TAGS):
            specs = [f"refs/tags/{name}:refs/tags/{name}" for name in names[start:][:MOST_TAGS]]
            _fetch(git, "--no-tags", self._remote, *specs)

    def _list(self) -> dict[str, str]:
        """Return the name of each tag with the commit that it stands for."""
        listed = self._repository.try_run("ls-remote", "--quiet", "--tags", self._remote)
        if listed.status:
            raise IncompleteHistory(
                f"This clone is shallow, and {self._remote} cannot be read: "
                f"{listed.reason.rstrip('.')}.",
                hint=listed.way_out or UNSHALLOW,
            )
        commits: dict[str, str] = {}
        for line in filter(None, listed.output.split("\n")):
            sha, _, ref = line.partition("\t")
            # What an annotated tag stands for comes after the tag itself.
            commits[ref.removeprefix("refs/tags/").removesuffix("^{}")] = sha
        return commits

    def _is_whole(self, template: str, known: set[str], cut: frozenset[str]) -> bool:
        """Return whether nothing is cut off between HEAD and its last final release."""
        versions = {}
        for name, sha in self._commits.items():
            version = version_of_tag(template, name) if sha in known else None
            if version and not version.is_unstable():
                versions[version] = sha
        if not versions:
            return False
        last = versions[max(versions)]
        return cut.isdisjoint(self._repository.run("rev-list", "HEAD", f"^{last}").split())


def _require_trees(repository: GitRepository, remote: str) -> None:
    # Without blobs git finds the paths that a commit changes; without trees it would ask the
    # remote for those of every commit, one by one.
    promised = repository.try_run("config", "--get", f"remote.{remote}.partialclonefilter")
    if promised.output.startswith("tree:"):
        raise IncompleteHistory(
            "This clone has no trees, so which files a commit changes is not known.",
            hint=f"Get them with: git fetch --refetch --filter=blob:none {remote}",
        )


def _cut_off_there(remote: str) -> IncompleteHistory:
    return IncompleteHistory(
        f"This clone is shallow, and so is {remote}, where it comes from.",
        hint="Fetch from a repository that has the whole history.",
    )


def _fetch(repository: GitRepository, *arguments: str, lacks: str = "is shallow") -> None:
    outcome = repository.try_run("fetch", "--quiet", *arguments)
    if outcome.status:
        raise IncompleteHistory(
            f"This clone {lacks}, and git fetch failed: {outcome.reason.rstrip('.')}.",
            hint=outcome.way_out or (UNSHALLOW if is_shallow(repository) else GET_TAGS),
        )
