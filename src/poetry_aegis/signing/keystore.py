"""The user's own keys: a folder with a private key and its public part for each.

::

    NAME.key     the private key: as OpenSSH writes it, encrypted with a passphrase
    NAME.toml    its public part; for a key that lives elsewhere (GnuPG, a KMS) where that is

The folder is ``AEGIS_KEYS_HOME``, or the platform's data folder. It is the user's alone.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from datetime import date, datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from poetry_aegis import atomic
from poetry_aegis.errors import CorruptProject, NoSigningKey, SettingsError, SigningError
from poetry_aegis.settings import read_table, read_toml
from poetry_aegis.signatures.keys import PublicKey
from poetry_aegis.signatures.material import UnusableKey
from poetry_aegis.signatures.trust import check_key_name
from poetry_aegis.signing.extra import require_signing
from poetry_aegis.signing.folder import holding
from poetry_aegis.signing.toml import public_table, to_toml
from poetry_aegis.tables import InvalidTable

if TYPE_CHECKING:
    from collections.abc import Iterator

HOME_VARIABLE = "AEGIS_KEYS_HOME"


@dataclass(frozen=True)
class StoredKey:
    """A key of the user's own; *uri* is empty where its private part is in the store, too."""

    name: str
    public: PublicKey
    uri: str = ""
    created: date | None = None

    @property
    def kind(self) -> str:
        """What sort of key it is: its algorithm, and the place that keeps it if another does."""
        place = self.uri.partition(":")[0] or ("gnupg" if self.public.is_openpgp else "")
        return f"{self.public.keytype} ({place})" if place else self.public.keytype


@dataclass(frozen=True)
class KeyStore:
    """The keys in the folder *root*."""

    root: Path

    def private_file(self, name: str) -> Path:
        """Return where the private key *name* is, or would be."""
        return self.root / f"{name}.key"

    def public_file(self, name: str) -> Path:
        """Return where the public part of the key *name* is, or would be."""
        return self.root / f"{name}.toml"

    def names(self) -> list[str]:
        """Return the names of the keys, sorted. Raises ``OSError``."""
        if not self.root.is_dir():
            return []
        return sorted(path.stem for path in self.root.iterdir() if _is_public_file(path))

    def keys(self) -> list[StoredKey]:
        """Return all keys, by name. Raises `SigningError` and `MissingExtra`."""
        return [self.read(name) for name in self.names()]

    def read(self, name: str) -> StoredKey:
        """Return the key *name*. Raises `NoSigningKey`, `SigningError` and `MissingExtra`."""
        _check_name(name)
        path = self.public_file(name)
        if not path.is_file():
            known = ", ".join(self.names()) or "none"
            raise NoSigningKey(
                f"There is no key {name} in {self.root}; it has: {known}.",
                hint=_MAKE_ONE,
            )
        require_signing()
        try:
            record = read_table(_Record, read_toml(path), where=str(path))
            public = PublicKey(record.keytype, record.scheme, record.public, record.fingerprint)
        except (CorruptProject, SettingsError) as error:
            raise SigningError(str(error), hint=error.hint) from error
        except UnusableKey as error:
            raise SigningError(f"{path}: {error}") from error
        return StoredKey(name, public, record.uri, record.created)

    def choose(self, name: str | None) -> StoredKey:
        """Return the key *name*, or the only one where none is named. Raises as `read` does."""
        names = [name] if name else self.names()
        if len(names) == 1:
            return self.read(names[0])
        if names:
            raise NoSigningKey(
                f"There are several keys, and none is named: {', '.join(names)}.",
                hint="Name one with --key, or as key in [tool.poetry-aegis.publish].",
            )
        raise NoSigningKey(f"There is no key to sign with in {self.root}.", hint=_MAKE_ONE)

    def require_free(self, name: str) -> None:
        """Raise `SigningError` where *name* is no name of a key, or there is one of that name."""
        _check_name(name)
        for path in (self.private_file(name), self.public_file(name)):
            if os.path.lexists(path):  # A link that leads nowhere is something, too.
                raise SigningError(
                    f"There is a key {name} already: {path}.",
                    hint="Choose another name. A key that is replaced is lost for ever.",
                )

    def generate(self, name: str, passphrase: str) -> StoredKey:
        """Make a new ed25519 key, its private part encrypted with *passphrase*, and return it.

        Raises `SigningError` where the name is taken or the folder is not the user's alone, and
        `MissingExtra`.
        """
        require_signing()
        from poetry_aegis.signing.private import encrypt, generate

        private, public = generate()
        content = encrypt(private, passphrase)
        with self._taking(name):
            # Of a crash between the two a file is left that nothing else can be: no key is lost.
            atomic.write_bytes(self.private_file(name), content, mode=0o600)
            return self._write(name, public)

    def add(self, name: str, public: PublicKey, uri: str) -> StoredKey:
        """Take note of a key whose private part lives at *uri*, and return it.

        Raises `SigningError` as `generate` does.
        """
        with self._taking(name):
            return self._write(name, public, uri)

    def rewrite(self, name: str, before: bytes, after: bytes) -> None:
        """Put the private key *after* into the place of *before*: one of them is always there.

        Raises `SigningError`, also where another has changed it meanwhile.
        """
        path = self.private_file(name)
        with holding(self.root, f"The key {name} cannot be written to"):
            if path.read_bytes() != before:
                raise SigningError(f"{path} was changed by another meanwhile.", hint="Try again.")
            atomic.write_bytes(path, after, mode=0o600)

    def remove(self, name: str) -> None:
        """Remove the key *name*, with its private part if that is here.

        Raises `NoSigningKey` and `SigningError`.
        """
        with holding(self.root, f"The key {name} cannot be removed from", writes=False):
            self.read(name)
            # In this order, so that what a crash leaves is listed, and can be removed again.
            self.private_file(name).unlink(missing_ok=True)
            atomic.fsync_directory(self.root)
            self.public_file(name).unlink()
            atomic.fsync_directory(self.root)

    def _write(self, name: str, public: PublicKey, uri: str = "") -> StoredKey:
        key = StoredKey(name, public, uri, datetime.now(timezone.utc).date())
        record = {**public_table(public), "uri": uri, "created": key.created}
        atomic.write_text(
            self.public_file(name),
            f"# Written by poetry aegis key: the public part of {name}, and what is known of it.\n"
            + to_toml(record),
            mode=0o600,
        )
        return key

    @contextlib.contextmanager
    def _taking(self, name: str) -> Iterator[None]:
        """Hold the folder while a new key *name* is written. Raises `SigningError`."""
        with holding(self.root, f"The key {name} cannot be written to"):
            self.require_free(name)
            yield


def locate_store() -> KeyStore:
    """Return the store that the environment names, else that in the platform's data folder."""
    named = os.environ.get(HOME_VARIABLE)
    if named:
        return KeyStore(Path(os.path.abspath(Path(named).expanduser())))  # noqa: PTH100  no links followed
    import platformdirs

    return KeyStore(platformdirs.user_data_path("poetry-aegis", appauthor=False) / "keys")


@dataclass(frozen=True)
class _Record:
    """``NAME.toml``."""

    keytype: str
    scheme: str
    public: str
    fingerprint: str = ""
    uri: str = ""
    created: date | None = None


def _is_public_file(path: Path) -> bool:
    try:
        check_key_name(path.stem)
    except InvalidTable:
        return False
    return path.suffix == ".toml" and path.is_file()


def _check_name(name: str) -> None:
    try:
        check_key_name(name)
    except InvalidTable as error:
        raise SigningError(str(error)) from None


_MAKE_ONE = "Make one with: poetry aegis key generate NAME"
