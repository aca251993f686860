"""An open way to a repository: to what takes uploads, and to the index that shows them."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.errors import PublishError, Unauthorized, Unreachable
from poetry_aegis.publish.index import Index
from poetry_aegis.publish.patience import DEFAULT_PATIENCE, Patience
from poetry_aegis.publish.repository import check_upload_url
from poetry_aegis.publish.web import Web

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from poetry_aegis.publish.index import IndexedFile
    from poetry_aegis.publish.reporter import Reporter
    from poetry_aegis.publish.repository import Repository


@dataclass(frozen=True)
class Connection:
    """An open way to a repository: its *index*, where that is known, and who hears of it all."""

    repository: Repository
    web: Web
    index: Index | None
    reporter: Reporter
    patience: Patience

    def page(self, project: str) -> Mapping[str, IndexedFile] | None:
        """Return the files of *project* on the index, by name.

        ``None`` where the index is not known, or where only reading is refused. Raises
        `Unauthorized` and `Unreachable`: the upload would fail the same way, only later.
        """
        if self.index is None:
            return None
        try:
            return self.index.project_page(project)
        except (Unauthorized, Unreachable):
            raise
        except PublishError as error:
            self.reporter.note(f"What is already there cannot be seen: {error}")
            return None


@contextlib.contextmanager
def connection(
    repository: Repository, reporter: Reporter, patience: Patience = DEFAULT_PATIENCE
) -> Iterator[Connection]:
    """Yield a `Connection` to *repository*. Raises `NotAnUploadUrl` for what is no address."""
    check_upload_url(repository)
    for note in repository.notes:
        reporter.note(note)
    with contextlib.closing(Web(repository)) as web:
        url = repository.index_url
        index = None if url is None else Index(web, url, patience, reporter.note)
        yield Connection(repository, web, index, reporter, patience)
