from __future__ import annotations

import email.utils
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.errors import (
    FileConflict,
    Forbidden,
    NotAnUploadUrl,
    PublishError,
    TooLarge,
    Unauthorized,
    Unreachable,
)
from poetry_aegis.publish.answer import Answer, reason_of
from poetry_aegis.publish.answers import reading_failure, says_file_exists, upload_failure
from tests.unit.publish.conftest import PASSWORD, repository_at

CORP = repository_at("https://pkg.example/legacy/")


def answer(
    status: int, body: str = "", *, kind: str = "text/plain", phrase: str = "", **headers: str
) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(
        url=CORP.upload_url,
        status=status,
        phrase=phrase,
        headers={"content-type": kind} | named,
        body=body.encode(),
    )


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("application/json", '{"detail": "No such project"}', "No such project"),
        ("application/json", '{"errors": [{"message": "deeper"}]}', "deeper"),
        ("application/json", '{"message": {"error": "deepest"}}', "deepest"),
        ("application/json", '{"error": null, "title": "Gone"}', "Gone"),
        ("text/plain; charset=utf-8", "\n first line\nsecond\n", "first line"),
        ("text/html", "<html><title>413 Too &amp; Large</title>", "Too & Large"),
        ("text/html", "<title>Error: 409 Conflict</title>", "Conflict"),
        ("text/html", "<p>no title", "Phrase"),
        ("image/png", "PNG", "Phrase"),
        ("application/json", "[" * 100_000, "Phrase"),
    ],
)
def test_the_reason_is_the_servers_own(kind: str, body: str, reason: str) -> None:
    assert reason_of(answer(400, body, kind=kind, phrase="Phrase"), CORP) == reason


def test_a_reason_holds_no_secret_no_escapes_and_no_novel() -> None:
    said = reason_of(answer(400, f"\x1b[31m{PASSWORD}\x07 {'x' * 500}"), CORP)
    assert said.startswith("[31m*** xxx")
    assert len(said) == 400


@given(st.text(), st.sampled_from(["text/plain", "text/html", "application/json"]))
def test_any_body_gives_one_printable_line(body: str, kind: str) -> None:
    try:
        said = reason_of(answer(400, body, kind=kind), CORP)
    except UnicodeEncodeError:
        return
    assert said.isprintable()
    assert len(said) <= 400


@pytest.mark.parametrize(
    ("status", "phrase", "body"),
    [
        (409, "Conflict", ""),
        (400, "File already exists. See the help for more information.", ""),
        (400, "Bad Request", "The package demo 1.0.0 already exists"),
        (400, "Bad Request", "This filename has already been used, use a different version."),
        (400, "Repository does not allow updating assets: pypi", ""),
        (400, "Bad Request", "demo-1.0.0.tar.gz cannot be updated"),
        (
            403,
            "Forbidden",
            '{"errors": [{"message": "Not enough permissions to overwrite artifact"}]}',
        ),
        (400, "Bad Request", '{"message": {"file_name": ["has already been taken"]}}'),
    ],
)
def test_each_dialect_of_already_exists_is_understood(status: int, phrase: str, body: str) -> None:
    refusal = answer(status, body, phrase=phrase)
    assert says_file_exists(refusal)
    assert isinstance(upload_failure(refusal, CORP).error, FileConflict)


@pytest.mark.parametrize(("status", "body"), [(400, "bad version"), (403, "no right"), (500, "x")])
def test_other_refusals_are_not_taken_for_it(status: int, body: str) -> None:
    assert not says_file_exists(answer(status, body))


@pytest.mark.parametrize(
    ("status", "kind", "in_hint"),
    [
        (401, Unauthorized, "poetry config http-basic.corp ada"),
        (400, PublishError, "would be refused again"),
        (403, Forbidden, "user add ada --keep-password --role publisher"),
        (404, NotAnUploadUrl, "poetry config repositories.corp https://pkg.example/"),
        (405, NotAnUploadUrl, "poetry config repositories.corp https://pkg.example/"),
        (413, TooLarge, "client_max_body_size"),
        (429, PublishError, "run again"),
        (500, PublishError, "run again"),
        (503, Unreachable, "run again"),
    ],
)
def test_each_refusal_is_its_own_error_with_a_way_out(
    status: int, kind: type[PublishError], in_hint: str
) -> None:
    failure = upload_failure(answer(status, "the reason"), CORP)
    assert type(failure.error) is kind
    assert f"({status} the reason)" in str(failure.error)
    assert in_hint in failure.error.hint
    assert failure.repeatable is (status in (429, 500, 503))


