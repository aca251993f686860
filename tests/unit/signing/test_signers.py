"""Signing: with a key of the store, of the environment, of GnuPG, and of a KMS."""

from __future__ import annotations

import hashlib
from subprocess import TimeoutExpired
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from securesystemslib.signer import CryptoSigner, _aws_signer

from poetry_aegis.errors import NoSigningKey, SigningError, UsageError, WrongPassphrase
from poetry_aegis.signatures.keys import public_key_of
from poetry_aegis.signatures.verdict import Subject, judge
from poetry_aegis.signing.elsewhere import import_gnupg, import_uri
from poetry_aegis.signing.passphrases import open_private
from poetry_aegis.signing.signers import (
    KEY_VARIABLE,
    SigningKey,
    open_key,
    sign_distribution,
)
from tests.support.attestations import FOR_PUBLISHING
from tests.support.signing import open_quickly
from tests.unit.signatures.conftest import trust
from tests.unit.signing.conftest import PASSPHRASE
from tests.unit.signing.gnupg import GnuPG, gnupg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from securesystemslib.signer import Signer

    from poetry_aegis.signatures.keys import PublicKey
    from poetry_aegis.signing.keystore import KeyStore, StoredKey

WHEEL = Subject("acme", "acme-1.0-py3-none-any.whl", hashlib.sha256(b"the wheel").hexdigest())


def ask(question: str) -> str:
    assert "assphrase" in question
    return PASSPHRASE


def nobody(question: str) -> None:
    raise AssertionError(question)


def sign(key: SigningKey) -> bool:
    """Sign the wheel, and tell whether those who trust the key believe it."""
    from poetry_aegis.signatures.trust import TrustedKey

    made = sign_distribution(WHEEL.file_name, WHEEL.sha256, key, FOR_PUBLISHING)
    public = key.public
    whom = TrustedKey(public.keytype, public.scheme, public.public, public.fingerprint)
    return judge(WHEEL, [made], trust(whom)).is_good


def pem(private: PrivateKeyTypes, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    return private.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    open_quickly(monkeypatch)


def test_the_only_key_of_the_store_signs(ada: StoredKey) -> None:
    key = open_key(None, None, ask)
    assert (key.name, key.public) == ("ada", ada.public)
    assert sign(key)


def test_a_key_that_is_asked_for_comes_before_the_environment_and_the_setting(
    store: KeyStore, ada: StoredKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.generate("bob", PASSPHRASE)
    store.generate("eve", PASSPHRASE)
    assert open_key(None, "bob", ask).name == "bob"
    monkeypatch.setenv(KEY_VARIABLE, store.private_file("eve").read_text())
    assert open_key(None, "bob", ask).public == store.read("eve").public
    assert open_key("ada", "bob", ask).name == "ada"


def test_a_wrong_passphrase_opens_nothing(ada: StoredKey) -> None:
    with pytest.raises(WrongPassphrase, match="does not open the key ada") as refused:
        open_key(None, None, lambda _: "wrong and secret")
    assert "wrong and secret" not in str(refused.value) + refused.value.hint
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("answer", [None, ""])
def test_without_a_passphrase_the_way_to_give_one_is_said(
    ada: StoredKey, answer: str | None
) -> None:
    with pytest.raises(WrongPassphrase, match="no passphrase for the key ada") as refused:
        open_key(None, None, lambda _: answer)
    assert "AEGIS_SIGNING_PASSPHRASE" in refused.value.hint


def test_an_exchanged_private_key_does_not_sign(store: KeyStore, ada: StoredKey) -> None:
    store.generate("eve", PASSPHRASE)
    store.private_file("ada").write_bytes(store.private_file("eve").read_bytes())
    with pytest.raises(SigningError, match=r"not the private part of what ada.toml describes"):
        open_key("ada", None, ask)


def test_a_private_key_that_is_gone_is_said(store: KeyStore, ada: StoredKey) -> None:
    store.private_file("ada").unlink()
    with pytest.raises(NoSigningKey, match="private part of the key ada"):
        open_key("ada", None, ask)


def test_a_private_key_that_is_damaged_is_said(store: KeyStore, ada: StoredKey) -> None:
    text = store.private_file("ada").read_text()
    for start in (80, 320):  # what is in the clear, and what is encrypted
        store.private_file("ada").write_text(text[:start] + "AAAA" + text[start + 4 :])
        with pytest.raises(SigningError):
            open_key("ada", None, ask)
    store.private_file("ada").write_bytes(b"\x00\xff" * 50)
    with pytest.raises(SigningError, match="The key ada is no private key in PEM"):
        open_key("ada", None, nobody)


@pytest.mark.parametrize(
    "make",
    [
        Ed25519PrivateKey.generate,
        lambda: ec.generate_private_key(ec.SECP256R1()),
        lambda: rsa.generate_private_key(65537, 2048),
    ],
    ids=["ed25519", "ecdsa", "rsa"],
)
@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.OpenSSH], ids=str)
def test_a_pipeline_signs_with_the_key_in_its_environment(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[], PrivateKeyTypes], form: PrivateFormat
) -> None:
    text = pem(make(), form)
    for spelled in (text, text.replace("\n", "\\n"), text.replace("\n", "\r\n")):
        monkeypatch.setenv(KEY_VARIABLE, spelled)
        assert sign(open_key(None, "not-there", nobody))


