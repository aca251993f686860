"""Whose a credential is, and what it entitles to."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Literal, get_args

from poetry_aegis.registry.names import matches_any

if TYPE_CHECKING:
    from collections.abc import Mapping

Role = Literal["reader", "publisher", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)  # each may do what the ones before it may


class Action(Enum):
    """What a request is about to do, named as a sentence puts it."""

    READ = "read this index"
    UPLOAD = "upload to this index"
    OVERWRITE = "overwrite a file of this index"
    YANK = "yank files of this index"
    DELETE = "delete files of this index"
    MANAGE = "change the state of a project"
    AUDIT = "read the audit trail"


_NEEDED: Mapping[Action, Role] = {
    Action.READ: "reader",
    Action.UPLOAD: "publisher",
    Action.OVERWRITE: "admin",
    Action.YANK: "publisher",
    Action.DELETE: "admin",
    Action.MANAGE: "admin",
    Action.AUDIT: "admin",
}
ANY = ("*",)


@dataclass(frozen=True)
class Scope:
    """What a token is limited to: *actions*, all for an empty set, and patterns of projects."""

    actions: frozenset[Action] = frozenset()
    projects: tuple[str, ...] = ANY


@dataclass(frozen=True)
class Identity:
    """Somebody the index knows.

    *reads* and *publishes* are patterns of the projects that the user may know of, and may change.
    *token* is the id of the API token that was shown instead of a password, *scope* its limits and
    *expires* its end, in seconds since 1970.
    """

    name: str
    role: Role
    reads: tuple[str, ...] = ANY
    publishes: tuple[str, ...] = ANY
    token: str | None = None
    scope: Scope = field(default_factory=Scope)
    expires: float | None = None

    def may(self, action: Action, project: str | None = None) -> bool:
        """Tell whether *action* is allowed, on *project* or, without one, on any project at all."""
        if not self.has_role_for(action):
            return False
        if self.scope.actions and action not in self.scope.actions:
            return False
        if project is None:
            return True
        if action is Action.READ:
            return self.knows(project)
        return (
            self.knows(project)
            and matches_any(project, self.publishes)
            and matches_any(project, self.scope.projects)
        )

    def has_role_for(self, action: Action) -> bool:
        """Tell whether the role allows *action*, whatever the limits beside it."""
        return ROLES.index(self.role) >= ROLES.index(_NEEDED[action])

    def knows(self, project: str) -> bool:
        """Tell whether this identity may know that *project* is there."""
        return matches_any(project, self.reads) and matches_any(project, self.scope.projects)

    @property
    def knows_all(self) -> bool:
        """Whether no project is hidden from this identity."""
        return "*" in self.reads and "*" in self.scope.projects
