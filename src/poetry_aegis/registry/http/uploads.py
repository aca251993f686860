"""The legacy upload API: one form, one file; and the other actions that such a form may ask for."""

from __future__ import annotations

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import IO, TYPE_CHECKING

from poetry_aegis.atomic import make_durable
from poetry_aegis.registry.archives.distributions import inspect
from poetry_aegis.registry.errors import (
    BadAttestations,
    BadUpload,
    HttpError,
    NotFound,
    TooLarge,
    UploadStalled,
)
from poetry_aegis.registry.http.claims import check_digests, check_form, provenance_in, required
from poetry_aegis.registry.http.events import event_of
from poetry_aegis.registry.http.exchange import Answer, ClientGone, Exchange, text_answer
from poetry_aegis.registry.http.form import FILE, Form, FormReader
from poetry_aegis.registry.http.routing import Route
from poetry_aegis.registry.names import is_project_name, normalized, parse_file_name
from poetry_aegis.registry.people.identity import Action
from poetry_aegis.registry.signers import Signers
from poetry_aegis.registry.space import require_space
from poetry_aegis.registry.store.admission import Outcome, Overwriting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from starlette.types import Message

    from poetry_aegis.registry.http.gate import Gate
    from poetry_aegis.registry.names import DistributionName
    from poetry_aegis.registry.options import RegistrySettings
    from poetry_aegis.registry.state.audit import AuditTrail
    from poetry_aegis.registry.store.store import Store

OVERWRITE_HEADER = b"aegis-overwrite"

_STALL = 60.0  # seconds without a byte until an upload is given up
_SLOWEST = 1024  # bytes a second, on the average, from then on
_BATCH = 1024 * 1024  # bytes handed to a worker at a time
_UPLOAD = "file_upload"
_SENTENCES = {
    Outcome.CREATED: "Uploaded {}.",
    Outcome.UNCHANGED: "{} is there already, with the same content.",
    Outcome.SIGNED: "{} is there already, with the same content; its attestations were added.",
    Outcome.OVERWRITTEN: "Overwrote {}.",
}
_AUDITED = {Outcome.CREATED: "upload", Outcome.SIGNED: "sign", Outcome.OVERWRITTEN: "overwrite"}


def _count_nothing(_outcome: str) -> None:
    pass


