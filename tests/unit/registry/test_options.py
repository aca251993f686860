from __future__ import annotations

import pytest

from poetry_aegis.registry.options import parse_size


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
