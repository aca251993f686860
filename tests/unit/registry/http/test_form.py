from __future__ import annotations

import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.registry.errors import BadUpload, HttpError, NotAForm
from poetry_aegis.registry.http.form import Form, FormReader, UploadedFile

TYPE = "multipart/form-data; boundary=xyz"


def part(name: str, value: bytes, file_name: str | None = None) -> bytes:
    shown = "" if file_name is None else f'; filename="{file_name}"'
    head = f'--xyz\r\nContent-Disposition: form-data; name="{name}"{shown}\r\n\r\n'
    return head.encode() + value + b"\r\n"


def body(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--xyz--\r\n"


def read(content: bytes, step: int = 1 << 20) -> tuple[Form, bytes]:
    sink = io.BytesIO()
    reader = FormReader(TYPE, sink)
    for start in range(0, len(content), step):
        reader.feed(content[start : start + step])
    return reader.finish(), sink.getvalue()


FILE = part("content", b"the\r\n--xy bytes", "demo-1.0.tar.gz")
WHOLE = body(
    part(":action", b"file_upload"),
    part("name", "dömo".encode()),
    part("classifiers", b"a"),
    part("classifiers", b"b"),
    FILE,
)


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_fields_and_file_are_read_in_any_pieces(step: int) -> None:
    form, content = read(WHOLE, step)

    assert form.fields == {":action": "file_upload", "name": "dömo"}
    digests = {
        "md5": hashlib.md5(content, usedforsecurity=False).hexdigest(),
        "sha256": hashlib.sha256(content).hexdigest(),
        "blake2_256": hashlib.blake2b(content, digest_size=32).hexdigest(),
    }
    assert content == b"the\r\n--xy bytes"
    assert form.file == UploadedFile("demo-1.0.tar.gz", digests)


def test_a_form_may_have_no_file() -> None:
    form, content = read(body(part(":action", b"remove_pkg"), part("name", b"demo")))

    assert (form.file, content) == (None, b"")


def test_a_signature_of_another_kind_is_taken_and_dropped() -> None:
    form, content = read(body(part("gpg_signature", b"--- PGP ---", "demo-1.0.tar.gz.asc"), FILE))

    assert form.fields == {}
    assert b"PGP" not in content


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (body(part("name", b"a"), part("name", b"b"), FILE), "'name' twice"),
        (body(FILE, FILE), "'content' twice"),
        (body(part("content", b"x")), "no name"),
        (body(part("content", b"x", "")), "no name"),
        (body(part("name", b"\xff"), FILE), "not UTF-8"),
        (body(part("version", b"1" * 5000), FILE), "more than 4096 bytes"),
        (body(part("filetype", b"s" * 101), FILE), "'filetype' has more than 100 bytes"),
        (body(part("attestations", b"[" * (2 << 20) + b"["), FILE), "more than 2097152 bytes"),
        (body(*[part("classifiers", b"a")] * 20_001, FILE), "more than 20000 fields"),
        (body(b"--xyz\r\n" + b"X: y\r\n" * 100 + b"\r\nx\r\n"), "malformed"),
        (body(part("description", b"a" * (17 << 20)), FILE), "more than 16777216 bytes"),
        (body(b"--xyz\r\nContent-Type: text/plain\r\n\r\nx\r\n"), "without a name"),
        (b"garbage", "malformed"),
        (b"", "ended before"),
        (WHOLE[:-10], "ended before"),
        (body(b"--xyz\r\nX: " + b"y" * 100_000 + b"\r\n\r\nx\r\n"), "malformed"),
    ],
)
def test_a_form_that_no_client_sends_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(BadUpload, match=reason):
        read(content)


@pytest.mark.parametrize(
    "content_type",
    ["", "application/json", "multipart/form-data", "multipart/mixed; boundary=x",
     f"multipart/form-data; boundary={'x' * 1000}"],
)  # fmt: skip
def test_what_is_no_form_is_told_so(content_type: str) -> None:
    with pytest.raises(NotAForm):
        FormReader(content_type, io.BytesIO())


@given(st.binary(max_size=200), st.integers(0, len(WHOLE)), st.integers(1, 50))
def test_no_body_breaks_the_reader(noise: bytes, position: int, step: int) -> None:
    content = WHOLE[:position] + noise + WHOLE[position:]
    try:
        form, _ = read(content, step)
    except HttpError as error:
        assert str(error)  # noqa: PT017 -- either way is right, a crash is not
    else:
        assert form.file is None or form.file.name
