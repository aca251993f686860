"""Where things are in the data directory. Nothing here reads or writes, but `DataDirectory.open`.

::

    packages/<project>/<file>             the distributions
    packages/<project>/<file>.metadata    core metadata (PEP 658, PEP 714)
    packages/<project>/<file>.provenance  attestations (PEP 740)
    simple/index.{json,html}              the project list, each also as .gz
    simple/<project>/index.{json,html}    the project pages, each also as .gz
    simple/<project>/withheld.json        the record of a project that is quarantined
    auth/htpasswd, auth/access.toml       users, their roles and rights, tokens
    upstream/                             pages and files of the index behind this one
    state.db                              audit trail, downloads, catalogue (SQLite)
    .work/incoming/                       uploads on their way; emptied at start
    .work/locks/                          one lock file per project
    .work/pending/                        a marker for each project that is being changed
    .work/unlisted/                       … and for each that the project list is to show or to drop
    .work/trash/                          deleted projects until their files are gone
    .work/last-backup                     an empty file, as old as the last backup
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from poetry_aegis.registry.errors import UnusableData
from poetry_aegis.registry.names import METADATA_SUFFIX, PROVENANCE_SUFFIX, is_normalized

WITHHELD = "withheld.json"


@dataclass(frozen=True)
class DataDirectory:
    """The paths in a data directory."""

    root: Path

    @classmethod
    def open(cls, root: Path) -> DataDirectory:
        """Return the data directory *root* with its folders made. Raises `UnusableData`."""
        data = cls(Path(root).absolute())
        try:
            for folder in (data.packages, data.simple, *data.workshops):
                folder.mkdir(parents=True, exist_ok=True)
            data.auth.mkdir(mode=0o700, exist_ok=True)
            data.work.chmod(0o700)
            data.check_writable()
        except OSError as error:
            raise UnusableData(
                f"The data directory {data.root} cannot be used: {error.strerror or error}."
            ) from error
        return data

    @property
    def packages(self) -> Path:
        """The distributions, a folder per project."""
        return self.root / "packages"

    @property
    def simple(self) -> Path:
        """The rendered pages."""
        return self.root / "simple"

    @property
    def auth(self) -> Path:
        """Users and roles."""
        return self.root / "auth"

    @property
    def upstream(self) -> Path:
        """What was fetched from the index behind this one."""
        return self.root / "upstream"

    @property
    def database(self) -> Path:
        """The audit trail, downloads and the catalogue."""
        return self.root / "state.db"

    @property
    def work(self) -> Path:
        """What the registry needs for itself and nobody is served."""
        return self.root / ".work"

    @property
    def incoming(self) -> Path:
        """Uploads on their way."""
        return self.work / "incoming"

    @property
    def locks(self) -> Path:
        """Lock files."""
        return self.work / "locks"

    @property
    def in_use(self) -> Path:
        """The lock that all share who write here; no project can be called so."""
        return self.locks / ".in-use"

    @property
    def pending(self) -> Path:
        """A marker for each project that is being changed."""
        return self.work / "pending"

    @property
    def unlisted(self) -> Path:
        """A marker for each project that has come or gone since the project list was written."""
        return self.work / "unlisted"

    @property
    def trash(self) -> Path:
        """Deleted projects until their files are gone."""
        return self.work / "trash"

    @property
    def workshops(self) -> tuple[Path, ...]:
        """The folders of what is under way."""
        return (self.incoming, self.locks, self.pending, self.unlisted, self.trash)

    @property
    def last_backup(self) -> Path:
        """A file as old as the last backup."""
        return self.work / "last-backup"

    def project_files(self, project: str) -> Path:
        """Return the folder of *project*'s distributions."""
        return self.packages / _segment(project)

    def project_pages(self, project: str) -> Path:
        """Return the folder of *project*'s pages."""
        return self.simple / _segment(project)

    def distribution(self, project: str, file_name: str) -> Path:
        """Return the path of a distribution."""
        return self.project_files(project) / file_name

    def metadata(self, project: str, file_name: str) -> Path:
        """Return the path of a distribution's core metadata."""
        return self.project_files(project) / f"{file_name}{METADATA_SUFFIX}"

    def provenance(self, project: str, file_name: str) -> Path:
        """Return the path of a distribution's attestations."""
        return self.project_files(project) / f"{file_name}{PROVENANCE_SUFFIX}"

    def withheld(self, project: str) -> Path:
        """Return the path of the record of a project that is quarantined."""
        return self.project_pages(project) / WITHHELD

    def check_writable(self) -> None:
        """Write and remove a file where uploads go. Raises ``OSError``."""
        probe = self.incoming / ".probe"
        probe.write_bytes(b"ok")
        probe.unlink(missing_ok=True)


def _segment(project: str) -> str:
    if not is_normalized(project):
        raise ValueError(f"{project!r} is not a normalised project name")
    return project
