"""The link definitions at the end of a changelog: ``[1.2.0]: https://...``, newest first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from poetry_aegis.release.changelog.pieces import UNRELEASED, version_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poetry_aegis.forge.links import Links

DEFINITION = re.compile(r"\[(?P<label>[^\]]+)\]:[ \t]*(?P<url>\S+)")


def release_url(links: Links, tag: str, previous: str | None) -> str:
    """Return the page of a release: what came since *previous*, or the tag's own."""
    return links.compare(previous, tag) if previous else links.tag(tag)


def unreleased_url(links: Links, last: str) -> str:
    """Return the page of what has come since the tag *last*."""
    return links.compare(last, "HEAD")


def defines_versions(lines: Sequence[str]) -> bool:
    """Return whether *lines* define links of versions, so that new ones are expected there."""
    labels = [match["label"] for match in map(DEFINITION.match, lines) if match]
    return any(label.casefold() == UNRELEASED.casefold() or version_of(label) for label in labels)


def define_release(lines: Sequence[str], name: str, url: str, newline: str) -> list[str]:
    """Return *lines* with a definition for version *name*, unless it has one, newest first."""
    version = version_of(name)
    place = 0
    for number, line in enumerate(lines):
        match = DEFINITION.match(line)
        defined = version_of(match["label"]) if match else None
        if defined and version and defined == version:
            return [*lines]
        if defined and version and defined < version:
            place = number
            break
        if defined or (match and match["label"].casefold() == UNRELEASED.casefold()):
            place = number + 1
    return [*_ended(lines[:place], newline), f"[{name}]: {url}{newline}", *lines[place:]]


def define_unreleased(lines: Sequence[str], url: str, links: Links, newline: str) -> list[str]:
    """Return *lines* with the definition of ``[Unreleased]``, on top where there was none.

    One that leads out of the project's own pages was written by hand, and stays.
    """
    for number, line in enumerate(lines):
        match = DEFINITION.match(line)
        if match and match["label"].casefold() == UNRELEASED.casefold():
            ours = match["url"].startswith(links.web) and match["url"] != url
            changed = line.replace(match["url"], url) if ours else line
            return [*lines[:number], changed, *lines[number + 1 :]]
    return [f"[Unreleased]: {url}{newline}", *lines]


def _ended(lines: Sequence[str], newline: str) -> list[str]:
    """Return *lines*, the last of them ended."""
    open_ended = lines and not lines[-1].endswith(("\n", "\r"))
    return [*lines[:-1], lines[-1] + newline] if open_ended else [*lines]
