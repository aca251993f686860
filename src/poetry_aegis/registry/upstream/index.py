"""The project pages of another index: fetched once for all who ask, believed for a while."""

from __future__ import annotations

import gzip
import logging
import time
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from poetry_aegis.registry.errors import UpstreamFailed
from poetry_aegis.registry.store.pages import render_json
from poetry_aegis.registry.upstream.client import SentPage, Verdict
from poetry_aegis.registry.upstream.flights import SingleFlight
from poetry_aegis.registry.upstream.pages import read_page
from poetry_aegis.registry.upstream.records import Record
from poetry_aegis.registry.upstream.rendering import render_html
from poetry_aegis.registry.upstream.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from poetry_aegis.registry.upstream.client import UpstreamClient
    from poetry_aegis.registry.upstream.pages import UpstreamFile, UpstreamPage
    from poetry_aegis.registry.upstream.policy import Policy
    from poetry_aegis.registry.upstream.records import Records

logger = logging.getLogger(__name__)

_MOST_KEPT = 10_000  # pages and files in memory, together
_MOST_MISSING = 10_000  # names in memory
_LONGEST_MISSING = 60.0  # seconds that a project is believed not to be there
_PAUSE = 10.0  # seconds after a failure in which what is kept will do


@dataclass(frozen=True)
class Shown:
    """A page as it is shown here, believed *until* a moment in seconds since 1970."""

    page: UpstreamPage
    until: float
    files: dict[str, UpstreamFile] = field(init=False)
    _rendered: dict[tuple[bool, bool], bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        files = {file.file_name: file for file in self.page.files}
        object.__setattr__(self, "files", files)

    def rendered(self, *, as_json: bool, zipped: bool) -> bytes:
        """Return the page's bytes, made when they are first asked for."""
        key = (as_json, zipped)
        if (found := self._rendered.get(key)) is None:
            page = render_json(self.page.to_json()) if as_json else render_html(self.page)
            found = gzip.compress(page, 6, mtime=0) if zipped else page
            self._rendered[key] = found
        return found


class UpstreamIndex:
    """The pages that *client* fetches and *records* keeps, as *policy* lets them be shown.

    *looked_up* is told of each page that was asked for whether it needed no fetching.
    """

    def __init__(
        self,
        client: UpstreamClient,
        records: Records,
        policy: Policy,
        fresh: int,
        looked_up: Callable[[bool], None],
    ) -> None:
        self._client = client
        self._records = records
        self._policy = policy
        self._fresh = fresh
        self._looked_up = looked_up
        self._flights: SingleFlight[Shown | None] = SingleFlight()
        self._shown: OrderedDict[str, Shown] = OrderedDict()
        self._missing: OrderedDict[str, float] = OrderedDict()
        self._paused_until = float("-inf")  # of the monotonic clock, as are the ends of _missing

    async def page(self, project: str) -> Shown | None:
        """Return the page, ``None`` where there is none outside either.

        One that is kept is given in the place of one that cannot be fetched. Raises
        `UpstreamFailed` where none is kept.
        """
        shown = self._shown.get(project)
        is_known = self._is_missing(project) or (shown and self._is_fresh(shown.until))
        if is_known:
            self._looked_up(bool(is_known))
            return shown
        return await self._flights.run(project, lambda: self._find(project))

    async def file(self, project: str, file_name: str) -> UpstreamFile | None:
        """Return a file that the page names, ``None`` where it does not.

        Any page will do that names it: the client that asks has seen one. Raises `UpstreamFailed`.
        """
        shown = self._shown.get(project)
        if shown is None or file_name not in shown.files:
            shown = await self.page(project)
        return shown.files.get(file_name) if shown else None

    async def _find(self, project: str) -> Shown | None:
        record = await in_thread(self._records.read, project)
        if record and time.monotonic() < self._paused_until:
            record = self._put_off(record)
        is_known = record is not None and self._is_fresh(record.fetched + self._fresh)
        self._looked_up(is_known)
        if not is_known:
            record = await self._fetch(project, record)
        if record is None:
            self._keep_missing(project)
            return None
        return self._keep(await in_thread(self._show, record))

    async def _fetch(self, project: str, kept: Record | None) -> Record | None:
        try:
            sent = await self._client.page(project, kept.etag if kept else None)
            record = await in_thread(self._record, project, sent, kept)
        except UpstreamFailed:
            if kept is None:
                raise
            self._paused_until = time.monotonic() + _PAUSE
            logger.warning("The page of %s is shown as it was fetched before.", project)
            return self._put_off(kept)
        if record is None:
            await in_thread(self._records.forget, project)
        else:
            await in_thread(self._records.write, record)
        return record

    def _record(self, project: str, sent: SentPage | Verdict, kept: Record | None) -> Record | None:
        if isinstance(sent, Verdict):
            unchanged = sent is Verdict.UNCHANGED and kept
            return replace(unchanged, fetched=time.time()) if unchanged else None
        try:
            page = read_page(sent.body, sent.content_type, sent.address, project)
        except ValueError as error:
            raise self._client.failure("page", f"the page of {project}: {error}") from error
        if page.hidden:
            logger.info(
                "%d files of %s are not shown: no wheel or .tar.gz of that project, or no sha256.",
                page.hidden,
                project,
            )
        return Record(page, time.time(), sent.etag)

    def _put_off(self, record: Record) -> Record:
        """Return *record*, fresh for as long as the pause lasts unless it is so for longer."""
        pause = min(_PAUSE, self._fresh)
        return replace(record, fetched=max(record.fetched, time.time() - self._fresh + pause))

    def _show(self, record: Record) -> Shown:
        page = self._policy.shown(record.page, datetime.now(timezone.utc))
        return Shown(page, record.fetched + self._fresh)

    def _keep(self, shown: Shown) -> Shown:
        self._missing.pop(shown.page.project, None)
        self._shown[shown.page.project] = shown
        self._shown.move_to_end(shown.page.project)
        while sum(1 + len(kept.files) for kept in self._shown.values()) > _MOST_KEPT:
            self._shown.popitem(last=False)
        return shown

    def _keep_missing(self, project: str) -> None:
        self._shown.pop(project, None)
        self._missing[project] = time.monotonic() + min(_LONGEST_MISSING, self._fresh)
        while len(self._missing) > _MOST_MISSING:
            self._missing.popitem(last=False)

    def _is_missing(self, project: str) -> bool:
        return time.monotonic() < self._missing.get(project, float("-inf"))

    def _is_fresh(self, until: float) -> bool:
        # The clock may have been set back since: then it is too far ahead.
        return 0 < until - time.time() <= self._fresh
