"""Everything the registry refuses or cannot do.

::

    RegistryError               1
    ├── UsersError             96   the users' files, or what was asked of them
    │   ├── UserExists              a user of that name is there already
    │   ├── NoSuchUser              there is none of that name
    │   ├── InvalidUserName         a name that HTTP Basic or htpasswd cannot carry
    │   ├── InvalidPassword         a password that bcrypt or HTTP Basic cannot carry
    │   ├── InvalidRole             not reader, publisher or admin
    │   ├── TokenError              an API token that cannot be made or is not there
    │   └── UnreadableUsers         htpasswd or access.toml cannot be read or written
    ├── ImportFailed           94   another index's files cannot be taken over
    ├── InvalidSettings        95   the settings file cannot be read or makes no sense
    ├── UnusableData           97   the data directory cannot be used
    ├── PortInUse              98   another program has the port
    ├── CannotListen           99   the address cannot be listened on
    └── HttpError                   an answer to a client, with its status
        ├── BadUpload         400   the form, the file or its metadata are not as they must be
        │   ├── FileExists    400   another file of the same name is there
        │   ├── BadAttestations 400 they are malformed, too many, or not about the file
        │   │   └── NotSigned 400   those who must sign the project's files have not
        │   └── NotUploadable 400   the project takes no uploads: archived or quarantined
        ├── BadRequest        400   a request to the API that makes no sense
        ├── Unauthorized      401   a wrong or missing credential
        ├── Forbidden         403   the user is known and may not do this
        ├── NotFound          404
        │   └── NoSuchProject 404   in this index, for this user
        ├── MethodNotAllowed  405
        ├── NotAcceptable     406   no format that the client takes
        ├── UploadStalled     408   the body stopped coming
        ├── TooLarge          413   more bytes than this registry takes
        ├── NotAForm          415   an upload that is not multipart/form-data
        ├── BadRange          416   a Range that the file does not have
        ├── TooManyFailures   429   too many wrong passwords, for this address or this user
        ├── UpstreamFailed    502   the index behind this one did not answer as it should
        ├── Unavailable       503   the registry cannot answer for now
        │   └── Overloaded    503   too many passwords to check at a time
        └── StoreFull         507   no space left for the file

The numbers on the left are exit codes of the process, those on the right HTTP statuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


class RegistryError(Exception):
    """The root: one sentence for a person, and the exit code of a process that ends of it."""

    exit_code: ClassVar[int] = 1


class UsersError(RegistryError):
    """Something about the users or their files."""

    exit_code = 96


class UserExists(UsersError):
    """A user of that name is there already."""


class NoSuchUser(UsersError):
    """There is no user of that name."""


class InvalidUserName(UsersError):
    """A name that HTTP Basic or an htpasswd file cannot carry."""


class InvalidPassword(UsersError):
    """A password that bcrypt or HTTP Basic cannot carry."""


class InvalidRole(UsersError):
    """Not one of the roles."""


class UnreadableUsers(UsersError):
    """``htpasswd`` or ``access.toml`` cannot be read or written."""


class TokenError(UsersError):
    """An API token that cannot be made, or is not there."""


class ImportFailed(RegistryError):
    """The files of another index cannot be taken over."""

    exit_code = 94


class InvalidSettings(RegistryError):
    """The settings file cannot be read or makes no sense."""

    exit_code = 95


class UnusableData(RegistryError):
    """The data directory cannot be used."""

    exit_code = 97


class PortInUse(RegistryError):
    """Another program listens on the port."""

    exit_code = 98


class CannotListen(RegistryError):
    """The address cannot be listened on."""

    exit_code = 99


class HttpError(RegistryError):
    """An answer to a client: a status and one sentence."""

    status: ClassVar[int] = 500

    @property
    def headers(self) -> Sequence[tuple[bytes, bytes]]:
        """The headers that this status asks for."""
        return ()


class BadUpload(HttpError):
    """The form, the file or its metadata are not as they must be."""

    status = 400


class FileExists(BadUpload):
    """Another file of the same name is there."""


class BadAttestations(BadUpload):
    """The attestations of a file are malformed, too many, or not about it (PEP 740)."""


class NotSigned(BadAttestations):
    """Those who must sign the files of the project have not, or not all of them."""


class NotUploadable(BadUpload):
    """The project takes no uploads: it is archived or quarantined (PEP 792)."""


class BadRequest(HttpError):
    """A request to the API that makes no sense."""

    status = 400


class Unauthorized(HttpError):
    """A wrong or missing credential (RFC 7617)."""

    status = 401

    @property
    def headers(self) -> Sequence[tuple[bytes, bytes]]:
        """Ask for a credential."""
        return ((b"www-authenticate", b'Basic realm="Python package index", charset="UTF-8"'),)


class Forbidden(HttpError):
    """The user is known and may not do this."""

    status = 403


class NotFound(HttpError):
    """There is no such project, file or page."""

    status = 404


class NoSuchProject(NotFound):
    """There is no such project, or none that this user may know of."""

    @property
    def headers(self) -> Sequence[tuple[bytes, bytes]]:
        """What some indexes cannot: take a new project's first files at the same time."""
        return ((b"aegis-first-uploads", b"concurrent"),)


class MethodNotAllowed(HttpError):
    """The page is there, and does not take this method."""

    status = 405

    def __init__(self, message: str, allowed: str) -> None:
        super().__init__(message)
        self.allowed = allowed

    @property
    def headers(self) -> Sequence[tuple[bytes, bytes]]:
        """Name the methods that would do."""
        return ((b"allow", self.allowed.encode("ascii")),)


class NotAcceptable(HttpError):
    """No format that the client takes."""

    status = 406


class UploadStalled(HttpError):
    """The body stopped coming."""

    status = 408


class TooLarge(HttpError):
    """More bytes than this registry takes."""

    status = 413


class NotAForm(HttpError):
    """An upload that is not ``multipart/form-data``."""

    status = 415


class BadRange(HttpError):
    """A ``Range`` that the file, of *size* bytes, does not have."""

    status = 416

    def __init__(self, size: int) -> None:
        super().__init__(f"The file has {size} bytes, and not the range asked for.")
        self.size = size

    @property
    def headers(self) -> Sequence[tuple[bytes, bytes]]:
        """Tell the size."""
        return ((b"content-range", f"bytes */{self.size}".encode("ascii")),)


class TooManyFailures(HttpError):
    """Too many wrong passwords, for this address or this user; *seconds* until the next try."""

    status = 429

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds

    @property
    def headers(self) -> Sequence[tuple[bytes, bytes]]:
        """Say when to ask again."""
        return ((b"retry-after", str(self.seconds).encode("ascii")),)


class UpstreamFailed(HttpError):
    """The index behind this one did not answer as it should."""

    status = 502


class Unavailable(HttpError):
    """The registry cannot answer for now."""

    status = 503


class Overloaded(Unavailable):
    """More passwords are waiting to be checked than the registry takes at a time."""

    @property
    def headers(self) -> Sequence[tuple[bytes, bytes]]:
        """Say when to ask again, in seconds."""
        return ((b"retry-after", b"1"),)


class StoreFull(HttpError):
    """No space is left for the file."""

    status = 507
