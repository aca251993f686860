"""Settings: ``[tool.poetry-aegis]`` and other TOML tables, read into frozen dataclasses.

A dataclass is the schema. Its fields are the keys, its annotations the types, its defaults the
defaults; `read_table` refuses whatever else stands in the file and says what was probably meant.
"""

from __future__ import annotations

import types
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import lru_cache
from string import Formatter
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from poetry_aegis.errors import CorruptProject, NoProject, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Level = Literal["major", "minor", "patch", "none"]
Channel = Literal["stable", "alpha", "beta", "rc", "dev", "none"]
ForgeKind = Literal["auto", "github", "gitlab", "gitea", "bitbucket", "none"]

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
    hooks: HookSettings = field(default_factory=HookSettings)
    packages: dict[str, PackageSettings] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _require_template("tag_format", self.tag_format, most=1)
        _require_template("commit_message", self.commit_message)
        # What a project says of a type comes on top of the defaults; "none" and "" switch one off.
        object.__setattr__(self, "bumps", DEFAULT_BUMPS | self.bumps)
        object.__setattr__(self, "sections", DEFAULT_SECTIONS | self.sections)
        object.__setattr__(self, "channels", DEFAULT_CHANNELS | self.channels)
        if not self.changelog.strip():
            raise SettingsError("changelog in [tool.poetry-aegis] is empty.")


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
    """Return *table* as an instance of the dataclass *schema*.

    *where* names the table and its file in messages. A string stands for a list of one string.
    Raises `SettingsError` for an unknown key, a wrong type, a missing key, and for what the
    dataclass itself refuses.
    """
    if not isinstance(table, dict):
        raise SettingsError(f"{where} must be a table, not {_describe(table)}.")
    known = get_type_hints(schema)
    _refuse_unknown_keys(table, known, where)
    _refuse_misplaced_keys(table, known, where)
    values = {
        key: _read_value(known[key], value, key=key, where=where) for key, value in table.items()
    }
    _refuse_missing_keys(schema, values, where)
    try:
        return schema(**values)
    except SettingsError as error:
        raise SettingsError(f"{where}: {error}", hint=error.hint) from None


def _refuse_unknown_keys(table: Mapping[str, object], known: Mapping[str, Any], where: str) -> None:
    for key in table:
        if key not in known:
            from difflib import get_close_matches

            near = get_close_matches(key.replace("-", "_").lower(), known, n=1, cutoff=0.0)
            raise SettingsError(
                f"Unknown key {key!r} in {where}.",
                hint=f"Did you mean {near[0]!r}? The keys are: {', '.join(known)}.",
            )


def _refuse_misplaced_keys(
    table: Mapping[str, object], known: Mapping[str, Any], where: str
) -> None:
    """Raise `SettingsError` for a key of *table* in a table of tables below it: one too deep."""
    for key, below in table.items():
        holds_tables = any(map(is_dataclass, get_args(known[key])))
        for name, value in below.items() if holds_tables and isinstance(below, dict) else ():
            if name in known and not isinstance(value, dict):
                raise SettingsError(
                    f"{name!r} stands in {key} in {where}, one table too deep.",
                    hint=f"Write it above, under [tool.poetry-aegis]: {key} holds tables alone.",
                )


def _refuse_missing_keys(schema: Any, values: Mapping[str, object], where: str) -> None:
    for item in fields(schema):
        required = item.default is MISSING and item.default_factory is MISSING
        if required and item.name not in values:
            raise SettingsError(f"{where} has no key {item.name!r}, which is required.")


def _read_value(expected: Any, value: object, *, key: str, where: str) -> Any:
    """Return *value* as the annotation *expected* wants it, or raise."""
    if is_dataclass(expected) and isinstance(expected, type):
        return read_table(expected, value, where=f"{key} in {where}")
    origin, arguments = get_origin(expected), get_args(expected)
    if origin in (Union, types.UnionType):
        (inner,) = (argument for argument in arguments if argument is not type(None))
        return _read_value(inner, value, key=key, where=where)
    if origin is dict and isinstance(value, dict):
        return {
            name: _read_value(arguments[1], item, key=f"{key}.{name}", where=where)
            for name, item in value.items()
        }
    if origin is tuple and arguments[0] is str and isinstance(value, str):
        return (value,)
    if origin is tuple and isinstance(value, list):
        return tuple(_read_value(arguments[0], item, key=key, where=where) for item in value)
    # `type() is`, because True is also an int.
    if value in arguments if origin is Literal else type(value) is expected:
        return value
    raise SettingsError(
        f"{key!r} in {where} must be {_name_type(expected)}, not {_describe(value)}."
    )


def _name_type(expected: Any) -> str:
    origin, arguments = get_origin(expected), get_args(expected)
    if origin is Literal:
        return "one of " + ", ".join(repr(argument) for argument in arguments)
    names = {str: "a string", bool: "true or false", int: "a whole number", float: "a number"}
    names |= {dict: "a table", tuple: "a list"}
    return names.get(origin or expected, str(expected))


def _describe(value: object) -> str:
    return (
        repr(value) if isinstance(value, (str, int, float, bool)) else f"a {type(value).__name__}"
    )


def _require_template(key: str, template: str, *, most: int | None = None) -> None:
    """Raise `SettingsError` unless *template* names the version, at *most* so many times.

    It may name the package, too.
    """
    try:
        fields = [item[1:] for item in Formatter().parse(template) if item[1] is not None]
    except ValueError as error:
        raise SettingsError(f"{key} = {template!r} is not a template: {error}.") from None
    versions = [item for item in fields if item[0] in {"version", "semver"}]
    known = {(name, "", None) for name in ("version", "semver", "name")}
    if not set(fields) <= known or not versions or (most is not None and len(versions) > most):
        times = "exactly once" if most == 1 else "at least once"
        raise SettingsError(
            f"{key} = {template!r} must name the version, {times}.",
            hint="Write {version}, or {semver} for the spelling of SemVer. Beside it, only {name} "
            "may stand in braces: the name of the package.",
        )
