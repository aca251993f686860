"""What is published: a version with a wheel for each of many platforms, or with one huge wheel."""

from __future__ import annotations

import base64
import hashlib
import io
import random
import zipfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROJECT, VERSION = "bench-publish", "1.0.0"
PYTHONS = ("cp310", "cp311", "cp312", "cp313", "cp314")
PLATFORMS = ("macosx_11_0_arm64", "manylinux_2_28_aarch64", "manylinux_2_28_x86_64", "win_amd64")
TAGS = tuple(f"{python}-{python}-{platform}" for python in PYTHONS for platform in PLATFORMS)
ANY = "py3-none-any"
MEGABYTE = 1024 * 1024
EPOCH = (2020, 2, 2, 0, 0, 0)
_STEM = f"{PROJECT.replace('-', '_')}-{VERSION}"


def make_project(root: Path, wheels: int, size: int) -> Path:
    """Make a project in *root* with as many *wheels* of *size* bytes in its dist/; return *root*.

    What is in them does not compress, and is the same each time.
    """
    _write_pyproject(root)
    for tag in TAGS[:wheels]:
        _write_wheel(root / "dist", tag, iter([random.Random(tag).randbytes(size)]), size)
    return root


def make_huge_project(root: Path, size: int) -> Path:
    """Make a project in *root* with one wheel of about *size* bytes, which takes no disk space."""
    _write_pyproject(root)
    pieces = (bytes(MEGABYTE) for _ in range(size // MEGABYTE))
    _write_wheel(root / "dist", ANY, pieces, size)
    return root


def hashes_in(directory: Path) -> dict[str, str]:
    """Return the SHA-256 of each file in *directory*, by name."""
    return {path.name: _sha256(path) for path in sorted(directory.iterdir())}


def bytes_in(directory: Path) -> int:
    """Return how large the files in *directory* are together."""
    return sum(path.stat().st_size for path in directory.iterdir())


def _write_pyproject(root: Path) -> None:
    (root / "dist").mkdir(parents=True)
    (root / "pyproject.toml").write_text(
        f'[project]\nname = "{PROJECT}"\nversion = "{VERSION}"\ndescription = "A benchmark."\n'
        'requires-python = ">=3.10"\n'
        '[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n'
    )


def _write_wheel(dist: Path, tag: str, payload: Iterator[bytes], size: int) -> None:
    package, info = PROJECT.replace("-", "_"), f"{_STEM}.dist-info"
    pure = str(tag == ANY).lower()
    members = {
        f"{package}/__init__.py": b"",
        f"{info}/METADATA": (
            f"Metadata-Version: 2.1\nName: {PROJECT}\nVersion: {VERSION}\n"
            "Summary: A benchmark.\nRequires-Python: >=3.10\n"
        ).encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: {pure}\nTag: {tag}\n".encode(),
    }
    digest = hashlib.sha256()
    with (
        _Sparse(dist / f"{_STEM}-{tag}.whl", "wb") as stream,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive,
    ):
        entry = zipfile.ZipInfo(f"{package}/payload.bin", EPOCH)
        entry.file_size = size
        with archive.open(entry, "w") as member:
            for piece in payload:
                digest.update(piece)
                member.write(piece)
        rows = [_row(entry.filename, digest.digest(), size)]
        for name, content in members.items():
            rows.append(_row(name, hashlib.sha256(content).digest(), len(content)))
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content)
        record = "\n".join([*rows, f"{info}/RECORD,,", ""])
        archive.writestr(zipfile.ZipInfo(f"{info}/RECORD", EPOCH), record)


def _row(name: str, digest: bytes, size: int) -> str:
    encoded = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return f"{name},sha256={encoded},{size}"


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        digest = hashlib.sha256()
        while piece := stream.read(MEGABYTE):
            digest.update(piece)
    return digest.hexdigest()


class _Sparse(io.FileIO):
    """A file in which zeros are left out, as a file system can. It must not end in them."""

    def write(self, data: Any, /) -> int:
        if data != bytes(len(data)):
            return super().write(data)
        self.seek(len(data), io.SEEK_CUR)
        return len(data)
