from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.metadata import RawMetadata
from packaging.metadata import parse_email as packaging_parse_email

from poetry_aegis.registry.archives.metadata import (
    CoreMetadata,
    check_agreement,
    parse_core_metadata,
)
from poetry_aegis.registry.errors import BadUpload
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


def test_a_requires_python_of_many_pages_is_refused() -> None:
    content = core_metadata("my-lib", "1.0", requires_python=",".join([">=3"] * 1000)).encode()

    with pytest.raises(BadUpload, match="a Requires-Python of more than 1000 characters"):
        parse_core_metadata(content, NAME)


def test_more_fields_than_any_real_metadata_has_are_refused_before_they_are_parsed() -> None:
    fields = "".join(f"X{number}: a\n" for number in range(1000))
    content = f"Name: my-lib\nVersion: 1.0\n{fields}\n".encode()

    with pytest.raises(
        BadUpload, match=r"my_lib-1\.0\.0-py3-none-any\.whl has more than 1000 fields"
    ):
        parse_core_metadata(content, NAME)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_long_licence_and_a_long_description_are_no_fields(end: str) -> None:
    licence = "".join(f"{end}        line {number}" for number in range(2000))
    description = "".join(f"X{number}: a{end}" for number in range(2000))
    head = f"Name: my-lib{end}Version: 1.0{end}License: L{licence}{end}Requires-Python: >=3.9"
    content = f"{head}{end}{end}{description}".encode()

    assert parse_core_metadata(content, NAME) == CoreMetadata("my-lib", "1.0", ">=3.9")


def test_a_description_that_claims_to_be_many_parts_is_not_looked_into() -> None:
    nested = "Content-Type: message/rfc822\n\n" * 5000
    content = f"Name: my-lib\nVersion: 1.0\n{nested}".encode()

    assert parse_core_metadata(content, NAME) == CoreMetadata("my-lib", "1.0", None)


def test_a_field_that_is_costly_to_parse_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[bytes] = []

    def parse_email(content: bytes) -> tuple[RawMetadata, dict[str, list[str]]]:
        parsed.append(content)
        return packaging_parse_email(content)

    monkeypatch.setattr("packaging.metadata.parse_email", parse_email)
    costly = f"Content-Type: multipart/mixed; {'a=b;' * 1000}"
    content = f"Name: my-lib\n{costly}\nversion: 1.0\nRequires-Python: >=3.9,\n <4\n\nText".encode()

    assert parse_core_metadata(content, NAME) == CoreMetadata("my-lib", "1.0", ">=3.9,\n <4")
    assert parsed == [b"Name: my-lib\nversion: 1.0\nRequires-Python: >=3.9,\n <4\n"]


def test_a_field_given_twice_is_none() -> None:
    with pytest.raises(BadUpload, match="names the project ''"):
        parse_core_metadata(b"Name: other\nName: my-lib\nVersion: 1.0\n", NAME)


@given(st.binary(max_size=300))
def test_any_bytes_give_a_sentence_or_metadata(content: bytes) -> None:
    with pytest.raises(BadUpload):
        parse_core_metadata(content, NAME)
