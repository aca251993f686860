from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.metadata import parse_email

from poetry_aegis.registry.core_metadata import LARGEST, parse_core_fields


def test_fields_are_read_by_name_in_their_order() -> None:
    fields = parse_core_fields(
        b"Name: demo\r\nRequires-Dist: a\r\nREQUIRES-DIST:b\r\n\r\nText.\r\n"
    )
    assert fields.first("name") == "demo"
    assert fields.all("requires-dist") == ("a", "b")
    assert fields.first("summary") is None
    assert fields.description == "Text.\n"


@pytest.mark.parametrize("fold", ["        ", "       |"])
def test_a_folded_description_is_unfolded(fold: str) -> None:
    fields = parse_core_fields(f"Description: One\n{fold}  two\n{fold}\n{fold}three\n".encode())
    assert fields.description == "One\n  two\n\nthree"


def test_what_is_no_field_is_left_out() -> None:
    content = b" folded\nnothing\nSummary: UNKNOWN\nName:\n: x\nLicense: MIT\n"
    assert parse_core_fields(content).fields == {"license": ("MIT",)}


@pytest.mark.parametrize(
    "content",
    [
        b"Name: demo\n" * 200_000,
        b"Name: a\n" + b" b\n" * 100_000,
        b"\n" * LARGEST,
        b": " * (LARGEST // 2),
        b"a" * LARGEST,
        b"Content-Type: multipart/mixed; boundary=a\n\n" * 50_000,
        b"\xff" * LARGEST,
    ],
    ids=range(7),
)
def test_hostile_metadata_is_read_in_one_pass(content: bytes) -> None:
    """What were quadratic here would not end."""
    fields = parse_core_fields(content)
    assert sum(map(len, fields.fields.values())) <= 5_000


@given(st.binary(max_size=300))
def test_nothing_makes_it_fail(content: bytes) -> None:
    fields = parse_core_fields(content)
    assert all(all(values) for values in fields.fields.values())


@given(
    st.lists(st.tuples(st.sampled_from(["Summary", "Keywords", "Classifier"]), st.text("abc ,")))
)
def test_well_formed_fields_are_read_as_packaging_reads_them(fields: list[tuple[str, str]]) -> None:
    content = "".join(f"{name}: {value}\n" for name, value in fields).encode()
    mine, (theirs, _) = parse_core_fields(content), parse_email(content)
    classifiers = [value.strip() for value in theirs.get("classifiers", [])]
    assert list(mine.all("classifier")) == [value for value in classifiers if value]
