"""A pipeline's identity for a token: the index and the issuer are played by a real server."""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from poetry_aegis.errors import PublishError, Unauthorized, Unreachable
from poetry_aegis.poetry_api import pypi_urls
from poetry_aegis.publish.publication import publish
from poetry_aegis.publish.trusted import public_origins, trusted_credentials
from tests.unit.publish.conftest import IMPATIENT, Recorder, repository_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from poetry_aegis.publish.distributions import Distribution
    from poetry_aegis.publish.repository import Repository
    from tests.support.faulty import FaultyIndex

TOKEN = "pypi-AgENdGVzdC5leGFtcGxl"
BEARER = "runner-secret"


def identity(**claims: str) -> str:
    """Return a JSON Web Token that says *claims*, signed by nobody."""
    parts = (json.dumps({"alg": "none"}), json.dumps(claims), "signature")
    return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)


IDENTITY = identity(
    repository="acme/demo", workflow_ref="acme/demo/.github/workflows/r.yml@refs/tags/v1"
)


@dataclass
class Issuer:
    """The index's exchange and the forge's issuer at one address, with what they answer."""

    url: str
    audience: tuple[int, Any] = (200, {"audience": "pypi"})
    issued: tuple[int, Any] = (200, {"value": IDENTITY})
    minted: list[tuple[int, Any]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)

    @property
    def github(self) -> dict[str, str]:
        return {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.url}/issue?api-version=2",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": BEARER,
        }

    def paths(self) -> list[str]:
        return [urlsplit(path).path for path, _, _ in self.asked]

    def answer(self, path: str, headers: dict[str, str], body: Any) -> tuple[int, Any]:
        self.asked.append((path, headers, body))
        match urlsplit(path).path:
            case "/_/oidc/audience":
                return self.audience
            case "/issue":
                return self.issued
            case "/_/oidc/mint-token":
                return self.minted.pop(0) if self.minted else (200, {"token": TOKEN})
        return 404, {}


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply(None)

        def do_POST(self) -> None:
            self._reply(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _reply(self, body: Any) -> None:
            status, document = playing.answer(self.path, dict(self.headers), body)
            content = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's
            """Write nothing: the tests look at what was asked."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    playing = Issuer(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield playing
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def nobody(issuer: Issuer) -> Repository:
    return repository_at(f"{issuer.url}/legacy/", "pypi", username=None, password=None)


def get(
    issuer: Issuer, environ: Mapping[str, str], recorder: Recorder | None = None
) -> Repository | None:
    return trusted_credentials(
        nobody(issuer),
        environ,
        recorder or Recorder(),
        origins={issuer.url},
        patience=IMPATIENT,
    )


def test_github_says_who_the_pipeline_is(issuer: Issuer, recorder: Recorder) -> None:
    given = get(issuer, issuer.github, recorder)

    assert given is not None
    assert (given.username, given.password) == ("__token__", TOKEN)
    assert issuer.paths() == ["/_/oidc/audience", "/issue", "/_/oidc/mint-token"]
    path, headers, _ = issuer.asked[1]
    assert parse_qs(urlsplit(path).query) == {"api-version": ["2"], "audience": ["pypi"]}
    assert headers["Authorization"] == f"Bearer {BEARER}"
    assert issuer.asked[2][2] == {"token": IDENTITY}
    assert recorder.notes == ["Publishing to pypi as this pipeline of GitHub's, which it trusts."]


def test_the_runners_secret_goes_to_the_runner_alone(issuer: Issuer) -> None:
    get(issuer, issuer.github)
    for path, headers, body in issuer.asked:
        if not path.startswith("/issue"):
            assert BEARER not in f"{headers} {body}"


@pytest.mark.parametrize(
    ("audience", "variable"), [("pypi", "PYPI_ID_TOKEN"), ("testpypi", "TESTPYPI_ID_TOKEN")]
)
def test_gitlab_has_put_it_into_a_variable(issuer: Issuer, audience: str, variable: str) -> None:
    issuer.audience = (200, {"audience": audience})
    given = get(issuer, {"GITLAB_CI": "true", variable: IDENTITY})

    assert given is not None
    assert given.password == TOKEN
    assert issuer.paths() == ["/_/oidc/audience", "/_/oidc/mint-token"]


def test_what_was_minted_uploads(
    issuer: Issuer, index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    given = get(issuer, issuer.github)
    assert given is not None
    where = repository_at(f"{index.url}/legacy/", username=given.username, password=given.password)
    publish([wheel], where, reporter=recorder, patience=IMPATIENT)
    pair = base64.b64encode(f"__token__:{TOKEN}".encode()).decode()
    assert index.posts[0].headers["Authorization"] == f"Basic {pair}"


# Where it is not due


def test_only_the_public_index_is_asked(issuer: Issuer) -> None:
    origins = public_origins(pypi_urls()[1])
    given = trusted_credentials(nobody(issuer), issuer.github, Recorder(), origins=origins)
    assert given is None
    assert issuer.asked == []


def test_the_public_index_and_its_test_are_known_by_their_origins() -> None:
    upload, index = pypi_urls()
    origins = public_origins(index)
    assert any(upload.startswith(f"{origin}/") for origin in origins)
    assert {origin.partition("://")[2].partition(".")[0] for origin in origins} == {
        "upload",
        "test",
    }


def test_other_credentials_come_first(issuer: Issuer) -> None:
    known = repository_at(f"{issuer.url}/legacy/")
    given = trusted_credentials(known, issuer.github, Recorder(), origins={issuer.url})
    assert given is None
    assert issuer.asked == []


@pytest.mark.parametrize("environ", [{}, {"CI": "true"}, {"GITHUB_ACTIONS": "false"}])
def test_nobody_is_asked_outside_of_a_known_pipeline(
    issuer: Issuer, environ: dict[str, str]
) -> None:
    assert get(issuer, environ) is None
    assert issuer.asked == []


# Secrets


def test_github_is_told_what_to_keep_out_of_its_log(
    issuer: Issuer, capsys: pytest.CaptureFixture[str], recorder: Recorder
) -> None:
    given = get(issuer, issuer.github, recorder)
    out, err = capsys.readouterr()
    assert out == "", "which may have to be JSON"
    assert err.splitlines() == [f"::add-mask::{IDENTITY}", f"::add-mask::{TOKEN}"]
    assert TOKEN not in f"{given!r} {recorder.notes}"


def test_on_gitlab_nothing_is_written(issuer: Issuer, capsys: pytest.CaptureFixture[str]) -> None:
    get(issuer, {"GITLAB_CI": "true", "PYPI_ID_TOKEN": IDENTITY})
    assert capsys.readouterr() == ("", "")


# Refusals


def refused(issuer: Issuer, environ: Mapping[str, str]) -> PublishError:
    with pytest.raises(PublishError) as caught:
        get(issuer, environ)
    said = f"{caught.value} {caught.value.hint}"
    for secret in (TOKEN, IDENTITY, BEARER):
        assert secret not in said
    return caught.value


def test_a_job_that_may_not_say_who_it_is_is_told_how_it_may(issuer: Issuer) -> None:
    error = refused(issuer, {"GITHUB_ACTIONS": "true"})
    assert isinstance(error, Unauthorized)
    assert "permissions:\n      id-token: write" in error.hint
    assert "poetry config pypi-token.pypi TOKEN" in error.hint


def test_a_job_of_gitlabs_without_the_variable_is_told_its_name(issuer: Issuer) -> None:
    issuer.audience = (200, {"audience": "testpypi"})
    error = refused(issuer, {"GITLAB_CI": "true", "PYPI_ID_TOKEN": IDENTITY})
    assert isinstance(error, Unauthorized)
    assert "id_tokens:\n      TESTPYPI_ID_TOKEN:\n        aud: testpypi" in error.hint


def test_an_index_that_does_not_trust_the_pipeline_says_so(issuer: Issuer) -> None:
    issuer.minted = [
        (
            422,
            {
                "message": "Token request failed",
                "errors": [
                    {
                        "code": "invalid-publisher",
                        "description": f"valid token, but no corresponding publisher ({IDENTITY})",
                    }
                ],
            },
        )
    ]
    error = refused(issuer, issuer.github)
    assert isinstance(error, Unauthorized)
    assert "trusted publisher: valid token, but no corresponding publisher (***)." in str(error)
    assert "repository acme/demo, workflow_ref acme/demo/.github/workflows/r.yml" in error.hint
    assert issuer.paths().count("/_/oidc/mint-token") == 1, "asked again, it would say the same"


@pytest.mark.parametrize(
    ("status", "said"),
    [(403, {}), (404, b"<html>"), (422, {"errors": "no list"}), (400, {"errors": [1, {}]})],
)
def test_any_refusal_is_one_sentence(issuer: Issuer, status: int, said: object) -> None:
    issuer.minted = [(status, said)]
    error = refused(issuer, issuer.github)
    assert isinstance(error, Unauthorized)
    assert str(error).isprintable()


@pytest.mark.parametrize("said", [{"token": ""}, {"token": 3}, {"token": "a\nb"}, [], b"{", {}])
def test_an_answer_without_a_token_is_none(issuer: Issuer, said: object) -> None:
    issuer.minted = [(200, said)]
    assert "without the token" in str(refused(issuer, issuer.github))


def test_what_passes_is_asked_again_with_a_new_identity(issuer: Issuer, recorder: Recorder) -> None:
    issuer.minted = [(503, {}), (429, {})]
    given = get(issuer, issuer.github, recorder)
    assert given is not None
    assert given.password == TOKEN
    assert issuer.paths().count("/issue") == 3
    assert len(recorder.notes) == 3


def test_an_issuer_that_refuses_is_named(issuer: Issuer) -> None:
    issuer.issued = (403, {"message": "not from here"})
    error = refused(issuer, issuer.github)
    assert isinstance(error, Unauthorized)
    assert "does not work here: GitHub Actions" in str(error)
    assert "(403 not from here)" in str(error)
    assert "server user add" not in error.hint


def test_an_index_without_trusted_publishing_is_named(issuer: Issuer) -> None:
    issuer.audience = (404, {"message": "Not Found"})
    error = refused(issuer, issuer.github)
    assert "does not work here: pypi refused the request (404 Not Found)" in str(error)


def test_an_index_that_is_away_is_unreachable(issuer: Issuer) -> None:
    away = repository_at("http://127.0.0.1:9/legacy/", "pypi", username=None, password=None)
    with pytest.raises(Unreachable):
        trusted_credentials(
            away,
            issuer.github,
            Recorder(),
            origins={"http://127.0.0.1:9"},
            patience=IMPATIENT,
        )


@pytest.mark.parametrize("strange", ["a.b.c", "no-dots", "..", f"a.{'A' * 9}.c", identity()])
def test_an_identity_that_cannot_be_read_is_not_told(issuer: Issuer, strange: str) -> None:
    issuer.minted = [(422, {"message": "no"})]
    error = refused(issuer, {"GITLAB_CI": "true", "PYPI_ID_TOKEN": strange})
    assert "says of itself" not in error.hint
