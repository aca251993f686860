"""Which index a command is about: the command line, the environment, a profile, this machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from poetry_aegis.client.records import NAME
from poetry_aegis.errors import SettingsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from poetry_aegis.settings import Priority, ProfileSettings

VARIABLE = "PYPI_INDEX_URL"
NAME_UNLESS_GIVEN = "aegis"


@dataclass(frozen=True)
class Target:
    """An index as it was named: without a *url* it is this machine's server.

    *login* is what stood in the address that the environment gives.
    """

    name: str
    url: str | None
    username: str | None = None
    ca: Path | None = None
    priority: Priority | None = None
    login: tuple[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Asked:
    """What the command line names; what is ``None`` it does not."""

    url: str | None = None
    name: str | None = None
    username: str | None = None
    ca: str | None = None


def choose_target(
    asked: Asked,
    environment: Mapping[str, str],
    profile: str | None = None,
    settings: ProfileSettings | None = None,
    folder: Path | None = None,
) -> Target:
    """Return the index that is meant.

    Its address is the one *asked* for, else that in *environment*, else that of the *profile* with
    its *settings* in the project's *folder*. The profile's user and authority belong to its own
    address, and not to another's. Raises `UsageError`.
    """
    url, login = _from_environment(environment) if not asked.url else (None, None)
    own = settings if settings and not asked.url and not url else None
    ca = asked.ca or (str((folder or Path()) / own.ca) if own and own.ca else None)
    return Target(
        name=asked.name or (settings and settings.name) or profile or NAME_UNLESS_GIVEN,
        url=asked.url or url or (own.url if own else None),
        username=asked.username or (login[0] if login else None) or (own.username if own else None),
        ca=Path(ca) if ca else None,
        priority=settings.priority if settings else None,
        login=login,
    )


def _from_environment(
    environment: Mapping[str, str],
) -> tuple[str | None, tuple[str, str] | None]:
    """Return the address in the environment, and the credential that was in it."""
    url = environment.get(VARIABLE, "").strip()
    if not url:
        return None, None
    try:
        parts = urlsplit(url)
        user, password = parts.username, parts.password
    except ValueError:
        raise UsageError(f"{VARIABLE} is no web address.") from None
    if user is None:
        return url, None
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return bare, (unquote(user), unquote(password)) if password else None


def find_profile(profiles: Mapping[str, ProfileSettings], name: str) -> ProfileSettings:
    """Return the profile *name*. Raises `SettingsError` where the project has none."""
    if name in profiles and NAME.fullmatch(name):
        return profiles[name]
    known = ", ".join(profiles) or "none"
    raise SettingsError(
        f"The project has no profile {name[:80]!a}; it has: {known}.",
        hint='Write one to pyproject.toml:\n[tool.poetry-aegis.profiles.NAME]\nurl = "https://HOST/"',
    )
