"""``access.toml``: roles and rights of users, and API tokens.

::

    [users.ada]
    role = "publisher"
    read = ["*"]                  # patterns of the projects that the user may know of
    publish = ["acme-*"]          # and of those that the user may change

    [tokens.4f1d2c3b5a69]
    user = "ada"
    hash = "…"                    # of the secret: SHA-256, in hexadecimal
    created = 2026-01-01T12:00:00Z
    actions = ["read", "upload"]  # all that the user may do, where there is no such line
    projects = ["acme-core"]      # all that the user may know of, where there is no such line
    expires = 2026-04-01T12:00:00Z
    comment = "CI of acme-core"
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field, fields, replace
from datetime import datetime  # noqa: TC003 -- the schema is read at run time
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from poetry_aegis.registry.errors import InvalidRole, UnreadableUsers, UsersError
from poetry_aegis.registry.names import as_pattern
from poetry_aegis.registry.people.identity import ANY, ROLES, Action, Identity, Role, Scope
from poetry_aegis.tables import InvalidTable, read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tomlkit.items import Table

_HASH = re.compile(r"[0-9a-f]{64}")
_TOKEN_ID = re.compile(r"[a-z0-9]{1,64}")


@dataclass(frozen=True)
class UserEntry:
    """``[users.<name>]``. Who has none is a reader of everything."""

    role: Role
    read: tuple[str, ...] = ANY
    publish: tuple[str, ...] = ANY

    def __post_init__(self) -> None:
        _check("read", as_patterns, self.read)
        _check("publish", as_patterns, self.publish)

    def identify(self, name: str) -> Identity:
        """Return what the entry entitles the user *name* to."""
        return Identity(name, self.role, as_patterns(self.read), as_patterns(self.publish))


@dataclass(frozen=True)
class TokenEntry:
    """``[tokens.<id>]``: whose the token is, what it is limited to, and the hash of its secret."""

    user: str
    hash: str = field(repr=False)
    created: datetime
    actions: tuple[str, ...] = ()
    projects: tuple[str, ...] = ANY
    expires: datetime | None = None
    comment: str = ""

    def __post_init__(self) -> None:
        if not _HASH.fullmatch(self.hash):
            raise InvalidTable("hash is not a SHA-256 digest, 64 hexadecimal digits.")
        for key in ("created", "expires"):
            moment = getattr(self, key)
            if moment is not None and moment.tzinfo is None:
                raise InvalidTable(f"{key} has no time zone.", hint="UTC is written as a final Z.")
        _check("projects", as_patterns, self.projects)
        _check("actions", as_actions, self.actions)

    @property
    def scope(self) -> Scope:
        """What the token is limited to."""
        return Scope(as_actions(self.actions), as_patterns(self.projects))


@dataclass(frozen=True)
class Access:
    """The whole file."""

    users: dict[str, UserEntry] = field(default_factory=dict)
    tokens: dict[str, TokenEntry] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for token in self.tokens:
            if not _TOKEN_ID.fullmatch(token):
                raise InvalidTable(f"{token!r} is not the id of a token.")

    def knows(self, name: str) -> bool:
        """Tell whether there are rights or tokens of *name*."""
        return name in self.users or any(entry.user == name for entry in self.tokens.values())

    def user(self, name: str) -> UserEntry:
        """Return the entry of *name*, or what stands for none."""
        return self.users.get(name) or UserEntry("reader")


def as_role(name: object) -> Role:
    """Return *name* as a role. Raises `InvalidRole`."""
    if name not in ROLES:
        raise InvalidRole(f"{name!r} is not a role; the roles are {', '.join(ROLES)}.")
    return name


def as_actions(names: Iterable[str]) -> frozenset[Action]:
    """Return *names*, such as ``read`` and ``upload``, as actions. Raises `UsersError`."""
    known = {action.name.lower(): action for action in Action}
    try:
        return frozenset(known[name] for name in names)
    except KeyError as error:
        raise UsersError(
            f"{error.args[0]!r} is not an action; the actions are {', '.join(known)}."
        ) from None


def as_patterns(texts: Iterable[str]) -> tuple[str, ...]:
    """Return patterns of projects' names, spelled as PEP 503 spells names. Raises `UsersError`."""
    try:
        return tuple(map(as_pattern, texts))
    except ValueError as error:
        raise UsersError(str(error)) from None


