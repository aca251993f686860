"""What of another index is shown here, and what is never asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from poetry_aegis.registry.names import is_normalized, matches_any

if TYPE_CHECKING:
    from poetry_aegis.registry.options import RegistrySettings
    from poetry_aegis.registry.upstream.pages import UpstreamPage


@dataclass(frozen=True)
class Policy:
    """Patterns of project names, and the age a file must have in days."""

    reserved: tuple[str, ...] = ()
    allow: tuple[str, ...] = ("*",)
    deny: tuple[str, ...] = ()
    minimum_age: int = 0

    @classmethod
    def of(cls, settings: RegistrySettings) -> Policy:
        """Return the policy that an operator wrote.

        Without another index, no project is allowed.
        """
        upstream = settings.upstream
        return cls(
            reserved=settings.reserved,
            allow=upstream.allow if upstream.url else (),
            deny=upstream.deny,
            minimum_age=upstream.minimum_age,
        )

    def shown(self, page: UpstreamPage, now: datetime) -> UpstreamPage:
        """Return *page* with those files only that are old enough.

        A file of unknown age is not.
        """
        if not self.minimum_age:
            return page
        newest = now - timedelta(days=self.minimum_age)
        return page.with_files(
            file
            for file in page.files
            if file.upload_time is not None and _moment(file.upload_time) <= newest
        )


def may_look_outside(project: str, policy: Policy, *, is_here: bool) -> bool:
    """Tell whether the index behind this one may be asked for *project*, and be shown for it.

    Never for a project that is here: whoever registers its name out there would have their code
    installed in place of ours (dependency confusion). Nor for one whose name is reserved, denied
    or not allowed, nor for one whose name is not as PEP 503 writes it, which patterns would miss.
    """
    return (
        not is_here
        and is_normalized(project)
        and not matches_any(project, policy.reserved)
        and not matches_any(project, policy.deny)
        and matches_any(project, policy.allow)
    )


def _moment(upload_time: str) -> datetime:
    """Return when that was, to the second; `pages` lets nothing else in."""
    return datetime.strptime(upload_time[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
