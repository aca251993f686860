"""What an operator does to a data directory, while a registry serves it or none does.

The store's locks keep the changes of several processes apart; each of them is audited, and the
catalogue is told.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from poetry_aegis.registry.errors import NotFound
from poetry_aegis.registry.names import as_pattern, normalized

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from poetry_aegis.registry.importing.importer import ImportReport, Listener
    from poetry_aegis.registry.importing.sources import Candidate, Source
    from poetry_aegis.registry.options import RetentionRule, SignatureSettings
    from poetry_aegis.registry.signers import Signers
    from poetry_aegis.registry.state.audit import AuditTrail
    from poetry_aegis.registry.state.catalog import Catalog
    from poetry_aegis.registry.store.report import Report
    from poetry_aegis.registry.store.retention import Removal
    from poetry_aegis.registry.store.store import Store


@dataclass(frozen=True)
class PlannedRemoval:
    """A file that the retention rules let go of a *project*."""

    project: str
    removal: Removal

    def to_json(self) -> dict[str, Any]:
        """Return the removal as ``--json`` prints it; the size is in bytes."""
        return {
            "project": self.project,
            "version": self.removal.version,
            "file": self.removal.file_name,
            "size": self.removal.size,
            "reason": self.removal.reason,
        }


@dataclass(frozen=True)
class Upkeep:
    """The work on one data directory. Methods block, and raise ``OSError``.

    *signers* are those whose signatures uploads need.
    """

    store: Store
    catalog: Catalog
    audit: AuditTrail
    signers: Signers

    def reindex(self, projects: Collection[str], progress: Callable[[int, int], None]) -> Report:
        """Bring the pages of *projects*, of all if none is named, up to date with the files.

        Returns what did not match before. *progress* is called with the number of projects done,
        and of all. Raises `NotFound` for a project of which there is neither a page nor a file.
        """
        self._finish_what_was_cut_off()
        if projects:
            reindex = self.store.reindex
            report = self._each(projects, lambda project: reindex(project).report, progress)
        else:
            report = self.store.reindex_all(progress)
            self.catalog.rebuild(self.store)
        self.record(
            "reindex", f"{_counted(report.projects, 'project')}, {_counted(report.files, 'file')}"
        )
        return report

    def check(self, projects: Collection[str], progress: Callable[[int, int], None]) -> Report:
        """Return what does not match, and change nothing. See `reindex`.

        Told of, too, are files that uploads could not have brought, as they are not signed.
        """
        from poetry_aegis.registry.store.survey import check_project
        from poetry_aegis.registry.unverified import unverified, unverified_of_all

        if not projects:
            report = self.store.check(progress)
            return replace(report, unverified=unverified_of_all(self.store, self.signers))
        report = self._each(projects, lambda project: check_project(self.store, project), progress)
        named = sorted({self._known(project) for project in projects})
        return replace(report, unverified=unverified(self.store, self.signers, named))

    def take_over(
        self,
        source: Source,
        *,
        only: Sequence[str],
        largest: int,
        listener: Listener,
        dry_run: bool = False,
    ) -> ImportReport:
        """Import *source*, as `importer.Import` has it.

        Raises `ImportFailed`, also for what is no pattern in *only*.
        """
        from poetry_aegis.registry.importing.importer import Import

        def done(action: str, candidate: Candidate) -> None:
            name, detail = candidate.name, candidate.yanked if action == "yank" else ""
            self.record(action, detail or "", name.project, name.file_name)

        work = Import(
            source,
            self.store,
            only=_as_patterns(only),
            largest=largest,
            listener=listener,
            done=done,
        )
        if dry_run:
            report = work.run(dry_run=True)
            return replace(report, unverified=self._to_be_signed(report.added))
        self._finish_what_was_cut_off()
        detail = "broken off"
        try:
            report = work.run()
            report = replace(report, unverified=self._unverified(report.added))
            detail = f"{len(report.added)} added, {len(report.failed)} failed"
            if report.unverified:
                detail += f", {len(report.unverified)} not signed as uploads must be"
        finally:
            self.record("import", f"{source.description}: {detail}")
        return report

    def prune(
        self,
        rules: Sequence[RetentionRule],
        projects: Collection[str],
        *,
        apply: bool,
    ) -> list[PlannedRemoval]:
        """Return what *rules* let go of *projects*, of all if none is named; delete it to *apply*.

        Raises `NotFound` for a project that is not there.
        """
        from poetry_aegis.registry.store.retention import plan

        now = datetime.now(timezone.utc)
        planned: list[PlannedRemoval] = []
        for project in map(self._known, projects) if projects else self.store.projects():
            removals = plan(self.store.listing(project), rules, now)
            if removals and apply:
                self._delete(project, removals)
            planned += [PlannedRemoval(project, removal) for removal in removals]
        return planned

    def _to_be_signed(self, titles: Iterable[str]) -> tuple[str, ...]:
        return tuple(title for title in titles if self.signers.wants(title.partition("/")[0]))

    def _unverified(self, titles: Iterable[str]) -> tuple[str, ...]:
        from poetry_aegis.registry.unverified import unverified_among

        return unverified_among(self.store, self.signers, titles)

    def _finish_what_was_cut_off(self) -> None:
        """Do what a server does when it starts, but for uploads: one may be taking them now."""
        from poetry_aegis.registry.store.pending import Pending

        for project in Pending(self.store.data.pending).projects():
            self.store.reindex(project)
        if not self.store.project_list.exists:
            self.store.reindex_all()
        self.store.project_list.resume()

    def _delete(self, project: str, removals: Sequence[Removal]) -> None:
        self.store.delete_files(project, [removal.file_name for removal in removals])
        for removal in removals:
            self.record("prune", removal.reason, project, removal.file_name)

    def _each(
        self,
        projects: Collection[str],
        work: Callable[[str], Report],
        progress: Callable[[int, int], None],
    ) -> Report:
        from poetry_aegis.registry.store.report import Report

        report = Report()
        for done, project in enumerate([self._known(project) for project in projects], 1):
            report += work(project)
            progress(done, len(projects))
        return report

    def _known(self, name: str) -> str:
        from poetry_aegis.registry.names import is_normalized

        project = normalized(name)
        if is_normalized(project) and (
            self.store.exists(project) or self.store.data.project_files(project).is_dir()
        ):
            return project
        raise NotFound(f"There is no project {name} in this index.")

    def record(
        self, action: str, detail: str, project: str | None = None, file: str | None = None
    ) -> None:
        """Note in the audit trail what the operator did."""
        from poetry_aegis.registry.state.audit import Event

        self.audit.record(
            Event(action, operator(), None, project=project, file=file, detail=detail)
        )


def operator() -> str | None:
    """Return the name that the operating system has for who runs this process, if it has one."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # A container's user may have a number alone.
        return None


