from __future__ import annotations

import base64

import pytest

from poetry_aegis.registry.people.credentials import Credential, credential_of


def basic(name: str, password: str, encoding: str = "utf-8") -> bytes:
    return b"Basic " + base64.b64encode(f"{name}:{password}".encode(encoding))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (basic("ada", "secret"), Credential("ada", "secret")),
        (basic("bé", "pä:ss"), Credential("bé", "pä:ss")),
        (basic("bé", "pä", "latin-1"), Credential("bé", "pä")),
        (basic("ada", "secret").replace(b"Basic ", b"basic  "), Credential("ada", "secret")),
        (basic("__token__", "aegis_1_x"), Credential(None, "aegis_1_x")),
        (b"Bearer aegis_1_x", Credential(None, "aegis_1_x")),
        (b"bearer  aegis_1_x ", Credential(None, "aegis_1_x")),
        (b"Bearer", Credential(None, "")),
        (b"Basic " + base64.b64encode(b"no colon"), None),
        (b"Basic !!!", None),
        (b"Basic", None),
        (b"Digest x", None),
        (b"", None),
    ],
)
def test_a_header_is_read_strictly(header: bytes, expected: Credential | None) -> None:
    assert credential_of(header) == expected


def test_a_credential_does_not_show_its_secret() -> None:
    assert "secret" not in repr(Credential("ada", "secret"))
