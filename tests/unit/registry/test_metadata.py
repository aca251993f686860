from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.registry.errors import BadUpload
from poetry_aegis.registry.metadata import CoreMetadata, check_agreement, parse_core_metadata
from poetry_aegis.registry.names import parse_file_name
from tests.support.distributions import core_metadata

NAME = parse_file_name("my_lib-1.0.0-py3-none-any.whl")


def test_what_agrees_is_read() -> None:
    content = core_metadata("My.Lib", "1.0", requires_python=">=3.9").encode()

    assert parse_core_metadata(content, NAME) == CoreMetadata("My.Lib", "1.0", ">=3.9")


@pytest.mark.parametrize(
    ("name", "version", "reason"),
    [
        ("other", "1.0.0", "names the project 'other'"),
        ("my lib", "1.0.0", "names the project 'my lib'"),
        ("", "1.0.0", "names the project ''"),
        ("my-lib", "1.0.1", "gives the version '1.0.1'"),
        ("my-lib", "one", "gives the version 'one'"),
        ("my-lib", "", "gives the version ''"),
    ],
)
def test_what_does_not_agree_is_refused(name: str, version: str, reason: str) -> None:
    with pytest.raises(BadUpload, match=reason):
        check_agreement("form", name, version, NAME)
    with pytest.raises(BadUpload, match=reason):
        parse_core_metadata(core_metadata(name, version).encode(), NAME)


def test_a_requires_python_that_is_no_specifier_is_refused() -> None:
    content = core_metadata("my-lib", "1.0", requires_python="<script>").encode()

    with pytest.raises(BadUpload, match="Requires-Python"):
        parse_core_metadata(content, NAME)


@given(st.binary(max_size=300))
def test_any_bytes_give_a_sentence_or_metadata(content: bytes) -> None:
    with pytest.raises(BadUpload):
        parse_core_metadata(content, NAME)
