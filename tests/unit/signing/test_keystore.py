"""The user's own keys: encrypted, closed to others, and never written over."""

from __future__ import annotations

import base64
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.errors import NoSigningKey, SigningError
from poetry_aegis.signatures.material import UnusableKey
from poetry_aegis.signing import keystore
from poetry_aegis.signing.keystore import KeyStore, locate_store
from poetry_aegis.signing.toml import to_toml
from tests.support.needs import needs_program
from tests.support.signing import open_quickly
from tests.unit.signing.conftest import PASSPHRASE

if TYPE_CHECKING:
    from poetry_aegis.signing.keystore import StoredKey


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    open_quickly(monkeypatch)


def test_a_new_key_is_there_when_it_is_asked_for(store: KeyStore) -> None:
    made = store.generate("ada-2026", PASSPHRASE)
    assert store.read("ada-2026") == made
    assert store.keys() == [made]
    assert made.kind == "ed25519"


def test_two_keys_are_two_keys(store: KeyStore, ada: StoredKey) -> None:
    assert store.generate("bob", PASSPHRASE).public != ada.public


@pytest.mark.skipif(os.name != "posix", reason="permission bits are those of POSIX")
def test_the_store_is_closed_to_others(store: KeyStore, ada: StoredKey) -> None:
    before = os.umask(0)
    try:
        store.generate("bob", PASSPHRASE)
    finally:
        os.umask(before)
    assert store.root.stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o777 for path in store.root.iterdir()}
    assert set(modes.values()) == {0o600}, modes


def test_ssh_opens_the_private_key_with_the_passphrase_alone(
    store: KeyStore, ada: StoredKey
) -> None:
    command = [needs_program("ssh-keygen"), "-y", "-f", str(store.private_file("ada")), "-P"]

    def public(passphrase: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([*command, passphrase], capture_output=True, check=False)

    kind, key = public(PASSPHRASE).stdout.split()[:2]
    assert (kind, base64.b64decode(key)[-32:].hex()) == (b"ssh-ed25519", ada.public.public)
    assert public("another one").returncode != 0


def test_the_private_file_holds_no_passphrase_and_no_plain_key(
    store: KeyStore, ada: StoredKey
) -> None:
    text = store.private_file("ada").read_text()
    assert text.startswith("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    for path in store.root.iterdir():
        assert PASSPHRASE not in path.read_text()


@pytest.mark.parametrize("ending", ["key", "toml"])
def test_what_is_there_is_never_written_over(store: KeyStore, ending: str) -> None:
    store.root.mkdir(mode=0o700)
    (store.root / f"ada.{ending}").write_text("precious")
    for make in (
        lambda: store.generate("ada", PASSPHRASE),
        lambda: store.require_free("ada"),
    ):
        with pytest.raises(SigningError, match="There is a key ada already"):
            make()
    assert (store.root / f"ada.{ending}").read_text() == "precious"
    assert not set(store.root.iterdir()) - {store.root / f"ada.{ending}", store.root / ".lock"}


def test_a_link_that_leads_nowhere_is_not_followed(store: KeyStore, tmp_path: Path) -> None:
    store.root.mkdir(mode=0o700)
    store.private_file("ada").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SigningError, match="There is a key ada already"):
        store.generate("ada", PASSPHRASE)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.skipif(os.name != "posix", reason="permission bits are those of POSIX")
def test_no_key_is_made_where_others_may_write(store: KeyStore) -> None:
    store.root.mkdir()
    store.root.chmod(0o770)
    with pytest.raises(SigningError, match="Others may write to") as refused:
        store.generate("ada", PASSPHRASE)
    assert "chmod 700" in refused.value.hint
    assert not list(store.root.iterdir())


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SigningError, match="cannot be written to"):
        KeyStore(tmp_path / "file" / "keys").generate("ada", PASSPHRASE)


def test_of_many_who_make_one_key_at_a_time_one_does(store: KeyStore) -> None:
    def make(number: int) -> str | None:
        try:
            return store.generate("ada", f"{PASSPHRASE} {number}").public.public
        except SigningError:
            return None

    with ThreadPoolExecutor(8) as pool:
        (made,) = filter(None, pool.map(make, range(8)))
    assert store.read("ada").public.public == made


@pytest.mark.parametrize("name", ["../ada", "a/b", "", ".ada", "a b", "/etc/passwd", "a\0b"])
def test_a_name_leads_nowhere_else(store: KeyStore, name: str) -> None:
    for use in (store.read, store.require_free, lambda name: store.generate(name, PASSPHRASE)):
        with pytest.raises(SigningError, match="cannot be the name of a key"):
            use(name)
    assert not store.root.exists() or not list(store.root.glob("*.key"))


def test_a_short_passphrase_makes_no_key(store: KeyStore) -> None:
    for passphrase in ("", "seven 7", "x" * 1001):
        with pytest.raises(SigningError, match="at least 8 characters"):
            store.generate("ada", passphrase)
    assert not store.names()


def test_the_only_key_needs_no_name(store: KeyStore, ada: StoredKey) -> None:
    assert store.choose(None) == store.choose("ada") == ada


def test_without_a_key_the_way_to_one_is_said(store: KeyStore) -> None:
    with pytest.raises(NoSigningKey, match="no key to sign with") as refused:
        store.choose(None)
    assert "poetry aegis key generate" in refused.value.hint


