"""A store with keys in it, and a project that may trust them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.signing.keystore import HOME_VARIABLE, KeyStore
from poetry_aegis.signing.signers import KEY_VARIABLE, PASSPHRASE_VARIABLE

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.signing.keystore import StoredKey

PASSPHRASE = "correct horse battery"


@pytest.fixture(autouse=True)
def no_keys_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "keys"))
    for name in (KEY_VARIABLE, PASSPHRASE_VARIABLE):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path / "keys")


@pytest.fixture
def ada(store: KeyStore) -> StoredKey:
    return store.generate("ada", PASSPHRASE)


@pytest.fixture
def pyproject(tmp_path: Path) -> Path:
    path = tmp_path / "project" / "pyproject.toml"
    path.parent.mkdir()
    path.write_text('[project]\nname = "demo"\nversion = "1.0.0"\n')
    return path
