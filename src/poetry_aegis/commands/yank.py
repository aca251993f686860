"""``poetry aegis yank``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument, option

from poetry_aegis.commands.base import DRY_RUN, JSON, plain
from poetry_aegis.commands.index_base import REPOSITORY, IndexCommand, count, find_version

if TYPE_CHECKING:
    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option

    from poetry_aegis.publish.administration import Administration
    from poetry_aegis.publish.contents import VersionOnIndex


class YankCommand(IndexCommand):
    """Yanks a version, or takes its yank back."""

    name = "aegis yank"
    description = "Yanks a version: no new install picks it."
    arguments: ClassVar[list[Argument]] = [argument("release", "What to yank: NAME==VERSION.")]
    options: ClassVar[list[Option]] = [
        option("reason", None, "Why; installers show it to those who use it.", flag=False),
        option("undo", None, "Take the yank back."),
        REPOSITORY,
        DRY_RUN,
        JSON,
    ]
    help = (
        "A yanked version (PEP 592) stays on the index. Installers pass it over, but\n"
        "for those who pin exactly it, in a lock file say, so nothing that works\n"
        "breaks. Prefer it to <c1>poetry aegis delete</c1>, and publish a mended version:\n\n"
        '  <c1>poetry aegis yank demo==1.4.0 --reason "loses data"</c1>\n'
        "  <c1>poetry aegis yank demo==1.4.0 --undo</c1>\n\n"
        "The index is a poetry-aegis server that Poetry has as a repository; the user\n"
        "is a publisher or an admin. To do it again changes nothing.\n\n"
        "An index that <c1>PYPI_INDEX_URL</c1> names is used in place of the repository's own\n"
        "address; beside <c1>-r</c1> it has to be the same one. A password that Poetry has goes\n"
        "to its own server alone."
    )

    changes_index = True

    def perform(self) -> int:
        """Yank, or say what would be yanked."""
        from poetry_aegis.errors import UsageError
        from poetry_aegis.publish.contents import parse_release

        release = parse_release(self.argument("release"))
        if self.option("undo") and self.option("reason") is not None:
            raise UsageError("To take a yank back needs no reason.", hint="Leave --reason away.")
        with self.index() as index:
            index.require_right("yank", release.project)
            version = find_version(index.project(release.project), release)
            self._yank(index, release.project, version, self._reason(version))
        return 0

    def _reason(self, version: VersionOnIndex) -> str | None:
        """Return why to yank, ``None`` to take it back; unless told, what was told before."""
        if self.option("undo"):
            return None
        given: str | None = self.option("reason")
        before = (file.yanked for file in version.files if file.yanked)
        return next(before, "") if given is None else given

    def _yank(
        self, index: Administration, project: str, version: VersionOnIndex, reason: str | None
    ) -> None:
        dry_run = bool(self.option("dry-run"))
        if dry_run:
            changed = [file.name for file in version.files if file.yanked != reason]
        else:
            changed = list(index.yank(project, version.version, reason).changed)
        what = plain(f"{project} {version.version}")
        self.say(_sentence(what, changed, reason, dry_run=dry_run))
        if self.wants_json:
            self.print_json(
                {
                    "repository": index.repository.name,
                    "project": project,
                    "version": version.version,
                    "yanked": reason is not None,
                    "reason": reason,
                    "files": [file.name for file in version.files],
                    "changed": changed,
                    "dry_run": dry_run,
                }
            )


def _sentence(what: str, changed: list[str], reason: str | None, *, dry_run: bool) -> str:
    state = "offered again" if reason is None else "yanked"
    if not changed:
        return f"{what} is {'not yanked' if reason is None else 'yanked already'}."
    files = count(len(changed), "file")
    if dry_run:
        return f"{what} would be {state}: {files}. Nothing was changed."
    return f"<success>{what} is {state}</success>: {files}."
