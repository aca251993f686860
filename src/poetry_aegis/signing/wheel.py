"""A signed wheel, compared file by file with what is installed of it."""

from __future__ import annotations

import configparser
import hashlib
import re
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from poetry_aegis.signing.record import (
    WRITTEN_BY_INSTALLERS,
    Environment,
    Installation,
    absolute,
    digest_of,
    is_cache,
    shown,
    spelled,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

_CHUNK = 1 << 20
_LARGEST_SCRIPT = 16 << 20  # bytes
_SCHEMES = ("purelib", "platlib", "scripts", "data", "headers")
# Files of a wheel that installers do not install as they are.
_OF_THE_WHEEL = ("RECORD", "RECORD.jws", "RECORD.p7s")
# The first line of a script, which installers write for the environment's interpreter: its path
# alone, or where that is too long or has a space, quoted and started by a shell.
_PLAIN = rb"[\w@%+=:,./\\~-]*"
_PYTHON = rb"(?:python|pypy)w?[0-9.]*(?:\.exe)?"
_QUOTED = rb"(?:" + _PLAIN + rb"|'[^'\n]*'|\"[^\"\n$`\\]*\")"
_BY_SHELL = rb"/bin/sh\n'''exec' " + _QUOTED + rb" \"\$0\" \"\$@\"\n' '''"
_WRITTEN = re.compile(rb"#!(?:" + _PLAIN + _PYTHON + rb"|" + _BY_SHELL + rb")\r?\n", re.ASCII)
_LAUNCHERS = ("", ".exe", "-script.py", "-script.pyw")


class BadWheel(ValueError):
    """A wheel that is none, as the end of a sentence about it."""


@dataclass(frozen=True)
class SignedWheel:
    """The wheel at *path*, which has been verified, and the *installation* to compare with it."""

    path: Path
    installation: Installation
    environment: Environment

    def differences(self) -> list[str]:
        """Return the names of installed files that are not as the wheel has them.

        Raises `BadWheel`.
        """
        try:
            with zipfile.ZipFile(self.path) as archive:
                return sorted({*self._altered(archive), *self._foreign(archive)})
        except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, EOFError) as error:
            raise BadWheel(f"the signed wheel cannot be read: {error}") from error

    def _altered(self, archive: zipfile.ZipFile) -> Iterator[str]:
        """Yield the names of files that the wheel has, and that are not installed so."""
        about_itself = {self._in_info(name) for name in _OF_THE_WHEEL}
        for entry in self._files(archive):
            if entry.filename in about_itself:
                continue
            target, is_script = self._target(entry.filename)
            if not target.is_file() or not _is_same(archive, entry, target, is_script=is_script):
                yield shown(target, self.installation.root)

    def _foreign(self, archive: zipfile.ZipFile) -> Iterator[str]:
        """Yield the names of files in the installed RECORD that the wheel does not have."""
        known = {self._target(entry.filename)[0] for entry in self._files(archive)}
        known |= {self.installation.folder / name for name in WRITTEN_BY_INSTALLERS}
        known |= set(self._launchers(archive))
        for row in self.installation.rows:
            if row.path not in known and not is_cache(row.path):
                yield shown(row.path, self.installation.root)

    def _launchers(self, archive: zipfile.ZipFile) -> Iterator[Path]:
        """Yield the scripts that installers make of the wheel's entry points."""
        try:
            text = archive.read(self._in_info("entry_points.txt")).decode("utf-8", "replace")
        except KeyError:
            return
        parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
        parser.optionxform = str  # type: ignore[method-assign,assignment]
        try:
            parser.read_string(text)
        except configparser.Error:
            return
        for section in ("console_scripts", "gui_scripts"):
            for name in parser[section] if parser.has_section(section) else ():
                for suffix in _LAUNCHERS:
                    yield absolute(self.environment.scripts / f"{name}{suffix}")

    def _files(self, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
        return [entry for entry in archive.infolist() if not entry.is_dir()]

    def _target(self, member: str) -> tuple[Path, bool]:
        """Return where *member* is installed, and whether it is a script."""
        folder, _, rest = member.partition("/")
        if folder != self._data or not rest:
            return absolute(self.installation.root / member), False
        scheme, _, name = rest.partition("/")
        if scheme not in _SCHEMES:
            raise BadWheel(f"the signed wheel has a file {member!a}, of no known kind")
        if scheme == "headers":
            return self._header(name), False
        base: Path = getattr(self.environment, scheme)
        return absolute(base / name), scheme == "scripts"

    def _header(self, name: str) -> Path:
        """Return where the C header *name* is: each installer has a directory of its own."""
        base = self.environment.data / "include"
        for row in self.installation.rows:
            path = row.path.as_posix()
            folder = Path(path.removesuffix(f"/{name}"))
            is_own = canonicalize_name(folder.name) == self.installation.name
            if is_own and path.endswith(f"/{name}") and row.path.is_relative_to(base):
                return row.path
        return absolute(base / self.installation.name / name)

    def _in_info(self, name: str) -> str:
        return f"{self._stem}.dist-info/{name}"

    @property
    def _data(self) -> str:
        return f"{self._stem}.data"

    @cached_property
    def _stem(self) -> str:
        """``NAME-VERSION`` as the wheel itself spells it."""
        with zipfile.ZipFile(self.path) as archive:
            for name in archive.namelist():
                if name.count("/") == 1 and name.endswith(".dist-info/WHEEL"):
                    return name.removesuffix(".dist-info/WHEEL")
        raise BadWheel("the signed wheel has no WHEEL file")


def _is_same(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, *, is_script: bool
) -> bool:
    """Tell whether the file at *target* has the content of *entry*."""
    if is_script and entry.file_size <= _LARGEST_SCRIPT:
        content = archive.read(entry)
        if content.startswith(b"#!python"):
            return _is_written_for(content, target)
    digest = hashlib.sha256()
    with archive.open(entry) as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return spelled("sha256", digest.digest()) == digest_of(target)


def _is_written_for(content: bytes, target: Path) -> bool:
    """Tell whether *target* is the script *content* with another interpreter in its first line."""
    if target.stat().st_size > _LARGEST_SCRIPT + _CHUNK:
        return False
    installed = target.read_bytes()
    body = content.partition(b"\n")[2]
    head = installed.removesuffix(body) if body else installed
    return installed.endswith(body) and _WRITTEN.fullmatch(head) is not None


def unlisted(installation: Installation, listed: frozenset[Path]) -> Sequence[str]:
    """Return the modules that were added to those of *installation*.

    These are the ones in its packages that are in no RECORD, which is to say not *listed*, and
    whatever Python would import in the place of one of its own, whoever lists that.
    """
    own = {row.path for row in installation.rows}
    folders = {path.parent for path in own if path.name == "__init__.py"}
    tops = [folder for folder in folders if folder.parent not in folders]
    inside = [path for top in tops for path in top.rglob("*")]
    found = {path for path in inside if _is_module(path)} - listed
    found |= {path for path in _rivals(own) if _is_module(path)} - own
    # What is behind a link is not looked at, and no installer makes one to a folder.
    found |= {path for path in inside if path.is_symlink() and path.is_dir()}
    return sorted(shown(path, installation.root) for path in found)


def _rivals(own: Collection[Path]) -> Iterator[Path]:
    """Yield what has a name of *own* modules: compiled code and packages come before source."""
    names: dict[Path, set[str]] = {}
    for path in filter(_is_module, own):
        names.setdefault(path.parent, set()).add(_module(path))
    for folder, known in names.items():
        for path in folder.iterdir() if folder.is_dir() else ():
            if _module(path) in known:
                yield path
                yield from path.glob("__init__.*")


def _module(path: Path) -> str:
    """Return the name by which the module at *path* is imported."""
    return path.name.partition(".")[0]


def _is_module(path: Path) -> bool:
    return path.suffix in {".py", ".pyc", ".so", ".pyd"} and not is_cache(path)
