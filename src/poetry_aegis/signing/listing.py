"""What is known of keys: the user's own, and those that the project trusts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.signing.keystore import StoredKey

if TYPE_CHECKING:
    from datetime import date

    from poetry_aegis.signatures.trust import Trust, TrustedKey
    from poetry_aegis.signing.keystore import KeyStore

SHORT = 16  # characters of an identifier, to be read by people


@dataclass(frozen=True)
class KeyState:
    """A key: whether it is the user's *own*, and what the project trusts it with, if at all.

    *name* is the user's own for it, else the project's, which is *trusted_as*. *state* is one of
    ``valid``, ``not yet valid``, ``expired``, ``revoked`` and ``not trusted``.
    """

    name: str
    kind: str
    id: str
    own: bool
    state: str
    trusted_as: str = ""
    trusted: TrustedKey | None = None

    def to_json(self) -> dict[str, object]:
        """Return the key as ``--json`` prints it."""
        document: dict[str, object] = {
            "name": self.name,
            "kind": self.kind,
            "id": self.id,
            "own": self.own,
            "trusted": self.trusted is not None,
            "state": self.state,
        }
        if self.trusted is None:
            return document
        return document | {
            "trusted_as": self.trusted_as,
            "projects": list(self.trusted.projects),
            "valid_from": _day(self.trusted.valid_from),
            "valid_until": _day(self.trusted.valid_until),
            "revoked": _day(self.trusted.revoked),
            "reason": self.trusted.reason,
        }


def list_keys(store: KeyStore, trust: Trust, today: date) -> list[KeyState]:
    """Return the keys in *store*, then those of others that *trust* has.

    Raises `SigningError`, `SettingsError` and `MissingExtra`.
    """
    names = {trusted.key.identity: name for name, trusted in trust.keys.items()}
    own = store.keys()
    mine = {key.public.identity for key in own}
    others = [
        StoredKey(name, trusted.key)
        for name, trusted in sorted(trust.keys.items())
        if trusted.key.identity not in mine
    ]
    return [
        *(_state(key, names.get(key.public.identity, ""), trust, today, own=True) for key in own),
        *(_state(key, key.name, trust, today, own=False) for key in others),
    ]


def _state(key: StoredKey, trusted_as: str, trust: Trust, today: date, *, own: bool) -> KeyState:
    trusted = trust.keys.get(trusted_as)
    state = trusted.standing(today) if trusted else "not trusted"
    return KeyState(key.name, key.kind, key.public.id, own, state, trusted_as, trusted)


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
