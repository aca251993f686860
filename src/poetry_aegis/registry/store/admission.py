"""Whether a distribution may come into the store, and as what."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from poetry_aegis.registry.digests import sha256_of
from poetry_aegis.registry.errors import FileExists, Forbidden, NotUploadable
from poetry_aegis.registry.names import parse_file_name, version_of

if TYPE_CHECKING:
    from poetry_aegis.registry.archives.distributions import Distribution
    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.registry.names import DistributionName
    from poetry_aegis.registry.store.listing import Listing


class Outcome(Enum):
    """What became of an upload: *signed* is one of a file that is there, with more attestations."""

    CREATED = "created"
    UNCHANGED = "unchanged"
    SIGNED = "signed"
    OVERWRITTEN = "overwritten"


class Overwriting(Enum):
    """Whether an upload may take the place of another file of its name."""

    NOT_ASKED = "not asked"
    NOT_ALLOWED = "not allowed"
    ALLOWED = "allowed"


def decide(
    data: DataDirectory, distribution: Distribution, before: Listing, overwriting: Overwriting
) -> Outcome:
    """Return what an upload of *distribution* will be to a project that *before* tells of.

    Raises `NotUploadable` where the project takes none, `FileExists` where other bytes have the
    name, and `Forbidden` where overwriting them was asked for and is not allowed. A distribution
    that is there under another spelling of its name is `FileExists` in any case: it is overwritten
    only under the name it has. Raises ``OSError``.
    """
    name = distribution.name
    present = data.distribution(name.project, name.file_name)
    if present.exists():
        same_size = present.stat().st_size == distribution.size
        if same_size and sha256_of(present) == distribution.sha256:
            return Outcome.UNCHANGED
    if not before.takes_uploads:
        reason = f" ({before.status_reason})" if before.status_reason else ""
        raise NotUploadable(
            f"The project {name.project} is {before.status}{reason} and takes no uploads."
        )
    if not present.exists():
        _check_spelling(name, before)
        return Outcome.CREATED
    if overwriting is Overwriting.ALLOWED:
        return Outcome.OVERWRITTEN
    if overwriting is Overwriting.NOT_ALLOWED:
        raise Forbidden(
            f"File already exists: {name.file_name}, with other content, "
            f"and only an admin may overwrite it."
        )
    raise FileExists(f"File already exists: {name.file_name}, with other content.")


def _check_spelling(name: DistributionName, listing: Listing) -> None:
    """Raise `FileExists` where *listing* has the distribution under another name."""
    for file in listing.files:
        # To take a name apart costs much, and mostly the version tells.
        if version_of(file.version) != name.version:
            continue
        if parse_file_name(file.file_name).names_the_same(name):
            raise FileExists(
                f"File already exists: {file.file_name}, of which {name.file_name} is another "
                f"spelling."
            )
