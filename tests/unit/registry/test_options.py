from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.registry.options import (
    RegistrySettings,
    RetentionRule,
    UpstreamSettings,
    parse_size,
)
from poetry_aegis.tables import InvalidTable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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
