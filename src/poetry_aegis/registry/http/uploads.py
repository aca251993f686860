"""The legacy upload API: one form, one file."""

from __future__ import annotations

import asyncio
import hmac
import os
from concurrent.futures import ThreadPoolExecutor
from typing import IO, TYPE_CHECKING

from poetry_aegis.atomic import make_durable
from poetry_aegis.registry.archives.distributions import inspect
from poetry_aegis.registry.archives.metadata import check_agreement
from poetry_aegis.registry.errors import BadUpload, TooLarge, UploadStalled
from poetry_aegis.registry.http.exchange import Answer, ClientGone, Exchange, text_answer
from poetry_aegis.registry.http.form import DIGESTS, Form, FormReader
from poetry_aegis.registry.http.routing import Route
from poetry_aegis.registry.names import parse_file_name
from poetry_aegis.registry.people.identity import Action
from poetry_aegis.registry.store.store import Outcome, Overwriting, Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from poetry_aegis.registry.http.gate import Gate

OVERWRITE_HEADER = b"aegis-overwrite"

_STALL = 60.0  # seconds without a byte until an upload is given up
_BATCH = 1024 * 1024  # bytes handed to a worker at a time
_SENTENCES = {
    Outcome.CREATED: "Uploaded {}.",
    Outcome.UNCHANGED: "{} is there already, with the same content.",
    Outcome.OVERWRITTEN: "Overwrote {}.",
}


class Uploads:
    """Takes uploads of at most *limit* bytes, the form included."""

    def __init__(self, store: Store, gate: Gate, limit: int) -> None:
        self._store = store
        self._gate = gate
        self._limit = limit
        self._workers = ThreadPoolExecutor(4 + (os.cpu_count() or 1), thread_name_prefix="upload")

    def routes(self) -> list[Route]:
        """Return the routes that take uploads: clients are configured with any of them."""
        paths = ("/legacy/", "/legacy", "/simple/", "/simple", "/")
        return [Route("POST", path, self.take, "upload") for path in paths]

    async def take(self, exchange: Exchange) -> Answer:
        """Answer a POST. Nothing of the body is read for a client that may not upload.

        Raises `BadUpload` and the other upload errors, `ClientGone` and ``OSError``; then the
        store is as it was.
        """
        await self._gate.admit(exchange, Action.UPLOAD)
        self._check_declared_size(exchange)
        loop = asyncio.get_running_loop()
        with self._store.incoming() as (stream, path):
            reader = FormReader(exchange.header(b"content-type"), stream)
            async for batch in self._batches(exchange):
                await loop.run_in_executor(self._workers, reader.feed, batch)
            form = reader.finish()
            outcome = await loop.run_in_executor(
                self._workers, self._keep, form, stream, path, _overwriting(exchange)
            )
        return text_answer(_SENTENCES[outcome].format(form.file_name))

    def _check_declared_size(self, exchange: Exchange) -> None:
        declared = exchange.header(b"content-length")
        if declared.isdigit() and int(declared) > self._limit:
            raise self._too_large()

    async def _batches(self, exchange: Exchange) -> AsyncIterator[bytes]:
        received = 0
        batch = bytearray()
        more = True
        while more:
            try:
                message = await asyncio.wait_for(exchange.receive(), _STALL)
            except asyncio.TimeoutError as error:
                raise UploadStalled(f"No more of the upload came for {_STALL:.0f} s.") from error
            if message["type"] == "http.disconnect":
                raise ClientGone
            batch += message.get("body", b"")
            more = message.get("more_body", False)
            if received + len(batch) > self._limit:
                raise self._too_large()
            if len(batch) >= _BATCH or not more:
                received += len(batch)
                yield bytes(batch)
                batch.clear()

    def _too_large(self) -> TooLarge:
        return TooLarge(f"The upload is larger than the {self._limit} bytes that are taken here.")

    def _keep(self, form: Form, stream: IO[bytes], path: Path, overwriting: Overwriting) -> Outcome:
        """Check the whole upload and store it. Runs in a worker."""
        if form.fields.get(":action") != "file_upload":
            raise BadUpload("The form's ':action' is not 'file_upload', the only one taken here.")
        name = parse_file_name(form.file_name)
        for wanted in ("name", "version"):
            if not form.fields.get(wanted):
                raise BadUpload(f"The form has no {wanted!r}.")
        check_agreement("form", form.fields["name"], form.fields["version"], name)
        _check_digests(form)
        stream.flush()
        distribution = inspect(path, name, form.digests["sha256"])
        make_durable(stream)
        return self._store.add(path, distribution, overwriting)


def _overwriting(exchange: Exchange) -> Overwriting:
    if exchange.header(OVERWRITE_HEADER).strip().lower() != "true":
        return Overwriting.NOT_ASKED
    user = exchange.user
    allowed = user is not None and user.may(Action.OVERWRITE)
    return Overwriting.ALLOWED if allowed else Overwriting.NOT_ALLOWED


def _check_digests(form: Form) -> None:
    for digest in DIGESTS:
        declared = form.fields.get(f"{digest}_digest", "").strip().lower()
        if declared and not hmac.compare_digest(declared.encode(), form.digests[digest].encode()):
            raise BadUpload(
                f"The {digest} digest of {form.file_name!a} is not the declared one: "
                f"the file was changed on its way."
            )
