"""Releases on GitLab (https://docs.gitlab.com/api/releases/).

Files live in the project's generic package registry, under the tag as their version, and the
release links to them. They go first, so that a release is never seen without its files. GitLab
has no pre-release flag.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from poetry_aegis.errors import ForgeError
from poetry_aegis.forge.files import name_on_forge, plain_name, sha256_of
from poetry_aegis.forge.patience import Setback, persist
from poetry_aegis.forge.refusals import said_by
from poetry_aegis.forge.releases import Forge, ForgeRelease, is_same_text
from poetry_aegis.forge.session import Session, encode
from poetry_aegis.forge.tokens import RIGHTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PACKAGE = "release-assets"
_DEVELOPER = 30  # the access level from which a member may make releases


@dataclass(frozen=True)
class _Link:
    id: int
    name: str
    url: str


@dataclass(frozen=True)
class _Standing:
    title: str
    notes: str
    links: tuple[_Link, ...]

    def tells_of(self, release: ForgeRelease) -> bool:
        return self.title == release.title and is_same_text(self.notes, release.notes)


class GitLab(Forge):
    """The releases of a project on GitLab."""

    kind = "gitlab"

    def page(self, tag: str) -> str:
        """Return the page of the release of *tag*."""
        return f"{self.links.web}/-/releases/{encode(tag)}"

    @property
    def _project(self) -> str:
        return f"projects/{encode(self.links.project)}"

    def _check(self, session: Session) -> None:
        if self._token.header == "JOB-TOKEN":
            # A job may not look at the project itself.
            session.request("GET", f"{self._project}/releases", params={"per_page": 1})
            return
        answer = session.request("GET", self._project)
        # An administrator has no level of its own, and neither has the public: that shows later.
        level = session.understand(answer, _access_level)
        if level is not None and level < _DEVELOPER:
            raise ForgeError(
                f"The token in {self._token.variable} may read {self.links.web}, but not write.",
                hint=RIGHTS[self.kind],
            )

    def _stands(self, session: Session, release: ForgeRelease) -> bool:
        standing = self._find(session, release.tag)
        if standing is None or not standing.tells_of(release):
            return False
        linked = {link.name: link.url for link in standing.links}
        return all(linked.get(name) == url for name, url in self._links(release).items()) and all(
            self._holds(session, release.tag, path) for path in release.files
        )

    def _publish(
        self, session: Session, release: ForgeRelease, tell: Callable[[str], None]
    ) -> None:
        for path in release.files:
            put_file = partial(self._put_file, session, release.tag, path)
            if persist(put_file, self._patience, tell):
                tell(f"{self.name} has {path.name}.")
        persist(lambda: self._put_release(session, release), self._patience, tell)

    def _put_file(self, session: Session, tag: str, path: Path) -> bool:
        """Have *path* served for *tag*; return whether that changed anything."""
        if self._holds(session, tag, path):
            return False
        with path.open("rb") as content:
            session.request("PUT", self._file_url(tag, path), content=content)
        return True

    def _holds(self, session: Session, tag: str, path: Path) -> bool:
        # Of several uploads of one name, GitLab serves the last.
        return session.sha256(self._file_url(tag, path)) == sha256_of(path)

    def _put_release(self, session: Session, release: ForgeRelease) -> None:
        standing = self._find(session, release.tag)
        if standing is None:
            self._create(session, release)
            return
        if not standing.tells_of(release):
            session.request("PUT", self._release_path(release.tag), json=_document(release))
        for name, url in self._links(release).items():
            self._put_link(session, release.tag, standing, name, url)

    def _create(self, session: Session, release: ForgeRelease) -> None:
        # No "ref": GitLab is to refuse where the tag is missing, not to make it.
        links = [_link_document(name, url) for name, url in self._links(release).items()]
        document = {"tag_name": release.tag, **_document(release), "assets": {"links": links}}
        answer = session.request(
            "POST", f"{self._project}/releases", json=document, accept=(400, 409, 422)
        )
        if answer.ok:
            return
        refused = ForgeError(
            f"{self.name} refused the release ({said_by(answer, session.server)}).",
            hint=f"Is the tag there? git push REMOTE {release.tag}",
        )
        raise Setback(refused) if answer.status == 409 else refused

    def _put_link(
        self, session: Session, tag: str, standing: _Standing, name: str, url: str
    ) -> None:
        path = f"{self._release_path(tag)}/assets/links"
        # Both are unique within a release.
        same = (link for link in standing.links if link.name == name or link.url == url)
        link = next(same, None)
        if link is None:
            session.request("POST", path, json=_link_document(name, url))
        elif (link.name, link.url) != (name, url):
            session.request("PUT", f"{path}/{link.id}", json=_link_document(name, url))

    def _find(self, session: Session, tag: str) -> _Standing | None:
        answer = session.request("GET", self._release_path(tag), accept=(404,))
        return session.understand(answer, _standing) if answer.ok else None

    def _release_path(self, tag: str) -> str:
        return f"{self._project}/releases/{encode(tag)}"

    def _links(self, release: ForgeRelease) -> dict[str, str]:
        return {name_on_forge(path): self._file_url(release.tag, path) for path in release.files}

    def _file_url(self, tag: str, path: Path) -> str:
        folder = f"{self.api}/{self._project}/packages/generic/{_PACKAGE}"
        return f"{folder}/{encode(plain_name(tag))}/{encode(name_on_forge(path))}"


def _access_level(data: Any) -> int | None:
    permissions = data["permissions"]
    levels = [permissions.get(name) for name in ("project_access", "group_access")]
    return max((int(level["access_level"]) for level in levels if level), default=None)


def _standing(data: Any) -> _Standing:
    links = data["assets"]["links"]
    return _Standing(
        title=data["name"] or "",
        notes=data["description"] or "",
        links=tuple(_Link(int(row["id"]), row["name"], row["url"]) for row in links),
    )


def _document(release: ForgeRelease) -> dict[str, object]:
    return {"name": release.title, "description": release.notes}


def _link_document(name: str, url: str) -> dict[str, object]:
    return {"name": name, "url": url, "link_type": "package"}
