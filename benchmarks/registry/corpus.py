"""What is served: wheels of random bytes, and the pages that this registry renders of them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import os
import random
import shutil
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.store.listing import ListedFile, Listing, timestamp
from poetry_aegis.registry.store.pages import (
    GZIP_SUFFIX,
    HTML_PAGE,
    JSON_PAGE,
    list_document,
    render_html,
    render_json,
    render_list_html,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

MEGABYTE = 1024 * 1024
EPOCH = (2020, 2, 2, 0, 0, 0)
MEDIUM, LARGE = "one-megabyte", "hundred-megabytes"


@dataclass(frozen=True)
class Size:
    """How much is served: *heavy* packages of *megabytes* each need one another in a row."""

    projects: int = 2_000
    versions: int = 5
    heavy: int = 40
    megabytes: int = 20
    large: int = 100

    @property
    def heavy_names(self) -> list[str]:
        """The packages that resolvers are asked for."""
        return [f"heavy-{number:03}" for number in range(self.heavy)]


QUICK = Size(projects=200, heavy=8, megabytes=2, large=20)


@dataclass(frozen=True)
class Wheel:
    """A wheel in memory."""

    project: str
    version: str
    content: bytes
    metadata: bytes

    @property
    def file_name(self) -> str:
        """Its name as PEP 427 has it."""
        return f"{self.project.replace('-', '_')}-{self.version}-py3-none-any.whl"

    def listed(self) -> ListedFile:
        """Return it as a project page tells of it."""
        return ListedFile(
            file_name=self.file_name,
            version=self.version,
            sha256=hashlib.sha256(self.content).hexdigest(),
            size=len(self.content),
            upload_time=timestamp(0),
            metadata_sha256=hashlib.sha256(self.metadata).hexdigest(),
            requires_python=">=3.8",
        )


def make_corpus(root: Path, size: Size) -> DataDirectory:
    """Write the wheels and their pages, as a data directory of this registry."""
    data = DataDirectory.open(root)
    for number in range(size.projects):
        project = f"bench-{number:05}"
        write_project(data, [make_wheel(project, f"{v}.0") for v in range(1, size.versions + 1)])
    write_project(data, [make_wheel(MEDIUM, "1.0", payload=MEGABYTE)])
    write_project(data, [make_wheel(LARGE, "1.0", payload=size.large * MEGABYTE)])
    needed: tuple[str, ...] = ()
    for name in reversed(size.heavy_names):
        wheel = make_wheel(name, "1.0", payload=size.megabytes * MEGABYTE, requires=needed)
        write_project(data, [wheel])
        needed = (name,)
    write_list(data, sorted(path.name for path in data.packages.iterdir()))
    return data


def make_wheel(
    project: str, version: str, *, payload: int = 1000, requires: Sequence[str] = ()
) -> Wheel:
    """Return a wheel with *payload* bytes that do not compress; the same for the same name."""
    stem = project.replace("-", "_")
    info = f"{stem}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {name}\n" for name in requires)
    metadata = (
        f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\nSummary: A benchmark.\n"
        f"Requires-Python: >=3.8\n{needs}"
    ).encode()
    members = {
        f"{stem}/__init__.py": b"",
        f"{stem}/payload.bin": random.Random(f"{project} {version}").randbytes(payload),
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    members[f"{info}/RECORD"] = _record(members, info)
    return Wheel(project, version, _zipped(members), metadata)


def write_project(data: DataDirectory, wheels: Sequence[Wheel]) -> None:
    """Write a project's files and pages."""
    project = wheels[0].project
    data.project_files(project).mkdir()
    for wheel in wheels:
        data.distribution(project, wheel.file_name).write_bytes(wheel.content)
        data.metadata(project, wheel.file_name).write_bytes(wheel.metadata)
    write_pages(data, Listing(project, tuple(wheel.listed() for wheel in wheels)))


def write_pages(data: DataDirectory, listing: Listing) -> None:
    """Write a project's pages, not waiting for the disk as the registry does."""
    folder = data.project_pages(listing.project)
    folder.mkdir()
    _write_page(folder, render_html(listing), render_json(listing.to_json()))


def write_list(data: DataDirectory, projects: Sequence[str]) -> None:
    """Write the project list."""
    _write_page(data.simple, render_list_html(projects), render_json(list_document(projects)))


def linked_copy(corpus: DataDirectory, root: Path) -> DataDirectory:
    """Return a data directory of its own with the files of *corpus*, which share its disk space."""
    data = DataDirectory.open(root)
    for theirs, ours in ((corpus.packages, data.packages), (corpus.simple, data.simple)):
        shutil.copytree(theirs, ours, copy_function=os.link, dirs_exist_ok=True)
    return data


def link_wheels(corpus: DataDirectory, folder: Path) -> Path:
    """Return *folder* with all wheels of *corpus* in it, as servers of a flat directory like."""
    folder.mkdir(parents=True)
    for wheel in wheels_of(corpus):
        os.link(wheel, folder / wheel.name)
    return folder


def wheels_of(corpus: DataDirectory) -> Iterable[Path]:
    """Return the paths of all wheels."""
    return sorted(corpus.packages.glob("*/*.whl"))


def _write_page(folder: Path, html: bytes, json: bytes) -> None:
    for name, content in ((HTML_PAGE, html), (JSON_PAGE, json)):
        (folder / name).write_bytes(content)
        (folder / f"{name}{GZIP_SUFFIX}").write_bytes(gzip.compress(content, 6, mtime=0))


def _record(members: dict[str, bytes], info: str) -> bytes:
    rows = []
    for member, content in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        rows.append(f"{member},sha256={digest},{len(content)}")
    return "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()


def _zipped(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for member, content in members.items():
            archive.writestr(zipfile.ZipInfo(member, EPOCH), content)
    return stream.getvalue()
