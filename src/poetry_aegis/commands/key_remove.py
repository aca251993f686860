"""``poetry aegis key remove``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument, option

from poetry_aegis.commands.base import DRY_RUN, JSON, plain
from poetry_aegis.commands.key_base import KeyCommand

if TYPE_CHECKING:
    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option

    from poetry_aegis.signing.keystore import StoredKey


class KeyRemoveCommand(KeyCommand):
    """Removes a key of one's own."""

    name = "aegis key remove"
    description = "Removes a key of yours for good."
    arguments: ClassVar[list[Argument]] = [argument("name", "Which of your keys.")]
    options: ClassVar[list[Option]] = [
        option("yes", None, "Do not ask."),
        DRY_RUN,
        JSON,
    ]
    help = """\
Removes the private key and its public part from your folder; nobody can make
it again. Of a key that is kept elsewhere, by GnuPG or a KMS, only the entry
goes, and the key stays where it is. Copies of the file stay, too.

What the key has signed stays valid for those who trust it. To end that, as
for a key that was stolen, it is revoked where it is trusted, with
<c1>poetry aegis key revoke</c1>; that needs no private key.

It is asked on a terminal; elsewhere <c1>--yes</c1> is needed.

<b>Examples:</b>
  <c1>poetry aegis key remove ada-2025 --dry-run</c1>
  <c1>poetry aegis key remove ada-2025</c1>"""

    def perform(self) -> int:
        """Ask, then remove the key; or say what would be removed."""
        store, dry_run = self.store, bool(self.option("dry-run"))
        key = store.read(self.argument("name"))
        self._show(key)
        if not dry_run:
            self._ask(key)
            store.remove(key.name)
            self._tell(key)
        if self.wants_json:
            self.print_json(
                {
                    "name": key.name,
                    "kind": key.kind,
                    "id": key.public.id,
                    "uri": key.uri,
                    "removed": not dry_run,
                    "dry_run": dry_run,
                }
            )
        return 0

    def _show(self, key: StoredKey) -> None:
        from poetry_aegis.signing.listing import SHORT

        kind, short = plain(key.kind), key.public.id[:SHORT]
        self.say(f"To be removed: the key <c1>{key.name}</c1>, {kind}, {short}.")
        if key.uri:
            self.say(f"It is only forgotten here, and stays in {plain(key.uri)}.")
        else:
            self.say(f"Its private part is {plain(str(self.store.private_file(key.name)))}.")
        if self.option("dry-run"):
            self.say("Nothing was changed.")

    def _ask(self, key: StoredKey) -> None:
        """Return if the key may go. Raises `UsageError` where nobody says so."""
        from poetry_aegis.errors import UsageError

        if self.option("yes"):
            return
        if not self.can_ask:
            raise UsageError(
                f"Nobody can be asked here whether to remove the key {key.name}.",
                hint="Add --yes to remove it, or --dry-run to only look.",
            )
        what = "the entry" if key.uri else "the private key for good"
        if not self.agrees(f"Remove {what}?"):
            raise UsageError("Nothing was removed.")

    def _tell(self, key: StoredKey) -> None:
        self.say(f"<success>The key {key.name} is removed.</success>")
        self.say(
            "What it has signed stays valid where it is trusted. To end that, by the project's\n"
            "name for the key: <c1>poetry aegis key revoke NAME</c1>"
        )
