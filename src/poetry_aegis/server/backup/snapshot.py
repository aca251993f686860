"""The index as it is at one moment of each project, while clients upload.

Under a project's lock its files and pages are linked into a folder of the data directory, which
takes milliseconds; nothing that the registry does changes a file that is there. What was linked is
then read at leisure.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from poetry_aegis.atomic import LEFTOVERS
from poetry_aegis.errors import BackupError
from poetry_aegis.server.backup.failures import registry_errors
from poetry_aegis.server.backup.lending import give_back, lend
from poetry_aegis.server.extra import require_registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.server.config import ServerSettings
    from poetry_aegis.server.home import ServerHome

_PREFIX = "backup-"


@dataclass(frozen=True)
class Source:
    """A file to back up: its *path* in the backup, where it is read, and what it was there."""

    path: str
    file: Path
    size: int
    mtime_ns: int
    inode: int
    mode: int

    @classmethod
    def of(cls, path: str, file: Path, was: os.stat_result) -> Source:
        """Return the source that *was* describes."""
        mode = was.st_mode & 0o777
        return cls(path, file, was.st_size, was.st_mtime_ns, was.st_ino, mode)


@dataclass
class Snapshot:
    """The files of a home, sorted by path; *skipped* names what is no regular file."""

    sources: list[Source] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


@contextlib.contextmanager
def snapshot(home: ServerHome, settings: ServerSettings) -> Iterator[Snapshot]:
    """Freeze the index of *home* until the block ends; what waits for it does so for a moment.

    Raises `BackupError`, `MissingExtra` and ``OSError``.
    """
    from poetry_aegis.registry.data import DataDirectory

    _refuse_link(home.settings_file, "Put the file itself there: no backup is whole without it.")
    data = DataDirectory(home.data)
    folder = data.work / f"{_PREFIX}{uuid.uuid4().hex}"
    found = Snapshot()
    for leftover in data.work.glob(f"{_PREFIX}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        try:
            _freeze(data, _Frozen(found, folder), settings)
        finally:
            give_back(home.data)
        for path in (home.settings_file, home.env_file, home.trust_file()):
            _note(found, path.name, path)
        if home.tls.is_dir():
            for path in home.tls.iterdir():
                _note(found, f"tls/{path.name}", path)
        found.sources.sort(key=lambda source: source.path)
        yield found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _refuse_link(path: Path, hint: str) -> None:
    if path.is_symlink():
        raise BackupError(
            f"{path} is a symbolic link, and what lies behind it is not backed up.", hint=hint
        )


def _freeze(data: DataDirectory, frozen: _Frozen, settings: ServerSettings) -> None:
    for top in (data.packages, data.simple):
        _refuse_link(top, "Mount the disk there, or let the whole data directory be the link.")
    if settings.engine == "registry":
        _freeze_projects(data, frozen)
    for top in (data.packages, data.simple, data.auth):
        frozen.take(top)
    if data.database.exists():
        _copy_database(data.database, frozen.folder / "state.db")
        _note(frozen.snapshot, "data/state.db", frozen.folder / "state.db")


def _freeze_projects(data: DataDirectory, frozen: _Frozen) -> None:
    require_registry()
    with registry_errors():
        from poetry_aegis.registry.names import is_normalized
        from poetry_aegis.registry.upkeep import upkeep

        names = _names_in(data.packages) | _names_in(data.simple)
        projects = sorted(filter(is_normalized, names))
        lend(data.root, [data.in_use, *(data.locks / f"{name}.lock" for name in projects)])
        with upkeep(data.root) as work:
            for project in projects:
                with work.store.frozen(project):
                    frozen.take(data.project_files(project))
                    frozen.take(data.project_pages(project))
                frozen.done |= {data.project_files(project), data.project_pages(project)}


def _names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


@dataclass
class _Frozen:
    """Links what is below the data directory into *folder*; what is *done* is left out."""

    snapshot: Snapshot
    folder: Path
    done: set[Path] = field(default_factory=set)

    def take(self, top: Path) -> None:
        """Link *top* and all below it, if it is there."""
        if top in self.done:
            return
        relative = top.relative_to(self.folder.parents[1])
        (self.folder / relative).mkdir(parents=True, exist_ok=True)
        try:
            found = sorted(os.scandir(top), key=lambda item: item.name)
        except (FileNotFoundError, NotADirectoryError):
            return
        for item in found:
            if item.is_dir(follow_symlinks=False):
                self.take(Path(item.path))
            elif not Path(item.name).match(LEFTOVERS):
                with contextlib.suppress(FileNotFoundError):  # gone meanwhile
                    self._link(item, relative / item.name)

    def _link(self, item: os.DirEntry[str], relative: Path) -> None:
        path = f"data/{relative.as_posix()}"
        if not item.is_file(follow_symlinks=False):
            self.snapshot.skipped.append(path)
            return
        was, target = item.stat(follow_symlinks=False), self.folder / relative
        try:
            os.link(item.path, target, follow_symlinks=False)
        except FileNotFoundError:
            raise
        except (OSError, NotImplementedError):  # a file system or a rule without links
            shutil.copy2(item.path, target, follow_symlinks=False)
        self.snapshot.sources.append(Source.of(path, target, was))


def _note(found: Snapshot, path: str, file: Path) -> None:
    """Take in *file* as it lies there; nothing where it is missing."""
    try:
        was = file.lstat()
    except FileNotFoundError:
        return
    if file.is_file() and not file.is_symlink():
        found.sources.append(Source.of(path, file, was))
    elif not file.is_dir():
        found.skipped.append(path)


def _copy_database(source: Path, target: Path) -> None:
    """Copy a database that is in use, as it is between two transactions."""
    target.touch(mode=0o600)
    try:
        with (
            contextlib.closing(sqlite3.connect(source, timeout=10)) as reader,
            contextlib.closing(sqlite3.connect(target)) as writer,
        ):
            reader.backup(writer)
    except sqlite3.Error as error:
        raise BackupError(
            f"The database {source} cannot be copied: {error}.",
            hint="Without it the packages are whole still: move it away, and a new one is begun.",
        ) from error
