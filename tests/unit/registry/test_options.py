from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.registry.options import (
    RegistrySettings,
    RetentionRule,
    SignatureSettings,
    UpstreamSettings,
    parse_size,
)
from poetry_aegis.registry.settings import load_settings
from poetry_aegis.tables import InvalidTable

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1),
        ("1048576", 1024**2),
        ("512MiB", 512 * 1024**2),
        ("512 mib", 512 * 1024**2),
        ("2G", 2 * 1024**3),
        ("10kB", 10_000),
        ("7B", 7),
    ],
)
def test_a_size_is_a_number_with_a_unit(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5G", "1TiB", "MiB", "1 2", "one"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)


@pytest.mark.parametrize(
    ("key", "make"),
    [
        ("projects", lambda patterns: RetentionRule(projects=patterns)),
        ("allow", lambda patterns: UpstreamSettings(allow=patterns)),
        ("deny", lambda patterns: UpstreamSettings(deny=patterns)),
        ("reserved", lambda patterns: RegistrySettings(reserved=patterns)),
        ("required", lambda patterns: SignatureSettings(patterns, "trust.toml")),
    ],
)
def test_a_pattern_that_cannot_match_is_refused_at_the_start(
    key: str, make: Callable[[tuple[str, ...]], object]
) -> None:
    make(("Acme_*", "b"))
    for wrong in ("[", "\ud55c\uae00-*"):
        with pytest.raises(InvalidTable, match=f"{key}: .* is not a pattern"):
            make(("acme-*", wrong))


def test_a_log_to_follow_has_an_absolute_path(tmp_path: Path) -> None:
    log = str(tmp_path / "access.json")
    assert RegistrySettings(followed_log=log).followed_log == log
    with pytest.raises(InvalidTable, match="does not begin at the root"):
        RegistrySettings(followed_log="logs/access.json")


def test_the_file_of_the_certificates_end_has_an_absolute_path(tmp_path: Path) -> None:
    path = str(tmp_path / "expiry")
    assert RegistrySettings(certificate_expiry=path).certificate_expiry == path
    with pytest.raises(InvalidTable, match="certificate_expiry = 'expiry' does not begin"):
        RegistrySettings(certificate_expiry="expiry")


def test_signatures_that_nobody_can_make_are_not_wanted() -> None:
    with pytest.raises(InvalidTable, match="nobody's signature would count"):
        SignatureSettings(required=("*",))
    assert SignatureSettings(trust="trust.toml").required == ()


def test_the_trusted_keys_are_sought_beside_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "registry.toml").write_text('[signatures]\ntrust = "keys/trust.toml"\n')
    monkeypatch.chdir(tmp_path)

    for path in (tmp_path / "registry.toml", Path("registry.toml")):
        assert load_settings(path).signatures.trust == str(tmp_path / "keys" / "trust.toml")
