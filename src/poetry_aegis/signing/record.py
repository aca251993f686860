"""An installed distribution: where it is, and what its RECORD tells of its files."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LARGEST = 64 << 20  # bytes of a RECORD, or of another file about a distribution
_CHUNK = 1 << 20
_INFO = (".dist-info", ".egg-info")
_ALGORITHMS = ("sha256", "sha384", "sha512")
# What installers write, and no wheel has (PEP 376, PEP 610, PEP 627, and uv of its own).
WRITTEN_BY_INSTALLERS = frozenset(
    {"INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_cache.json"}
)


class BadRecord(ValueError):
    """What is wrong with a RECORD, as the end of a sentence about it."""


@dataclass(frozen=True)
class Environment:
    """The directories of an environment that wheels are installed into."""

    purelib: Path
    platlib: Path
    scripts: Path
    data: Path

    @property
    def roots(self) -> tuple[Path, ...]:
        """The directories that packages are imported from."""
        return tuple(dict.fromkeys((self.purelib, self.platlib)))


@dataclass(frozen=True)
class Row:
    """A file of a RECORD. *digest* is ``ALGORITHM=BASE64``, empty where there is none."""

    path: Path
    digest: str


@dataclass(frozen=True)
class Installation:
    """A distribution that is installed: *folder* is its ``.dist-info``, or ``.egg-info``."""

    name: str
    version: str
    folder: Path

    @property
    def root(self) -> Path:
        """The directory that the distribution is installed into."""
        return self.folder.parent

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The files in its RECORD, by absolute path. Raises `BadRecord`."""
        text = read_bounded(self.folder / "RECORD")
        if text is None:
            raise BadRecord("it has none")
        try:
            found = [row for row in csv.reader(io.StringIO(text), strict=True) if row]
            return tuple(Row(absolute(self.root / row[0]), row[1]) for row in found)
        except (csv.Error, IndexError, ValueError) as error:
            raise BadRecord("it is not a table of files and hashes") from error

    @property
    def origin(self) -> str | None:
        """What ``direct_url.json`` says of where it came from, ``None`` where it has none."""
        return read_bounded(self.folder / "direct_url.json")

    @property
    def tags(self) -> frozenset[str]:
        """The tags in its WHEEL file: which wheel was installed."""
        lines = (read_bounded(self.folder / "WHEEL") or "").splitlines()
        pairs = [line.partition(":") for line in lines]
        return frozenset(value.strip() for key, _, value in pairs if key.strip().lower() == "tag")


def find_installed(environment: Environment, name: str) -> list[Installation]:
    """Return the distributions called *name* that are installed: more than one are a bad sign."""
    return [one for one in all_installed(environment) if one.name == canonicalize_name(name)]


def all_installed(environment: Environment) -> Iterator[Installation]:
    """Yield the distributions that are installed in *environment*."""
    for root in environment.roots:
        for folder in sorted(root.glob("*.*-info")) if root.is_dir() else ():
            name, version, *_ = [*folder.name.removesuffix(folder.suffix).split("-"), ""]
            if folder.suffix in _INFO:
                yield Installation(canonicalize_name(name), version, folder)


def differing(rows: Sequence[Row], root: Path) -> tuple[list[str], list[str]]:
    """Return which files of *rows* are altered, and which are missing, by their names.

    A file without a hash is let pass only where installers write none.
    """
    altered, missing = [], []
    for row in rows:
        if not row.path.is_file():
            missing.append(shown(row.path, root))
        elif not _is_as_recorded(row):
            altered.append(shown(row.path, root))
    return altered, missing


def digest_of(path: Path, algorithm: str = "sha256") -> str:
    """Return the digest of the file at *path* as a RECORD spells it; nothing for a weak one."""
    if algorithm not in _ALGORITHMS:
        return ""
    digest = hashlib.new(algorithm)
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return spelled(algorithm, digest.digest())


def spelled(algorithm: str, digest: bytes) -> str:
    """Return a *digest* as a RECORD spells it."""
    return f"{algorithm}={base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def shown(path: Path, root: Path) -> str:
    """Return *path* as a person reads it: relative to *root* where it is below it."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def absolute(path: Path) -> Path:
    """Return *path* without ``..``; links are left as they are, as installers write them."""
    return Path(os.path.normpath(path))


def is_cache(path: Path) -> bool:
    """Tell whether *path* is bytecode that Python itself writes."""
    return path.suffix == ".pyc" and path.parent.name == "__pycache__"


def read_bounded(path: Path) -> str | None:
    """Return the text of a small file at *path*, ``None`` where it is none."""
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return None
        return path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return None


def _is_as_recorded(row: Row) -> bool:
    if not row.digest:
        return is_cache(row.path) or row.path.name in WRITTEN_BY_INSTALLERS
    return digest_of(row.path, row.digest.partition("=")[0]) == row.digest
