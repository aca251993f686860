"""Project pages of another index: read from what it sends, and shown as ours are.

Read with mousebender: PEP 503 and PEP 691, with PEPs 592, 658, 700, 714 and 792. What an index
sends is not believed to be well-formed: an entry that is not as it must be is left out.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urldefrag, urljoin, urlsplit

from poetry_aegis.registry.errors import BadUpload
from poetry_aegis.registry.names import METADATA_SUFFIX, parse_file_name
from poetry_aegis.registry.store.listing import API_VERSION, STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterable

_UNSIZED_API_VERSION = "1.0"  # PEP 700 asks for the size of each file from 1.1 on.
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z")
_LONGEST_TEXT = 1000  # characters of a reason or a specifier
_LONGEST_ADDRESS = 4000


@dataclass(frozen=True)
class UpstreamFile:
    """A distribution of another index, and the *address* it is fetched from.

    *size* is in bytes, *upload_time* as PEP 700 writes it; an index need not tell either.
    """

    file_name: str
    version: str
    address: str
    sha256: str
    size: int | None = None
    upload_time: str | None = None
    metadata_sha256: str | None = None
    requires_python: str | None = None
    yanked: str | None = None

    @property
    def metadata_address(self) -> str:
        """Where its core metadata are: beside the file (PEP 658), whatever query leads there."""
        parts = urlsplit(self.address)
        return parts._replace(path=f"{parts.path}{METADATA_SUFFIX}").geturl()

    def to_json(self, project: str) -> dict[str, Any]:
        """Return the file as PEP 691 has it, its address relative to the page and on this host."""
        metadata = None if self.metadata_sha256 is None else {"sha256": self.metadata_sha256}
        known = {
            "size": self.size,
            "upload-time": self.upload_time,
            "core-metadata": metadata,  # PEP 714: pip 22.3 to 23.1 bears no other name of it
            "requires-python": self.requires_python,
        }
        return {
            "filename": self.file_name,
            "url": f"../../upstream/{project}/{self.file_name}",
            "hashes": {"sha256": self.sha256},
            "yanked": self.yanked or self.yanked is not None,
            **{key: value for key, value in known.items() if value is not None},
        }


@dataclass(frozen=True)
class UpstreamPage:
    """A project of another index. *hidden* counts the entries of its page that were left out."""

    project: str
    files: tuple[UpstreamFile, ...] = ()
    status: str = "active"
    status_reason: str | None = None
    hidden: int = 0

    def with_files(self, files: Iterable[UpstreamFile]) -> UpstreamPage:
        """Return the page with other files."""
        return replace(self, files=tuple(files))

    @property
    def api_version(self) -> str:
        """The version of the simple API that the page fulfils."""
        sized = all(file.size is not None for file in self.files)
        return API_VERSION if sized else _UNSIZED_API_VERSION

    def to_json(self) -> dict[str, Any]:
        """Return the page as PEP 691 has it."""
        from packaging.version import Version

        return {
            "meta": {"api-version": self.api_version},
            "name": self.project,
            "project-status": {
                "status": self.status,
                **({} if self.status_reason is None else {"reason": self.status_reason}),
            },
            "versions": sorted({file.version for file in self.files}, key=Version),
            "files": [file.to_json(self.project) for file in self.files],
        }

    def record(self) -> dict[str, Any]:
        """Return all that `read_record` needs, as JSON has it."""
        return asdict(self)


def read_page(body: bytes, content_type: str, address: str, project: str) -> UpstreamPage:
    """Return the page of *project* that came from *address*.

    Left out are files without a sha256, which nothing could be checked against, and those whose
    name is not that of a wheel or sdist (``.tar.gz``) of the project. Raises ``ValueError`` for
    what is no project page.
    """
    simple = _mousebender()
    media_type = content_type.partition(";")[0].strip().lower()
    try:
        page = simple.parse_project_details(body.decode("utf-8"), media_type, project)
        _require_version(page)
        entries = list(page["files"])
        files: dict[str, UpstreamFile] = {}
        for entry in entries:
            if (file := _read_file(entry, address, project)) is not None:
                files.setdefault(file.file_name, file)
        status, reason = _read_status(page.get("project-status"))
    except (simple.UnsupportedAPIVersion, simple.UnsupportedMIMEType) as error:
        raise ValueError(str(error)) from error
    except (AssertionError, AttributeError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"not a project page: {error!r}") from error
    offered = () if status == "quarantined" else tuple(files.values())
    return UpstreamPage(project, offered, status, reason, hidden=len(entries) - len(files))


def read_record(record: dict[str, Any]) -> UpstreamPage:
    """Return the page of a `UpstreamPage.record`. Raises ``KeyError`` and ``TypeError``."""
    files = tuple(UpstreamFile(**file) for file in record["files"])
    return UpstreamPage(**{**record, "files": files})


def web_address(base: str, reference: str) -> str | None:
    """Return where *reference* leads from the page *base*, ``None`` where nobody may follow.

    That is anywhere but a host by http or https, from https to http, and an address that carries
    a credential. A fragment is for browsers, and is left out.
    """
    if not reference:
        return None
    try:
        address, _ = urldefrag(urljoin(base, reference))
        parts = urlsplit(address)
        _ = parts.port  # Read where it is no number.
    except ValueError:
        return None
    is_plain = address.isascii() and len(address) <= _LONGEST_ADDRESS
    is_downgrade = parts.scheme == "http" and urlsplit(base).scheme == "https"
    leads_on = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    return address if is_plain and leads_on and not is_downgrade else None


def _mousebender() -> Any:
    from mousebender import simple

    # A page of a newer minor version is read, too: what it adds is left alone (PEP 629).
    warnings.filterwarnings("ignore", category=simple.APIVersionWarning)
    return simple


def _require_version(page: dict[str, Any]) -> None:
    version = str(page["meta"]["api-version"])
    if version.partition(".")[0] != "1":
        raise ValueError(f"a project page of version {version[:20]!a}")


def _read_file(entry: dict[str, Any], page_address: str, project: str) -> UpstreamFile | None:
    try:
        name = parse_file_name(entry["filename"])
        address = web_address(page_address, entry["url"])
        sha256 = _digest(entry["hashes"])
    except (BadUpload, AttributeError, KeyError, TypeError):
        return None
    if address is None or sha256 is None or name.project != project:
        return None
    metadata = entry.get("core-metadata", entry.get("dist-info-metadata"))
    return UpstreamFile(
        file_name=name.file_name,
        version=str(name.version),
        address=address,
        sha256=sha256,
        size=_size(entry.get("size")),
        upload_time=_upload_time(entry.get("upload-time")),
        # Without a digest nothing could be checked against it, so it is not relayed.
        metadata_sha256=_digest(metadata),
        requires_python=_text(entry.get("requires-python")),
        yanked=_yank_reason(entry.get("yanked", False)),
    )


def _digest(digests: object) -> str | None:
    sha256 = digests.get("sha256") if isinstance(digests, dict) else None
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256.lower()):
        return None
    return sha256.lower()


def _size(size: object) -> int | None:
    return size if type(size) is int and size >= 0 else None


def _upload_time(text: object) -> str | None:
    """Return *text* where it is a moment in UTC."""
    if not isinstance(text, str) or not _MOMENT.fullmatch(text):
        return None
    try:
        datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007 -- only whether it is one
    except ValueError:
        return None
    return text


def _text(value: object) -> str | None:
    """Return *value* where it is text, without the half characters that JSON lets through."""
    if not isinstance(value, str):
        return None
    return value[:_LONGEST_TEXT].encode("utf-8", "replace").decode("utf-8")


def _yank_reason(yanked: object) -> str | None:
    return _text(yanked) if isinstance(yanked, str) else ("" if yanked else None)


def _read_status(marker: object) -> tuple[str, str | None]:
    if not isinstance(marker, dict) or marker.get("status") not in STATUSES:
        return "active", None
    return str(marker["status"]), _text(marker.get("reason"))
