"""Files that did not come in as uploads have to: unsigned, though their project must be signed.

An import brings no signatures, a copied file neither, and a key that counted may do so no longer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.registry.names import is_normalized
from poetry_aegis.registry.store.files import provenance_beside
from poetry_aegis.signatures.verdict import Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from poetry_aegis.registry.signers import Signers
    from poetry_aegis.registry.store.listing import ListedFile
    from poetry_aegis.registry.store.store import Store

_NOBODY = "The keys that count cannot be read."


def unverified(store: Store, signers: Signers, projects: Iterable[str]) -> tuple[str, ...]:
    """Return the listed files of *projects* that must be signed and are not, as ``title: why``.

    Only the records of those projects and what lies beside their files is read, not the files.
    Raises ``OSError``.
    """
    return tuple(
        finding
        for project in projects
        if signers.wants(project)
        for finding in _findings(store, signers, project)
    )


def unverified_of_all(store: Store, signers: Signers) -> tuple[str, ...]:
    """Return what `unverified` does, of all projects. Raises ``OSError``."""
    if not signers.required:
        return ()
    folders = (path.name for path in store.data.simple.iterdir())
    return unverified(store, signers, sorted(filter(is_normalized, folders)))


def unverified_among(store: Store, signers: Signers, titles: Iterable[str]) -> tuple[str, ...]:
    """Return which of the files with these *titles*, ``project/file``, `unverified` tells of.

    Raises ``OSError``.
    """
    wanted = [title for title in titles if signers.wants(title.partition("/")[0])]
    projects = sorted({title.partition("/")[0] for title in wanted})
    found = {finding.partition(": ")[0] for finding in unverified(store, signers, projects)}
    return tuple(title for title in wanted if title in found)


def _findings(store: Store, signers: Signers, project: str) -> Iterator[str]:
    for file in store.listing(project).files:
        if doubt := _doubt(store, signers, project, file):
            yield f"{project}/{file.file_name}: {doubt}"


def _doubt(store: Store, signers: Signers, project: str, file: ListedFile) -> str:
    """Return why a file does not verify, empty where it does."""
    provenance = provenance_beside(store.data, project, file.file_name)
    verdict = signers.verdict(Subject(project, file.file_name, file.sha256), provenance)
    if verdict is None:
        return _NOBODY
    return "" if verdict.is_good else verdict.sentence
