"""Trusted publishing: a pipeline says who it is and gets a token that lasts for minutes.

::

    index     GET  /_/oidc/audience      for whom the identity is to be made out
    pipeline  an OpenID Connect identity token: asked for on GitHub, in a variable on GitLab
    index     POST /_/oidc/mint-token    the identity, for a token to upload with

No token has to be kept anywhere. Of the public index only, which knows the pipelines that each
project trusts.
"""

from __future__ import annotations

import base64
import contextlib
import json
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from poetry_aegis.errors import PublishError, Unauthorized
from poetry_aegis.publish.answers import reading_failure
from poetry_aegis.publish.patience import DEFAULT_PATIENCE, Failure, Patience, persist
from poetry_aegis.publish.repository import Repository
from poetry_aegis.publish.web import Web

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from poetry_aegis.publish.answer import Answer
    from poetry_aegis.publish.reporter import Reporter

# Where GitLab puts the token, by whom it is made out for.
_VARIABLES = {"pypi": "PYPI_ID_TOKEN", "testpypi": "TESTPYPI_ID_TOKEN"}
# What a project's owner has to enter on the index, as the two forges spell it in their tokens.
_CLAIMS = ("repository", "workflow_ref", "project_path", "ci_config_ref_uri", "environment")
_LONGEST = 300  # characters of what others say


def public_origins(index_url: str) -> frozenset[str]:
    """Return where the public index takes uploads, and its test: *index_url* is its Simple API's.

    They are origins: scheme, host and port.
    """
    parts = urlsplit(index_url)
    hosts = (f"{name}.{parts.netloc}" for name in ("upload", "test"))
    return frozenset(f"{parts.scheme}://{host}" for host in hosts)


def trusted_credentials(
    repository: Repository,
    environ: Mapping[str, str],
    reporter: Reporter,
    *,
    origins: Collection[str],
    patience: Patience = DEFAULT_PATIENCE,
) -> Repository | None:
    """Return *repository* with a token that this pipeline was given, ``None`` where none is due.

    It is due where *repository* is at one of *origins*, has no other credentials, and *environ* is
    that of a pipeline on GitHub or GitLab. *reporter* hears of it. Raises `Unauthorized` where the
    pipeline may not say who it is or the index does not trust it, and other `PublishError`.
    """
    origin = _origin(repository.upload_url)
    if repository.username is not None or origin not in origins:
        return None
    forge = _forge(environ)
    if forge is None:
        return None
    with contextlib.closing(Web(repository)) as web:
        exchange = _Exchange(web, origin, forge, environ, patience, reporter)
        token = exchange.token()
    reporter.note(
        f"Publishing to {repository.name} as this pipeline of {forge}'s, which it trusts."
    )
    return replace(repository, username="__token__", password=token)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _forge(environ: Mapping[str, str]) -> str | None:
    if environ.get("GITHUB_ACTIONS") == "true":
        return "GitHub"
    return "GitLab" if environ.get("GITLAB_CI") == "true" else None