def test_of_several_keys_one_has_to_be_named(store: KeyStore, ada: StoredKey) -> None:
    store.generate("bob", PASSPHRASE)
    with pytest.raises(NoSigningKey, match="several keys, and none is named: ada, bob") as refused:
        store.choose(None)
    assert "--key" in refused.value.hint


def test_a_key_that_is_not_there_is_named_with_those_that_are(
    store: KeyStore, ada: StoredKey
) -> None:
    with pytest.raises(NoSigningKey, match=r"no key eve in .*; it has: ada"):
        store.choose("eve")


def test_other_files_of_the_folder_are_no_keys(store: KeyStore, ada: StoredKey) -> None:
    for name in ("notes.txt", ".hidden.toml", "a b.toml", "lonely.key"):
        (store.root / name).write_text("")
    (store.root / "folder.toml").mkdir()
    assert store.names() == ["ada"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "not valid TOML"),
        ("keytype = 1", "must be a string"),
        ('keytype = "ed25519"', "no key 'scheme'"),
        ('keytype = "ed25519"\nscheme = "ed25519"\npublic = "abc"', "no public key of the kind"),
    ],
)
def test_a_damaged_public_part_is_said(
    store: KeyStore, ada: StoredKey, text: str, said: str
) -> None:
    store.public_file("ada").write_text(text)
    with pytest.raises(SigningError, match=said):
        store.read("ada")


def test_a_key_that_lives_elsewhere_is_noted(store: KeyStore, ada: StoredKey) -> None:
    added = store.add("cloud", ada.public, "awskms:alias/release")
    assert store.read("cloud") == added
    assert added.kind == "ed25519 (awskms)"
    assert not store.private_file("cloud").exists()


def test_a_removed_key_leaves_nothing_of_it(store: KeyStore, ada: StoredKey) -> None:
    store.generate("bob", PASSPHRASE)
    store.remove("ada")
    assert store.names() == ["bob"]
    assert not list(store.root.glob("*ada*"))
    with pytest.raises(NoSigningKey, match=r"no key ada in .*; it has: bob"):
        store.remove("ada")
    assert store.generate("ada", PASSPHRASE).public != ada.public


def test_of_a_key_that_lives_elsewhere_the_entry_is_removed(
    store: KeyStore, ada: StoredKey
) -> None:
    store.add("cloud", ada.public, "awskms:alias/release")
    store.remove("cloud")
    assert store.keys() == [ada]
    assert store.private_file("ada").exists()


def test_a_removal_that_was_broken_off_is_finished_by_the_next(
    store: KeyStore, ada: StoredKey
) -> None:
    store.private_file("ada").unlink()  # What goes first.
    assert store.names() == ["ada"]
    store.remove("ada")
    assert not store.names()


def test_a_link_is_removed_and_not_what_it_leads_to(
    store: KeyStore, ada: StoredKey, tmp_path: Path
) -> None:
    kept = store.private_file("ada").rename(tmp_path / "kept.key")
    store.private_file("ada").symlink_to(kept)
    store.remove("ada")
    assert kept.exists()
    assert not os.path.lexists(store.private_file("ada"))


def test_of_many_who_remove_one_key_at_a_time_one_does(store: KeyStore, ada: StoredKey) -> None:
    def remove(_: int) -> bool:
        try:
            store.remove("ada")
        except NoSigningKey:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(remove, range(8))) == 1


@pytest.mark.skipif(os.name != "posix", reason="permission bits are those of POSIX")
def test_where_others_may_write_a_key_is_removed_but_not_rewritten(
    store: KeyStore, ada: StoredKey
) -> None:
    before = store.private_file("ada").read_bytes()
    store.root.chmod(0o770)
    with pytest.raises(SigningError, match="Others may write to"):
        store.rewrite("ada", before, b"new")
    assert store.private_file("ada").read_bytes() == before
    store.remove("ada")
    assert not store.names()


@pytest.mark.parametrize("name", ["../ada", "a/b", "", "a\0b"])
def test_nothing_is_removed_by_a_name_that_leads_elsewhere(
    store: KeyStore, ada: StoredKey, name: str
) -> None:
    with pytest.raises(SigningError, match="cannot be the name of a key"):
        store.remove(name)
    assert store.keys() == [ada]


def test_the_environment_names_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(keystore.HOME_VARIABLE, "here")
    assert locate_store().root == tmp_path / "here"
    monkeypatch.setenv(keystore.HOME_VARIABLE, "~/here")
    assert locate_store().root == Path.home() / "here"
    monkeypatch.delenv(keystore.HOME_VARIABLE)
    assert locate_store().root.name == "keys"
    assert "poetry-aegis" in str(locate_store().root)


@given(st.dictionaries(st.sampled_from("abc"), st.text().map(str), max_size=3))
def test_any_text_comes_back_out_of_toml(table: dict[str, str]) -> None:
    import tomlkit

    wanted = {name: text for name, text in table.items() if text}
    if any("\r" in text for text in wanted.values()):
        return  # Line ends are not kept within a block of several lines.
    assert tomlkit.parse(to_toml(table)).unwrap() == wanted


def test_unusable_keys_are_values_that_are_wrong() -> None:
    assert issubclass(UnusableKey, ValueError)
