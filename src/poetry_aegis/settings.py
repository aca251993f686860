"""Settings: ``[tool.poetry-aegis]``, read into frozen dataclasses by `tables`."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from string import Formatter
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from poetry_aegis import tables
from poetry_aegis.errors import CorruptProject, NoProject, SettingsError
from poetry_aegis.signatures.trust import TrustedKey, matches_any
from poetry_aegis.tables import InvalidTable

if TYPE_CHECKING:
    from pathlib import Path

Level = Literal["major", "minor", "patch", "none"]
Channel = Literal["stable", "alpha", "beta", "rc", "dev", "none"]
Priority = Literal["primary", "supplemental", "explicit"]
ForgeKind = Literal["auto", "github", "gitlab", "gitea", "bitbucket", "none"]

MOST_JOBS = 32

DEFAULT_BUMPS: dict[str, Level] = {
    "feat": "minor",
    "fix": "patch",
    "perf": "patch",
    "revert": "patch",
    "security": "patch",
}

# Keep a Changelog 1.1.0 names the headings; what is not listed here is not for users to read.
DEFAULT_SECTIONS = {
    "feat": "Added",
    "perf": "Changed",
    "refactor": "",
    "revert": "Removed",
    "deprecate": "Deprecated",
    "fix": "Fixed",
    "security": "Security",
}

# Which kind of release each branch makes; what is not listed here makes final ones.
DEFAULT_CHANNELS: dict[str, Channel] = {
    "main": "stable",
    "master": "stable",
    "develop": "beta",
}


@dataclass(frozen=True)
class HookSettings:
    """``[tool.poetry-aegis.hooks]``: programs to run, each a line that is split as a shell would.

    No shell runs them.
    """

    pre_bump: tuple[str, ...] = ()
    pre_commit: tuple[str, ...] = ()
    pre_tag: tuple[str, ...] = ()
    post_release: tuple[str, ...] = ()


@dataclass(frozen=True)
class PackageSettings:
    """``[tool.poetry-aegis.packages.NAME]``: one package of a repository that holds several.

    *path* is its directory and *paths* what counts as a change of it, relative to the repository.
    """

    path: str
    paths: tuple[str, ...] = ()
    tag_format: str = "{name}-v{version}"
    changelog: str = "CHANGELOG.md"

    def __post_init__(self) -> None:
        _require_template("tag_format", self.tag_format, most=1)


@dataclass(frozen=True)
class PublishSettings:
    """``[tool.poetry-aegis.publish]``.

    *sign* signs what is published with the private key *key*; *jobs* files are sent at a time.
    """

    sign: bool = False
    key: str | None = None
    jobs: int = 10

    def __post_init__(self) -> None:
        if not 1 <= self.jobs <= MOST_JOBS:
            raise InvalidTable(f"jobs must be 1 to {MOST_JOBS}.")


@dataclass(frozen=True)
class PipelineSettings:
    """``[tool.poetry-aegis.ci]``: what ``poetry aegis ci init`` writes.

    What is pushed to *branch* is released to *repository*, what is pushed to *test_branch* goes to
    *test_repository* as a development version; an empty *test_branch* is none. *test* is the
    command that tests the project, on one line, and *python* what it runs on. *plugin_index* is
    the address of the only index that the plugin itself is installed from.
    """

    branch: str = "main"
    test_branch: str = "develop"
    repository: str | None = None
    test_repository: str | None = None
    python: str = "3.13"
    test: str = "poetry run pytest"
    plugin_index: str | None = None


@dataclass(frozen=True)
class TrustSettings:
    """``[tool.poetry-aegis.trust]``: whose signatures count, and how many a file needs.

    *file* is one of the team's with more keys, relative to ``pyproject.toml``. With *guard*,
    ``poetry install`` refuses what does not verify. *projects* are patterns of the private projects
    that need a signature, *unsigned* of those among them that need none.
    """

    threshold: int | None = None
    file: str | None = None
    guard: bool = False
    projects: tuple[str, ...] = ("*",)
    unsigned: tuple[str, ...] = ()
    keys: dict[str, TrustedKey] = field(default_factory=dict)

    def excuses(self, project: str) -> bool:
        """Tell whether *project*, in any spelling, needs no signature."""
        wanted = matches_any(project, self.projects)
        return not wanted or matches_any(project, self.unsigned)


@dataclass(frozen=True)
class ProfileSettings:
    """``[tool.poetry-aegis.profiles.NAME]``: an index that clients are set up for, under a name.

    *url* is its address and *name* what the clients call it: the profile's own unless given. *ca*
    is the file of its authority, relative to ``pyproject.toml``.
    """

    url: str
    name: str | None = None
    username: str | None = None
    ca: str | None = None
    priority: Priority | None = None


@dataclass(frozen=True)
class Settings:
    """``[tool.poetry-aegis]`` of a project's ``pyproject.toml``."""

    tag_format: str = "v{version}"
    commit_message: str = "chore(release): {version}"
    changelog: str = "CHANGELOG.md"
    changelog_template: str | None = None
    authors: bool = False
    remote: str = "origin"
    forge: ForgeKind = "auto"
    forge_url: str | None = None
    forge_release: bool = False
    repository: str | None = None
    sign: bool = False
    major_on_zero: bool = False
    other_commits: Literal["ignore", "patch", "refuse"] = "ignore"
    merge_commits: Literal["header", "body", "ignore"] = "header"
    squash_bodies: bool = False
    version_files: tuple[str, ...] = ()
    discover: tuple[str, ...] = ()
    bumps: dict[str, Level] = field(default_factory=dict)
    sections: dict[str, str] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    repositories: dict[str, str] = field(default_factory=dict)
    publish: PublishSettings = field(default_factory=PublishSettings)
    trust: TrustSettings = field(default_factory=TrustSettings)
    hooks: HookSettings = field(default_factory=HookSettings)
    ci: PipelineSettings = field(default_factory=PipelineSettings)
    packages: dict[str, PackageSettings] = field(default_factory=dict)
    profiles: dict[str, ProfileSettings] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _require_template("tag_format", self.tag_format, most=1)
        _require_template("commit_message", self.commit_message)
        # What a project says of a type comes on top of the defaults; "none" and "" switch one off.
        object.__setattr__(self, "bumps", DEFAULT_BUMPS | self.bumps)
        object.__setattr__(self, "sections", DEFAULT_SECTIONS | self.sections)
        object.__setattr__(self, "channels", DEFAULT_CHANNELS | self.channels)
        if not self.changelog.strip():
            raise InvalidTable("changelog in [tool.poetry-aegis] is empty.")


