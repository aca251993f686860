from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.client import uv
from poetry_aegis.client.poetry import Index
from poetry_aegis.errors import AegisError

if TYPE_CHECKING:
    from pathlib import Path

INDEX = Index("corp", "https://host/")
BLOCK = '[[index]]\nname = "corp"\nurl = "https://host/simple/"\ndefault = true\n'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, BLOCK),
        ("# mine\noffline = true", f"# mine\noffline = true\n\n{BLOCK}"),
        ("a = 1\r\n", "a = 1\r\n\r\n" + BLOCK.replace("\n", "\r\n")),
        (
            '[[index]]\nname = "old"\nurl = "https://old/"  # why\ndefault = true\n[pip]\n',
            BLOCK.replace('/"\n', '/"  # why\n') + "[pip]\n",
        ),
        (
            '[[index]]\nname = "x"\nurl = "https://x/"\nexplicit = true\n',
            f'[[index]]\nname = "x"\nurl = "https://x/"\nexplicit = true\n\n{BLOCK}',
        ),
        ("\ufeffa = 1\n", f"\ufeffa = 1\n\n{BLOCK}"),
    ],
)
def test_one_index_is_the_default(before: str | None, after: str) -> None:
    changed = uv.with_index(None if before is None else before.encode(), INDEX)
    assert changed.decode() == after
    assert uv.with_index(changed, INDEX) == changed


@pytest.mark.parametrize("content", [b"a = \n", b"index = []\n", b"\xff\xfea"])
def test_what_cannot_be_changed_is_refused(content: bytes) -> None:
    with pytest.raises(AegisError):
        uv.with_index(content, INDEX)


def test_what_stands_in_the_way_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://u:s3cret@x/")
    (tmp_path / "uv").mkdir()
    (tmp_path / "uv" / "uv.toml").write_text(
        'extra-index-url = ["https://u:s3cret@x/"]\n[pip]\nindex-url = "y"\n'
        '[[index]]\nname = "z"\nurl = "https://z/"\n'
    )
    notes = uv.work(Index("corp", "https://host/", tmp_path / "corp.crt")).notes
    for told, note in zip(
        ("UV_DEFAULT", "extra-index", "[pip]", "before", "cert"), notes, strict=True
    ):
        assert told in note
    assert "s3cret" not in str(notes)


def test_the_certificate_is_told_beside_the_systems_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = tmp_path / "corp.crt"
    monkeypatch.setattr(uv, "_STORES", (tmp_path,))
    both = f"{tmp_path}{os.pathsep}{tmp_path}"
    assert uv.certificate_setting(authority) == f"SSL_CERT_DIR={both}"
    assert uv.certificate_environment(authority) == {"SSL_CERT_DIR": both}
    monkeypatch.setattr(uv, "_STORES", (tmp_path / "nowhere",))
    assert uv.certificate_setting(authority) == "system-certs = true"
    assert uv.certificate_environment(authority) == {"SSL_CERT_FILE": str(authority)}
