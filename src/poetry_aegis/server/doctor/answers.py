"""What the running server answers to those who may not, and to what is not there."""

from __future__ import annotations

import base64
import json
import secrets
from typing import TYPE_CHECKING

from poetry_aegis.server.doctor.context import TOKEN_VARIABLE
from poetry_aegis.server.doctor.verdicts import (
    Check,
    Verdict,
    has_registry,
    is_set_up,
    is_stack,
    skip,
    warn,
    well,
    wrong,
)

if TYPE_CHECKING:
    from poetry_aegis.server.doctor.context import Context

STRANGER = "poetry-aegis-doctor"  # nobody's name
NO_PROJECT = "/simple/poetry-aegis-doctor-looks-for-nothing/"
ROOM = 2 * 1024 * 1024  # bytes over the limit, more than forms take
ELSEWHERE = "Is another program, or a proxy, at this address? See: "


def look_at_version(context: Context) -> Verdict:
    """Look whether what answers is this server, in the version that is installed."""
    from poetry_aegis.registry.version import version

    answer = context.ask("/health")
    try:
        told = json.loads(answer.body)["version"]
    except (ValueError, KeyError, TypeError):
        return wrong(
            f"/health was answered with {answer.status} and is not that of a registry.",
            ELSEWHERE + context.command("status"),
        )
    if told == version():
        return well(f"Version {told} runs, as installed.")
    act = "upgrade" if context.known.is_stack else "restart"
    return warn(f"Version {told} runs, and {version()} is installed.", context.command(act))


def look_at_readiness(context: Context) -> Verdict:
    """Look whether the registry says that it can do its work; behind nginx nobody is told."""
    answer = context.ask("/ready")
    if answer.status == 200:
        return well("The registry says that it is ready.")
    reason = " ".join(answer.body.decode("utf-8", "replace").split())[:200]
    return wrong(f"/ready was answered with {answer.status}: {reason}", context.command("logs"))


def look_at_anonymous(context: Context) -> Verdict:
    """Look whether reading without a credential is answered as the settings have it."""
    status = context.ask("/simple/").status
    wanted = 200 if context.known.anonymous_read else 401
    if status == wanted:
        return well(f"Without a credential /simple/ is answered with {status}.")
    evidence = f"Without a credential /simple/ is answered with {status}, not {wanted}."
    if status == 200:
        return wrong(f"{evidence} Everybody can read.", context.command("apply"))
    return wrong(evidence, ELSEWHERE + context.command("logs"))


def look_at_wrong_password(context: Context) -> Verdict:
    """Look whether a wrong password is refused."""
    answer = context.ask("/simple/", headers=_basic(STRANGER, secrets.token_urlsafe(18)))
    if answer.status == 401:
        return well("A wrong password is answered with 401.")
    if answer.status == 429:
        return warn(
            "A wrong password is answered with 429: there were many of them just now.",
            context.command("audit"),
        )
    return wrong(
        f"A wrong password is answered with {answer.status}, not 401.", context.command("logs")
    )


def look_at_reader(context: Context) -> Verdict:
    """Look whether a reader may not upload. What is sent is empty: nothing can come of it."""
    if not context.reader_token:
        return skip(f"To try it, put a reader's token into {TOKEN_VARIABLE}.")
    if context.known.web.allow:
        return skip("With allow in [web], 403 may also be the answer to this machine.")
    headers = {**_token(context), "Content-Length": "0"}
    answer = context.ask("/legacy/", method="POST", headers=headers)
    if answer.status == 403:
        return well("A reader's upload is answered with 403.")
    if answer.status == 401:
        return warn(f"The token in {TOKEN_VARIABLE} is not known.", context.command("token list"))
    return wrong(
        f"An upload with the token in {TOKEN_VARIABLE} is answered with {answer.status}, not 403: "
        "its user may upload.",
        context.command("user list"),
    )


def look_at_unknown(context: Context) -> Verdict:
    """Look whether what is not there is 404 for who may read, and 401 for strangers."""
    headers = _token(context) if context.reader_token else {}
    wanted = 404 if context.reader_token or context.known.anonymous_read else 401
    status = context.ask(NO_PROJECT, headers=headers).status
    if status == wanted:
        return well(f"A project that is not there is answered with {status}.")
    return wrong(
        f"A project that is not there is answered with {status}, not {wanted}.",
        ELSEWHERE + context.command("logs"),
    )


def look_at_largest(context: Context) -> Verdict:
    """Look whether nginx takes uploads up to the limit of the settings, and none beyond.

    Only lengths are announced; nothing is sent.
    """
    largest = context.known.max_upload_bytes
    within, beyond = _answer_to_upload(context, largest), _answer_to_upload(context, largest + ROOM)
    size = context.known.max_upload_size
    if within == 413:
        return wrong(f"An upload of {size} is answered with 413.", context.command("apply"))
    if beyond != 413:
        return warn(
            f"An upload larger than {size} is answered with {beyond}, not 413.",
            context.command("apply"),
        )
    return well(f"Uploads of more than {size} are answered with 413.")


def _answer_to_upload(context: Context, size: int) -> int:
    headers = {"Content-Length": str(size), "Expect": "100-continue"}
    return context.ask("/legacy/", method="POST", headers=headers).status


def look_at_metrics(context: Context) -> Verdict:
    """Look whether strangers can read the metrics."""
    settings = context.known
    status = context.ask("/metrics").status
    if status == 200:
        return wrong("/metrics is open to everybody.", context.command("apply"))
    from poetry_aegis.server.config import is_loopback

    if not settings.is_stack and settings.metrics_port and not is_loopback(settings.host):
        return warn(
            f"Port {settings.metrics_port} of {settings.host} tells everybody the metrics.",
            "Let a firewall close it to all but Prometheus, or set metrics_port = 0",
        )
    return well(f"/metrics is answered with {status} to strangers.")


def look_at_redirect(context: Context) -> Verdict:
    """Look whether who comes without TLS is sent to where there is TLS."""
    door = context.plain_door
    answer = door.ask("/simple/")
    if answer.headers.get("location", "").startswith("https://"):
        return well(f"Port {door.port} leads to https.")
    return wrong(
        f"Port {door.port} answers with {answer.status} and does not lead to https.",
        context.command("apply"),
    )


def _basic(user: str, password: str) -> dict[str, str]:
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {encoded}"}


def _token(context: Context) -> dict[str, str]:
    from poetry_aegis.registry.people.credentials import TOKEN_USER

    return _basic(TOKEN_USER, context.reader_token)


def _is_plain_registry(context: Context) -> bool:
    return is_set_up(context) and not is_stack(context)


CHECKS = (
    Check("version", "The version that is installed runs", look_at_version, has_registry),
    Check("ready", "The registry can do its work", look_at_readiness, _is_plain_registry),
    Check("answer-anonymous", "Nobody reads without a right (401)", look_at_anonymous, is_set_up),
    Check("answer-401", "A wrong password is refused (401)", look_at_wrong_password, is_set_up),
    Check("answer-403", "A reader may not upload (403)", look_at_reader, has_registry),
    Check("answer-404", "What is not there is not there (404)", look_at_unknown, has_registry),
    Check("answer-413", "Uploads have their limit (413)", look_at_largest, is_stack),
    Check("metrics", "Metrics are closed to strangers", look_at_metrics, is_set_up),
    Check("redirect", "http leads to https", look_at_redirect, is_stack),
)
