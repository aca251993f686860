"""The pages of another index on disk: ``upstream/<project>/page.json``."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.atomic import write_bytes
from poetry_aegis.registry.errors import StoreFull
from poetry_aegis.registry.upstream.pages import UpstreamPage, read_record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

logger = logging.getLogger(__name__)

_RECORD = "page.json"


@dataclass(frozen=True)
class Record:
    """A page as it was *fetched*, in seconds since 1970, and the ETag that it had."""

    page: UpstreamPage
    fetched: float
    etag: str | None


class Records:
    """The pages that were fetched from *index*; those of another one are not believed.

    *require_space* raises `StoreFull` where the disk should not take so many bytes more.
    """

    def __init__(self, folder: Path, index: str, require_space: Callable[[int], None]) -> None:
        self._folder = folder
        self._index = index
        self._require_space = require_space

    def read(self, project: str) -> Record | None:
        """Return the record of *project*, ``None`` without one."""
        try:
            content = json.loads((self._folder / project / _RECORD).read_bytes())
            if content["index"] != self._index:
                return None
            return Record(read_record(content["page"]), float(content["fetched"]), content["etag"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            logger.warning("The upstream page of %s cannot be read: %r.", project, error)
            return None

    def write(self, record: Record) -> None:
        """Keep *record*. Where the disk does not take it, the page is fetched again some day."""
        content = {
            "index": self._index,
            "fetched": record.fetched,
            "etag": record.etag,
            "page": record.page.record(),
        }
        encoded = json.dumps(content, separators=(",", ":")).encode()
        folder = self._folder / record.page.project
        try:
            self._require_space(len(encoded))
            folder.mkdir(parents=True, exist_ok=True)
            write_bytes(folder / _RECORD, encoded)
        except (OSError, StoreFull) as error:
            logger.warning("The upstream page of %s is not kept: %s.", record.page.project, error)

    def forget(self, project: str) -> None:
        """Keep nothing of *project*'s page; its files are no longer found then."""
        try:
            (self._folder / project / _RECORD).unlink(missing_ok=True)
        except OSError as error:
            logger.warning("The upstream page of %s is not removed: %s.", project, error)
