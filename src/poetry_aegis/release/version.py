"""Which version is next. PEP 440 is the truth; SemVer is a way to spell it in tags.

https://peps.python.org/pep-0440/ , https://semver.org/
"""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING, Literal, get_args

from poetry.core.constraints.version import Version
from poetry.core.version.exceptions import InvalidVersionError

from poetry_aegis.errors import InvalidVersion, UsageError, VersionNotNewer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from poetry_aegis.release.commits import Change
    from poetry_aegis.settings import Level, Settings

PrereleaseType = Literal["alpha", "beta", "rc", "dev"]
PRERELEASE_TYPES: tuple[PrereleaseType, ...] = get_args(PrereleaseType)

UNRELEASED = Version.parse("0.0.0")
LEVELS: tuple[Level, ...] = ("none", "patch", "minor", "major")  # from the least to the most
PHASES = {"dev": "", "alpha": "a", "beta": "b", "rc": "rc"}  # in the order PEP 440 sorts them


def parse_version(text: str) -> Version:
    """Return *text* as a version. Raises `InvalidVersion`."""
    try:
        # Twice, because an older poetry-core keeps the spelling it was given: v1.0-rc.1.
        return Version.parse(Version.parse(text).to_string())
    except (InvalidVersionError, ValueError):
        raise InvalidVersion(
            f"{text!r} is not a version.",
            hint="Versions follow PEP 440, for example 1.4.0, 1.4.0rc1 or 2.0.0.dev3.",
        ) from None


def parse_prerelease_type(text: str) -> PrereleaseType:
    """Return *text* if it names a kind of pre-release. Raises `UsageError`."""
    for name in PRERELEASE_TYPES:
        if text == name:
            return name
    raise UsageError(
        f"{text!r} is not a kind of pre-release.",
        hint=f"Choose one of: {', '.join(PRERELEASE_TYPES)}.",
    )


def level_of(changes: Iterable[Change], current: Version, settings: Settings) -> Level:
    """Return how much the version has to move for *changes*, ``none`` for not at all.

    While the major version is 0, breaking changes move the minor one, unless ``major_on_zero``.
    """
    levels: set[Level] = {settings.bumps.get(change.type, "none") for change in changes}
    highest: Level = max(levels, key=LEVELS.index, default="none")
    if any(change.breaking for change in changes):
        highest = "major"
    if highest == "major" and current.major == 0 and not settings.major_on_zero:
        return "minor"
    return highest


def bump(version: Version, level: Level) -> Version:
    """Return the final version that comes *level* after *version*.

    A pre-release of just that version becomes it: 2.0.0rc1 and ``major`` give 2.0.0.
    """
    if level == "major":
        return version.next_major()
    if level == "minor":
        return version.next_minor()
    if level == "patch":
        return version.next_patch()
    return version


def step(current: Version, level: str, kind: PrereleaseType | None) -> Version:
    """Return the version that ``bump LEVEL`` makes of *current*.

    Raises `UsageError` for a level that is none, `VersionNotNewer` as `next_prerelease` does.
    """
    if level == "prerelease":
        target = current.stable if current.is_unstable() else bump(current, "patch")
        return next_prerelease(current, target, kind)
    if level not in LEVELS or level == "none":
        raise UsageError(
            f"{level!r} is not a level.", hint="Choose one of: patch, minor, major, prerelease."
        )
    if kind:
        raise UsageError(
            "--prerelease-type goes with the level prerelease.",
            hint=f"poetry aegis bump prerelease --prerelease-type {kind}",
        )
    return bump(current, level)


def next_prerelease(current: Version, target: Version, kind: PrereleaseType | None) -> Version:
    """Return the pre-release of *target* that follows *current*.

    Where *current* is a pre-release of *target* already, its number goes up, or, for a later kind,
    that kind starts at 0. Without *kind* the current kind goes on, or ``alpha`` starts.
    Raises `VersionNotNewer` for a kind that comes before the current one.
    """
    running = _kind_of(current) if current.is_unstable() and current.stable == target else None
    if running is None:
        return _first_prerelease(target, kind or "alpha")
    if kind is None or kind == running:
        return current.next_devrelease() if running == "dev" else current.next_prerelease()
    order = list(PHASES)
    if order.index(kind) < order.index(running):
        raise VersionNotNewer(
            f"{current} cannot be followed by {kind}: PEP 440 sorts {kind} before {running}.",
            hint=f"Go on with {running}, or to a later kind, or to the final {target}.",
        )
    return _first_prerelease(target, kind)


def _kind_of(version: Version) -> PrereleaseType:
    if version.pre is None:
        return "dev"
    kinds: dict[str, PrereleaseType] = {"a": "alpha", "b": "beta", "rc": "rc"}
    return kinds[version.pre.phase]


def _first_prerelease(target: Version, kind: PrereleaseType) -> Version:
    return target.first_devrelease() if kind == "dev" else parse_version(f"{target}{PHASES[kind]}0")


# Tags


def format_tag(template: str, version: Version) -> str:
    """Return the tag of *version*: ``{version}`` is PEP 440's spelling, ``{semver}`` SemVer's."""
    return template.format(version=version.text, semver=_semver(version))


def version_of_tag(template: str, tag: str) -> Version | None:
    """Return the version that *tag* names in either spelling, ``None`` for another shape of tag."""
    before, after = template_ends(template)
    if not (tag.startswith(before) and tag.endswith(after)):
        return None
    text = tag[len(before) : len(tag) - len(after)]
    if not text[:1].isdigit():
        return None
    try:
        return parse_version(text)
    except InvalidVersion:
        return None


def template_ends(template: str) -> tuple[str, str]:
    """Return the text before and after the version in a *template* that names it once."""
    ends = ["", ""]
    side = 0
    for literal, name, *_ in Formatter().parse(template):
        ends[side] += literal
        side = 1 if name else side
    return ends[0], ends[1]


def _semver(version: Version) -> str:
    from semver import Version as SemanticVersion

    kind = _kind_of(version) if version.is_unstable() else None
    tag = version.dev if kind == "dev" else version.pre
    prerelease = f"{kind}.{tag.number}" if kind and tag else None
    return str(
        SemanticVersion(
            version.major, version.minor or 0, version.patch or 0, prerelease=prerelease
        )
    )
