"""Keys taken into the project's trust, or out of it: in ``pyproject.toml`` or the team's file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from poetry_aegis.errors import NoSigningKey, SettingsError, UsageError
from poetry_aegis.signatures.material import UnusableKey
from poetry_aegis.signatures.trust import TrustedKey, check_key_name
from poetry_aegis.signing.editing import Edit, add_table, change_table
from poetry_aegis.signing.extra import require_signing
from poetry_aegis.signing.team import TABLE, load_team_file, team_path
from poetry_aegis.signing.toml import public_table
from poetry_aegis.tables import InvalidTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from poetry_aegis.settings import TrustSettings
    from poetry_aegis.signatures.keys import PublicKey
    from poetry_aegis.signing.keystore import StoredKey

_SETTINGS = ("tool", "poetry-aegis", "trust", "keys")
_TEAM = ("keys",)


@dataclass(frozen=True)
class Terms:
    """What a key may sign, and until when; what is not given stays as it is."""

    projects: tuple[str, ...] = ()
    valid_until: date | None = None

    def to_table(self) -> dict[str, object]:
        """Return what is given."""
        given = {"projects": self.projects, "valid_until": self.valid_until}
        return {name: value for name, value in given.items() if value}


def make_terms(projects: Sequence[str], valid_until: str | None) -> Terms:
    """Return the terms that a command line gives. Raises `UsageError`."""
    from datetime import date

    try:
        day = date.fromisoformat(valid_until) if valid_until else None
    except ValueError:
        raise UsageError(f"{valid_until!a} is no day.", hint="Write it as 2027-12-31.") from None
    return Terms(tuple(projects), day)


@dataclass(frozen=True)
class Place:
    """A table of keys: the *keys* that lead to it in the file at *path*."""

    path: Path
    keys: tuple[str, ...]


@dataclass(frozen=True)
class TrustEdit:
    """What is to be written, so that *trusted* is what is known of the key *name*."""

    name: str
    trusted: TrustedKey
    edit: Edit

    def state(self, today: date) -> str:
        """Return how the key stands *today*: see `TrustedKey.standing`."""
        return self.trusted.standing(today)


def trust_key(
    settings: TrustSettings,
    pyproject: Path,
    key: StoredKey,
    terms: Terms,
    *,
    in_team_file: bool = False,
) -> TrustEdit:
    """Return the edit after which *key* is trusted under its name, on these *terms*.

    One that is trusted already stays where it is. Raises `SettingsError` where it has another name
    there, where the name is another key's, and for a file that cannot be read or changed.
    """
    name, public = key.name, key.public
    _check_name(name)
    known = _known(settings, pyproject)
    _refuse_second_name(known, name, public)
    if name in known:
        place, trusted = known[name]
        return _change(place, name, trusted, terms.to_table())
    place = _team_place(settings, pyproject) if in_team_file else Place(pyproject, _SETTINGS)
    values = {**public_table(public), **terms.to_table()}
    trusted = _trusted(public, terms)
    return TrustEdit(name, trusted, add_table(place.path, (*place.keys, name), values))


def revoke_key(
    settings: TrustSettings, pyproject: Path, name: str, today: date, reason: str = ""
) -> TrustEdit:
    """Return the edit after which the key *name* is revoked from *today*, for the *reason*.

    There is nothing to change in one that is revoked already. Raises `NoSigningKey` for one that is
    not trusted, and `SettingsError`.
    """
    known = _known(settings, pyproject)
    if name not in known:
        raise NoSigningKey(
            f"The project trusts no key {name[:80]!a}; it trusts: {', '.join(known) or 'none'}.",
            hint="List the keys with: poetry aegis key list",
        )
    place, trusted = known[name]
    if trusted.is_revoked(today):
        return _change(place, name, trusted, {})
    return _change(
        place, name, trusted, {"revoked": today} | ({"reason": reason} if reason else {})
    )


def _change(
    place: Place, name: str, trusted: TrustedKey, values: Mapping[str, object]
) -> TrustEdit:
    new = {key: value for key, value in values.items() if getattr(trusted, key) != value}
    try:
        changed = replace(trusted, **new)  # type: ignore[arg-type]  # names and values of its fields
    except InvalidTable as error:
        raise SettingsError(f"The key {name}: {error}") from None
    return TrustEdit(name, changed, change_table(place.path, (*place.keys, name), new))


def _trusted(public: PublicKey, terms: Terms) -> TrustedKey:
    projects = terms.projects or ("*",)
    return TrustedKey(
        public.keytype,
        public.scheme,
        public.public,
        public.fingerprint,
        projects,
        valid_until=terms.valid_until,
    )


def _known(settings: TrustSettings, pyproject: Path) -> dict[str, tuple[Place, TrustedKey]]:
    """Return where each trusted key stands. Raises `SettingsError` and `MissingExtra`."""
    require_signing()
    own = Place(pyproject, _SETTINGS)
    known = {name: (own, trusted) for name, trusted in settings.keys.items()}
    if settings.file:
        place = _team_place(settings, pyproject)
        team = load_team_file(place.path).keys if place.path.exists() else {}
        known |= {name: (place, trusted) for name, trusted in team.items()}
    return known


def _team_place(settings: TrustSettings, pyproject: Path) -> Place:
    if not settings.file:
        raise SettingsError(
            f"{TABLE} names no file of the team's.",
            hint='Name one there, such as: file = "trusted-keys.toml"',
        )
    return Place(team_path(settings, pyproject), _TEAM)


def _refuse_second_name(
    known: Mapping[str, tuple[Place, TrustedKey]], name: str, public: PublicKey
) -> None:
    """Raise `SettingsError` for a key with another name there, and for a name of another key."""
    for other, (place, trusted) in known.items():
        try:
            same = trusted.key.identity == public.identity
        except UnusableKey as error:
            raise SettingsError(f"{place.path}: keys.{other}: {error}") from error
        if same and other != name:
            raise SettingsError(
                f"The key is trusted already, under the name {other}.",
                hint=f"Change what it may sign with: poetry aegis key trust ... --as {other}",
            )
        if other == name and not same:
            raise SettingsError(
                f"Another key is trusted under the name {name}.",
                hint="Give this one a name of its own: --as NAME",
            )


def _check_name(name: str) -> None:
    try:
        check_key_name(name)
    except InvalidTable as error:
        raise SettingsError(str(error)) from None
