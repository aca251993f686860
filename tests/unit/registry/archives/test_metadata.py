from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.registry.archives.agreement import check_agreement
from poetry_aegis.registry.archives.metadata import CoreMetadata, parse_core_metadata
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


MOST = 4 << 20  # bytes; no archive may have more metadata


def metadata(*fields: str, version: str = "2.4") -> bytes:
    lines = [f"Metadata-Version: {version}", "Name: my-lib", "Version: 1.0", *fields, "", "Text"]
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ("Requires-Python: <script>", "'<script>' is invalid for 'requires-python'"),
        ("Requires-Dist: a b c", "'a b c' is invalid for 'requires-dist'"),
        ("Requires-Dist: a (>=1.*)", "is invalid for 'requires-dist'"),
        ("License-Expression: GPL or so", "is invalid for 'license-expression'"),
        ("License-File: ../LICENSE", "is invalid for 'license-file'"),
        ("Dynamic: name", "'name' is not allowed as a dynamic field"),
        ("Dynamic: nonsense", "'nonsense' is not a valid dynamic field"),
        ("Provides-Extra: --", "'--' is invalid for 'provides-extra'"),
        ("Description-Content-Type: image/png", "'description-content-type' must be one of"),
        ("Summary: one\n  two", "'summary' must be a single line"),
        ("Requires-Dist: " + "a" * 4_000, "a Requires-Dist of more than 4000 characters"),
        ("Name: my-lib", "'name' is given more than once"),
        ("Version: 1.0", "'version' is given more than once"),
        ("Requires-Python: >=3\nRequires-Python: >=4", "'requires-python' is given more than once"),
    ],
)
def test_a_field_against_the_rules_is_refused(field: str, reason: str) -> None:
    with pytest.raises(BadUpload, match=reason) as caught:
        parse_core_metadata(metadata(field), NAME)
    assert str(caught.value).startswith(f"The metadata of {NAME.file_name} ")


@pytest.mark.parametrize("version", ["", "3.0", "2", "two"])
def test_a_metadata_version_that_nobody_knows_is_refused(version: str) -> None:
    with pytest.raises(BadUpload, match="its Metadata-Version is"):
        parse_core_metadata(metadata(version=version), NAME)


def test_metadata_of_any_version_is_welcome_in_what_it_had_no_rule_for() -> None:
    fields = (
        "Summary: one\n  two",
        "Provides-Extra: a b",
        "License-File: ../LICENSE",  # setuptools wrote it before there was such a field
        "Description-Content-Type: ",
        "Home-Page: UNKNOWN",
        "Home-Page: twice",
        "X-Own: field",
    )
    for version in ("1.0", "1.2", "2.0"):
        assert parse_core_metadata(metadata(*fields, version=version), NAME).version == "1.0"
    with pytest.raises(BadUpload, match="requires-dist"):
        parse_core_metadata(metadata("Requires-Dist: a b", version="1.2"), NAME)
    for field in ("License-File: ../LICENSE", "Provides-Extra: a b"):
        assert parse_core_metadata(metadata(field, version="2.1"), NAME).version == "1.0"


def test_metadata_of_a_version_yet_to_come_is_read_as_far_as_it_is_known() -> None:
    assert parse_core_metadata(metadata("Weather: fine", version="2.9"), NAME).version == "1.0"


def test_the_first_reasons_are_told_and_the_others_counted() -> None:
    fields = [
        "Requires-Dist: a b",
        "Requires-Python: x",
        "Dynamic: name",
        "License-Expression: x y",
    ]

    with pytest.raises(BadUpload, match=r"; and 1 more\.$"):
        parse_core_metadata(metadata(*fields), NAME)


def test_a_requires_python_of_many_pages_is_refused() -> None:
    content = metadata("Requires-Python: " + ",".join([">=3"] * 1000))

    with pytest.raises(BadUpload, match="a Requires-Python of more than 1000 characters"):
        parse_core_metadata(content, NAME)


