"""Releases as GitHub makes them, and Gitea and Forgejo after it.

A release begins as a draft, which nobody sees; its files are added, and then it is published
whole. Where this breaks off, the draft is found and completed.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from poetry_aegis.errors import ForgeError
from poetry_aegis.forge.files import name_on_forge, sha256_of
from poetry_aegis.forge.patience import Setback, persist
from poetry_aegis.forge.refusals import Answer, said_by
from poetry_aegis.forge.releases import Forge, ForgeRelease, is_same_text
from poetry_aegis.forge.session import Session, encode
from poetry_aegis.forge.tokens import RIGHTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True)
class Asset:
    """A file of a release on the forge: *url* serves its content, *sha256* is in hex.

    *path* is the file's in the API. One that is not *whole* broke off while it was uploaded.
    """

    path: str
    name: str
    size: int
    url: str
    sha256: str | None = None
    whole: bool = True


@dataclass(frozen=True)
class Standing:
    """A release as it is on the forge."""

    id: int
    title: str
    notes: str
    prerelease: bool
    draft: bool
    upload_url: str

    def shows(self, release: ForgeRelease) -> bool:
        """Return whether this is *release*, its files apart."""
        return (
            not self.draft
            and self.title == release.title
            and self.prerelease == release.prerelease
            and is_same_text(self.notes, release.notes)
        )


class DraftingForge(Forge):
    """What GitHub and Gitea have in common."""

    def page(self, tag: str) -> str:
        """Return the page of the release of *tag*."""
        return self.links.tag(tag)

    @property
    def _project(self) -> str:
        return f"repos/{encode(self.links.owner)}/{encode(self.links.name)}"

    def _check(self, session: Session) -> None:
        answer = session.request("GET", self._project)
        may_push = session.understand(
            answer, lambda data: (data.get("permissions") or {}).get("push")
        )
        if may_push is False and not self._knows_better():
            raise ForgeError(
                f"The token in {self._token.variable} may read {self.links.web}, but not write.",
                hint=RIGHTS[self.kind],
            )

    def _stands(self, session: Session, release: ForgeRelease) -> bool:
        standing = self._find(session, release.tag)
        if standing is None or not standing.shows(release):
            return False
        assets = self._assets(session, standing.id)
        return all(
            len(same := _named(assets, path)) == 1 and self._holds(session, same[0], path)
            for path in release.files
        )

    def _publish(
        self, session: Session, release: ForgeRelease, tell: Callable[[str], None]
    ) -> None:
        standing = persist(lambda: self._find_or_draft(session, release), self._patience, tell)
        for path in release.files:
            put_file = partial(self._put_file, session, standing, path)
            if persist(put_file, self._patience, tell):
                tell(f"{self.name} has {path.name}.")
        persist(lambda: self._show(session, standing.id, release), self._patience, tell)

    def _find_or_draft(self, session: Session, release: ForgeRelease) -> Standing:
        return self._find(session, release.tag) or self._draft(session, release)

    def _draft(self, session: Session, release: ForgeRelease) -> Standing:
        # Asked first, because a forge makes a tag that it lacks: on any commit it likes.
        tag = session.request("GET", self._tag_path(release.tag), accept=(404,))
        if not tag.ok:
            raise ForgeError(
                f"{self.name} does not have the tag {release.tag}.",
                hint=f"Push it first: git push REMOTE {release.tag}",
            )
        document = {"tag_name": release.tag, "draft": True, **_document(release)}
        answer = session.request(
            "POST", f"{self._project}/releases", json=document, accept=(409, 422)
        )
        if not answer.ok:
            raise self._taken(session, answer)
        return session.understand(answer, _standing)

    def _put_file(self, session: Session, standing: Standing, path: Path) -> bool:
        """Make *path* the one file of its name; return whether that changed anything."""
        same = _named(self._assets(session, standing.id), path)
        kept = next((asset for asset in same if self._holds(session, asset, path)), None)
        for asset in same:
            if asset is not kept:
                session.request("DELETE", asset.path, accept=(404,))
        if kept is not None:
            return False
        answer = self._upload(session, standing, path)
        if not answer.ok:
            raise self._taken(session, answer)
        return True

    def _show(self, session: Session, identity: int, release: ForgeRelease) -> None:
        """Publish the draft, or mend what the release shows."""
        path = f"{self._project}/releases/{identity}"
        standing = session.understand(session.request("GET", path), _standing)
        if not standing.shows(release):
            session.request("PATCH", path, json=self._publication(release))

    def _holds(self, session: Session, asset: Asset, path: Path) -> bool:
        """Return whether *asset* has the content of *path*, as far as the forge lets that see."""
        if not asset.whole or asset.size != path.stat().st_size:
            return False
        digest = asset.sha256 or self._read_digest(session, asset)
        return digest is None or digest == sha256_of(path)

    def _taken(self, session: Session, answer: Answer) -> Setback:
        """Return what to raise where something of the name came up since it was looked for."""
        said = said_by(answer, session.server)
        return Setback(
            ForgeError(
                f"{self.name} refused the request ({said}).",
                hint="Look at the releases on its page, drafts included, and run the command "
                "again: what stands already is not made twice.",
            )
        )

    def _knows_better(self) -> bool:
        """Return whether the token may write although the forge says that its user may not."""
        return False

    def _publication(self, release: ForgeRelease) -> dict[str, object]:
        """Return the document that publishes *release*."""
        return {"draft": False, **_document(release)}

    @abstractmethod
    def _find(self, session: Session, tag: str) -> Standing | None:
        """Return the release of *tag*, a draft if there is no other."""

    @abstractmethod
    def _tag_path(self, tag: str) -> str:
        """Return where the API shows that *tag* exists."""

    @abstractmethod
    def _assets(self, session: Session, release: int) -> list[Asset]:
        """Return all files of a release, half uploaded ones too."""

    @abstractmethod
    def _read_digest(self, session: Session, asset: Asset) -> str | None:
        """Return the SHA-256 of what the forge serves for *asset*, if it can be had."""

    @abstractmethod
    def _upload(self, session: Session, standing: Standing, path: Path) -> Answer:
        """Return the answer to an upload: a success, or that the name is taken."""

    def _release_of(self, session: Session, answer: Answer) -> Standing | None:
        return session.understand(answer, _standing) if answer.ok else None


def standings(rows: Any, tag: str) -> list[Standing]:
    """Return the releases of *tag* among *rows*, as the API lists them."""
    return [_standing(row) for row in rows if row["tag_name"] == tag]


def _standing(row: Any) -> Standing:
    return Standing(
        id=int(row["id"]),
        title=row["name"] or "",
        notes=row["body"] or "",
        prerelease=bool(row["prerelease"]),
        draft=bool(row["draft"]),
        upload_url=str(row.get("upload_url") or ""),
    )


def _document(release: ForgeRelease) -> dict[str, object]:
    return {"name": release.title, "body": release.notes, "prerelease": release.prerelease}


def _named(assets: list[Asset], path: Path) -> list[Asset]:
    name = name_on_forge(path)
    return [asset for asset in assets if asset.name == name]
