from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.client.target import VARIABLE
from poetry_aegis.errors import UsageError
from poetry_aegis.publish.named_index import (
    INDEX_VARIABLE,
    NamedIndex,
    address_in,
    index_in,
    shares_origin,
)
from poetry_aegis.publish.repository import Repository

PUBLIC = {"https://public.example/simple/", "https://upload.public.example"}
CORP = Repository(
    "corp",
    "https://index.example/legacy/",
    "https://index.example/simple/",
    "ada",
    "s3cret",
    verify=ssl.create_default_context(),
    client_cert=Path("client.pem"),
    notes=("a note",),
)


def named(url: str) -> NamedIndex:
    index = index_in({INDEX_VARIABLE: url}, PUBLIC)
    assert index is not None
    return index


def test_it_is_the_variable_that_clients_are_set_up_by() -> None:
    assert INDEX_VARIABLE == VARIABLE


@pytest.mark.parametrize("environ", [{}, {INDEX_VARIABLE: ""}, {INDEX_VARIABLE: " \n"}])
def test_without_an_address_there_is_no_index(environ: dict[str, str]) -> None:
    assert index_in(environ, PUBLIC) is None
    assert address_in(environ) is None


@pytest.mark.parametrize(
    ("url", "index_url", "upload_url"),
    [
        ("https://h/", "https://h/simple/", "https://h/"),
        ("https://h/simple", "https://h/simple/", "https://h/simple/"),
        ("https://h/a/simple/", "https://h/a/simple/", "https://h/a/simple/"),
        ("https://h:8443/legacy", "https://h:8443/simple/", "https://h:8443/legacy/"),
        ("https://h/root/dev/+simple", "https://h/root/dev/+simple/", None),
        ("https://public.example/simple/", "https://public.example/simple/", None),
        (
            "https://UPLOAD.public.example:443/legacy/",
            "https://UPLOAD.public.example:443/simple/",
            None,
        ),
    ],
)
def test_an_address_is_understood_as_that_of_a_repository_is(
    url: str, index_url: str, upload_url: str | None
) -> None:
    index = named(url)
    assert (index.index_url, index.upload_url) == (index_url, upload_url)
    if upload_url is None:
        with pytest.raises(UsageError, match=INDEX_VARIABLE) as raised:
            index.require_uploads()
        assert "unset" in raised.value.hint
    else:
        index.require_uploads()


@pytest.mark.parametrize(
    "url",
    [
        "index.example",
        "ftp://h/",
        "https://",
        "https://[::1",
        "https://h:99999/",
        "https://h:port/",
        "https://h/?q=s3cret",
        "https://h/#s3cret",
        "https://ada:1/s3cret@h/",
        "https://ada:1?s3cret@h/",
        "https://h/with space/",
        "https://h/\x1b[31m",
    ],
)
def test_what_is_no_address_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(UsageError) as raised:
        named(url)
    assert "s3cret" not in f"{raised.value}{raised.value.hint}"


def test_user_and_password_are_taken_out_of_the_address() -> None:
    index = named("https://bob:p%40ss@other.example/simple/")
    assert (index.username, index.password) == ("bob", "p@ss")
    assert "p@ss" not in repr(index)
    assert "p%40ss" not in repr(index)
    assert address_in({INDEX_VARIABLE: "https://bob:p@h/"}) == "https://h/"


def test_at_its_own_address_a_repository_stays_as_it_is() -> None:
    for url in ("https://index.example/", "https://INDEX.example:443/simple"):
        assert named(url).is_that_of(CORP)
        assert named(url).instead_of(CORP) == CORP


def test_on_its_own_server_its_password_and_certificates_go_along() -> None:
    moved = named("https://index.example/other/simple/").instead_of(CORP)
    assert moved.index_url == "https://index.example/other/simple/"
    assert moved.upload_url == "https://index.example/other/simple/"
    assert (moved.username, moved.password) == ("ada", "s3cret")
    assert (moved.verify, moved.client_cert) == (CORP.verify, CORP.client_cert)


@pytest.mark.parametrize(
    "url",
    [
        "http://index.example/simple/",
        "https://index.example:8443/simple/",
        "https://index.example.evil.example/simple/",
        "https://other.example/simple/",
    ],
)
def test_to_another_server_nothing_of_it_goes(url: str) -> None:
    moved = named(url).instead_of(CORP)
    assert moved == Repository("corp", url, url)


def test_a_user_in_the_address_counts_before_the_repositorys() -> None:
    moved = named("https://bob:pw@index.example/").instead_of(CORP)
    assert (moved.username, moved.password) == ("bob", "pw")
    same = named("https://ada@index.example/").instead_of(CORP)
    assert (same.username, same.password) == ("ada", "s3cret")
    other = named("https://bob@index.example/").instead_of(CORP)
    assert (other.username, other.password) == ("bob", "")


def test_without_a_repository_it_is_one_itself() -> None:
    alone = named("https://bob:pw@h/legacy/").alone()
    assert alone == Repository("aegis", "https://h/legacy/", "https://h/simple/", "bob", "pw")


@given(
    st.sampled_from(["http", "https"]),
    st.sampled_from(["index.example", "other.example", "index.example.other", "INDEX.example"]),
    st.sampled_from(["", ":80", ":443", ":8443"]),
    st.sampled_from(["/", "/simple/", "/legacy/", "/x/simple", "/+simple/"]),
)
def test_a_password_goes_to_its_own_scheme_host_and_port_only(
    scheme: str, host: str, port: str, path: str
) -> None:
    url = f"{scheme}://{host}{port}{path}"
    moved = named(url).instead_of(CORP)
    own = scheme == "https" and host.lower() == "index.example" and port in ("", ":443")
    assert (moved.password == "s3cret") is own
    assert all(shares_origin(part, url) for part in (moved.upload_url, moved.index_url or ""))


def test_a_repository_of_no_port_is_elsewhere() -> None:
    address = "https://index.example:99999"
    broken = Repository("b", f"{address}/legacy/", f"{address}/simple/", "ada", "s3cret")
    index = named("https://index.example/simple/")
    assert not shares_origin(address, "https://index.example")
    assert not index.is_that_of(broken)
    assert index.instead_of(broken).password is None
