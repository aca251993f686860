"""``poetry aegis client source``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import option

from poetry_aegis.commands.base import DRY_RUN, JSON, plain
from poetry_aegis.commands.client_base import NAME, PROFILE, URL, ClientCommand
from poetry_aegis.commands.server_base import HOME

if TYPE_CHECKING:
    from cleo.io.inputs.option import Option

    from poetry_aegis.client.edits import Edit
    from poetry_aegis.client.poetry import Index
    from poetry_aegis.client.target import Target
    from poetry_aegis.settings import Priority

_PRIORITIES = ("primary", "supplemental", "explicit")


class ClientSourceCommand(ClientCommand):
    """Makes the index a source of the project."""

    name = "aegis client source"
    description = "Makes the index a source of the project."
    options: ClassVar[list[Option]] = [
        option(
            "package",
            description="Let this dependency come from the index; may be repeated.",
            flag=False,
            multiple=True,
        ),
        option("priority", description="primary, supplemental or explicit.", flag=False),
        URL,
        NAME,
        PROFILE,
        HOME,
        DRY_RUN,
        JSON,
    ]
    help = """\
Adds the index to pyproject.toml as a source of Poetry's, and shows the change
as a diff. Everything else in the file stays as it is.

Without <c1>--package</c1> the source is primary: everything comes from the index, and
what is public through it. With <c1>--package</c1> it is explicit: only the packages
that name it come from it, and those are named. A supplemental source is asked
for what the others do not have, so that anybody can put a package of the same
name on a public index before it: use it for nothing that is private.

<b>Examples:</b>
  <c1>poetry aegis client source</c1>
  <c1>poetry aegis client source --package acme-core --package acme-web</c1>
  <c1>poetry aegis client source --profile prod --priority explicit --dry-run</c1>"""

    def perform(self) -> int:
        """Write the source, or show what would be written."""
        from poetry_aegis import poetry_api
        from poetry_aegis.client.edits import Edit, read
        from poetry_aegis.client.source import priority_of, with_source
        from poetry_aegis.poetry_api import clients

        clients.require_readable()
        target = self.target()
        index = self.index_of(target)
        priority = self._priority(target)
        pyproject = poetry_api.load_project(self).pyproject
        before = read(pyproject) or b""
        remarks = self._remarks(index, priority, priority_of(before, index.name))
        after = with_source(before, index, priority, self.option("package"))
        edit = Edit(pyproject, "toml", before, after)
        if edit.changes and not self.option("dry-run"):
            edit.write()
        if self.wants_json:
            self.print_json(
                {
                    "name": index.name,
                    "url": index.simple_url,
                    "priority": priority,
                    "packages": list(self.option("package")),
                    "file": str(pyproject),
                    "changed": edit.changes,
                    "dry_run": bool(self.option("dry-run")),
                    "diff": edit.diff(),
                    "notes": remarks,
                }
            )
        else:
            self._tell(edit, remarks)
        return 0

    def _tell(self, edit: Edit, remarks: list[str]) -> None:
        self.warn(remarks)
        if not edit.changes:
            self.say("It is all there already: nothing was changed.")
            return
        self.say(plain(edit.diff()))
        if self.option("dry-run"):
            self.say("Nothing was changed.")
        else:
            self.say("\nBring poetry.lock up to date with: <c1>poetry lock</c1>")

    def _remarks(self, index: Index, priority: str, before: str | None) -> list[str]:
        """Return what to know of the *priority*, and of the one that the source had *before*."""
        from poetry_aegis.client.abilities import about_public, shows_public
        from poetry_aegis.poetry_api.clients import source_access

        remarks = []
        if before not in {None, priority}:
            remarks.append(f"The source {index.name} was {before}, and becomes {priority}.")
        if priority == "primary":
            access = source_access(self, index.simple_url)
            remarks += about_public(index, shows=shows_public(index, *access))
        return remarks

    def _priority(self, target: Target) -> Priority:
        from poetry_aegis.errors import UsageError

        asked = self.option("priority")
        if asked is None:
            fallback: Priority = "explicit" if self.option("package") else "primary"
            return target.priority or fallback
        if asked not in _PRIORITIES:
            raise UsageError(f"--priority is one of: {', '.join(_PRIORITIES)}.")
        found: Priority = asked
        return found
