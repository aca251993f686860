"""Releases on Gitea (https://docs.gitea.com/api) and Forgejo, whose API is the same here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from poetry_aegis.forge.drafting import Asset, DraftingForge, Standing
from poetry_aegis.forge.files import name_on_forge
from poetry_aegis.forge.session import Session, encode

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.forge.refusals import Answer


class Gitea(DraftingForge):
    """The releases of a project on Gitea or Forgejo."""

    kind = "gitea"

    def _find(self, session: Session, tag: str) -> Standing | None:
        path = f"{self._project}/releases/tags/{encode(tag)}"
        return self._release_of(session, session.request("GET", path, accept=(404,)))

    def _tag_path(self, tag: str) -> str:
        return f"{self._project}/tags/{encode(tag)}"

    def _assets(self, session: Session, release: int) -> list[Asset]:
        folder = f"{self._project}/releases/{release}/assets"
        answer = session.request("GET", folder)
        return session.understand(answer, lambda rows: [_asset(row, folder) for row in rows])

    def _read_digest(self, session: Session, asset: Asset) -> str | None:
        return session.sha256(asset.url, asset.size)

    def _upload(self, session: Session, standing: Standing, path: Path) -> Answer:
        name = name_on_forge(path)
        with path.open("rb") as content:
            return session.request(
                "POST",
                f"{self._project}/releases/{standing.id}/assets",
                params={"name": name},
                files={"attachment": (name, content, "application/octet-stream")},
            )


def _asset(row: Any, folder: str) -> Asset:
    return Asset(
        path=f"{folder}/{int(row['id'])}",
        name=row["name"],
        size=int(row["size"]),
        url=str(row["browser_download_url"]),
    )
