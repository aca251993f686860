"""A key of the store gets another passphrase: the same key, and never a moment without it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from poetry_aegis.errors import NoSigningKey, SigningError, WrongPassphrase
from poetry_aegis.signing.passphrases import change_passphrase, open_private
from poetry_aegis.signing.signers import open_key
from tests.support.signing import open_quickly
from tests.unit.signing.conftest import PASSPHRASE

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    from poetry_aegis.signing.keystore import KeyStore, StoredKey

NEW = "staple and another horse"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    open_quickly(monkeypatch)


def old(_: str) -> str:
    return PASSPHRASE


def nobody(question: str) -> None:
    raise AssertionError(question)


def no_new_one() -> str:
    raise AssertionError


def private_part(store: KeyStore, key: StoredKey) -> PrivateKeyTypes:
    return open_private(store, key, store.private_file(key.name).read_bytes(), old)


def test_only_the_new_passphrase_opens_the_key(store: KeyStore, ada: StoredKey) -> None:
    assert change_passphrase(store, "ada", old, lambda: NEW) == ada
    assert store.keys() == [ada]
    assert open_key("ada", None, lambda _: NEW).public == ada.public
    with pytest.raises(WrongPassphrase):
        open_key("ada", None, old)
    assert store.private_file("ada").stat().st_mode & 0o077 == 0
    assert {path.name for path in store.root.iterdir()} == {"ada.key", "ada.toml", ".lock"}


def test_an_older_file_becomes_what_a_new_one_is(store: KeyStore, ada: StoredKey) -> None:
    encryption = BestAvailableEncryption(PASSPHRASE.encode())
    before = private_part(store, ada).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    store.private_file("ada").write_bytes(before)
    change_passphrase(store, "ada", old, lambda: PASSPHRASE)
    assert store.private_file("ada").read_text().startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert open_key("ada", None, old).public == ada.public


def test_a_key_that_lies_open_is_closed(store: KeyStore, ada: StoredKey) -> None:
    private = private_part(store, ada)
    for form in (PrivateFormat.PKCS8, PrivateFormat.OpenSSH):
        store.private_file("ada").write_bytes(
            private.private_bytes(Encoding.PEM, form, NoEncryption())
        )
        change_passphrase(store, "ada", nobody, lambda: NEW)
        assert open_key("ada", None, lambda _: NEW).public == ada.public


def test_without_the_old_passphrase_no_new_one_is_asked_for(
    store: KeyStore, ada: StoredKey
) -> None:
    before = store.private_file("ada").read_bytes()
    for answer in ("wrong and secret", "", None):
        with pytest.raises(WrongPassphrase):
            change_passphrase(store, "ada", lambda _, answer=answer: answer, no_new_one)  # type: ignore[misc]
    assert store.private_file("ada").read_bytes() == before


def test_a_new_passphrase_that_is_too_short_changes_nothing(
    store: KeyStore, ada: StoredKey
) -> None:
    before = store.private_file("ada").read_bytes()
    with pytest.raises(SigningError, match="at least 8 characters"):
        change_passphrase(store, "ada", old, lambda: "short")
    assert store.private_file("ada").read_bytes() == before


def test_a_key_that_was_exchanged_is_left_as_it_is(store: KeyStore, ada: StoredKey) -> None:
    store.generate("eve", PASSPHRASE)
    exchanged = store.private_file("eve").read_bytes()
    store.private_file("ada").write_bytes(exchanged)
    with pytest.raises(SigningError, match=r"not the private part of what ada.toml describes"):
        change_passphrase(store, "ada", old, no_new_one)
    assert store.private_file("ada").read_bytes() == exchanged


def test_what_another_has_written_meanwhile_stays(store: KeyStore, ada: StoredKey) -> None:
    def slowly() -> str:
        change_passphrase(store, "ada", old, lambda: "what the other wants")
        return NEW

    with pytest.raises(SigningError, match="was changed by another meanwhile"):
        change_passphrase(store, "ada", old, slowly)
    assert open_key("ada", None, lambda _: "what the other wants").public == ada.public


def test_a_key_that_is_kept_elsewhere_has_its_passphrase_there(
    store: KeyStore, ada: StoredKey
) -> None:
    store.add("gpg", ada.public, "gnupg:")
    with pytest.raises(SigningError, match="kept elsewhere, and so is its passphrase") as refused:
        change_passphrase(store, "gpg", nobody, no_new_one)
    assert "gpg --change-passphrase" in refused.value.hint


def test_a_key_that_is_not_there_is_said(store: KeyStore, ada: StoredKey) -> None:
    with pytest.raises(NoSigningKey, match="no key eve"):
        change_passphrase(store, "eve", nobody, no_new_one)
    store.private_file("ada").unlink()
    with pytest.raises(NoSigningKey, match="private part of the key ada"):
        change_passphrase(store, "ada", nobody, no_new_one)


def test_there_is_never_a_moment_without_the_key(store: KeyStore, ada: StoredKey) -> None:
    """Whoever opens it meanwhile finds it whole, with the old passphrase or with the new one."""
    first = store.private_file("ada").read_bytes()
    change_passphrase(store, "ada", old, lambda: PASSPHRASE)
    second = store.private_file("ada").read_bytes()
    seen, done = set(), threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.add(store.private_file("ada").read_bytes())

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        for _ in range(50):
            store.rewrite("ada", second, first)
            store.rewrite("ada", first, second)
    finally:
        done.set()
        watcher.join()
    assert seen == {first, second}
