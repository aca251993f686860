"""The core metadata of distributions, looked at before anything is sent.

What breaks an install is refused by every index here. What only the public index refuses, such as a
classifier that it does not know, is no more than a warning for a private one.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.metadata import InvalidMetadata, Metadata

from poetry_aegis.errors import BuildFailed
from poetry_aegis.publish.core_metadata import read_core_metadata

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from packaging.metadata import RawMetadata

    from poetry_aegis.publish.distributions import Distribution

# What an installer reads: it fails where these are wrong.
_INSTALLED_BY = frozenset({"name", "version", "requires-python", "requires-dist"})
_PRIVATE = "Private ::"
_RST = "text/x-rst"
_DOCUTILS = re.compile(r"<string>:(\d+): \(\w+/\d\) ([^\n]*)")


@dataclass(frozen=True)
class Flaw:
    """What is wrong with the metadata of a file; a *grave* one is so for every index."""

    sentence: str
    grave: bool = False


def check_metadata(distributions: Sequence[Distribution], *, public: bool) -> list[str]:
    """Return what is to be warned of in the metadata of *distributions*, a sentence each.

    Raises `BuildFailed` for what installers would refuse, or the index where it is the *public*
    one.
    """
    different = {file.metadata: file for file in distributions}.values()
    flaws = dict.fromkeys(
        flaw
        for file in different
        for flaw in find_flaws(read_core_metadata(file.path), public=public)
    )
    refused = [flaw.sentence for flaw in flaws if public or flaw.grave]
    if refused:
        raise BuildFailed(
            f"The metadata are not fit to be published. {' '.join(refused)}",
            hint="Mend pyproject.toml or the README and build again.\n"
            "Where this check is mistaken: poetry aegis publish --no-check",
        )
    return [flaw.sentence for flaw in flaws]


def find_flaws(raw: RawMetadata, *, public: bool) -> Iterator[Flaw]:
    """Yield what is wrong with core metadata, for the *public* index or a private one."""
    metadata = Metadata.from_raw(raw, validate=False)
    for field in raw:
        yield from _value(metadata, field)
    yield from _classifiers(raw, public=public)
    yield from _readme(raw)


def _value(metadata: Metadata, field: str) -> Iterator[Flaw]:
    try:
        getattr(metadata, field, None)
    except InvalidMetadata as error:
        yield Flaw(f"{_capitalised(error)}.", grave=error.field in _INSTALLED_BY)


def _classifiers(raw: RawMetadata, *, public: bool) -> Iterator[Flaw]:
    named = raw.get("classifiers", [])
    private = [classifier for classifier in named if classifier.startswith(_PRIVATE)]
    if public and private:
        yield Flaw(f"The classifier {private[0]!r} keeps the project from the public index.")
    unknown = set(named) - set(private) - _known_classifiers() if named else set()
    for classifier in sorted(unknown):
        yield Flaw(f"The classifier {classifier!r} is not known.")


def _known_classifiers() -> set[str]:
    from trove_classifiers import classifiers, deprecated_classifiers

    return {*classifiers, *deprecated_classifiers}


def _readme(raw: RawMetadata) -> Iterator[Flaw]:
    """Yield why a README does not render, where what renders it is installed.

    reStructuredText alone can fail; it is what a README is taken for that does not say what it is.
    """
    text = raw.get("description", "")
    kind = raw.get("description_content_type", _RST).partition(";")[0].strip().lower()
    if not text.strip() or kind != _RST:
        return
    try:
        from readme_renderer import rst
    except ImportError:
        return
    complaints = io.StringIO()
    if rst.render(text, stream=complaints) is None:
        found = _DOCUTILS.search(complaints.getvalue())
        where = f", line {found[1]}: {found[2].rstrip('.')}" if found else ""
        yield Flaw(f"The README does not render as reStructuredText{where}.")


def _capitalised(error: InvalidMetadata) -> str:
    text = " ".join(str(error).split()).rstrip(".")
    return text[:1].upper() + text[1:]
