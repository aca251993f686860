"""Work on a server's data directory, while it runs or not, done by the registry's own code."""

from __future__ import annotations

import contextlib
import errno
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from poetry_aegis.errors import ImportFailed, ServerError
from poetry_aegis.server.config import load_settings
from poetry_aegis.server.extra import missing, require_registry
from poetry_aegis.server.stack.owner import keeping_ownership

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from poetry_aegis.registry.importing.importer import ImportReport, Listener
    from poetry_aegis.registry.options import SignatureSettings
    from poetry_aegis.registry.store.report import Report
    from poetry_aegis.registry.upkeep import PlannedRemoval, Upkeep
    from poetry_aegis.server.config import ServerSettings
    from poetry_aegis.server.home import ServerHome


def reindex(
    home: ServerHome,
    projects: Sequence[str],
    progress: Callable[[int, int], None],
    *,
    check: bool,
) -> Report:
    """Bring the pages of *projects* up to date, of all if none is named, or only *check* them.

    Returns what did not match. Raises `NoServer`, `MissingExtra`, `ServerError`.
    """
    signatures = _signatures(home, load_settings(home)) if check else None
    with _at_work(home, signatures) as work:
        return (work.check if check else work.reindex)(projects, progress)


@dataclass(frozen=True)
class ImportOrder:
    """What to import: from where, only projects that match patterns, one *index* of several."""

    location: str
    only: Sequence[str] = ()
    index: str | None = None


def take_over(
    home: ServerHome, order: ImportOrder, listener: Listener, *, dry_run: bool
) -> ImportReport:
    """Import what *order* asks for from a directory or a URL, files as large as uploads may be.

    Raises as `reindex` does, and `ImportFailed` where the source cannot be read.
    """
    settings = load_settings(home)
    with _at_work(home, _signatures(home, settings)) as work:
        from poetry_aegis.registry.importing.sources import open_source

        return work.take_over(
            open_source(order.location, order.index),
            only=order.only,
            largest=settings.max_upload_bytes,
            listener=listener,
            dry_run=dry_run,
        )


def prune(
    home: ServerHome, settings: ServerSettings, projects: Sequence[str], *, apply: bool
) -> list[PlannedRemoval]:
    """Return what the retention rules of *settings* let go, and delete it to *apply*.

    Raises as `reindex` does.
    """
    with _at_work(home) as work:
        return work.prune(settings.retention, projects, apply=apply)


def _signatures(home: ServerHome, settings: ServerSettings) -> SignatureSettings:
    """Return which uploads must be signed, with the file of trusted keys where it is."""
    signatures = settings.signatures
    if not signatures.trust:
        return signatures
    return replace(signatures, trust=str(home.trust_file(signatures.trust)))


@contextlib.contextmanager
def _at_work(home: ServerHome, signatures: SignatureSettings | None = None) -> Iterator[Upkeep]:
    """Open the data of *home*, and turn the registry's errors into those of this command line."""
    home.require()
    home.require_data()
    require_registry()
    from poetry_aegis.registry import errors
    from poetry_aegis.registry.upkeep import upkeep

    try:
        with keeping_ownership(home, whole=True), upkeep(home.data, signatures) as work:
            yield work
    except errors.ImportFailed as error:
        raise ImportFailed(str(error)) from error
    except errors.UnusableData as error:
        raise ServerError(
            str(error), hint="Run the command as the user that the server runs as."
        ) from error
    except errors.RegistryError as error:
        raise ServerError(str(error)) from error
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("poetry_aegis"):
            raise
        raise missing(error.name or "a package") from error
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise ServerError(
            f"There is no space left for {home.data}.",
            hint="Make room, then run the command again; what is done stays done.",
        ) from error
