"""A promotion: the very files of a release, from one index to another.

::

    find      the files of the version on the index that it comes from
    fetch     each of them, with the size, the sha256 and the core metadata that were announced
    judge     what is signed of them, where somebody is trusted

What is gathered so is published as any files are, with what is signed of them.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Protocol

from poetry_aegis.errors import (
    BuildFailed,
    NotVerified,
    PublishError,
    Unauthorized,
    Unreachable,
    VerificationFailed,
)
from poetry_aegis.publish.core_metadata import is_whole
from poetry_aegis.publish.distributions import name_and_version, read_distribution, select
from poetry_aegis.signatures.attestation import dump_attestations
from poetry_aegis.signatures.statement import Malformed
from poetry_aegis.signatures.verdict import Subject, judge, that_count

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from poetry_aegis.publish.contents import Release
    from poetry_aegis.publish.distributions import Distribution
    from poetry_aegis.publish.index import IndexedFile
    from poetry_aegis.publish.reporter import Reporter
    from poetry_aegis.signatures.attestation import Attestation
    from poetry_aegis.signatures.trust import Trust

_ALTERED = "It is not to be used: it was altered on the way, or the index is out of date."
_VERSIONS_SHOWN = 8


class Origin(Protocol):
    """The index that a release comes from; several threads may read it.

    All methods raise `PublishError`.
    """

    name: str

    def files(self, project: str) -> dict[str, IndexedFile]:
        """Return the files of *project* by name; none for an unknown project."""

    def attestations(self, file: IndexedFile) -> tuple[Attestation, ...]:
        """Return the attestations that the index has of *file*. Raises `Malformed`."""

    def sha256(self, file: IndexedFile, keep_in: Path | None = None) -> str:
        """Download *file* into *keep_in*, and return its SHA-256 in hex."""


@dataclass(frozen=True)
class Signed:
    """A file to be promoted, and what is signed of it; *signers* are those who count."""

    distribution: Distribution
    attestations: tuple[Attestation, ...] = ()
    signers: tuple[str, ...] = ()


def gather(  # noqa: PLR0913 - each is a choice of the caller's, given by name
    origin: Origin,
    release: Release,
    folder: Path,
    *,
    trust: Trust | None = None,
    yanked: bool = False,
    jobs: int = 1,
    reporter: Reporter,
) -> tuple[Signed, ...]:
    """Download all files of *release* from *origin* into *folder*, *jobs* at a time.

    The sdist comes first, as in a publication. Files that are yanked are refused, unless *yanked*.
    Raises `VerificationFailed` for a file that is not what the index shows, `NotVerified` for one
    that is not signed as those want who have *trust*, and other `PublishError`.
    """
    files = find_release(origin, release, yanked=yanked)
    executor = ThreadPoolExecutor(max_workers=max(1, jobs), thread_name_prefix="promote")
    try:
        found = [executor.submit(_fetch, origin, file, folder) for file in files]
        distributions = [future.result() for future in found]
    finally:
        # Not waited for: Ctrl-C is meant. Whoever opened the origin cuts its connections.
        executor.shutdown(wait=False, cancel_futures=True)
    for file in files:
        if file.sha256 is None:
            reporter.note(f"{origin.name} does not tell the sha256 of {file.filename}.")
    pairs = zip(files, distributions, strict=True)
    return tuple(_signed(origin, file, one, trust, reporter) for file, one in pairs)


def find_release(origin: Origin, release: Release, *, yanked: bool) -> tuple[IndexedFile, ...]:
    """Return the files of *release* on *origin*: the sdist, then the wheels.

    Raises `PublishError` where there is none, or one of them is yanked, unless *yanked*.
    """
    page = origin.files(release.project)
    names = [name for name in select(page, release.project, str(release.version)) if _safe(name)]
    if not names:
        has = ", ".join(_versions(page)) or "no version"
        raise PublishError(
            f"{origin.name} has no files of {release}: there is nothing to promote.",
            hint=f"It has of {release.project}: {has}.",
        )
    files = tuple(page[name] for name in sorted(names, key=lambda name: (_is_wheel(name), name)))
    if not yanked and any(file.yanked for file in files):
        raise PublishError(
            f"{release} is yanked on {origin.name}.",
            hint="Somebody has taken it back. To promote it all the same: --yanked\n"
            "Where it goes, it is not yanked.",
        )
    return files


def sign_where_it_is(version: str, source: str, *, how: str = "") -> str:
    """Return how *version* is signed on *source*, from where it is to be promoted.

    What is checked out is what is signed, and that may be another version by now: so its tag comes
    first. *how* is said of the signing.
    """
    publish = f"poetry aegis publish --sign -r {source}"
    return (
        f"Sign it where it is{how}, at its tag: git switch --detach v{version}\n"
        f"With its very files in dist/: {publish.replace(' --sign', ' --skip-build --sign')}\n"
        f"Without them, where the same bytes are built of it again: {publish}"
    )


def attestations_of(gathered: Iterable[Signed]) -> dict[str, str]:
    """Return what is signed of the files, by their names, as a publication takes it."""
    return {
        one.distribution.filename: dump_attestations(one.attestations)
        for one in gathered
        if one.attestations
    }


def _fetch(origin: Origin, file: IndexedFile, folder: Path) -> Distribution:
    path = folder / file.filename
    given = origin.sha256(file, path)
    if file.sha256 not in (None, given):  # Looked at first: what is altered is not opened.
        raise _altered(origin, file, given)
    try:
        distribution = read_distribution(path)
    except BuildFailed as error:
        raise VerificationFailed(
            f"{origin.name} has a file that cannot be promoted: {error}", hint=_ALTERED
        ) from error
    if distribution.sha256 != given:  # What lies there is what is sent on.
        raise _altered(origin, file, distribution.sha256)
    if file.size not in (None, distribution.size) or (file.sha256 is None and not is_whole(path)):
        raise VerificationFailed(
            f"{origin.name} has given only a part of {file.filename}.",
            hint="Run the same command again.",
        )
    return distribution


def _altered(origin: Origin, file: IndexedFile, given: str) -> VerificationFailed:
    return VerificationFailed(
        f"{origin.name} shows {file.filename} with the sha256 {file.sha256}, but gives it with "
        f"{given}.",
        hint=_ALTERED,
    )


def _signed(
    origin: Origin,
    file: IndexedFile,
    distribution: Distribution,
    trust: Trust | None,
    reporter: Reporter,
) -> Signed:
    if trust is None:
        return Signed(distribution, _readable(origin, file, reporter))
    try:
        attestations = origin.attestations(file)
    except Malformed as error:
        sentence = f"Its signatures cannot be read: {error}."
        raise _not_verified(origin, distribution, sentence) from error
    subject = Subject(distribution.name, file.filename, distribution.sha256)
    verdict = judge(subject, attestations, trust)
    if not verdict.is_good:
        raise _not_verified(origin, distribution, verdict.sentence)
    # Those of strangers would keep an index that knows its signers from taking the file.
    counting = that_count(subject, attestations, trust)
    if left := len(attestations) - len(counting):
        reporter.note(
            f"{left} of {len(attestations)} signatures of {file.filename} stay behind: "
            "they count for nothing here."
        )
    return Signed(distribution, counting, verdict.signers)


def _readable(origin: Origin, file: IndexedFile, reporter: Reporter) -> tuple[Attestation, ...]:
    """Return what is signed of *file*; nobody is trusted, so what cannot be read is only noted.

    What can be read another time is not left behind: raises `PublishError`.
    """
    try:
        return origin.attestations(file)
    except (Unauthorized, Unreachable):
        raise
    except (Malformed, PublishError) as error:
        if isinstance(error, PublishError) and error.is_passing:
            raise
        said = str(error).rstrip(".")
        reporter.note(f"What is signed of {file.filename} is left behind: {said}.")
        return ()


def _not_verified(origin: Origin, distribution: Distribution, sentence: str) -> NotVerified:
    return NotVerified(
        f"{distribution.filename} does not verify. {sentence}",
        hint=f"Nothing was sent. {sign_where_it_is(distribution.version, origin.name)}\n"
        "To promote it without a look at signatures: --no-verify",
    )


def _is_wheel(name: str) -> bool:
    return name.endswith(".whl")


def _safe(name: str) -> bool:
    """Tell whether *name* stays in the folder that it is put into, on any system."""
    return PurePosixPath(name).name == name == PureWindowsPath(name).name


def _versions(names: Iterable[str]) -> list[str]:
    """Return the newest versions that files have, the newest first."""
    found = {read[1] for read in map(name_and_version, names) if read is not None}
    return [str(version) for version in sorted(found, reverse=True)[:_VERSIONS_SHOWN]]