class Uploads:
    """Takes upload forms.

    Each file that comes in or goes is recorded in *audit*, and each that *signers* keep out.
    *on_outcome* is told what became of each upload: the value of an `Outcome`, ``refused`` or
    ``failed``.
    """

    def __init__(
        self,
        store: Store,
        gate: Gate,
        settings: RegistrySettings,
        audit: AuditTrail | None = None,
        on_outcome: Callable[[str], None] = _count_nothing,
    ) -> None:
        self._store = store
        self._gate = gate
        self._limit = settings.max_upload_bytes
        self._require_space = partial(require_space, store.data.root, settings.minimum_free_bytes)
        self._overwrites = settings.overwrite
        self._audit = audit
        self._on_outcome = on_outcome
        self.signers = Signers.of(settings.signatures)
        self._workers = ThreadPoolExecutor(4 + (os.cpu_count() or 1), thread_name_prefix="upload")

    def close(self) -> None:
        """Return when the uploads under way are done."""
        self._workers.shutdown()

    def routes(self) -> list[Route]:
        """Return the routes that take uploads: clients are configured with any of them."""
        paths = ("/legacy/", "/legacy", "/simple/", "/simple", "/")
        return [Route("POST", path, self.take, "upload") for path in paths]

    async def take(self, exchange: Exchange) -> Answer:
        """Answer a POST. Nothing of the body is read for a client that may not upload.

        Nor where there is no space for it, and no more than its beginning for a project that the
        client may not upload to. Raises `BadUpload` and the other upload errors, `StoreFull`,
        `ClientGone` and ``OSError``; then the store is as it was.
        """
        fields: Mapping[str, str] = {}
        loop = asyncio.get_running_loop()
        try:
            await self._gate.admit(exchange, Action.UPLOAD)
            declared = self._declared_size(exchange)
            await loop.run_in_executor(self._workers, self._require_space, declared)
            with self._store.incoming() as (stream, path):
                reader = FormReader(exchange.header(b"content-type"), stream)
                fields = reader.fields
                async for batch in self._batches(exchange):
                    await loop.run_in_executor(self._workers, self._take_in, reader, batch)
                    self._check_right(exchange, fields)
                form = reader.finish()
                sentence = await loop.run_in_executor(
                    self._workers, self._act, exchange, form, stream, path
                )
        except Exception as error:
            # A refusal is where the registry did as it should, and the client did not.
            refused = isinstance(error, HttpError) and error.status < 500
            if fields.get(":action", _UPLOAD) == _UPLOAD:
                self._on_outcome("refused" if refused else "failed")
            raise
        return text_answer(sentence)

    def _take_in(self, reader: FormReader, batch: bytes) -> None:
        """Write a piece of the body. Others may have taken the space since the first of them."""
        self._require_space(len(batch))
        reader.feed(batch)

    def _declared_size(self, exchange: Exchange) -> int:
        """Return the bytes that the request says it has, 0 where it does not."""
        declared = exchange.header(b"content-length")
        size = int(declared) if declared.isdigit() else 0
        if size > self._limit:
            raise self._too_large()
        return size

    def _check_right(self, exchange: Exchange, fields: Mapping[str, str]) -> None:
        """Ask for the right to the project as soon as its name has come.

        What is in the file is asked about again: the name may be a lie, or come last.
        """
        name = fields.get("name", "")
        if fields.get(":action") == _UPLOAD and is_project_name(name):
            self._gate.require(exchange, Action.UPLOAD, normalized(name))

    async def _batches(self, exchange: Exchange) -> AsyncIterator[bytes]:
        began = time.monotonic()
        received = 0
        batch = bytearray()
        more = True
        while more:
            message = await _next_message(exchange)
            batch += message.get("body", b"")
            more = message.get("more_body", False)
            if received + len(batch) > self._limit:
                raise self._too_large()
            if received + len(batch) < (time.monotonic() - began - _STALL) * _SLOWEST:
                raise UploadStalled(f"The upload came at less than {_SLOWEST} bytes a second.")
            if len(batch) >= _BATCH or not more:
                received += len(batch)
                yield bytes(batch)
                batch.clear()

    def _too_large(self) -> TooLarge:
        return TooLarge(f"The upload is larger than the {self._limit} bytes that are taken here.")

    def _act(self, exchange: Exchange, form: Form, stream: IO[bytes], path: Path) -> str:
        """Do what a whole form asks for and return the sentence to answer. Runs in a worker."""
        match form.fields.get(":action", ""):
            case "file_upload":
                return self._keep(exchange, form, stream, path)
            case "remove_pkg":
                return self._remove(exchange, form)
            case "submit" | "verify":
                return "There is nothing to register: a project begins with its first upload."
            case action:
                raise BadUpload(
                    f"The form's ':action' is {action!a}; taken here are 'file_upload' and "
                    f"'remove_pkg'."
                )

    def _keep(self, exchange: Exchange, form: Form, stream: IO[bytes], path: Path) -> str:
        """Check the whole upload and store it."""
        if form.file is None:
            raise BadUpload(f"The form has no file in the field {FILE!r}.")
        name = parse_file_name(form.file.name)
        self._gate.require(exchange, Action.UPLOAD, name.project)
        check_form(form, name)
        check_digests(form, form.file)
        sha256 = form.file.digests["sha256"]
        admitted = partial(self.signers.admit, name, sha256)
        try:
            provenance = provenance_in(form, name, sha256)
            stream.flush()
            distribution = inspect(path, name, sha256)
            make_durable(stream)
            overwriting = self._overwriting(exchange, name.project)
            outcome = self._store.add(path, distribution, overwriting, provenance, joined=admitted)
        except BadAttestations as refusal:
            self._record(exchange, "upload-refused", name, str(refusal))
            raise
        if outcome in _AUDITED:
            account = self.signers.account(name, sha256, provenance)
            self._record(exchange, _AUDITED[outcome], name, account)
        self._on_outcome(outcome.value)
        return _SENTENCES[outcome].format(name.file_name)

    def _overwriting(self, exchange: Exchange, project: str) -> Overwriting:
        asked = exchange.header(OVERWRITE_HEADER).strip().lower() == "true"
        if not asked or not self._overwrites:
            return Overwriting.NOT_ASKED
        allowed = self._gate.may(exchange, Action.OVERWRITE, project)
        return Overwriting.ALLOWED if allowed else Overwriting.NOT_ALLOWED

    def _remove(self, exchange: Exchange, form: Form) -> str:
        """Delete all files of a version."""
        name, version = required(form, "name"), required(form, "version")
        if not is_project_name(name):
            raise BadUpload("The form's 'name' is not a project's.")
        project = normalized(name)
        self._gate.require(exchange, Action.DELETE, project)
        files = [file.file_name for file in self._store.listing(project).files_of(version)]
        if not files:
            raise NotFound(f"There is no version {version[:200]!a} of the project {project}.")
        self._store.delete_files(project, files)
        for file in files:
            self._record(exchange, "delete-file", parse_file_name(file))
        return f"Deleted {', '.join(files)}."

    def _record(
        self, exchange: Exchange, action: str, name: DistributionName, detail: str = ""
    ) -> None:
        if self._audit is not None:
            self._audit.record(event_of(exchange, action, name.project, name.file_name, detail))


async def _next_message(exchange: Exchange) -> Message:
    try:
        message = await asyncio.wait_for(exchange.receive(), _STALL)
    except asyncio.TimeoutError as error:
        raise UploadStalled(f"No more of the upload came for {_STALL:.0f} s.") from error
    if message["type"] == "http.disconnect":
        raise ClientGone
    return message