def parse_access(text: str) -> Access:
    """Return what the text of ``access.toml`` says. Raises `UnreadableUsers`.

    An unknown key is refused: it may be meant as a limit, and to pass over it would grant more
    than was meant.
    """
    toml: Any = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        return read_table(Access, toml.loads(text), where="access.toml")
    except InvalidTable as error:
        raise UnreadableUsers(f"{error} {error.hint}".strip()) from error
    except ValueError as error:
        raise UnreadableUsers(f"access.toml is not valid TOML: {error}.") from error


def with_user(text: str, name: str, entry: UserEntry) -> str:
    """Return the text of ``access.toml`` with *entry* for *name*.

    What else stands in the file stays as it is, comments included, here and in what follows.
    Raises `UnreadableUsers` for a file laid out so that it cannot be edited.
    """
    return _edited(text, "users", name, entry)


def with_token(text: str, token: str, entry: TokenEntry) -> str:
    """Return the text of ``access.toml`` with *entry* for the id *token*."""
    return _edited(text, "tokens", token, entry)


def without_user(text: str, name: str) -> str:
    """Return the text of ``access.toml`` without *name*, and without the tokens of that name."""
    return _edited(without_tokens_of(text, name), "users", name, None)


def without_tokens_of(text: str, name: str) -> str:
    """Return the text of ``access.toml`` without the tokens of *name*."""
    owned = [token for token, entry in parse_access(text).tokens.items() if entry.user == name]
    for token in owned:
        text = without_token(text, token)
    return text


def without_token(text: str, token: str) -> str:
    """Return the text of ``access.toml`` without the id *token*."""
    return _edited(text, "tokens", token, None)


def _edited(text: str, kind: str, name: str, entry: UserEntry | TokenEntry | None) -> str:
    """Return *text* with *entry* for *name*, or without, if then it says that and nothing else."""
    before = parse_access(text)
    entries = {key: value for key, value in getattr(before, kind).items() if key != name}
    meant = replace(before, **{kind: entries if entry is None else {**entries, name: entry}})
    try:
        edited = _with_entry(text, kind, name, entry)
        if parse_access(edited) == meant:
            return edited
    except (ValueError, UnreadableUsers):  # The editor's parser knows fewer layouts than TOML.
        pass
    raise UnreadableUsers(
        f"access.toml is laid out so that it cannot be edited; write a table [{kind}.…] for each."
    )


def _with_entry(text: str, kind: str, name: str, entry: UserEntry | TokenEntry | None) -> str:
    import tomlkit

    document = tomlkit.parse(text)
    if entry is None:
        cast("Any", document.get(kind, {})).pop(name, None)
        return tomlkit.dumps(document)
    tables = cast("Any", document.setdefault(kind, tomlkit.table(is_super_table=True)))
    if name not in tables:
        tables[name] = tomlkit.table()
    _write(entry, tables[name])
    return tomlkit.dumps(document)


def _write(entry: UserEntry | TokenEntry, table: Table) -> None:
    """Write into *table* what it does not say yet, and drop what goes without saying."""
    for item in fields(entry):
        value = getattr(entry, item.name)
        if value == item.default:
            table.pop(item.name, None)
        elif value != table.get(item.name):
            table[item.name] = list(value) if isinstance(value, tuple) else value


def _check(key: str, convert: Callable[[tuple[str, ...]], object], value: tuple[str, ...]) -> None:
    try:
        convert(value)
    except UsersError as error:
        raise InvalidTable(f"{key}: {error}") from None
