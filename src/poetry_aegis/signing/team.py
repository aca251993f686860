"""Whom the project trusts: the keys of its own settings and those of the team's file."""

from __future__ import annotations

import os
import stat
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
        state = path.stat()
        if not stat.S_ISREG(state.st_mode) or state.st_size > _LARGEST:
            raise _unusable(path, "is no file of at most 1 MiB")
        document = read_toml(path)
    except (FileNotFoundError, NotADirectoryError):
        raise _unusable(path, "is not there", _MAKE_IT) from None
    except OSError as error:
        raise _unusable(path, f"cannot be read: {error.strerror or error}") from error
    except CorruptProject as error:
        raise SettingsError(str(error), hint=error.hint) from error
    except ValueError as error:  # a name that no file can have
        raise _unusable(path, f"cannot be read: {error}") from error
    return read_table(TeamFile, document, where=str(path))


def _unusable(path: Path, why: str, hint: str = "") -> SettingsError:
    """Return what says of the setting, by the *path* that it comes to, *why* it is of no use."""
    try:
        where = os.path.realpath(path)
    except ValueError:
        where = ascii(str(path))
    return SettingsError(
        f"The setting file in {TABLE} names {where}, which {why}.", hint=hint or _NAME_ANOTHER
    )


def _refuse_the_same_name(settings: TrustSettings, team: TeamFile) -> None:
    both = sorted(settings.keys.keys() & team.keys.keys())
    if both:
        raise SettingsError(
            f"The key {both[0]} stands both in {TABLE} and in {settings.file}.",
            hint="Take it out of one of them, so that nobody has to guess which one counts.",
        )


_MAKE_IT = (
    f"Make it with poetry aegis key trust NAME --file, or correct file in {TABLE}: "
    "the path is relative to pyproject.toml."
)
_NAME_ANOTHER = f"Correct it, or name another as file in {TABLE}, relative to pyproject.toml."
_LOOK_AT_KEYS = "Write keys as poetry aegis key export prints them."
