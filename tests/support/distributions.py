"""Wheels and sdists made by hand, so that tests need neither a build backend nor a network."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import tarfile
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

EPOCH = (2020, 2, 2, 0, 0, 0)


def make_wheel(
    directory: Path,
    name: str = "demo",
    version: str = "1.0.0",
    *,
    requires_python: str | None = None,
    requires: Sequence[str] = (),
    metadata: str | bytes | None = None,
    files: Mapping[str, str | bytes] | None = None,
    tag: str = "py3-none-any",
    file_name: str | None = None,
) -> Path:
    """Write an installable wheel in *directory* and return its path.

    *metadata* replaces the whole METADATA file, *files* adds members or replaces the ones made
    here, *file_name* replaces the file's name only: each makes a wheel that lies, where wanted.
    """
    stem = f"{_escaped(name)}-{version}"
    info = f"{stem}.dist-info"
    members: dict[str, str | bytes] = {
        f"{_escaped(name)}/__init__.py": f'__version__ = "{version}"\n',
        f"{info}/METADATA": _metadata(name, version, requires_python, requires, metadata),
        f"{info}/WHEEL": (
            f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n"
        ),
    } | dict(files or {})
    if f"{info}/RECORD" not in members:
        members[f"{info}/RECORD"] = _record(members, info)
    path = _target(directory, file_name or f"{stem}-{tag}.whl")
    write_zip(path, members)
    return path


def make_sdist(
    directory: Path,
    name: str = "demo",
    version: str = "1.0.0",
    *,
    requires_python: str | None = None,
    metadata: str | bytes | None = None,
    files: Mapping[str, str | bytes] | None = None,
    file_name: str | None = None,
) -> Path:
    """Write a source distribution in *directory* and return its path. See `make_wheel`."""
    root = f"{_escaped(name)}-{version}"
    members: dict[str, str | bytes] = {
        f"{root}/PKG-INFO": _metadata(name, version, requires_python, (), metadata),
        f"{root}/pyproject.toml": f'[project]\nname = "{name}"\nversion = "{version}"\n',
        f"{root}/src/{_escaped(name)}/__init__.py": f'__version__ = "{version}"\n',
    } | dict(files or {})
    path = _target(directory, file_name or f"{root}.tar.gz")
    write_tar(path, members)
    return path


def make_built_project(root: Path) -> Path:
    """Make a project whose ``dist/`` has the distributions of its version; return *root*."""
    make_sdist(root / "dist")
    make_wheel(root / "dist")
    (root / "pyproject.toml").write_text('[project]\nname = "demo"\nversion = "1.0.0"\n')
    return root


def write_zip(path: Path, members: Mapping[str, str | bytes]) -> None:
    """Write a zip file, the same bytes for the same members each time."""
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            entry = zipfile.ZipInfo(member, EPOCH)
            archive.writestr(entry, _bytes(content), zipfile.ZIP_DEFLATED)


def write_tar(path: Path, members: Mapping[str, str | bytes]) -> None:
    """Write a gzip-compressed tar of regular files, the same bytes for the same members."""
    with (
        gzip.GzipFile(path, "wb", mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w") as archive,
    ):
        for member, content in members.items():
            entry = tarfile.TarInfo(member)
            entry.size = len(_bytes(content))
            archive.addfile(entry, io.BytesIO(_bytes(content)))


def core_metadata(
    name: str = "demo",
    version: str = "1.0.0",
    *,
    requires_python: str | None = None,
    requires: Sequence[str] = (),
) -> str:
    """Return a METADATA or PKG-INFO file."""
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", "Summary: A demo."]
    if requires_python is not None:
        lines.append(f"Requires-Python: {requires_python}")
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    return "\n".join([*lines, "", "A description.", ""])


def _metadata(
    name: str,
    version: str,
    requires_python: str | None,
    requires: Sequence[str],
    given: str | bytes | None,
) -> str | bytes:
    if given is not None:
        return given
    return core_metadata(name, version, requires_python=requires_python, requires=requires)


def _record(members: Mapping[str, str | bytes], info: str) -> str:
    rows = []
    for member, content in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(_bytes(content)).digest())
        rows.append(f"{member},sha256={digest.rstrip(b'=').decode()},{len(_bytes(content))}")
    return "\n".join([*rows, f"{info}/RECORD,,", ""])


def _escaped(name: str) -> str:
    """Return *name* as PEP 427 and PEP 625 write it in file names."""
    return name.replace("-", "_").replace(".", "_").lower()


def _target(directory: Path, file_name: str) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory / file_name


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content
