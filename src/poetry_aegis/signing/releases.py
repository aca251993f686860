"""The files of a release on an index, and files at hand, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.errors import NotVerified, UsageError
from poetry_aegis.publish.distributions import sha256_of
from poetry_aegis.signatures.verdict import Subject, judge
from poetry_aegis.signing.checking import PROBLEMS, Checker, Wanted
from poetry_aegis.signing.findings import FileName, checked, read_file_name
from poetry_aegis.signing.parallel import in_parallel
from poetry_aegis.signing.sources import Altered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from packaging.version import Version

    from poetry_aegis.publish.contents import Release
    from poetry_aegis.publish.index import IndexedFile
    from poetry_aegis.signatures.attestation import Attestation
    from poetry_aegis.signatures.trust import Trust
    from poetry_aegis.signing.findings import Checked
    from poetry_aegis.signing.sources import Source


def check_releases(
    releases: Sequence[Release],
    source: Source,
    trust: Trust,
    jobs: int,
    advance: Callable[[int, int], None],
) -> list[Checked]:
    """Return what is found of the files of *releases* on the index *source*, *jobs* at a time.

    Raises `NotVerified` for a release that it does not have, and `PublishError`.
    """
    checker = Checker(trust)
    wanted = [
        file for one in releases for file in files_of_release(source, one.project, one.version)
    ]
    return in_parallel(lambda file: checker.check(file, source), wanted, jobs, advance)


def files_of_release(source: Source, project: str, version: Version | None) -> list[Wanted]:
    """Return the files of a *version* of *project*; without one, of the newest.

    A final version is newer than all others, and one that is not yanked than all that are. Raises
    `NotVerified` where the index has none, and `PublishError`.
    """
    read = [(read_file_name(name), file) for name, file in source.files(project).items()]
    named = [(name, file) for name, file in read if name is not None and name.project == project]
    wanted = _newest(named) if version is None else version
    found = [file.filename for name, file in named if name.version == wanted]
    if not found:
        what = project if version is None else f"{project} {version}"
        raise NotVerified(
            f"{source.name} has no files of {what}.", hint="Name another index with: -r REPOSITORY"
        )
    return [Wanted(project, str(wanted), name) for name in sorted(found)]


def check_file(path: Path, trust: Trust, source: Source | None) -> Checked:
    """Return what is found of the file at *path*, by what is signed beside it.

    Where nothing lies there, by what the index *source* has of it, whose hash it must have.
    Raises `UsageError` for what is no distribution, and ``OSError``.
    """
    from poetry_aegis.signing.files import read_attestations

    name = _file_name(path)
    wanted = Wanted(name.project, str(name.version), path.name, sha256_of(path))
    try:
        attestations = read_attestations(path)
        if not attestations and source is not None:
            attestations = _signed_on_index(wanted, source)
    except PROBLEMS as problem:
        return wanted.found(problem)
    subject = Subject(wanted.project, wanted.file, wanted.sha256 or "")
    return checked(wanted.project, wanted.version, wanted.file, judge(subject, attestations, trust))


def _signed_on_index(wanted: Wanted, source: Source) -> tuple[Attestation, ...]:
    file = source.files(wanted.project).get(wanted.file)
    if file is None:
        return ()
    if file.sha256 not in (None, wanted.sha256):
        raise Altered(
            f"{source.name} shows it with the sha256 {file.sha256}, the one here has "
            f"{wanted.sha256}."
        )
    return source.attestations(file)


def _file_name(path: Path) -> FileName:
    if not path.is_file():
        raise UsageError(f"There is no file {path}.")
    name = read_file_name(path.name)
    if name is None:
        raise UsageError(
            f"{path.name} is not the name of a wheel or an sdist.",
            hint="Verify it under the name that it was published with.",
        )
    return name


def _newest(named: list[tuple[FileName, IndexedFile]]) -> Version | None:
    def rank(entry: tuple[FileName, IndexedFile]) -> tuple[bool, bool, Version]:
        name, file = entry
        return not file.yanked, not name.version.is_prerelease, name.version

    return max(named, key=rank)[0].version if named else None
