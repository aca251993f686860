"""Distributions on disk: which files are this version's, and what an upload says of them."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename
from packaging.version import InvalidVersion as NotPep440
from packaging.version import Version

from poetry_aegis import atomic
from poetry_aegis.errors import BuildFailed, InvalidVersion
from poetry_aegis.publish.core_metadata import form_fields, read_core_metadata
from poetry_aegis.signatures.attestation import dump_kept, parse_attestations

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

CHUNK = 1 << 20  # bytes
ATTESTATION = ".publish.attestation"  # after the name of the file that it is about
_NAMES_SHOWN = 8


@dataclass(frozen=True)
class Digests:
    """What a file's content comes to, in lower-case hex."""

    sha256: str
    md5: str
    blake2_256: str


@dataclass(frozen=True)
class Distribution:
    """A built wheel or sdist and everything an upload declares of it.

    *size* is in bytes, *metadata* holds the core metadata as the fields of the legacy upload form,
    in file order. The digests are those of the file when one is first asked for.
    """

    path: Path
    filename: str
    name: str
    version: str
    filetype: Literal["bdist_wheel", "sdist"]
    pyversion: str
    size: int
    metadata: tuple[tuple[str, str], ...]
    _digests: list[Digests] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def digests(self) -> Digests:
        """The digests. Raises `BuildFailed` where the file cannot be read."""
        if not self._digests:
            try:
                self._digests.append(_measure(self.path))
            except OSError as error:
                raise BuildFailed(f"{self.filename} cannot be read: {error.strerror}.") from error
        return self._digests[0]

    @property
    def sha256(self) -> str:
        """The SHA-256. Raises `BuildFailed` where the file cannot be read."""
        return self.digests.sha256


def find_distributions(directory: Path, name: str, version: str) -> tuple[Distribution, ...]:
    """Return the distributions of *name* *version* in *directory*: the sdist, then the wheels.

    Files of another project or version are passed over, a higher version too. Raises `BuildFailed`
    where there is none or one cannot be read, and `InvalidVersion`.
    """
    found = sorted(path.name for path in directory.iterdir()) if directory.is_dir() else []
    ours = select(found, name, version)
    if not ours:
        raise BuildFailed(
            f"There is no distribution of {name} {version} in {directory.name}/, "
            f"{_holdings(directory, found)}.",
            hint="Build it with: poetry build",
        )
    ours.sort(key=lambda filename: filename.endswith(".whl"))
    return tuple(read_distribution(directory / filename) for filename in ours)


def without_attestations(files: Sequence[str]) -> list[str]:
    """Return *files* without the attestations of those that are among them, as ``dist/*`` has it.

    One whose file is not named stays: whoever names it alone means something else.
    """
    named = frozenset(files)
    beside = {f"{file}{ATTESTATION}" for file in named}
    return [file for file in files if file not in beside]


def select(filenames: Iterable[str], name: str, version: str) -> list[str]:
    """Return those of *filenames* that are distributions of *name* *version*.

    Names are compared as PEP 503 normalises them and versions by PEP 440. Raises `InvalidVersion`.
    """
    try:
        wanted = canonicalize_name(name), Version(version)
    except NotPep440 as error:
        raise InvalidVersion(f"{version!r} is not a version that PEP 440 knows.") from error
    return [filename for filename in filenames if _identity(filename) == wanted]


def name_and_version(filename: str) -> tuple[str, Version] | None:
    """Return what the name of a wheel or sdist says, ``None`` for that of anything else.

    A wheel's tags are not looked at: one name can stand for more of them than there is memory.
    """
    try:
        if filename.endswith(".whl"):
            stem, *_ = filename.removesuffix(".whl").rsplit("-", 3)
            return parse_wheel_filename(f"{stem}-py3-none-any.whl")[:2]
        return parse_sdist_filename(filename)
    except ValueError:  # Also for a number of more digits than Python reads.
        return None


def read_distribution(path: Path) -> Distribution:
    """Return the distribution at *path*.

    Raises `BuildFailed` for a file name that is none of a wheel (PEP 427) or an sdist (PEP 625),
    an archive without core metadata, or metadata of another name or version.
    """
    identity = _identity(path.name)
    if identity is None:
        raise BuildFailed(f"{path.name} is not the name of a wheel or an sdist.")
    try:
        raw = read_core_metadata(path)
        declared = canonicalize_name(raw.get("name", "")), Version(raw.get("version", ""))
        size = path.stat().st_size
    except OSError as error:
        raise BuildFailed(f"{path.name} cannot be read: {error.strerror}.") from error
    except NotPep440 as error:
        raise BuildFailed(f"The metadata in {path.name} holds no valid version.") from error
    if declared != identity:
        raise BuildFailed(
            f"{path.name} does not hold what its name says: "
            f"its metadata are of {declared[0]} {declared[1]}.",
            hint="Build it again with: poetry build",
        )
    wheel = path.name.endswith(".whl")
    return Distribution(
        path=path,
        filename=path.name,
        name=raw["name"],
        version=raw["version"],
        filetype="bdist_wheel" if wheel else "sdist",
        pyversion=path.name.split("-")[-3] if wheel else "source",
        size=size,
        metadata=form_fields(raw),
    )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of the file at *path* in hex. Raises `OSError`."""
    return _measure(path).sha256


def keep(
    distributions: Sequence[Distribution], directory: Path, attestations: Mapping[str, str]
) -> None:
    """Copy *distributions* into *directory*, each wholly there or not at all.

    Their *attestations*, by file name, are kept beside them. Files of the same name are replaced,
    all others are left alone. Raises `BuildFailed`.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for distribution in distributions:
            _copy(distribution.path, directory / distribution.filename)
            if signed := attestations.get(distribution.filename):
                text = f"{dump_kept(parse_attestations(signed))}\n"
                atomic.write_text(directory / f"{distribution.filename}{ATTESTATION}", text)
        atomic.fsync_directory(directory)
    except OSError as error:
        raise BuildFailed(
            f"The distributions cannot be kept in {directory}: {error.strerror}."
        ) from error


def _copy(source: Path, target: Path) -> None:
    with atomic.temporary_beside(target) as (stream, temporary):
        with source.open("rb") as original:
            shutil.copyfileobj(original, stream, CHUNK)
        atomic.make_durable(stream)
        stream.close()
        shutil.copymode(source, temporary)
        temporary.replace(target)


def _identity(filename: str) -> tuple[str, Version] | None:
    return name_and_version(filename) if filename.endswith((".whl", ".tar.gz")) else None


def _measure(path: Path) -> Digests:
    sha256 = hashlib.sha256()
    # The form has a place for it; nobody trusts it, so FIPS builds may compute it.
    md5 = hashlib.md5(usedforsecurity=False)
    blake2_256 = hashlib.blake2b(digest_size=32)
    with path.open("rb", buffering=0) as stream:
        while chunk := stream.read(CHUNK):
            for digest in (sha256, md5, blake2_256):
                digest.update(chunk)
    return Digests(sha256.hexdigest(), md5.hexdigest(), blake2_256.hexdigest())


def _holdings(directory: Path, found: Sequence[str]) -> str:
    if not directory.is_dir():
        return "which does not exist"
    if not found:
        return "which is empty"
    more = len(found) - _NAMES_SHOWN
    return f"which holds {', '.join(found[:_NAMES_SHOWN])}" + (
        f" and {more} more" if more > 0 else ""
    )