def _as_patterns(texts: Iterable[str]) -> tuple[str, ...]:
    from poetry_aegis.registry.errors import ImportFailed

    try:
        return tuple(map(as_pattern, texts))
    except ValueError as error:
        raise ImportFailed(str(error)) from None


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


@contextlib.contextmanager
def upkeep(root: Path, signatures: SignatureSettings | None = None) -> Iterator[Upkeep]:
    """Open the data directory *root* for work on it. Raises `UnusableData`.

    *signatures* say which uploads must be signed, none unless given; the path of its trust is
    absolute. Nothing changes by this alone.
    """
    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.registry.locks import shared
    from poetry_aegis.registry.signers import Signers
    from poetry_aegis.registry.state.audit import AuditTrail
    from poetry_aegis.registry.state.catalog import Catalog
    from poetry_aegis.registry.state.database import Database
    from poetry_aegis.registry.store.store import Store

    data = DataDirectory.open(root)
    database = Database.open(data.database)
    catalog = Catalog(database, data)
    store = Store(data, [catalog.update], deferred_list=True)
    try:
        # A server that starts meanwhile leaves what is under way here alone.
        with shared(data.in_use):
            signers = Signers.of(signatures) if signatures else Signers()
            yield Upkeep(store, catalog, AuditTrail(database), signers)
    finally:
        store.close()
        database.close()
