"""Public keys as they are handed from one person to another."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from poetry_aegis.errors import NoSigningKey, SettingsError
from poetry_aegis.settings import read_table
from poetry_aegis.signatures.keys import PublicKey
from poetry_aegis.signatures.material import UnusableKey
from poetry_aegis.signatures.trust import check_key_name
from poetry_aegis.signing.extra import require_signing
from poetry_aegis.signing.keystore import StoredKey
from poetry_aegis.signing.toml import public_table, to_toml
from poetry_aegis.tables import InvalidTable

if TYPE_CHECKING:
    from poetry_aegis.signing.keystore import KeyStore

_LARGEST = 1 << 20  # characters


@dataclass(frozen=True)
class _SharedKey:
    """``[keys.NAME]`` as it is handed to others: they decide themselves what it may sign."""

    keytype: str
    scheme: str
    public: str
    fingerprint: str = ""


@dataclass(frozen=True)
class _Shared:
    keys: dict[str, _SharedKey]


def share(key: StoredKey) -> str:
    """Return the public part of *key* as a TOML table, for those who are to trust it."""
    name = f'"{key.name}"' if "." in key.name else key.name
    return f"[keys.{name}]\n{to_toml(public_table(key.public))}"


def describe(key: StoredKey) -> dict[str, object]:
    """Return the public part of *key* as ``--json`` prints it."""
    return {
        "name": key.name,
        "kind": key.kind,
        "id": key.public.id,
        "key": public_table(key.public),
        "table": share(key),
    }


def find_shared(source: str, store: KeyStore) -> StoredKey:
    """Return the key that *source* names: one of *store*, a file's, or ``-`` for standard input.

    Raises `NoSigningKey`, `SettingsError`, `SigningError` and `MissingExtra`.
    """
    if source == "-":
        text = sys.stdin.read(_LARGEST) if sys.stdin else ""
        return read_shared(text, where="What standard input gave")
    path = Path(source)
    if source in store.names() or not path.is_file():
        if set(source) & {"/", "\\"} or source.endswith(".toml"):
            raise NoSigningKey(f"There is no file {source}.", hint=_EXPORT)
        return store.read(source)
    try:
        with path.open(encoding="utf-8") as stream:
            return read_shared(stream.read(_LARGEST), where=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}.", hint=_EXPORT) from error


def read_shared(text: str, *, where: str) -> StoredKey:
    """Return the key in *text*, which is what `share` returned. *where* names it in messages.

    Raises `SettingsError` and `MissingExtra`.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    require_signing()
    try:
        document = tomlkit.parse(text).unwrap()
    except TOMLKitError as error:
        raise SettingsError(f"{where} is not valid TOML: {error}", hint=_EXPORT) from error
    shared = read_table(_Shared, document, where=where).keys
    if len(shared) != 1:
        raise SettingsError(f"{where} has {len(shared)} keys, and not one.", hint=_EXPORT)
    ((name, key),) = shared.items()
    try:
        check_key_name(name)
        public = PublicKey(key.keytype, key.scheme, key.public, key.fingerprint)
        return StoredKey(name, public)
    except InvalidTable as error:
        raise SettingsError(f"{where}: {error}", hint=_EXPORT) from None
    except UnusableKey as error:
        raise SettingsError(f"The key {name} in {where}: {error}", hint=_EXPORT) from error


_EXPORT = "It has to be what they have printed with: poetry aegis key export NAME"
