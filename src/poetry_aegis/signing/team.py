"""Whom the project trusts: the keys of its own settings and those of the team's file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from poetry_aegis.errors import CorruptProject, SettingsError
from poetry_aegis.settings import read_table, read_toml
from poetry_aegis.signatures.trust import Trust, TrustedKey
from poetry_aegis.signing.extra import require_signing
from poetry_aegis.tables import InvalidTable

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.settings import TrustSettings

TABLE = "[tool.poetry-aegis.trust]"

_LARGEST = 1 << 20  # bytes


@dataclass(frozen=True)
class TeamFile:
    """What the team's file says; *threshold* is ``None`` where it does not say one."""

    threshold: int | None = None
    keys: dict[str, TrustedKey] = field(default_factory=dict)


def load_trust(settings: TrustSettings, pyproject: Path) -> Trust:
    """Return the keys that *settings* name, together with those of the team's file, if any.

    The threshold is that of the settings, else the file's, else 1. Raises `SettingsError` for a
    file that cannot be read, a key that is none, and a name or a key that is there twice; and
    `MissingExtra`.
    """
    team = load_team_file(team_path(settings, pyproject)) if settings.file else TeamFile()
    _refuse_the_same_name(settings, team)
    keys = {**team.keys, **settings.keys}
    threshold = team.threshold if settings.threshold is None else settings.threshold
    if keys:
        require_signing()
    try:
        trust = Trust(1 if threshold is None else threshold, keys)
        _ = trust.by_id  # a bad key is said now, not with the first file
    except InvalidTable as error:
        raise SettingsError(
            f"{TABLE} of {pyproject}: {error}", hint=error.hint or _LOOK_AT_KEYS
        ) from error
    return trust


def team_path(settings: TrustSettings, pyproject: Path) -> Path:
    """Return where the team's file is, which *settings* name relative to *pyproject*."""
    return pyproject.parent / (settings.file or "")


def load_team_file(path: Path) -> TeamFile:
    """Return what the team's file at *path* says. Raises `SettingsError`."""
    try:
        # Looked at first: a pipe would never end, nor would some devices.
        if not path.is_file() or path.stat().st_size > _LARGEST:
            raise SettingsError(
                f"The team's file {path}, which {TABLE} names, is no file of at most 1 MiB.",
                hint=f"Name it in {TABLE} as file, relative to pyproject.toml.",
            )
        document = read_toml(path)
    except OSError as error:
        raise SettingsError(
            f"The team's file {path} cannot be read: {error.strerror or error}."
        ) from error
    except CorruptProject as error:
        raise SettingsError(str(error), hint=error.hint) from error
    return read_table(TeamFile, document, where=str(path))


def _refuse_the_same_name(settings: TrustSettings, team: TeamFile) -> None:
    both = sorted(settings.keys.keys() & team.keys.keys())
    if both:
        raise SettingsError(
            f"The key {both[0]} stands both in {TABLE} and in {settings.file}.",
            hint="Take it out of one of them, so that nobody has to guess which one counts.",
        )


_LOOK_AT_KEYS = "Write keys as poetry aegis key export prints them."
