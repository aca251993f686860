"""The packages of a lock, checked: what it pins is what is signed, and is from where it should."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from poetry_aegis.errors import AegisError
from poetry_aegis.signatures.trust import matches_any
from poetry_aegis.signing.checking import Checker, Wanted
from poetry_aegis.signing.findings import (
    ALTERED,
    EXCUSED,
    UNAVAILABLE,
    UNVERIFIABLE,
    Checked,
    LockedFile,
    LockedPackage,
)
from poetry_aegis.signing.parallel import in_parallel
from poetry_aegis.signing.sources import open_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from poetry_aegis.publish.repository import Repository
    from poetry_aegis.signatures.trust import Trust
    from poetry_aegis.signing.sources import Source


@dataclass(frozen=True)
class Manner:
    """How a lock is checked: by whose *trust*, and how many files at a time.

    *excused* tells which projects need no signature, *tell* hears of each repeated request,
    *advance* how many files are done, of how many.
    """

    trust: Trust
    excused: Callable[[str], bool] = lambda project: False  # noqa: ARG005
    jobs: int = 4
    tell: Callable[[str], None] = lambda sentence: None  # noqa: ARG005
    advance: Callable[[int, int], None] = lambda done, total: None  # noqa: ARG005

    def excuses(self, package: LockedPackage) -> bool:
        """Tell whether *package* needs no signature."""
        return self.excused(package.name)

    def judges(self, package: LockedPackage) -> bool:
        """Tell whether it depends on signatures what is found of *package*."""
        return bool(package.source) and package.objection is None and not self.excuses(package)


def in_question(
    packages: Sequence[LockedPackage], projects: tuple[str, ...]
) -> list[LockedPackage]:
    """Return those of *packages* that something is to be said of.

    These are the private ones, those that come from where they should not, and those that a
    pattern of *projects* names, wherever they come from: all but "*", the default. Code in the
    project's own directories is no distribution that somebody could sign.
    """
    naming = tuple(pattern for pattern in projects if pattern != "*")
    return [
        package
        for package in packages
        if package.source
        or package.objection
        or (matches_any(package.name, naming) and not package.is_local)
    ]


def check_lock(
    packages: Sequence[LockedPackage],
    repositories: Mapping[str, Repository | AegisError],
    manner: Manner,
    *,
    download: bool,
) -> list[Checked]:
    """Return what is found of each file of *packages*, which a lock pins.

    The hash that is pinned must be the index's and the one that is signed; with *download*, that of
    the content, too. Whatever comes from where it should not is told of, excused or not: an excuse
    is for a missing signature. *repositories* are those of the packages that *manner* judges.
    """
    checker = Checker(manner.trust, download=download)
    judged = [package for package in packages if manner.judges(package)]
    with open_sources(judged, repositories, manner) as sources:

        def check(task: tuple[LockedPackage, LockedFile | None]) -> Checked:
            package, file = task
            if file is None:
                return without_file(package, manner)
            return check_pinned(package, file, sources[package.source], checker)

        tasks = [
            (package, file)
            for package in packages
            for file in ((manner.judges(package) and package.files) or (None,))
        ]
        return in_parallel(check, tasks, manner.jobs, manner.advance)


def check_pinned(
    package: LockedPackage,
    file: LockedFile,
    source: Source | AegisError,
    checker: Checker,
    keep_in: Path | None = None,
) -> Checked:
    """Return what is found of a *file* that the lock pins for *package*.

    What is downloaded is kept in *keep_in*.
    """
    if not package.holds(file.name):
        return _of(
            package, file.name, ALTERED, f"The lock has it as a file of {_release(package)}."
        )
    if file.sha256 is None:
        return _of(package, file.name, ALTERED, "The lock does not pin it with a sha256.")
    if isinstance(source, AegisError):
        return _of(package, file.name, UNAVAILABLE, str(source))
    wanted = Wanted(canonicalize_name(package.name), package.version, file.name, file.sha256)
    return checker.check(wanted, source, keep_in)


def without_file(package: LockedPackage, manner: Manner) -> Checked:
    """Return what is found of a *package* that is not judged, or that the lock has no files of."""
    if package.objection is not None:
        return _of(package, None, package.objection.finding, package.objection.sentence)
    if manner.excuses(package):
        return _of(package, None, EXCUSED, "The project says that it needs no signature.")
    if not package.source:
        return _of(
            package,
            None,
            UNVERIFIABLE,
            f"It must be signed, but comes from {package.origin}, which has no signatures.",
        )
    return _of(package, None, ALTERED, "The lock pins no file of it.")


@contextlib.contextmanager
def open_sources(
    packages: Sequence[LockedPackage],
    repositories: Mapping[str, Repository | AegisError],
    manner: Manner,
) -> Iterator[dict[str, Source | AegisError]]:
    """Yield the indexes that *packages* come from, by name; an error for one that is unusable."""
    with contextlib.ExitStack() as stack:

        def opened(name: str) -> Source | AegisError:
            repository = repositories[name]
            if isinstance(repository, AegisError):
                return repository
            try:
                return stack.enter_context(open_source(repository, manner.tell))
            except AegisError as error:
                return error

        yield {
            package.source: opened(package.source)
            for package in {one.source: one for one in packages}.values()
        }


def _of(package: LockedPackage, file: str | None, finding: str, sentence: str) -> Checked:
    return Checked(package.name, package.version, file, finding, sentence)


def _release(package: LockedPackage) -> str:
    return f"{package.name} {package.version}"
