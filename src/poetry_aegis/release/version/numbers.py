"""Which version is next. PEP 440 is the truth; SemVer is a way to spell it in tags.

https://peps.python.org/pep-0440/ , https://semver.org/
"""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING, Literal, cast, get_args

from poetry.core.constraints.version import Version
from poetry.core.version.exceptions import InvalidVersionError

from poetry_aegis.errors import InvalidVersion, UsageError, VersionNotNewer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from poetry_aegis.release.history.commits import Change
    from poetry_aegis.settings import Level, Settings

PrereleaseType = Literal["alpha", "beta", "rc", "dev"]
PRERELEASE_TYPES: tuple[PrereleaseType, ...] = get_args(PrereleaseType)

UNRELEASED = Version.parse("0.0.0")
LEVELS: tuple[Level, ...] = ("none", "patch", "minor", "major")  # from the least to the most
PHASES = {"alpha": "a", "beta": "b", "rc": "rc"}
STEPS = ("patch", "minor", "major", "prerelease", "final")  # what `step` takes
KINDS_IN_ORDER: tuple[PrereleaseType, ...] = ("dev", "alpha", "beta", "rc")  # as PEP 440 sorts them


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
    highest: Level = "none"
    for change in changes:
        level = "major" if change.breaking else _level_of_type(change.type, settings)
        highest = max(highest, level, key=LEVELS.index)
    if highest == "major" and current.major == 0 and not settings.major_on_zero:
        return "minor"
    return highest


def _level_of_type(name: str, settings: Settings) -> Level:
    """Return what a change of the type *name* asks for.

    ``other`` is the type of commits that are not conventional.
    """
    counts = name == "other" and settings.other_commits == "patch"
    return settings.bumps.get(name, "patch" if counts else "none")


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

    Raises `UsageError` for a level that is none, and for ``final`` without a pre-release;
    `VersionNotNewer` as `next_prerelease` does.
    """
    if level == "prerelease":
        target = current.stable if current.is_unstable() else bump(current, "patch")
        return next_prerelease(current, target, kind)
    if level not in STEPS:
        raise UsageError(f"{level!r} is not a level.", hint=f"Choose one of: {', '.join(STEPS)}.")
    if kind:
        raise UsageError(
            "--prerelease-type goes with the level prerelease.",
            hint=f"poetry aegis bump prerelease --prerelease-type {kind}",
        )
    if level == "final":
        return _final(current)
    return bump(current, cast("Level", level))


def _final(current: Version) -> Version:
    if not current.is_unstable():
        raise UsageError(
            f"{current} is not a pre-release, so there is none to make final.",
            hint="Choose the part that goes up: patch, minor or major.",
        )
    return current.stable


# Pre-releases


def kind_of(version: Version) -> PrereleaseType | None:
    """Return which kind of pre-release *version* is, ``None`` for a final one.

    A development release of a pre-release, 1.0a1.dev2, is a development release.
    """
    if version.is_devrelease():
        return "dev"
    kinds: dict[str, PrereleaseType] = {"a": "alpha", "b": "beta", "rc": "rc"}
    return kinds[version.pre.phase] if version.pre else None


def is_later_kind(kind: PrereleaseType | None, than: PrereleaseType | None) -> bool:
    """Return whether a pre-release of *kind* can follow one of the kind *than*, both there."""
    if kind is None or than is None:
        return False
    return KINDS_IN_ORDER.index(kind) > KINDS_IN_ORDER.index(than)


def next_prerelease(current: Version, target: Version, kind: PrereleaseType | None) -> Version:
    """Return the pre-release of *target* that follows *current*.

    Where *current* is a pre-release of *target* already, its number goes up, or, for a later kind,
    that kind starts at 0. Without *kind* the current kind goes on, or ``alpha`` starts. Raises
    `VersionNotNewer` for what PEP 440 would sort before *current*.
    """
    kind = kind or kind_of(current) or "alpha"
    running = current.is_unstable() and current.stable == target
    follower = _follower(current, kind) if running else _first_prerelease(target, kind)
    if follower <= current:
        raise VersionNotNewer(
            f"{current} cannot be followed by {follower}, which PEP 440 sorts before it.",
            hint=f"Go on with {kind_of(current)}, or to a later kind, or to the final {target}.",
        )
    return follower


def _follower(current: Version, kind: PrereleaseType) -> Version:
    if kind == "dev" and current.is_devrelease():
        return current.next_devrelease()
    if kind != "dev" and current.pre and current.pre.phase == PHASES[kind]:
        return current.next_prerelease()  # 1.0a1.dev2 becomes 1.0a1, and 1.0a1 becomes 1.0a2.
    return _first_prerelease(current, kind)


def _first_prerelease(target: Version, kind: PrereleaseType) -> Version:
    """Return the first pre-release of *target*, of whose suffixes nothing stays."""
    plain = Version(epoch=target.epoch, release=target.release)
    if kind == "dev":
        return plain.first_devrelease()
    return parse_version(f"{plain}{PHASES[kind]}0")


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

    kind = kind_of(version)
    tag = version.dev if kind == "dev" else version.pre
    # SemVer sorts capitals first, and so DEV before alpha, as PEP 440 does.
    name = "DEV" if kind == "dev" else kind
    prerelease = f"{name}.{tag.number}" if tag else None
    return str(
        SemanticVersion(
            version.major, version.minor or 0, version.patch or 0, prerelease=prerelease
        )
    )