def load_settings(pyproject: Path) -> Settings:
    """Return the settings in *pyproject*; the defaults where it has no such table.

    Raises `NoProject`, `CorruptProject` and `SettingsError`.
    """
    tool = read_toml(pyproject).get("tool", {})
    table = tool.get("poetry-aegis", {}) if isinstance(tool, dict) else {}
    return read_table(Settings, table, where=f"[tool.poetry-aegis] of {pyproject}")


def read_toml(path: Path) -> dict[str, Any]:
    """Return the TOML document at *path* as plain values, which are not to be changed.

    Raises `NoProject`, `CorruptProject`.
    """
    from tomlkit.exceptions import TOMLKitError

    try:
        return _parse_toml(path.read_bytes())
    except FileNotFoundError:
        raise NoProject(f"There is no file {path}.") from None
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise CorruptProject(
            f"{path} is not valid TOML: {error}",
            hint="Mend the file at that place; nothing was changed.",
        ) from error


@lru_cache(maxsize=64)
def _parse_toml(content: bytes) -> dict[str, Any]:
    """Return *content* as plain values; the same file is asked for again and again in one run."""
    import tomlkit

    # Bytes, not text: reading as text would hide a lone carriage return from the parser.
    return tomlkit.parse(content.decode("utf-8")).unwrap()


Table = TypeVar("Table")


def read_table(schema: type[Table], table: object, *, where: str) -> Table:
    """Return *table* as `tables.read_table` does. Raises `SettingsError`."""
    try:
        return tables.read_table(schema, table, where=where)
    except InvalidTable as error:
        raise SettingsError(str(error), hint=error.hint) from None


def _require_template(key: str, template: str, *, most: int | None = None) -> None:
    """Raise `SettingsError` unless *template* names the version, at *most* so many times.

    It may name the package, too.
    """
    try:
        fields = [item[1:] for item in Formatter().parse(template) if item[1] is not None]
    except ValueError as error:
        raise InvalidTable(f"{key} = {template!r} is not a template: {error}.") from None
    versions = [item for item in fields if item[0] in {"version", "semver"}]
    known = {(name, "", None) for name in ("version", "semver", "name")}
    if not set(fields) <= known or not versions or (most is not None and len(versions) > most):
        times = "exactly once" if most == 1 else "at least once"
        raise InvalidTable(
            f"{key} = {template!r} must name the version, {times}.",
            hint="Write {version}, or {semver} for the spelling of SemVer. Beside it, only {name} "
            "may stand in braces: the name of the package.",
        )