@dataclass(frozen=True)
class _Exchange:
    """An identity of the pipeline for a token of the index at *origin*."""

    web: Web
    origin: str
    forge: str
    environ: Mapping[str, str]
    patience: Patience
    reporter: Reporter

    def token(self) -> str:
        """Return the index's token. Raises `PublishError`."""
        audience = persist(self._ask_audience, self.patience, self.reporter.note)
        # Both of it again where it fails: an identity is good for one try.
        return persist(lambda: self._mint(audience), self.patience, self.reporter.note)

    def _ask_audience(self) -> str | Failure:
        answer = self.web.call("GET", f"{self.origin}/_/oidc/audience")
        return self._value(answer, "audience", self.web.repository)

    def _mint(self, audience: str) -> str | Failure:
        identity = self._identity(audience)
        if isinstance(identity, Failure):
            return identity
        self._mask(identity)
        answer = self.web.call("POST", f"{self.origin}/_/oidc/mint-token", {"token": identity})
        if not isinstance(answer, Failure) and 400 <= answer.status < 500 and answer.status != 429:
            return Failure(self._refusal(answer, identity))
        token = self._value(answer, "token", self.web.repository)
        if isinstance(token, str):
            self._mask(token)
        return token

    def _identity(self, audience: str) -> str | Failure:
        if self.forge == "GitLab":
            return self._identity_on_gitlab(audience)
        url = self.environ.get("ACTIONS_ID_TOKEN_REQUEST_URL")
        bearer = self.environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
        if not url or not bearer:
            return Failure(
                Unauthorized(
                    f"There are no credentials for {self.web.repository.name}, and GitHub does "
                    "not let this job say who it is.",
                    hint="For trusted publishing, give the job in its workflow:\n"
                    "    permissions:\n      id-token: write\n" + self._stored(),
                )
            )
        github = Repository("GitHub Actions", url, None)
        with contextlib.closing(Web(github)) as web:
            answer = web.get(
                f"{url}{'&' if urlsplit(url).query else '?'}audience={quote(audience, safe='')}",
                {"Authorization": f"Bearer {bearer}", "Accept": "application/json"},
            )
            return self._value(answer, "value", github)

    def _identity_on_gitlab(self, audience: str) -> str | Failure:
        variable = _VARIABLES.get(audience)
        if variable and (identity := self.environ.get(variable)):
            return identity
        name = variable or "PYPI_ID_TOKEN"
        return Failure(
            Unauthorized(
                f"There are no credentials for {self.web.repository.name}, and this job has no "
                f"{name} to say who it is.",
                hint="For trusted publishing, give the job in its .gitlab-ci.yml:\n"
                f"    id_tokens:\n      {name}:\n        aud: {_line(audience)}\n" + self._stored(),
            )
        )

    def _value(self, answer: Answer | Failure, key: str, of: Repository) -> str | Failure:
        """Return what *answer*, a JSON object, has of *key*."""
        if not isinstance(answer, Failure) and not answer.ok:
            answer = reading_failure(answer, of)
        if isinstance(answer, Failure):
            return self._not_given(answer) if answer.refused and not answer.repeatable else answer
        value = _document(answer).get(key)
        if isinstance(value, str) and value.isascii() and value.isprintable() and value:
            return value
        # What it said instead is not told: there may be a token in it.
        return Failure(PublishError(f"{of.name} answers, but without the {key} that it was asked."))

    def _not_given(self, failure: Failure) -> Failure:
        """Return *failure*, a refusal, with the way out that helps here."""
        said = f"Trusted publishing does not work here: {failure.error}"
        return Failure(Unauthorized(said, hint=self._stored()))

    def _refusal(self, answer: Answer, identity: str) -> Unauthorized:
        name = self.web.repository.name
        said = _reasons(_document(answer)) or f"{answer.status} {answer.phrase}"
        said = _line(said.replace(identity, "***")).rstrip(".")
        claims = _claims(identity)
        told = f"The pipeline says of itself: {claims}.\n" if claims else ""
        return Unauthorized(
            f"{name} does not take this pipeline of {self.forge}'s as a trusted publisher: {said}.",
            hint=f"Enter it in the project's settings on the index, under publishing.\n{told}"
            + self._stored(),
        )

    def _stored(self) -> str:
        return (
            f"Without it, with a token: poetry config pypi-token.{self.web.repository.name} TOKEN"
        )

    def _mask(self, secret: str) -> None:
        """Have GitHub keep *secret* out of its log, whatever may write it there."""
        if self.forge == "GitHub":
            # Read by the runner and not shown. On standard error: the other one may be JSON.
            sys.stderr.write(f"::add-mask::{secret}\n")
            sys.stderr.flush()


def _document(answer: Answer) -> dict[str, Any]:
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _reasons(document: Mapping[str, Any]) -> str:
    """Return why the index refused, in its own words."""
    errors = document.get("errors")
    found = [
        str(error["description"])
        for error in (errors if isinstance(errors, list) else [])
        if isinstance(error, dict) and error.get("description")
    ]
    return "; ".join(found) or str(document.get("message") or "")


def _claims(identity: str) -> str:
    """Return what a JSON Web Token says of the pipeline, as far as the index compares it."""
    try:
        payload = identity.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        found = [f"{key} {claims[key]}" for key in _CLAIMS if claims.get(key)]
    except (ValueError, IndexError, AttributeError, TypeError, RecursionError):
        return ""
    return _line(", ".join(found))


def _line(text: str) -> str:
    line = "".join(character if character.isprintable() else " " for character in text)
    return line[:_LONGEST]
