"""``poetry aegis key trust``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument, option

from poetry_aegis.commands.base import DRY_RUN, JSON, plain
from poetry_aegis.commands.key_base import KeyCommand

if TYPE_CHECKING:
    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option

    from poetry_aegis.signing.keystore import StoredKey
    from poetry_aegis.signing.trusting import Terms, TrustEdit


class KeyTrustCommand(KeyCommand):
    """Makes the project trust a key."""

    name = "aegis key trust"
    description = "Makes the project trust a key."
    arguments: ClassVar[list[Argument]] = [
        argument("key", "A key of yours, a file with what was exported, or - for standard input.")
    ]
    options: ClassVar[list[Option]] = [
        option(
            "projects",
            description="Trust it for projects that match a pattern alone; may be repeated.",
            flag=False,
            multiple=True,
        ),
        option("valid-until", description="Its last day, such as 2027-12-31 (UTC).", flag=False),
        option(
            "as", description="What the project calls it, if not what its owner does.", flag=False
        ),
        option("file", description="Write it to the team's file, which the settings name."),
        DRY_RUN,
        JSON,
    ]
    help = """\
Writes the public part of a key to [tool.poetry-aegis.trust.keys] in
pyproject.toml, or with <c1>--file</c1> to the team's file. All else in the file stays
as it is. For a key that is trusted already, what is given is changed.

From then on what the key signs counts, so be sure whose it is: compare its
identifier with its owner by another way than the one it came.

<b>Examples:</b>
  <c1>poetry aegis key trust ada-2026</c1>
  <c1>poetry aegis key trust bob.toml --projects 'acme-*' --valid-until 2027-12-31</c1>
  <c1>ssh build poetry aegis key export ci | poetry aegis key trust - --file</c1>"""

    def perform(self) -> int:
        """Write the key, or show what would be written."""
        from poetry_aegis import poetry_api
        from poetry_aegis.settings import load_settings
        from poetry_aegis.signing.trusting import trust_key

        pyproject = poetry_api.load_project(self).pyproject
        key = self._key()
        change = trust_key(
            load_settings(pyproject).trust,
            pyproject,
            key,
            self._terms(),
            in_team_file=bool(self.option("file")),
        )
        self._tell(key, change, self.carry_out(change, dry_run=self.option("dry-run")))
        return 0

    def _tell(self, key: StoredKey, change: TrustEdit, file: str) -> None:
        from poetry_aegis.signing.sharing import describe

        if self.wants_json:
            done = {"file": file, "changed": change.edit.changes, "dry_run": self.option("dry-run")}
            self.print_json({**describe(key), **done, "state": change.state(self.today)})
        elif change.edit.changes and not self.option("dry-run"):
            projects = plain(", ".join(change.trusted.projects))
            self.say(f"The key {key.name} is in {plain(file)}; it may sign: {projects}.")
            self.say(f"Its identifier is {key.public.id}.")
        elif not change.edit.changes:
            self.say(f"The key {key.name} is in {plain(file)} already.")
        if (state := change.state(self.today)) != "valid":
            self.say_aside(f"<warning>Warning: the key {key.name} is {state}.</>")

    def _key(self) -> StoredKey:
        """Return the key that the argument names, under the name that the project gives it."""
        from dataclasses import replace

        from poetry_aegis.signing.sharing import find_shared

        key = find_shared(self.argument("key"), self.store)
        return replace(key, name=self.option("as") or key.name)

    def _terms(self) -> Terms:
        from poetry_aegis.signing.trusting import make_terms

        return make_terms(self.option("projects"), self.option("valid-until"))
