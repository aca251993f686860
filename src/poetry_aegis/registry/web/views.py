"""The pages, made whole. All of this blocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from markupsafe import Markup

from poetry_aegis.registry.errors import NotFound
from poetry_aegis.registry.signers import Signers
from poetry_aegis.registry.state.audit import ACTIONS
from poetry_aegis.registry.web.chart import chart_of
from poetry_aegis.registry.web.project import project_page
from poetry_aegis.registry.web.readme import Readmes
from poetry_aegis.registry.web.rendering import rendered
from poetry_aegis.registry.web.signatures import signature_states

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from poetry_aegis.registry.state.audit import AuditTrail
    from poetry_aegis.registry.state.catalog import Catalog
    from poetry_aegis.registry.state.downloads import Downloads
    from poetry_aegis.registry.store.store import Store
    from poetry_aegis.registry.web.project import ProjectPage
    from poetry_aegis.registry.web.rendering import Visit

    Knows = Callable[[str], bool]

_RESULTS = 20  # on a page of the search
_ENTRIES = 50  # on a page of the audit trail
_LAST_PAGE = 100_000
_LAST_ENTRY = 2**63 - 1  # the largest id that SQLite has
_FILTERS = ("user", "action")  # of the audit trail, beside the project
_DAYS = 30  # in the download chart


@dataclass(frozen=True)
class Views:
    """Where the pages get what they show."""

    store: Store
    catalog: Catalog
    audit_trail: AuditTrail
    downloads: Downloads
    signers: Signers = field(default_factory=Signers)
    readmes: Readmes = field(default_factory=Readmes)

    def search(self, visit: Visit, page: str, knows: Knows | None) -> bytes:
        """Return a page of the results for the visit's query, of the projects that are known."""
        number = _number(page, most=_LAST_PAGE) or 1
        found = self.catalog.search(visit.query.split(), _RESULTS, (number - 1) * _RESULTS, knows)
        return rendered(
            "search.html",
            visit,
            found=found,
            number=number,
            first=(number - 1) * _RESULTS + 1,
            last=max(1, -(-found.total // _RESULTS)),
            is_empty=not (found.total or self.catalog.totals().projects),
        )

    def project(self, visit: Visit, project: str, version: str | None, knows: Knows) -> bytes:
        """Return the page of a project, or of a version of it.

        Raises `NotFound`, and ``OSError``.
        """
        if not self.store.exists(project):
            raise NotFound(f"There is no project {project} in this index.")
        page = project_page(self.store.listing(project), version, self.store.data)
        if page is None:
            raise NotFound(f"Project {project} has no such version in this index.")
        readme = self.readmes.html(page.metadata)
        return rendered(
            "project.html",
            visit,
            page=page,
            chart=chart_of(self.downloads.per_day(project, _DAYS)),
            readme=Markup(readme) if readme else None,  # noqa: S704 -- sanitised when rendered
            local=self._local(page, knows),
            signatures=signature_states(page, self.store.data, self.signers),
        )

    def audit(self, visit: Visit, project: str | None, form: Mapping[str, str]) -> bytes:
        """Return the page of the audit trail that *form* asks for, of *project* alone if given."""
        entries = self.audit_trail.entries(
            _ENTRIES + 1,
            _number(form.get("before", ""), most=_LAST_ENTRY),
            project=project,
            user=form.get("user"),
            action=form.get("action"),
        )
        filters = {"project": project or "", **{key: form.get(key, "") for key in _FILTERS}}
        return rendered(
            "audit.html",
            visit,
            entries=entries[:_ENTRIES],
            older=entries[_ENTRIES - 1].id if len(entries) > _ENTRIES else None,
            newest="before" not in form,
            filters=filters,
            actions=ACTIONS,
        )

    def _local(self, page: ProjectPage, knows: Knows) -> set[str]:
        """Return which of the dependencies are here, of those that the user may know of."""
        wanted = {one.project for group in page.groups for one in group.dependencies}
        return {name for name in wanted if name and knows(name) and self.store.exists(name)}


def _number(text: str, *, most: int) -> int | None:
    """Return a number of 1 to *most*, ``None`` for what is none."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most))):
        return None
    return min(max(int(text), 1), most)