def test_a_pipeline_signs_with_an_encrypted_key_of_the_store(
    store: KeyStore, ada: StoredKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = store.private_file("ada").read_text()
    for spelled in (text, text.replace("\n", "\\n"), text.replace("\n", "\r\n")):
        monkeypatch.setenv(KEY_VARIABLE, spelled)
        assert open_key(None, None, ask).public == ada.public
        with pytest.raises(WrongPassphrase, match="does not open the key in AEGIS_SIGNING_KEY"):
            open_key(None, None, lambda _: "wrong and secret")


def test_a_key_in_pkcs_8_signs_as_ever(store: KeyStore, ada: StoredKey) -> None:
    """As they were written at first."""
    private = open_private(store, ada, store.private_file("ada").read_bytes(), ask)
    encryption = BestAvailableEncryption(PASSPHRASE.encode())
    old = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    store.private_file("ada").write_bytes(old)
    assert sign(open_key(None, None, ask))
    with pytest.raises(WrongPassphrase):
        open_key(None, None, lambda _: "wrong and secret")


def test_a_key_that_lies_open_in_the_store_does_not_sign(store: KeyStore, ada: StoredKey) -> None:
    private = open_private(store, ada, store.private_file("ada").read_bytes(), ask)
    for form in (PrivateFormat.PKCS8, PrivateFormat.OpenSSH):
        store.private_file("ada").write_text(pem(private, form))
        with pytest.raises(SigningError, match="The key ada is not encrypted") as refused:
            open_key(None, None, nobody)
        assert "poetry aegis key passphrase ada" in refused.value.hint


def test_what_is_no_key_in_the_environment_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("hunter2 hunter2", pem(Ed25519PrivateKey.generate()).replace("BEGIN", "XXX")):
        monkeypatch.setenv(KEY_VARIABLE, text)
        with pytest.raises(SigningError, match="The key in AEGIS_SIGNING_KEY") as refused:
            open_key(None, None, nobody)
        assert text.split()[-1] not in str(refused.value) + refused.value.hint
        assert "the text of its file" in refused.value.hint
        assert "--key NAME" in refused.value.hint
        assert refused.value.__cause__ is None


def test_a_key_that_cannot_sign_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that is the point
    for private in (X25519PrivateKey.generate(), weak, ec.generate_private_key(ec.SECP256K1())):
        monkeypatch.setenv(KEY_VARIABLE, pem(private))
        with pytest.raises(SigningError, match="Nothing can be signed with the key in"):
            open_key(None, None, nobody)


def test_a_key_shows_nothing_of_its_private_part(ada: StoredKey) -> None:
    assert "signer" not in repr(open_key("ada", None, ask))


def test_what_does_not_verify_is_not_handed_out(ada: StoredKey) -> None:
    other = CryptoSigner.generate_ed25519()
    key = SigningKey("ada", ada.public, other)
    with pytest.raises(SigningError, match="does not verify with its public part"):
        sign_distribution(WHEEL.file_name, WHEEL.sha256, key, FOR_PUBLISHING)


def test_a_statement_that_nobody_would_take_is_not_handed_out(ada: StoredKey) -> None:
    with pytest.raises(SigningError, match="came out wrong"):
        sign_distribution(WHEEL.file_name, WHEEL.sha256, open_key(None, None, ask), "nonsense")


# GnuPG


@pytest.fixture(scope="module")
def home() -> Iterator[GnuPG]:
    with gnupg() as found:
        yield found


@pytest.mark.parametrize("algorithm", ["ed25519", "rsa3072", "dsa2048"])
def test_a_key_of_gnupg_signs(store: KeyStore, home: GnuPG, algorithm: str) -> None:
    """Its home has a space in its name: see `gnupg`."""
    fingerprint = home.make_key(f"{algorithm} <a@example.com>", algorithm)
    uri, public = import_gnupg(fingerprint, str(home.home))
    added = store.add("ada", public, uri)
    assert added.kind in {"eddsa (gnupg)", "rsa (gnupg)", "dsa (gnupg)"}
    assert public.id == fingerprint.lower()
    assert sign(open_key("ada", None, nobody))


@pytest.mark.parametrize("first", ["ed25519", "rsa2048"])
@pytest.mark.parametrize("second", ["ed25519", "rsa2048"])
def test_a_subkey_of_gnupg_signs_under_its_own_fingerprint(
    store: KeyStore, home: GnuPG, first: str, second: str
) -> None:
    user = f"{first}-{second}@example.com"
    primary = home.make_key(user, first)
    home.run("--batch", "--passphrase", "", "--quick-add-key", primary, second, "sign", "never")
    _, subkey = home.fingerprints(user)
    uri, public = import_gnupg(subkey, str(home.home))
    store.add("sub", public, uri)
    assert sign(open_key("sub", None, nobody))
    # GnuPG prefers the subkey, so the other one is not what signs, and that is said.
    uri, public = import_gnupg(primary, str(home.home))
    store.add("primary", public, uri)
    with pytest.raises(SigningError, match="The key primary has not signed: The signing key"):
        sign(open_key("primary", None, nobody))


def test_a_key_that_gnupg_has_lost_does_not_sign(store: KeyStore, home: GnuPG) -> None:
    fingerprint = home.make_key("lost <lost@example.com>")
    uri, public = import_gnupg(fingerprint, str(home.home))
    store.add("lost", public, uri)
    home.run("--batch", "--yes", "--delete-secret-keys", fingerprint)
    with pytest.raises(SigningError, match=r"The key lost has not signed: .*signing failed"):
        sign(open_key("lost", None, nobody))


def test_a_key_that_nobody_unlocks_does_not_sign(store: KeyStore, home: GnuPG) -> None:
    fingerprint = home.make_key("locked <locked@example.com>", passphrase=PASSPHRASE)
    uri, public = import_gnupg(fingerprint, str(home.home))
    store.add("locked", public, uri)
    home.run("--kill", "gpg-agent", program="gpgconf")  # It has kept the passphrase.
    (home.home / "gpg-agent.conf").write_text("pinentry-program /bin/false\n")
    with pytest.raises(SigningError, match=r"The key locked has not signed: gpg: signing failed"):
        sign(open_key("locked", None, nobody))


def test_a_key_that_is_not_gnupgs_is_said(home: GnuPG) -> None:
    with pytest.raises(NoSigningKey, match="GnuPG has no key"):
        import_gnupg("0" * 40, str(home.home))


def test_a_key_of_a_curve_that_is_not_known_is_said(home: GnuPG) -> None:
    fingerprint = home.make_key("curve <curve@example.com>", "nistp256")
    with pytest.raises(SigningError, match="of a kind that cannot be used"):
        import_gnupg(fingerprint, str(home.home))


@pytest.mark.parametrize(
    "fingerprint", ["", "abc", "ada@example.com", "--export-secret-keys", "g" * 40]
)
def test_gnupg_is_asked_for_fingerprints_alone(fingerprint: str) -> None:
    with pytest.raises(UsageError, match="40 hexadecimal digits"):
        import_gnupg(fingerprint)


# Elsewhere


def test_a_place_that_is_not_known_is_said() -> None:
    for uri in ("", "file2:/etc/passwd", "gnupg:", "https://example.com", "\x1b[2J:"):
        with pytest.raises(UsageError, match="no place of keys that is known") as refused:
            import_uri(uri)
        assert str(refused.value).isprintable()


@pytest.mark.parametrize("uri", ["awskms:x", "gcpkms:x", "hv:x", "hsm:", "azurekms://v/keys/x"])
def test_what_a_place_needs_and_is_not_installed_is_said(uri: str) -> None:
    with pytest.raises(SigningError, match=r"does not give a key: .*[Rr]equire"):
        import_uri(uri)


def test_an_address_of_azure_that_is_none_is_said() -> None:
    with pytest.raises(UsageError, match="azurekms://VAULT"):
        import_uri("azurekms://vault")


class FakeKms:
    """AWS KMS, as its reference documents GetPublicKey and Sign."""

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())

    def get_public_key(self, *, KeyId: str) -> dict[str, Any]:  # noqa: N803 - theirs
        assert KeyId == "alias/release"
        public = self.private.public_key()
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return {"PublicKey": der, "SigningAlgorithms": ["ECDSA_SHA_256"]}

    def sign(self, *, Message: bytes, MessageType: str, **_: str) -> dict[str, bytes]:  # noqa: N803 - theirs
        hashed = utils.Prehashed(hashes.SHA256()) if MessageType == "DIGEST" else hashes.SHA256()
        return {"Signature": self.private.sign(Message, ec.ECDSA(hashed))}


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> FakeKms:
    from cryptography.hazmat.primitives import serialization

    found = FakeKms()
    boto3 = SimpleNamespace(client=lambda _: found)
    for name, value in (
        ("boto3", boto3),
        ("serialization", serialization),
        ("AWS_IMPORT_ERROR", None),
        ("BotoCoreError", RuntimeError),
        ("ClientError", RuntimeError),
    ):
        monkeypatch.setattr(_aws_signer, name, value, raising=False)
    return found


