"""Small bodies of requests: a JSON object, bounded, read into a frozen dataclass."""

from __future__ import annotations

import asyncio
import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from poetry_aegis.registry.errors import BadRequest, TooLarge, UploadStalled
from poetry_aegis.registry.http.exchange import ClientGone
from poetry_aegis.tables import InvalidTable, read_table

if TYPE_CHECKING:
    from poetry_aegis.registry.http.exchange import Exchange

Schema = TypeVar("Schema")

_LARGEST = 64 * 1024  # bytes
_PATIENCE = 10.0  # seconds for the whole of a body
_LONGEST_REFUSAL = 300  # characters; it quotes what was sent


async def read_request(exchange: Exchange, schema: type[Schema]) -> Schema:
    """Return the body of a request, a JSON object, as the dataclass *schema*.

    An empty body is an empty object; a key that is ``null`` is one that was not sent. Raises
    `BadRequest`, `TooLarge`, `UploadStalled` and `ClientGone`.
    """
    try:
        body = await asyncio.wait_for(_read(exchange), _PATIENCE)
    except asyncio.TimeoutError as error:
        raise UploadStalled(f"The request did not come whole in {_PATIENCE:.0f} s.") from error
    document = _parse(body)
    optional = {item.name for item in fields(schema)}  # type: ignore[arg-type]
    sent = {
        key: value for key, value in document.items() if value is not None or key not in optional
    }
    try:
        return read_table(schema, sent, where="the request")
    except InvalidTable as error:
        raise BadRequest(_shortened(f"{error} {error.hint}".strip())) from error


async def _read(exchange: Exchange) -> bytes:
    body = bytearray()
    more = True
    while more:
        message = await exchange.receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > _LARGEST:
            raise TooLarge(f"The request is larger than the {_LARGEST} bytes that are taken here.")
    return bytes(body)


def _parse(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise BadRequest("The request's body is not JSON.") from error
    if not isinstance(document, dict):
        raise BadRequest("The request's body is not a JSON object.")
    return document


def _shortened(sentence: str) -> str:
    """Return *sentence* at a length, and in characters, that every client can take."""
    shown = ascii(sentence)[1:-1] if not sentence.isprintable() else sentence
    return shown if len(shown) <= _LONGEST_REFUSAL else f"{shown[:_LONGEST_REFUSAL]}…"
