"""Releases on GitHub and GitHub Enterprise (https://docs.github.com/en/rest/releases)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from poetry_aegis.forge.drafting import Asset, DraftingForge, Standing, standings
from poetry_aegis.forge.files import name_on_forge
from poetry_aegis.forge.session import Session, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from poetry_aegis.forge.refusals import Answer
    from poetry_aegis.forge.releases import ForgeRelease

T = TypeVar("T")

_PAGE = 100  # rows, the most that one answer lists
_MOST_PAGES = 100  # GitHub lists no more than 10,000 releases
_BINARY = "application/octet-stream"


class GitHub(DraftingForge):
    """The releases of a project on GitHub."""

    kind = "github"

    @property
    def _uploads(self) -> str | None:
        scheme, _, host = self.api.partition("://api.")
        return f"{scheme}://uploads.{host}" if host else None

    def _knows_better(self) -> bool:
        # An app's token, as in Actions, has rights of its own: what GitHub tells is its user's.
        return self._token.value.startswith("ghs_")

    def _publication(self, release: ForgeRelease) -> dict[str, object]:
        # A release of an older line must not become "latest": GitHub is to compare versions.
        latest = {} if release.prerelease else {"make_latest": "legacy"}
        return {**super()._publication(release), **latest}

    def _find(self, session: Session, tag: str) -> Standing | None:
        path = f"{self._project}/releases/tags/{encode(tag)}"
        published = self._release_of(session, session.request("GET", path, accept=(404,)))
        if published:
            return published
        drafts = _rows(session, f"{self._project}/releases", lambda rows: standings(rows, tag))
        return next(drafts, None)

    def _tag_path(self, tag: str) -> str:
        return f"{self._project}/git/ref/tags/{encode(tag)}"

    def _assets(self, session: Session, release: int) -> list[Asset]:
        folder = f"{self._project}/releases/assets"
        path = f"{self._project}/releases/{release}/assets"
        return list(_rows(session, path, lambda rows: [_asset(row, folder) for row in rows]))

    def _read_digest(self, session: Session, asset: Asset) -> str | None:
        return session.sha256(asset.url, asset.size, {"Accept": _BINARY})

    def _upload(self, session: Session, standing: Standing, path: Path) -> Answer:
        with path.open("rb") as content:
            return session.request(
                "POST",
                standing.upload_url.partition("{")[0],
                params={"name": name_on_forge(path)},
                content=content,
                headers={"Content-Type": _BINARY},
                accept=(422,),
            )


def _rows(session: Session, path: str, read: Callable[[Any], list[T]]) -> Iterator[T]:
    """Yield what *read* makes of each page of a listing."""
    for page in range(1, _MOST_PAGES + 1):
        answer = session.request("GET", path, params={"per_page": _PAGE, "page": page})
        count, found = session.understand(answer, lambda rows: (len(rows), read(rows)))
        yield from found
        if count < _PAGE:
            return


def _asset(row: Any, folder: str) -> Asset:
    algorithm, _, digest = str(row.get("digest") or "").partition(":")
    return Asset(
        path=f"{folder}/{int(row['id'])}",
        name=row["name"],
        size=int(row["size"]),
        url=str(row["url"]),
        sha256=digest if algorithm == "sha256" else None,
        whole=row["state"] == "uploaded",
    )
