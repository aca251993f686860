"""The token for a forge, from the environment and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from poetry_aegis.errors import NoForgeToken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from poetry_aegis.forge.links import Links


@dataclass(frozen=True)
class Token:
    """A secret, the *variable* it was found in, and the *header* it travels in."""

    variable: str
    header: str
    scheme: str
    value: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """The header that shows the token to the forge."""
        return {self.header: f"{self.scheme} {self.value}".strip()}


@dataclass(frozen=True)
class _Source:
    """A variable that may hold a token.

    *server* is the variable in which a pipeline names the forge that the token is for. Where a
    pipeline names another one, its token is not sent here; a *bound* one only ever goes to it.
    """

    variable: str
    header: str = "Authorization"
    scheme: str = ""
    server: str | None = None
    bound: bool = False

    def serves(self, links: Links, environ: Mapping[str, str]) -> bool:
        if not environ.get(self.variable, "").strip():
            return False
        if self.server is None:
            return True
        if not environ.get(self.server):
            return not self.bound
        return is_same_host(environ[self.server], links.base)


_SOURCES: dict[str, tuple[_Source, ...]] = {
    "github": (
        _Source("GH_TOKEN", scheme="Bearer"),
        _Source("GITHUB_TOKEN", scheme="Bearer", server="GITHUB_SERVER_URL"),
    ),
    "gitlab": (
        _Source("GITLAB_TOKEN", header="PRIVATE-TOKEN"),
        _Source("CI_JOB_TOKEN", header="JOB-TOKEN", server="CI_SERVER_URL", bound=True),
    ),
    # The pipelines of Gitea and Forgejo speak of themselves as GitHub's do.
    "gitea": (
        _Source("GITEA_TOKEN", scheme="token"),
        _Source("FORGEJO_TOKEN", scheme="token"),
        _Source("GITHUB_TOKEN", scheme="token", server="GITHUB_SERVER_URL", bound=True),
    ),
}

RIGHTS = {
    "github": (
        "A fine-grained token needs 'Contents: read and write' for this repository, a classic one "
        "the scope repo. In GitHub Actions, write permissions: contents: write and set "
        "GITHUB_TOKEN to ${{ github.token }}."
    ),
    "gitlab": (
        "An access token needs the scope api and the role Developer or higher, in GITLAB_TOKEN. "
        "In GitLab CI, CI_JOB_TOKEN does for a user who may push the tag."
    ),
    "gitea": (
        "The token needs the scope write:repository, and its user the right to write to the "
        "project. Set it in GITEA_TOKEN or FORGEJO_TOKEN."
    ),
}


def find_token(links: Links, environ: Mapping[str, str]) -> Token:
    """Return the token in *environ* for the forge of *links*. Raises `NoForgeToken`."""
    for source in _SOURCES[links.kind]:
        if source.serves(links, environ):
            value = environ[source.variable].strip()
            if not (value.isascii() and value.isprintable() and " " not in value):
                raise NoForgeToken(
                    f"What {source.variable} holds cannot be a token.", hint=RIGHTS[links.kind]
                )
            return Token(source.variable, source.header, source.scheme, value)
    variables = " or ".join(source.variable for source in _SOURCES[links.kind])
    raise NoForgeToken(
        f"There is no token for {links.base} in {variables}.", hint=RIGHTS[links.kind]
    )


def is_same_host(one: str, other: str) -> bool:
    """Return whether two URLs are of one host, which may answer on several ports."""
    try:
        return urlsplit(one).hostname == urlsplit(other).hostname
    except ValueError:
        return False
