"""Reads an upload's form as it streams in: fields to memory, the file to disk and digests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from poetry_aegis.registry.digests import Digests
from poetry_aegis.registry.errors import BadUpload, NotAForm

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = "content"
DIGESTS = ("md5", "sha256", "blake2_256")

# The fields that this index looks at, and the most bytes of each. The others are in the file's own
# metadata, or, as gpg_signature, comment and pyversion, of no use to anybody: taken and dropped.
_KEPT = {
    ":action": 100,
    "protocol_version": 100,
    "name": 4096,
    "version": 4096,
    "filetype": 100,
    "attestations": 2 * 1024 * 1024,
    **{f"{digest}_digest": 4096 for digest in DIGESTS},
}
_MOST_PARTS = 20_000  # each classifier and each requirement is one
_MOST_TEXT = 16 * 1024 * 1024  # bytes of all fields; a description may be long


@dataclass(frozen=True)
class UploadedFile:
    """The file of a form. *digests* are those of the bytes received, in hexadecimal."""

    name: str
    digests: Mapping[str, str]


@dataclass(frozen=True)
class Form:
    """A whole upload form; *file* is ``None`` where it has none."""

    fields: Mapping[str, str]
    file: UploadedFile | None


@dataclass
class _Part:
    name: str
    file_name: str | None
    value: bytearray = field(default_factory=bytearray)


class FormReader:
    """Takes the pieces of a ``multipart/form-data`` body and writes its file to *sink*.

    Methods raise `BadUpload` for a form that no upload client sends, and ``OSError``.
    """

    def __init__(self, content_type: str, sink: IO[bytes]) -> None:
        """Begin. Raises `NotAForm`."""
        media_type, parameters = parse_options_header(content_type)
        boundary = parameters.get(b"boundary", b"")
        if media_type != b"multipart/form-data" or not boundary:
            raise NotAForm("An upload is a multipart/form-data request with a boundary.")
        self._sink = sink
        self._digests = Digests()
        self._fields: dict[str, str] = {}
        self._file_name: str | None = None
        self._headers: dict[bytes, bytes] = {}
        self._header: tuple[bytearray, bytearray] = (bytearray(), bytearray())
        self._part: _Part | None = None
        self._parts = 0
        self._text = 0
        self._ended = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": self._add_header_name,
                    "on_header_value": self._add_header_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._add_data,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise NotAForm("The boundary of the form is longer than one may be.") from error

    @property
    def fields(self) -> Mapping[str, str]:
        """The fields that have come whole so far; it grows with what is fed."""
        return self._fields

    def feed(self, data: bytes) -> None:
        """Take the next piece of the body."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise BadUpload("The form of the upload is malformed.") from error

    def finish(self) -> Form:
        """Return the form after the last piece."""
        if not self._ended:
            raise BadUpload("The upload ended before its form did.")
        if self._file_name is None:
            return Form(self._fields, None)
        return Form(self._fields, UploadedFile(self._file_name, self._digests.hexdigests()))

    def _begin_part(self) -> None:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise BadUpload(f"The form has more than {_MOST_PARTS} fields.")
        self._headers = {}

    def _add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def _add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def _end_header(self) -> None:
        name, value = self._header
        self._headers[bytes(name).lower()] = bytes(value)
        self._header = (bytearray(), bytearray())

    def _end_headers(self) -> None:
        _, parameters = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = _text(parameters.get(b"name"))
        if name is None:
            raise BadUpload("The form has a field without a name.")
        file_name = _text(parameters.get(b"filename"))
        if name == FILE:
            if self._file_name is not None:
                raise BadUpload(f"The form has the field {FILE!r} twice.")
            if not file_name:
                raise BadUpload("The uploaded file has no name.")
            self._file_name = file_name
        elif name in self._fields:
            raise BadUpload(f"The form has the field {name!r} twice.")
        self._part = _Part(name, file_name)

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        if part is not None and part.name == FILE:
            # Copied once: a view would do, but the parser's buffer is not always bytes.
            piece = data[start:end]
            self._sink.write(piece)
            self._digests.update(piece)
            return
        self._text += end - start
        if self._text > _MOST_TEXT:
            raise BadUpload(f"The fields of the form have more than {_MOST_TEXT} bytes.")
        if part is not None and part.name in _KEPT:
            part.value += data[start:end]
            if len(part.value) > _KEPT[part.name]:
                raise BadUpload(f"The field {part.name!r} has more than {_KEPT[part.name]} bytes.")

    def _end_part(self) -> None:
        if self._part is not None and self._part.name in _KEPT:
            text = _text(bytes(self._part.value))
            if text is None:
                raise BadUpload(f"The field {self._part.name!r} is not UTF-8 text.")
            self._fields[self._part.name] = text
        self._part = None

    def _end(self) -> None:
        self._ended = True


def _text(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode("utf-8")
    except UnicodeDecodeError:
        return None
