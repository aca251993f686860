from __future__ import annotations

import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.client.poetry import Index, check_credential, hidden_by, make_index
from poetry_aegis.errors import Forbidden, Unauthorized, Unreachable, UsageError
from tests.support.server import answering


@pytest.mark.parametrize(
    "url",
    [
        "https://host/x",
        "https://host/x/",
        "https://host/x/simple",
        "https://host/x/simple/",
        "https://host/x/legacy/",
    ],
)
def test_addresses_that_name_the_same_index(url: str) -> None:
    index = make_index("corp", url)
    assert index.simple_url == "https://host/x/simple/"
    assert index.upload_url == "https://host/x/legacy/"


@pytest.mark.parametrize("name", ["", "a.b", "-x", "a b", "pypi", "PyPI", "ä", "a\n"])
def test_names_that_poetry_cannot_hold(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name"):
        make_index(name, "https://host/")


@pytest.mark.parametrize(
    "url",
    ["", "host", "ftp://host/", "http://", "http://host:port/", "http://[::1", "https://a b/"],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(UsageError, match="must be a web address"):
        make_index("corp", url)


@pytest.mark.parametrize(
    "url", ["https://ada:s3cret@host/", "https://host/?token=s3cret", "https://host/#s3cret"]
)
def test_a_secret_in_the_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_index("corp", url)
    assert "s3cret" not in f"{caught.value}{caught.value.hint}"


@given(st.text(max_size=40))
def test_any_text_is_an_index_or_a_usage_error(url: str) -> None:
    try:
        index = make_index("corp", url)
    except UsageError:
        return
    assert index.base_url.endswith("/")
    assert index.base_url.startswith(("http://", "https://"))


def test_what_to_do_next() -> None:
    steps = Index("corp", "http://127.0.0.1:8080/").next_steps
    assert steps == {
        "add_source": "poetry source add --priority=explicit corp http://127.0.0.1:8080/simple/",
        "install_with_poetry": "poetry add --source corp PACKAGE",
        "publish": "poetry aegis publish -r corp",
        "install_with_pip": "pip install --index-url http://127.0.0.1:8080/simple/ PACKAGE",
    }


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("http://127.0.0.1:1/", False),
        ("http://localhost/", False),
        ("http://[::1]/", False),
        ("https://host/", False),
        ("http://host/", True),
    ],
)
def test_a_password_that_travels_in_the_open_is_worth_a_warning(url: str, *, warned: bool) -> None:
    assert bool(make_index("corp", url).warnings) is warned


def test_variables_that_hide_the_configuration() -> None:
    (warning,) = hidden_by({"POETRY_REPOSITORIES_X_URL": "secret", "POETRY_HOME": ""})
    assert "POETRY_REPOSITORIES_X_URL" in warning
    assert "secret" not in warning
    assert hidden_by({}) == ()


def test_an_index_that_accepts_the_credential() -> None:
    with answering(200) as url:
        check_credential(make_index("corp", url), "ada", "s3cret")


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (401, Unauthorized, "does not accept the password of 'ada'"),
        (403, Forbidden, "may not read"),
        (302, Unreachable, "redirects to https://elsewhere/"),
        (404, Unreachable, "status 404"),
        (500, Unreachable, "status 500"),
    ],
)
def test_an_index_that_does_not(status: int, error: type[Exception], words: str) -> None:
    with (
        answering(status, {"Location": "https://elsewhere/?t=1"}) as url,
        pytest.raises(error, match=words) as caught,
    ):
        check_credential(make_index("corp", url), "ada", "s3cret")
    assert "s3cret" not in str(caught.value)


def test_a_wrong_password_may_be_a_slip() -> None:
    with answering(401) as url, pytest.raises(Unauthorized) as caught:
        check_credential(make_index("corp", url), "ada", "s3cret")
    assert caught.value.hint.startswith("Type it again, or set a new one")


def test_a_server_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    index = make_index("corp", f"http://127.0.0.1:{port}/")
    with pytest.raises(Unreachable, match="does not answer") as caught:
        check_credential(index, "ada", "s3cret", is_ours=True)
    assert "poetry aegis server start" in caught.value.hint
    with pytest.raises(Unreachable, match="does not answer") as caught:
        check_credential(index, "ada", "s3cret")
    assert caught.value.hint.startswith("Check the address")


def test_tls_is_asked_for_where_there_is_none() -> None:
    with answering(200) as url, pytest.raises(Unreachable, match="speaks plain http") as caught:
        check_credential(make_index("corp", url.replace("http:", "https:")), "ada", "s3cret")
    assert caught.value.hint == f"Name it with: --url {url}"


def test_a_proxy_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9/")
    with answering(200) as url:
        check_credential(make_index("corp", url), "ada", "s3cret")


def test_something_that_does_not_speak_http() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"220 mail.example ESMTP\r\n")

        threading.Thread(target=answer, daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with pytest.raises(Unreachable):
            check_credential(make_index("corp", url), "ada", "s3cret")


def test_what_speaks_neither_tls_nor_http_is_not_called_plain_http() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            for _ in range(2):
                connection, _ = listener.accept()
                with connection:
                    connection.sendall(b"220 mail.example ESMTP\r\n")

        threading.Thread(target=answer, daemon=True).start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        with pytest.raises(Unreachable, match="does not answer"):
            check_credential(make_index("corp", url), "ada", "s3cret")
