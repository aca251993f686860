"""What release, bump and publish tell the pipeline that they run in: see `ci.report`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from poetry_aegis.ci.report import write_outputs, write_summary

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from poetry_aegis.commands.base import AegisCommand
    from poetry_aegis.publish.publication import Publication

    Document = Mapping[str, Any]


def tell_of_release(command: AegisCommand, document: Document) -> None:
    """Tell of a release by what ``--json`` prints of it: what was made, or that nothing was."""
    if document.get("dry_run") or "taken_back" in document:
        return
    packages = _packages_of(document)
    planned = [package for package in packages if package["version"]]
    version = ", ".join(_version_of(package) for package in planned or packages)
    released = bool(planned) and _makes_tags(document)
    tag = ", ".join(package["tag"] for package in planned if released)
    title = f"Released {version}" if released else f"Prepared {version}"
    rows = [("Version", version), ("Tag", tag)] if released else [("Version", version)]
    notes = "\n".join(package["changelog"].partition("\n")[2] for package in planned)
    _tell(
        command,
        {"version": version, "tag": tag, "released": _word(released)},
        title if planned else "Nothing to release",
        [*rows, *_rows_of(_publications_of(document))],
        notes,
    )


def tell_of_publication(
    command: AegisCommand, publications: Sequence[Publication], *, tag: str = ""
) -> None:
    """Tell of what was published without a release: of one project or of several, and its *tag*."""
    documents = [publication.to_json() for publication in publications]
    if len(documents) == 1:
        version = str(documents[0]["version"])
    else:
        version = ", ".join(f"{item['project']} {item['version']}" for item in documents)
    rows = [("Version", version), *([("Tag", tag)] if tag else []), *_rows_of(documents)]
    values = {"version": version, "tag": tag, "released": _word(said=False)}
    _tell(command, values, f"Published {version}", rows)


def tell_of_nothing(command: AegisCommand, version: str) -> None:
    """Tell that nothing was published, *version* being that of the last release."""
    values = {"version": version, "tag": "", "released": _word(said=False)}
    _tell(command, values, "Nothing to publish", [("Version", version)])


def tell_of_bump(command: AegisCommand, version: str) -> None:
    """Tell of the *version* that was written and not released."""
    values = {"version": version, "tag": "", "released": _word(said=False)}
    _tell(command, values, f"Bumped to {version}", [("Version", version)])


def _tell(
    command: AegisCommand,
    values: Mapping[str, str],
    title: str,
    rows: Sequence[tuple[str, str]],
    notes: str = "",
) -> None:
    """Write it, as far as the pipeline takes it: what was done is done, whoever hears of it."""
    try:
        write_outputs(values, os.environ)
        write_summary(title, rows, os.environ, notes)
    except OSError as error:
        command.warn_of(f"The pipeline was not told: {error.strerror or error}.")


def _makes_tags(document: Document) -> bool:
    """Return whether the release is one already: with --branch it becomes one once it is merged."""
    return any(str(step["name"]).partition(":")[0] == "tag" for step in document["steps"])


def _packages_of(document: Document) -> Sequence[Document]:
    packages = document.get("packages")
    if not packages:
        return [document]
    return [{"name": name, **package} for name, package in packages.items()]


def _version_of(package: Document) -> str:
    version = package["version"] or package["current"]
    return f"{package['name']} {version}" if "name" in package else str(version)


def _publications_of(document: Document) -> Sequence[Document]:
    if "publication" in document:
        return [document["publication"]]
    return list(document.get("publications", {}).values())


def _rows_of(publications: Sequence[Document]) -> Iterator[tuple[str, str]]:
    for publication in publications:
        yield "Index", f"{publication['repository']} ({publication['url']})"
        yield "Files", ", ".join(str(file["filename"]) for file in publication["files"])


def _word(said: bool) -> str:  # noqa: FBT001 - there is nothing else to say
    return "true" if said else "false"
