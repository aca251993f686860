from __future__ import annotations

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.errors import NotAnUploadUrl, UsageError
from poetry_aegis.publish.repository import (
    Repository,
    check_upload_url,
    choose_repository,
    config_line,
    index_url_of,
    likely_upload_url,
    split_userinfo,
    without_userinfo,
)
from tests.unit.publish.conftest import PASSWORD, repository_at


@pytest.mark.parametrize(
    ("upload_url", "index_url"),
    [
        ("https://pkg.example/simple/", "https://pkg.example/simple/"),
        ("https://pkg.example/simple", "https://pkg.example/simple/"),
        ("https://pkg.example/legacy/", "https://pkg.example/simple/"),
        ("https://pkg.example/legacy", "https://pkg.example/simple/"),
        ("https://pkg.example/a/legacy/", "https://pkg.example/a/simple/"),
        ("https://pkg.example/", "https://pkg.example/simple/"),
        ("https://pkg.example", "https://pkg.example/simple/"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/simple/"),
        ("https://nexus.example/repository/pypi/", "https://nexus.example/repository/pypi/simple/"),
        ("https://git.example/api/packages/pypi", "https://git.example/api/packages/pypi/simple/"),
        ("https://pkg.example/legacy/?token=x#y", "https://pkg.example/simple/"),
    ],
)
def test_the_index_belongs_to_the_upload_url(upload_url: str, index_url: str) -> None:
    assert index_url_of(upload_url) == index_url


@pytest.mark.parametrize(
    ("configured", "posted_to"),
    [
        ("https://pkg.example/legacy", "https://pkg.example/legacy/"),
        ("https://pkg.example/simple", "https://pkg.example/simple/"),
        ("https://pkg.example/simple/", "https://pkg.example/simple/"),
        ("https://pkg.example/api/pypi", "https://pkg.example/api/pypi"),
        ("https://pkg.example", "https://pkg.example"),
    ],
)
def test_an_upload_url_is_used_as_it_is_but_for_its_slash(configured: str, posted_to: str) -> None:
    assert Repository("corp", configured, None).upload_url == posted_to


@pytest.mark.parametrize(
    ("wrong", "likely"),
    [
        ("https://pkg.example/simple/", "https://pkg.example/"),
        ("https://pkg.example/root/dev/+simple/", "https://pkg.example/root/dev/"),
        ("https://pkg.example/legacy/", "https://pkg.example/"),
        ("https://pkg.example/", "https://pkg.example/legacy/"),
        ("https://pkg.example/repository/pypi", "https://pkg.example/repository/pypi/"),
        ("https://pkg.example/repository/pypi/", "https://pkg.example/repository/pypi/legacy/"),
    ],
)
def test_a_better_upload_url_is_proposed(wrong: str, likely: str) -> None:
    assert likely_upload_url(wrong) == likely


def test_a_password_in_the_url_is_used_and_not_shown() -> None:
    repository = Repository(
        "corp", "https://ada:s3cr%2Ft@pkg.example/", "https://ada:s3cr%2Ft@pkg.example/simple/"
    )
    assert (repository.username, repository.password) == ("ada", "s3cr/t")
    assert repository.upload_url == "https://pkg.example/"
    assert repository.index_url == "https://pkg.example/simple/"
    assert "s3cr" not in repr(repository)


def test_configured_credentials_win_over_those_in_the_url() -> None:
    repository = Repository("corp", "https://x:y@pkg.example/", None, "ada", PASSWORD)
    assert (repository.username, repository.password) == ("ada", PASSWORD)


def test_a_password_is_redacted_in_each_of_its_forms() -> None:
    repository = repository_at("https://pkg.example/")
    text = (
        f"{PASSWORD}, correct%20horse%2Fbattery, YWRhOmNvcnJlY3QgaG9yc2UvYmF0dGVyeQ== and a horse"
    )
    assert repository.redact(text) == "***, ***, *** and a horse"


def test_without_a_password_nothing_is_redacted() -> None:
    assert Repository("corp", "https://pkg.example/", None).redact("a plain text") == "a plain text"


@pytest.mark.parametrize(
    "url", ["corp", "ftp://pkg.example/", "https://", "https://pkg.example:port/", "https://[::1/"]
)
def test_what_is_no_web_address_is_not_posted_to(url: str) -> None:
    with pytest.raises(NotAnUploadUrl) as caught:
        check_upload_url(Repository("corp", url, None))
    assert "poetry config repositories.corp" in caught.value.hint


@pytest.mark.parametrize(
    "url",
    [
        "https://ada:s3cr#et@pkg.example/simple/",
        "https://ada:s3cr?et@pkg.example/simple/",
        "https://ada:s3cr/et@pkg.example/simple/",
        "https://ada:443/s3cr@pkg.example/simple/",
        "https://x:y@ada/s3cr@pkg.example/simple/",
        "https://ada:s3cr@[pkg.example/simple/",
        "https://ada:s3cr\u2100@pkg.example/simple/",
        "ada:s3cr@pkg.example/simple/",
    ],
)
def test_a_url_that_may_hold_a_password_is_neither_used_nor_shown(url: str) -> None:
    for upload_url, index_url in ((url, None), ("https://pkg.example/", url)):
        with pytest.raises(NotAnUploadUrl) as caught:
            Repository("corp", upload_url, index_url)
        shown = "".join(traceback.format_exception(caught.value)) + caught.value.hint
        assert "s3cr" not in shown
        assert "poetry config repositories.corp https://HOST/" in caught.value.hint
        assert "poetry config http-basic.corp USER" in caught.value.hint


@pytest.mark.parametrize("rest", ["@[pkg.example/", "\u2100@pkg.example/"])
def test_what_cannot_be_taken_apart_has_no_index_and_is_not_shown(rest: str) -> None:
    with pytest.raises(NotAnUploadUrl) as caught:
        index_url_of(f"https://ada:s3cr{rest}")
    assert "s3cr" not in str(caught.value) + caught.value.hint
    assert caught.value.__suppress_context__
    assert "poetry config repositories.NAME" in caught.value.hint


def test_a_command_line_is_safe_to_paste() -> None:
    line = config_line(repository_at("https://pkg.example/"), "https://evil/$(touch x);a b")
    assert line == "poetry config repositories.corp 'https://evil/$(touch x);a b'"


def test_the_repository_asked_for_comes_first() -> None:
    assert choose_repository("pypi", "corp", ["corp", "test"]) == "pypi"
    assert choose_repository(None, "corp", ["other", "test"]) == "corp"
    assert choose_repository(None, None, ["corp"]) == "corp"
    assert choose_repository(None, None, ["PyPI", "corp"]) == "corp"


@pytest.mark.parametrize("configured", [[], ["pypi"]])
def test_the_public_index_is_never_chosen_unasked(configured: list[str]) -> None:
    with pytest.raises(UsageError, match="not chosen unasked") as caught:
        choose_repository(None, None, configured)
    assert "-r pypi" in caught.value.hint
    with pytest.raises(UsageError, match="not chosen unasked") as caught:
        choose_repository(None, None, configured, publishes=False)
    assert caught.value.hint == "Configure yours: poetry config repositories.NAME URL"


def test_of_several_repositories_one_must_be_named() -> None:
    with pytest.raises(UsageError, match="several repositories: corp, test") as caught:
        choose_repository(None, None, ["corp", "test"])
    assert "-r corp" in caught.value.hint


@given(user=st.text(min_size=1), password=st.text())
def test_userinfo_is_taken_apart_as_it_was_put_together(user: str, password: str) -> None:
    from urllib.parse import quote

    try:
        encoded = f"{quote(user, safe='')}:{quote(password, safe='')}"
    except UnicodeEncodeError:
        return
    url = f"https://{encoded}@pkg.example/legacy/"
    assert split_userinfo(url) == ("https://pkg.example/legacy/", user, password)
    assert without_userinfo(url) == "https://pkg.example/legacy/"


@given(st.text())
def test_no_text_breaks_the_splitting_of_urls(text: str) -> None:
    assert isinstance(without_userinfo(text), str)
    assert isinstance(without_userinfo(f"https://{text}"), str)