def test_the_way_out_of_401_depends_on_what_was_sent() -> None:
    nobody = repository_at("https://pkg.example/", username=None, password=None)
    assert "has none for it" in str(upload_failure(answer(401), nobody).error)
    assert "http-basic.corp USER" in upload_failure(answer(401), nobody).error.hint
    token = repository_at("https://pkg.example/", username="__token__")
    assert "token" in str(upload_failure(answer(401), token).error)
    assert "pypi-token.corp TOKEN" in upload_failure(answer(401), token).error.hint


def test_a_redirect_names_the_address_to_use() -> None:
    moved = answer(308, location="/legacy/new/?a=1")
    error = upload_failure(moved, CORP).error
    assert isinstance(error, NotAnUploadUrl)
    assert "redirects to https://pkg.example/legacy/new/?a=1" in str(error)
    assert "'https://pkg.example/legacy/new/?a=1'" in error.hint


def test_a_redirect_cannot_smuggle_a_password_or_escapes() -> None:
    error = upload_failure(answer(301, location=f"https://x:{PASSWORD}@h/\x1b[2J"), CORP).error
    assert PASSWORD not in str(error) + error.hint
    assert "\x1b" not in str(error) + error.hint
    assert "https://h/[2J" in str(error)


@given(st.text())
def test_any_redirect_gives_one_printable_line(location: str) -> None:
    error = upload_failure(answer(301, location=f"https://{location}"), CORP).error
    assert str(error).isprintable()
    assert error.hint.isprintable()


def test_a_page_that_cannot_be_read_is_not_called_an_upload_url() -> None:
    assert type(reading_failure(answer(405, "no"), CORP).error) is PublishError
    assert type(reading_failure(answer(409, "no"), CORP).error) is PublishError
    assert type(reading_failure(answer(401, "no"), CORP).error) is Unauthorized


def test_who_may_not_read_is_not_told_to_ask_for_uploads() -> None:
    assert "the right to read" in reading_failure(answer(403, "no"), CORP).error.hint
    assert "the right to upload" in upload_failure(answer(403, "no"), CORP).error.hint


@pytest.mark.parametrize(
    "said",
    [
        "The token of user '$(touch x)' has no right to upload for the project $(touch x).",
        "The token of user '--home' has no right to upload for the project --role.",
    ],
)
def test_what_a_server_says_comes_into_no_command_but_as_a_name(said: str) -> None:
    token = repository_at("https://pkg.example/", username="__token__")
    hint = upload_failure(answer(403, said), token).error.hint
    assert hint.endswith("poetry aegis server token create --user NAME --allow read,upload")


@pytest.mark.parametrize("value", ["soon", "", "-3", "١٢", "Mon, 99 Foo"])
def test_a_senseless_retry_after_is_ignored(value: str) -> None:
    assert upload_failure(answer(429, retry_after=value), CORP).wait is None


def test_retry_after_is_seconds_or_a_date() -> None:
    assert upload_failure(answer(429, retry_after="7"), CORP).wait == 7
    soon = email.utils.formatdate(time.time() + 3600, usegmt=True)
    wait = upload_failure(answer(429, retry_after=soon), CORP).wait
    assert wait is not None
    assert 3000 < wait < 3700
    past = email.utils.formatdate(0, usegmt=True)
    assert upload_failure(answer(429, retry_after=past), CORP).wait == 0


def test_an_archived_project_is_not_to_be_tried_again() -> None:
    said = "The project demo is archived (now in demo2) and takes no uploads."
    error = upload_failure(answer(400, said), CORP).error
    assert "poetry aegis project NAME --status active" in error.hint
    assert "run again" not in error.hint
