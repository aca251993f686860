"""``access.toml``, the file that grants roles."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, cast

from poetry_aegis.registry.errors import InvalidRole, UnreadableUsers
from poetry_aegis.registry.people.identity import ROLES, Role


def as_role(name: object) -> Role:
    """Return *name* as a role. Raises `InvalidRole`."""
    if name not in ROLES:
        raise InvalidRole(f"{name!r} is not a role; the roles are {', '.join(ROLES)}.")
    return name


def parse_roles(text: str) -> dict[str, Role]:
    """Return the users' roles from the text of ``access.toml``. Raises `UnreadableUsers`.

    ::

        [users.ada]
        role = "admin"
    """
    toml: Any = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        users = toml.loads(text).get("users", {})
        return {name: _role_in(name, entry) for name, entry in users.items()}
    except toml.TOMLDecodeError as error:
        raise UnreadableUsers(f"access.toml is not valid TOML: {error}.") from error
    except (AttributeError, KeyError, TypeError) as error:
        raise UnreadableUsers("access.toml has a user without a role.") from error
    except InvalidRole as error:
        raise UnreadableUsers(f"access.toml: {error}") from error


def _role_in(name: str, entry: Any) -> Role:
    role = as_role(entry["role"])
    unknown = sorted(entry.keys() - {"role"})
    if unknown:
        # It may be meant as a limit: to pass over it would grant more than was meant.
        raise UnreadableUsers(
            f"access.toml gives the user {name!r} {unknown[0]!r}, which means nothing here; "
            f"a user has a role and nothing else."
        )
    return role


def with_role(text: str, name: str, role: Role | None) -> str:
    """Return the text of ``access.toml`` with *name* given *role*, or removed for ``None``.

    What else stands in the file stays as it is, comments included.
    """
    import tomlkit

    document = tomlkit.parse(text)
    users = cast("Any", document.setdefault("users", tomlkit.table(is_super_table=True)))
    if role is None:
        users.pop(name, None)
    elif name in users:
        users[name]["role"] = role
    else:
        users[name] = tomlkit.table().add("role", role)
    return tomlkit.dumps(document)
