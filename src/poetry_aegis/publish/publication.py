"""A publication: what each file needs, all of it checked first, then sent, then read back.

::

    plan      read the index once: upload, skip (same hash), sign (same hash, no signature),
              replace or refuse (another hash)
    deliver   each file that needs it, several at a time; repeated, resumed and never doubled
    verify    read the index again until every file shows its sha256
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from poetry_aegis.errors import BuildFailed, FileConflict, PublishError
from poetry_aegis.publish.account import Account
from poetry_aegis.publish.connection import Connection, connection
from poetry_aegis.publish.delivery import deliver
from poetry_aegis.publish.distributions import keep
from poetry_aegis.publish.measuring import Measuring
from poetry_aegis.publish.patience import DEFAULT_PATIENCE, Patience
from poetry_aegis.publish.provenance import lacks_signature, unsigned
from poetry_aegis.publish.removal import make_room
from poetry_aegis.publish.steps import Publication, Step
from poetry_aegis.publish.upload import Uploader, conflict, different
from poetry_aegis.publish.verification import read_back

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from poetry_aegis.publish.distributions import Distribution
    from poetry_aegis.publish.index import IndexedFile
    from poetry_aegis.publish.reporter import Reporter
    from poetry_aegis.publish.repository import Repository

__all__ = ["Publication", "Step", "plan", "publish", "refuse_conflicts"]

_LOCKED = (
    "Lock files pin the hashes of the files that are replaced: whoever has locked this version "
    "cannot install it any more before locking again."
)


def plan(  # noqa: PLR0913 - as of `publish`
    distributions: Sequence[Distribution],
    repository: Repository,
    *,
    overwrite: bool = False,
    attestations: Mapping[str, str] | None = None,
    reporter: Reporter,
    patience: Patience = DEFAULT_PATIENCE,
) -> Publication:
    """Return what publishing *distributions* would do; nothing is sent. Raises `PublishError`."""
    with connection(repository, reporter, patience) as line:
        return _Planner(line, attestations or {}, overwrite=overwrite).plan(distributions)


def publish(  # noqa: PLR0913 - each is a choice of the caller's, given by name
    distributions: Sequence[Distribution],
    repository: Repository,
    *,
    overwrite: bool = False,
    verify: bool = True,
    keep_in: Path | None = None,
    jobs: int = 1,
    attestations: Mapping[str, str] | None = None,
    account: Account | None = None,
    reporter: Reporter,
    patience: Patience = DEFAULT_PATIENCE,
) -> Publication:
    """Upload *distributions* to *repository*, *jobs* at a time, and read the index back.

    Files that are there already with the same SHA-256 are skipped; with another one they raise
    `FileConflict` before anything is sent, unless *overwrite*. Copies go to *keep_in* once
    nothing stands against the upload and before it begins, so that an interrupted publication
    can be finished with the very same files. *attestations* are JSON lists by file name, sent
    with the files (PEP 740). The *account* tells, also after a failure, what has become of each.
    Raises `VerificationFailed` where the index, with *verify*, does not show every file with its
    hash, and the other kinds of `PublishError`.
    """
    signatures = attestations or {}
    account = account or Account(repository, distributions)
    with connection(repository, account.listen(reporter), patience) as line:
        publication = _Planner(line, signatures, overwrite=overwrite).plan(distributions)
        account.begin(publication)
        refuse_conflicts(publication, signs=bool(signatures))
        if keep_in is not None:
            keep(distributions, keep_in, signatures)
        uploader = Uploader(line.web, line.index, patience, signatures, overwrite=overwrite)
        publication = _deliver(line, publication, uploader, jobs, account)
        if not verify:
            return publication
        if line.index is None:
            reporter.note(f"{repository.name} has no known index to read back.")
            return publication
        outdated = {
            step.distribution.filename: step.found for step in publication.steps if step.found
        }
        page = read_back(line.index, distributions, outdated, repository.name, patience)
        missing = unsigned(line.web, distributions, page, signatures)
        if missing:
            reporter.note(
                f"{repository.name} does not show what is signed of {', '.join(missing)}: that is "
                "kept only beside the files."
            )
        signed = tuple(name for name in signatures if name not in missing)
        return replace(publication, verified=True, signed_files=signed, unsigned_files=missing)


@dataclass(frozen=True)
class _Planner:
    """Says what files need, by what is there."""

    line: Connection
    attestations: Mapping[str, str] = field(default_factory=dict)
    overwrite: bool = False

    def plan(self, distributions: Sequence[Distribution]) -> Publication:
        if not distributions:
            raise BuildFailed("There is nothing to publish.", hint="Build it with: poetry build")
        measuring = Measuring(distributions)
        page = self.line.page(distributions[0].name)
        measuring.wait()
        steps = tuple(self._step(file, (page or {}).get(file.filename)) for file in distributions)
        together = self.line.index is not None and self.line.index.takes_first_files_together
        return Publication(self.line.repository, steps, first_goes_alone=not (page or together))

    def _step(self, distribution: Distribution, shown: IndexedFile | None) -> Step:
        index = self.line.index
        if shown is None or index is None:
            return Step(distribution, "upload")
        found = index.sha256(shown)
        if found != distribution.sha256:
            return Step(distribution, "replace" if self.overwrite else "refuse", found)
        return Step(distribution, "sign" if self._lacks_signature(shown) else "skip", found)

    def _lacks_signature(self, shown: IndexedFile) -> bool:
        attestations = self.attestations.get(shown.filename)
        return attestations is not None and lacks_signature(self.line.web, shown, attestations)


def _deliver(
    line: Connection, publication: Publication, uploader: Uploader, jobs: int, account: Account
) -> Publication:
    """Send what is to be sent, in the place of what is there, if it must be; return what it was."""
    if publication.replaced:
        line.reporter.note(_LOCKED)
    try:
        deliver(publication, uploader, jobs, line.reporter)
    except FileConflict as conflict:
        if not publication.replaced:
            raise
        publication = make_room(line, publication, conflict)
        account.begin(publication)
    else:
        return publication
    try:
        deliver(publication, uploader, jobs, line.reporter)
    except PublishError as error:
        error.hint = f"What was there is removed: run the same command again.\n{error.hint}"
        raise
    return publication


def refuse_conflicts(publication: Publication, *, signs: bool) -> None:
    """Raise `FileConflict` where *publication* has a file that another one is in the place of.

    *signs* where signatures are to be sent, too.
    """
    name = publication.repository.name
    for step in publication.steps:
        if step.action == "refuse" and step.found:
            message = different(step.distribution, step.found, name)
            raise conflict(message, name, overwrite=False, signs=signs)
