"""What is installed of a lock's private packages, checked against what is signed."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from poetry_aegis.signing.checking import Checker
from poetry_aegis.signing.findings import (
    ALTERED,
    UNVERIFIABLE,
    Checked,
    LockedFile,
    LockedPackage,
)
from poetry_aegis.signing.locked import check_pinned, open_sources, without_file
from poetry_aegis.signing.parallel import in_parallel
from poetry_aegis.signing.record import (
    BadRecord,
    Environment,
    Installation,
    all_installed,
    differing,
    find_installed,
)
from poetry_aegis.signing.wheel import BadWheel, SignedWheel, unlisted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from poetry_aegis.errors import AegisError
    from poetry_aegis.publish.repository import Repository
    from poetry_aegis.signing.locked import Manner
    from poetry_aegis.signing.sources import Source

_MOST_NAMES = 5  # of files in a sentence


def check_installed(
    packages: Sequence[LockedPackage],
    repositories: Mapping[str, Repository | AegisError],
    environment: Environment,
    manner: Manner,
) -> list[Checked]:
    """Return what is found of each of *packages* that is installed in *environment*.

    Its files must be as its RECORD says and as the signed wheel on its index has them, which must
    be one that the lock pins.
    """
    by_name: dict[str, list[LockedPackage]] = {}
    for package in packages:
        by_name.setdefault(canonicalize_name(package.name), []).append(package)
    found = [(by_name[one.name], one) for one in all_installed(environment) if one.name in by_name]
    judged = [one for locked, _ in found for one in locked if not manner.excuses(one)]
    with open_sources(judged, repositories, manner) as sources:
        inspector = Inspector(environment, manner, sources)
        return in_parallel(
            lambda task: inspector.inspect(*task), found, manner.jobs, manner.advance
        )


@dataclass(frozen=True)
class Inspector:
    """Looks at what is installed in *environment*."""

    environment: Environment
    manner: Manner
    sources: Mapping[str, Source | AegisError]

    def inspect(self, locked: Sequence[LockedPackage], installed: Installation) -> Checked:
        """Return what is found of a distribution that is *installed*, and *locked* so."""
        package = next((one for one in locked if _is_version(one, installed)), None)
        if self.manner.excuses(locked[0]):
            return without_file(package or locked[0], self.manner)
        if package is None:
            versions = ", ".join(one.version for one in locked)
            return _of(installed, UNVERIFIABLE, f"The lock has {versions} of it.")
        try:
            return (
                self._out_of_place(installed)
                or self._against_record(installed)
                or self._against_wheel(package, installed)
            )
        except BadRecord as error:
            return _of(installed, ALTERED, f"Its RECORD is of no use: {error}.")
        except BadWheel as error:
            return _of(installed, UNVERIFIABLE, f"It cannot be compared: {error}.")

    def _out_of_place(self, installed: Installation) -> Checked | None:
        """Return what is wrong with where *installed* is, or comes from."""
        if len(find_installed(self.environment, installed.name)) > 1:
            return _of(installed, ALTERED, "It is installed more than once.")
        if installed.origin is not None:
            return _of(installed, UNVERIFIABLE, _origin(installed.origin))
        return None

    def _against_record(self, installed: Installation) -> Checked | None:
        """Return what is wrong with the files of *installed*, by what its own RECORD says."""
        altered, missing = differing(installed.rows, installed.root)
        added = unlisted(installed, self._listed)
        said = [
            f"{what}: {_names(names)}"
            for what, names in (("altered", altered), ("missing", missing), ("added", added))
            if names
        ]
        return _of(installed, ALTERED, f"By its RECORD, {'; '.join(said)}.") if said else None

    def _against_wheel(self, package: LockedPackage, installed: Installation) -> Checked:
        """Return what is found of *installed*, by the signed wheel that it was installed from."""
        file = _installed_wheel(package, installed)
        if file is None:
            return _of(
                installed,
                UNVERIFIABLE,
                "The lock pins no wheel with its tags: it was built on this machine.",
            )
        with tempfile.TemporaryDirectory(prefix="poetry-aegis-") as folder:
            kept = Path(folder) / "wheel.zip"
            source = self.sources[package.source]
            found = check_pinned(package, file, source, Checker(self.manner.trust), kept)
            if not found.is_good:
                return found
            names = SignedWheel(kept, installed, self.environment).differences()
        if names:
            sentence = f"Not as in the signed wheel: {_names(names)}."
            return Checked(found.project, found.version, file.name, ALTERED, sentence)
        return found

    @cached_property
    def _listed(self) -> frozenset[Path]:
        """All files that are in a RECORD of the environment."""
        found: set[Path] = set()
        for one in all_installed(self.environment):
            with contextlib.suppress(BadRecord):
                found.update(row.path for row in one.rows)
        return frozenset(found)


def _installed_wheel(package: LockedPackage, installed: Installation) -> LockedFile | None:
    """Return the wheel of *package* whose tags are those of *installed*."""
    for file in package.files:
        try:
            tags = parse_wheel_filename(file.name)[3]
        except (InvalidWheelFilename, InvalidVersion):
            continue
        if tags and {str(tag) for tag in tags} == installed.tags:
            return file
    return None


def _is_version(package: LockedPackage, installed: Installation) -> bool:
    try:
        return Version(package.version) == Version(installed.version.replace("_", "-"))
    except InvalidVersion:
        return False


def _origin(text: str) -> str:
    kind = "in place, for editing," if '"editable"' in text else "directly"
    return f"It is installed {kind} from somewhere else than the index."


def _of(installed: Installation, finding: str, sentence: str) -> Checked:
    return Checked(installed.name, installed.version, None, finding, sentence)


def _names(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
