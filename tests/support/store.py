"""A store without a server: what goes in, and what its pages then say."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from poetry_aegis.registry.archives.distributions import inspect
from poetry_aegis.registry.digests import sha256_of
from poetry_aegis.registry.names import parse_file_name
from poetry_aegis.registry.store.admission import Outcome, Overwriting

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.registry.store.store import Store


def add(
    store: Store,
    file: Path,
    overwriting: Overwriting = Overwriting.NOT_ASKED,
    provenance: bytes | None = None,
) -> Outcome:
    """Put *file* into *store* as an upload does, less the form."""
    with store.incoming() as (stream, path):
        stream.write(file.read_bytes())
        stream.flush()
        distribution = inspect(path, parse_file_name(file.name), sha256_of(path))
        return store.add(path, distribution, overwriting, provenance)


def document(data: DataDirectory, project: str = "demo") -> dict[str, Any]:
    """Return a project's JSON page."""
    content: dict[str, Any] = json.loads((data.project_pages(project) / "index.json").read_bytes())
    return content


def page(data: DataDirectory, project: str = "demo") -> dict[str, dict[str, Any]]:
    """Return the files on a project's JSON page by name."""
    return {file["filename"]: file for file in document(data, project)["files"]}


def projects(data: DataDirectory) -> list[str]:
    """Return the names on the project list."""
    content = json.loads((data.simple / "index.json").read_bytes())
    return [project["name"] for project in content["projects"]]


def everything(root: Path) -> dict[str, bytes]:
    """Return all files under *root* with their content, lock files apart."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".work/locks" not in str(path)
    }


def assert_page_tells_the_truth(data: DataDirectory, project: str = "demo") -> None:
    """Compare both pages of a project with its files."""
    html = (data.project_pages(project) / "index.html").read_text()
    for name, file in page(data, project).items():
        assert sha256_of(data.distribution(project, name)) == file["hashes"]["sha256"]
        assert f"sha256={file['hashes']['sha256']}" in html
        assert ("provenance" in file) == data.provenance(project, name).exists()
        if name.endswith(".whl"):
            metadata = data.metadata(project, name).read_bytes()
            assert hashlib.sha256(metadata).hexdigest() == file["core-metadata"]["sha256"]
