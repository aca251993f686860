"""Releases on forges: a title, notes and files, which belong to a tag that has been pushed.

`find_forge` knows which forge it is. What each one does is in its own module, and all of them
look before they act: publishing twice, or again after a lost answer, gives one release.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from poetry_aegis.errors import UnknownForge
from poetry_aegis.forge.patience import DEFAULT_PATIENCE, Patience, persist
from poetry_aegis.forge.tokens import find_token, is_same_host

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from poetry_aegis.forge.links import Kind, Links
    from poetry_aegis.forge.session import Session
    from poetry_aegis.forge.tokens import Token

_SUPPORTED = "GitHub, GitLab, Gitea and Forgejo"


@dataclass(frozen=True)
class ForgeRelease:
    """What a release page shows: *notes* are Markdown, *files* are on this disk."""

    tag: str
    title: str
    notes: str
    prerelease: bool = False
    files: tuple[Path, ...] = ()


class Forge(ABC):
    """The releases of one project on one forge.

    Every method may raise `NoForgeToken` for a token that is not accepted, and `ForgeError`.
    """

    kind: ClassVar[Kind]

    def __init__(self, links: Links, token: Token, api: str, patience: Patience) -> None:
        self.links = links
        self.api = api
        self.name = links.base.partition("://")[2]
        self._token = token
        self._patience = patience

    @property
    def url(self) -> str:
        """The project's page."""
        return self.links.web

    def check(self) -> None:
        """Raise unless the project is there and the token may write to it, as far as that shows."""
        with self._session() as session:
            persist(lambda: self._check(session), self._patience, _say_nothing)

    def stands(self, release: ForgeRelease) -> bool:
        """Return whether the forge shows *release*, with the same title, notes and files."""
        with self._session() as session:
            return persist(lambda: self._stands(session, release), self._patience, _say_nothing)

    def publish(self, release: ForgeRelease, tell: Callable[[str], None]) -> str:
        """Create *release*, or mend what differs from it, and return its page.

        Files that it does not name are left alone. *tell* hears of each file and each repeat.
        """
        with self._session() as session:
            self._publish(session, release, tell)
        return self.page(release.tag)

    @abstractmethod
    def page(self, tag: str) -> str:
        """Return the page of the release of *tag*."""

    @abstractmethod
    def _check(self, session: Session) -> None:
        """Do what `check` says, once."""

    @abstractmethod
    def _stands(self, session: Session, release: ForgeRelease) -> bool:
        """Do what `stands` says, once."""

    @abstractmethod
    def _publish(
        self, session: Session, release: ForgeRelease, tell: Callable[[str], None]
    ) -> None:
        """Do what `publish` says."""

    @property
    def _uploads(self) -> str | None:
        """The other host that takes files, if there is one."""
        return None

    def _session(self) -> closing[Session]:
        from poetry_aegis.forge.session import Server, Session

        project = self.links.project
        server = Server(self.kind, self.name, self.api, project, self._token, self._uploads)
        return closing(Session(server))


def find_forge(
    links: Links | None, environ: Mapping[str, str], patience: Patience = DEFAULT_PATIENCE
) -> Forge:
    """Return the forge of *links*, with the token for it in *environ*.

    Raises `UnknownForge` and `NoForgeToken`.
    """
    if links is None:
        raise UnknownForge(
            "The remote is on no forge that is known.",
            hint='Name it in [tool.poetry-aegis]: forge = "gitlab" (or github, gitea), and its '
            "address with forge_url where the remote's is another.",
        )
    if links.kind == "bitbucket":
        raise UnknownForge(
            f"{links.web} is on Bitbucket, which has no releases.",
            hint=f"Set forge_release = false; releases are made on {_SUPPORTED}.",
        )
    token = find_token(links, environ)
    return _class_of(links.kind)(links, token, _api_of(links, environ), patience)


def is_same_text(one: str | None, other: str | None) -> bool:
    """Return whether two texts are the same but for line endings and blanks at line ends."""
    return _normalised(one) == _normalised(other)


def _normalised(text: str | None) -> list[str]:
    return [line.rstrip() for line in (text or "").strip().splitlines()]


def _class_of(kind: Kind) -> type[Forge]:
    if kind == "github":
        from poetry_aegis.forge.github import GitHub

        return GitHub
    if kind == "gitlab":
        from poetry_aegis.forge.gitlab import GitLab

        return GitLab
    from poetry_aegis.forge.gitea import Gitea

    return Gitea


def _api_of(links: Links, environ: Mapping[str, str]) -> str:
    """Return the API's address: the pipeline's word for it, or where it is by default."""
    told = {
        "github": ("GITHUB_SERVER_URL", "GITHUB_API_URL"),
        "gitlab": ("CI_SERVER_URL", "CI_API_V4_URL"),
    }
    server, api = (environ.get(name, "") for name in told.get(links.kind, ("", "")))
    if server and api and is_same_host(server, links.base):
        return api.rstrip("/")
    if links.kind == "gitlab":
        return f"{links.base}/api/v4"
    if links.kind == "gitea":
        return f"{links.base}/api/v1"
    host = links.base.removeprefix("https://")
    if host == "github.com" or host.endswith(".ghe.com"):
        return f"https://api.{host}"
    return f"{links.base}/api/v3"


def _say_nothing(_: str) -> None:
    """Keep quiet: looking is not worth a line."""
