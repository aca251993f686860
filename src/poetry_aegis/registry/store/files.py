"""The files of a store: put into place and taken away, each step durable. All raise ``OSError``."""

from __future__ import annotations

import contextlib
import shutil
import uuid
from typing import TYPE_CHECKING

from poetry_aegis.atomic import LEFTOVERS, fsync_directory, write_all, write_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.registry.archives.distributions import Distribution
    from poetry_aegis.registry.data import DataDirectory


def put_in_place(
    data: DataDirectory, path: Path, distribution: Distribution, provenance: bytes | None
) -> None:
    """Move the durable file *path* to where *distribution* belongs, what lies beside it first."""
    name = distribution.name
    folder = data.project_files(name.project)
    if not folder.exists():
        folder.mkdir()
        fsync_directory(folder.parent)
    beside = {data.metadata(name.project, name.file_name).name: distribution.core_metadata}
    if provenance is not None:
        beside[data.provenance(name.project, name.file_name).name] = provenance
    # What may find no space comes before anything of a file that is overwritten goes.
    write_all(folder, beside)
    if provenance is None:
        put_provenance(data, distribution, None)
    path.replace(data.distribution(name.project, name.file_name))
    fsync_directory(folder)


def put_provenance(
    data: DataDirectory, distribution: Distribution, provenance: bytes | None
) -> None:
    """Let *provenance* lie beside *distribution*; none where it is ``None``."""
    path = data.provenance(distribution.name.project, distribution.name.file_name)
    if provenance is None:
        # Attestations of other bytes must not be found beside these.
        path.unlink(missing_ok=True)
    else:
        write_bytes(path, provenance)


def provenance_beside(data: DataDirectory, project: str, file_name: str) -> bytes | None:
    """Return what lies beside a distribution, ``None`` where nothing does."""
    try:
        return data.provenance(project, file_name).read_bytes()
    except FileNotFoundError:
        return None


def unlink(data: DataDirectory, project: str, file_name: str) -> None:
    """Remove a distribution and what lies beside it, where they are."""
    for path in (data.distribution, data.metadata, data.provenance):
        path(project, file_name).unlink(missing_ok=True)


def throw_away(data: DataDirectory, folder: Path) -> None:
    """Remove a whole folder, where it is: in one step out of sight, then file by file."""
    discarded = data.trash / uuid.uuid4().hex
    with contextlib.suppress(FileNotFoundError):
        folder.rename(discarded)
        fsync_directory(folder.parent)
        shutil.rmtree(discarded, ignore_errors=True)


def sync_folder(folder: Path) -> None:
    """Make what was removed from *folder* durable, if it is there at all."""
    with contextlib.suppress(FileNotFoundError):
        fsync_directory(folder)


def empty_trash(data: DataDirectory) -> None:
    """Remove what a crash has left of folders that were thrown away."""
    for discarded in data.trash.iterdir():
        shutil.rmtree(discarded, ignore_errors=True)


def remove_temporary(folder: Path) -> None:
    """Remove the temporary files of writes that a crash cut off."""
    for leftover in folder.glob(LEFTOVERS):
        leftover.unlink(missing_ok=True)
