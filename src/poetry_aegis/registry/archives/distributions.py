"""A distribution file, looked into: what the index stores and tells of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.registry.archives.metadata import parse_core_metadata
from poetry_aegis.registry.archives.reading import read_core_metadata
from poetry_aegis.registry.store.listing import ListedFile, timestamp

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.registry.names import DistributionName


@dataclass(frozen=True)
class Distribution:
    """A wheel or sdist that is safe to unpack and agrees with its name. *size* is in bytes.

    *core_metadata* is its METADATA or PKG-INFO, as it stands in the archive.
    """

    name: DistributionName
    sha256: str
    size: int
    core_metadata: bytes
    requires_python: str | None

    @property
    def advertised(self) -> bool:
        """Whether installers may rely on the metadata without the file (PEP 658): on a wheel's.

        An sdist's may yet change when it is built.
        """
        return self.name.kind == "wheel"

    def listed(self, uploaded: float) -> ListedFile:
        """Return the file as its project page shows it; *uploaded* is in seconds since 1970."""
        digest = hashlib.sha256(self.core_metadata).hexdigest()
        return ListedFile(
            file_name=self.name.file_name,
            version=str(self.name.version),
            sha256=self.sha256,
            size=self.size,
            upload_time=timestamp(uploaded),
            metadata_sha256=digest if self.advertised else None,
            requires_python=self.requires_python,
        )


def inspect(path: Path, name: DistributionName, sha256: str) -> Distribution:
    """Return the distribution in *path*, whose name will be *name* and whose digest is known.

    Raises `BadUpload` for an archive or metadata that an index must not take, and ``OSError``.
    """
    content = read_core_metadata(path, name)
    metadata = parse_core_metadata(content, name)
    return Distribution(
        name=name,
        sha256=sha256,
        size=path.stat().st_size,
        core_metadata=content,
        requires_python=metadata.requires_python,
    )