def test_a_key_of_a_kms_signs(store: KeyStore, kms: FakeKms) -> None:
    uri, public = import_uri("awskms:alias/release")
    assert store.add("release", public, uri).kind == "ecdsa (awskms)"
    assert sign(open_key("release", None, nobody))


def test_a_key_that_was_exchanged_in_the_kms_is_found(store: KeyStore, kms: FakeKms) -> None:
    uri, public = import_uri("awskms:alias/release")
    store.add("release", public, uri)
    kms.private = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(SigningError, match="does not verify with its public part"):
        sign(open_key("release", None, nobody))


def test_a_kms_that_refuses_is_said(
    store: KeyStore, kms: FakeKms, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri, public = import_uri("awskms:alias/release")
    store.add("release", public, uri)

    def refuse(**_: object) -> None:
        raise RuntimeError("AccessDeniedException: not you\nmore")

    monkeypatch.setattr(kms, "sign", refuse)
    with pytest.raises(SigningError, match=r"release has not signed: AccessDenied.*not you$"):
        sign(open_key("release", None, nobody))


def test_a_key_that_waits_for_its_owner_too_long_is_said(ada: StoredKey) -> None:
    """GnuPG asks for a passphrase, and securesystemslib waits for ten seconds."""

    class Waiting:
        def sign(self, data: bytes) -> None:
            raise TimeoutExpired(["gpg"], 10)

    key = SigningKey("ada", ada.public, cast("Signer", Waiting()))
    with pytest.raises(SigningError, match="ada was not unlocked within 10 seconds") as refused:
        key.sign(b"data")
    assert "gpg --clear-sign" in refused.value.hint


def test_a_place_that_asks_for_a_pin_gets_it_or_says_so(
    store: KeyStore, ada: StoredKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    from securesystemslib.signer import SIGNER_FOR_URI_SCHEME

    private = Ed25519PrivateKey.generate()
    signer = CryptoSigner(private)

    class Token:
        @staticmethod
        def from_priv_key_uri(uri: str, key: object, secrets: Callable[[str], str]) -> CryptoSigner:
            assert secrets("pin") == "1234"
            return signer

    monkeypatch.setitem(SIGNER_FOR_URI_SCHEME, "token", Token)
    public: PublicKey = public_key_of(signer.public_key)
    store.add("token", public, "token:1")
    assert sign(open_key("token", None, lambda question: "1234" if "pin" in question else None))
    with pytest.raises(SigningError, match="needs its pin, and nobody can be asked"):
        open_key("token", None, lambda _: None)


def test_a_place_that_is_gone_is_said(store: KeyStore, ada: StoredKey) -> None:
    store.add("old", ada.public, "nowhere:1")
    with pytest.raises(SigningError, match="old cannot be had from nowhere:1: Unsupported"):
        open_key("old", None, nobody)
