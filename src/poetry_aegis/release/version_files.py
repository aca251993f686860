"""Other files that name the version: each entry of ``version_files`` has to match exactly once.

An entry is a path, relative to the project, a colon, and one of three ways to say where in the
file the version stands:

- ``src/demo/__init__.py:__version__``, a variable: what a Python, TOML, JSON, YAML or INI file
  assigns to that name, with or without an annotation and in any quotes;
- ``docs/conf.py:release = "{version}"``, the text around the version; ``{semver}`` in its place
  has the version spelled as SemVer does, for ``package.json`` and the like;
- ``README.md:demo==([0-9.]+)``, a regular expression whose one group is the version.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from poetry_aegis.errors import InvalidVersion, SettingsError
from poetry_aegis.release.version.numbers import format_tag, parse_version

if TYPE_CHECKING:
    from collections.abc import Sequence

DRIVE = re.compile(r"[A-Za-z]:[\\/]")
VARIABLE = re.compile(r"[^\W\d][\w-]*(?:\.[\w-]+)*")
PLACEHOLDER = re.compile(r"\{(?:version|semver)\}")

# Whatever may be a version. Its length is bounded, so that a line of a million digits costs no more
# than any other.
VERSION = r"\d(?:[0-9A-Za-z.!+_-]{0,126}[0-9A-Za-z])?"
ASSIGNMENT = (
    r"(?:^|[{{,;])[ \t]{{0,99}}[\"']?{name}[\"']?[ \t]{{0,9}}(?::[^=\n]{{0,99}}=|[=:])[ \t]{{0,9}}"
    r"[rRuU]?(?P<quotes>\"\"\"|'''|\"|'|)(?P<version>{number})(?P=quotes)(?=[\s,;#}}\]]|\Z)"
)


@dataclass(frozen=True)
class Entry:
    """An entry of ``version_files``: *path* with forward slashes, where to look, how to spell.

    *pattern* has its version in the group *group*; *spelling* is a template as tags have it.
    """

    text: str
    path: str
    pattern: re.Pattern[str]
    group: int | str
    spelling: str = "{version}"


@dataclass(frozen=True)
class VersionFileChange:
    """The content of a file before and after a release, and what a person should know of it.

    *path* is absolute, without symbolic links.
    """

    path: Path
    before: bytes
    after: bytes
    notes: tuple[str, ...] = ()


def parse_entry(text: str) -> Entry:
    """Return the entry that *text* means. Raises `SettingsError` where it means none."""
    # The colon of a Windows drive belongs to the path.
    colon = text.find(":", 2 if DRIVE.match(text) else 0)
    path, place = text[:colon].strip().replace("\\", "/"), text[colon + 1 :]
    if colon < 0 or not path or not place.strip():
        raise SettingsError(
            f"{text!r} in version_files is not of the form path:variable or path:pattern.",
            hint="For example: src/demo/__init__.py:__version__",
        )
    if VARIABLE.fullmatch(place.strip()):
        pattern = ASSIGNMENT.format(name=re.escape(place.strip()), number=VERSION)
        return Entry(text, path, re.compile(pattern, re.MULTILINE), "version")
    if PLACEHOLDER.search(place):
        return _literal(text, path, place)
    return Entry(text, path, _expression(text, place), 1)


def version_file_changes(
    root: Path, entries: Sequence[str], old: str, new: str, *, within: Path | None = None
) -> list[VersionFileChange]:
    """Return what version *new*, after *old*, makes of the files that *entries* name.

    Paths are relative to *root*, the project's directory, and may not lead out of *within*, the
    repository's (*root* where it is not given). A file that names another version than *old* is
    changed all the same, and a note says so. Nothing is written. Raises `SettingsError`, naming
    the file, the entry and how often it matched.
    """
    changes: dict[Path, VersionFileChange] = {}
    for entry in map(parse_entry, entries):
        path = _resolve(entry, root, within or root)
        change = changes.get(path) or _unchanged(entry, path)
        found, after = with_version(change.after, entry, new)
        notes = change.notes
        if found not in {parse_version(old).text, parse_version(new).text}:
            notes += (f"{entry.path} says {found} and the project {old}; both will say {new}.",)
        changes[path] = replace(change, after=after, notes=notes)
    return list(changes.values())


def with_version(content: bytes, entry: Entry, new: str) -> tuple[str, bytes]:
    """Return the version that *content* has where *entry* says, and *content* with *new* there.

    Encoding, byte order mark and line endings stay. Raises `SettingsError`.
    """
    encoding, errors = _encoding(content)
    text = content.decode(encoding, errors)
    mark = text[: text.startswith("\ufeff")]
    text = text[len(mark) :]
    matches = list(entry.pattern.finditer(text))
    if len(matches) != 1:
        times = f"{len(matches)} times" if matches else "nowhere"
        raise SettingsError(
            f"{entry.text!r} in version_files matches {times} in {entry.path}; "
            "it has to match exactly once.",
            hint="Write what stands around the version, {version} in its place: "
            f'{entry.path}:release = "{{version}}"',
        )
    start, end = matches[0].span(entry.group)
    found = _require_version(entry, text[max(start, 0) : max(end, 0)])
    spelled = format_tag(entry.spelling, parse_version(new))
    return found, f"{mark}{text[:start]}{spelled}{text[end:]}".encode(encoding, errors)


def _literal(text: str, path: str, place: str) -> Entry:
    placeholders = PLACEHOLDER.findall(place)
    if len(placeholders) > 1:
        raise SettingsError(
            f"{text!r} in version_files names the version {len(placeholders)} times.",
            hint="Make an entry of each place.",
        )
    before, after = place.split(placeholders[0])
    pattern = re.compile(f"{re.escape(before)}({VERSION}){re.escape(after)}")
    return Entry(text, path, pattern, 1, placeholders[0])


def _expression(text: str, place: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(place, re.MULTILINE)
    except (re.error, OverflowError, RecursionError) as error:
        raise SettingsError(
            f"The pattern of {text!r} in version_files is not a regular expression: {error}."
        ) from None
    if pattern.groups != 1:
        raise SettingsError(
            f"The pattern of {text!r} in version_files must have one group, the version; "
            f"it has {pattern.groups}.",
            hint="Put the version in parentheses, and write (?:...) for any other group; "
            "or write {version} in its place, the rest being plain text.",
        )
    return pattern


def _resolve(entry: Entry, root: Path, within: Path) -> Path:
    path = (root / entry.path).resolve()
    outside = DRIVE.match(entry.path) or Path(entry.path).is_absolute()
    if outside or not path.is_relative_to(within.resolve()):
        raise SettingsError(
            f"{entry.text!r} in version_files leaves the repository.",
            hint="Name a file inside it, relative to pyproject.toml.",
        )
    if path == (root / "pyproject.toml").resolve():
        raise SettingsError(
            f"{entry.text!r} in version_files names pyproject.toml itself.",
            hint="Drop the entry: a release writes the version of pyproject.toml anyway.",
        )
    return path


def _unchanged(entry: Entry, path: Path) -> VersionFileChange:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"{entry.path}, which {entry.text!r} in version_files names, cannot be read: "
            f"{error.strerror}.",
            hint="Paths are relative to pyproject.toml.",
        ) from error
    return VersionFileChange(path, content, content)


def _encoding(content: bytes) -> tuple[str, str]:
    """Return the encoding of *content* and how its errors are handled: every byte comes back."""
    for mark, encoding in (
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if content.startswith(mark) and len(content) % 2 == 0:
            return encoding, "surrogatepass"
    return "utf-8", "surrogateescape"


def _require_version(entry: Entry, found: str) -> str:
    try:
        return parse_version(found).text
    except InvalidVersion:
        raise SettingsError(
            f"Where {entry.text!r} in version_files points to, {entry.path} has {found!r}, "
            "which is not a version.",
            hint="Set it to the present version, or write more of what stands around it.",
        ) from None