def test_more_fields_than_any_real_metadata_has_are_refused_before_they_are_parsed() -> None:
    content = metadata(*(f"X{number}: a" for number in range(10_000)))

    with pytest.raises(BadUpload, match="has more than 10000 fields"):
        parse_core_metadata(content, NAME)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_long_licence_and_a_long_description_are_no_fields(end: str) -> None:
    licence = "".join(f"{end}        line {number}" for number in range(20_000))
    description = "".join(f"X{number}: a{end}" for number in range(20_000))
    head = end.join(
        ["Metadata-Version: 2.1", "Name: my-lib", "Version: 1.0", f"License: L{licence}",
         "Requires-Python: >=3.9"]
    )  # fmt: skip
    content = f"{head}{end}{end}{description}".encode()

    assert parse_core_metadata(content, NAME) == CoreMetadata("my-lib", "1.0", ">=3.9")


def test_text_of_another_encoding_is_read() -> None:
    content = metadata("Author: J\xf6rg").decode().encode("latin-1")

    assert parse_core_metadata(content, NAME) == CoreMetadata("my-lib", "1.0", None)


HOSTILE = {
    "fields": "X: a\n" * (MOST // 5),
    "names": "".join(f"X{number}: a\n" for number in range(300_000)),
    "parts": "Content-Type: message/rfc822\n\n" * (MOST // 31),
    "parameters": f"Content-Type: multipart/mixed; {'a=b;' * (MOST // 5)}\n",
    "folds": "License: a\n" + " b\n" * (MOST // 4),
    "licence": f"License-Expression: {'(' * 3_900}\n",
    "licences": f"License-Expression: MIT{' OR MIT' * 550}\n",
    "markers": ("Requires-Dist: a; " + "(" * 3_900 + "\n") * 120,
    "extras": ("Requires-Dist: a[" + "b," * 1_900 + "b]\n") * 120,
    "digits": f"Requires-Dist: a=={'9' * 3_900}\n" * 120,
    "versions": f"Version: {'9' * 3_900}\n",
    "specifiers": ("Requires-Dist: a" + ",".join([">=1"] * 900) + "\n") * 120,
    "requirements": "Requires-Dist: a>=1,<2; extra == 'b'\n" * 9_900,
    "folded": "Requires-Dist: a\n" + " b\n" * 300_000,
    "types": f"Description-Content-Type: text/plain; {'a=b;' * 970}\n",
    "encodings": f"Description-Content-Type: {'=?utf-8?q?a?= ' * 280}\n",
    "comments": f"Description-Content-Type: {'(' * 3_900}\n",
    "continued": "Description-Content-Type: text/plain; "
    + ";".join(f"a*{n}*=b" for n in range(480)),
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_metadata_made_to_be_costly_gives_a_sentence_or_is_read(hostile: str) -> None:
    content = b"Metadata-Version: 2.4\nName: my-lib\nVersion: 1.0\n" + hostile.encode()

    try:
        found = parse_core_metadata(content[:MOST], NAME)
    except BadUpload as error:
        assert str(error).isprintable()  # noqa: PT017 -- either way is right, a crash is not
        assert len(str(error)) < 1000  # noqa: PT017 -- as above
    else:
        assert found.version == "1.0"


@given(st.binary(max_size=300))
def test_any_bytes_give_a_sentence(content: bytes) -> None:
    with pytest.raises(BadUpload):
        parse_core_metadata(content, NAME)


@given(
    st.sampled_from(["Requires-Dist", "License-Expression", "Description-Content-Type", "Dynamic",
                     "Requires-Python", "License-File", "Import-Name", "Summary"]),
    st.text(max_size=100),
)  # fmt: skip
def test_any_value_gives_a_sentence_or_metadata(field: str, value: str) -> None:
    content = metadata(f"{field}: {value}", version="2.5").decode("utf-8", "replace").encode()
    try:
        assert parse_core_metadata(content, NAME).name == "my-lib"
    except BadUpload as error:
        assert NAME.file_name in str(error)  # noqa: PT017 -- either way is right, a crash is not
