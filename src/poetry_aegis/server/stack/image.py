"""What the registry's image is built of: this very code, and nothing of Poetry."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import poetry_aegis
from poetry_aegis.server.stack.templating import TEMPLATES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from poetry_aegis.server.config import ServerSettings

BUILT_FROM = "stack/image"
NAME = "poetry-aegis-registry"
# The registry stands alone: beside itself it needs only these.
MODULES = ("__init__.py", "atomic.py", "tables.py")
ROOMS = ("registry", "signatures")


def is_built(settings: ServerSettings) -> bool:
    """Return whether the engine's image is built in the home, rather than taken from somewhere."""
    return settings.engine == "registry" and not settings.images.registry


def image_name(settings: ServerSettings) -> str:
    """Return the image of the engine; one that is built is named for all that it is built of."""
    if settings.engine == "pypiserver":
        return settings.images.pypiserver
    return settings.images.registry or f"{NAME}:{_digest(settings.images.python)}"


@cache
def image_context() -> Mapping[str, bytes]:
    """Return the build context: the content of each file by its path, with slashes."""
    context = {
        "Dockerfile": _dockerfile(),
        "requirements.txt": (TEMPLATES / "requirements.txt").read_bytes(),
        "wheels/README.txt": (TEMPLATES / "wheels.txt").read_bytes(),
        **_distribution(),
    }
    package = Path(poetry_aegis.__file__).parent
    for path in _sources(package):
        context[f"src/poetry_aegis/{path.relative_to(package).as_posix()}"] = path.read_bytes()
    return MappingProxyType(context)


def _dockerfile() -> bytes:
    """Return the Dockerfile, with the version that Docker then tells of the image."""
    from poetry_aegis.registry.version import version

    return (TEMPLATES / "Dockerfile").read_bytes().replace(b"@VERSION@", version().encode())


def _sources(package: Path) -> Iterator[Path]:
    yield from (package / name for name in MODULES)
    for path in sorted(path for room in ROOMS for path in (package / room).rglob("*")):
        parts = path.relative_to(package).parts
        if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in parts):
            yield path


def _distribution() -> dict[str, bytes]:
    """Return what tells Python, and so the registry, which version this is."""
    from poetry_aegis.registry.version import version

    metadata = f"Metadata-Version: 2.1\nName: poetry-aegis\nVersion: {version()}\n"
    return {f"src/poetry_aegis-{version()}.dist-info/METADATA": metadata.encode()}


@cache
def _digest(base: str) -> str:
    """Return 12 hexadecimal digits that stand for the image's *base* and every file it is of."""
    digest = hashlib.sha256(f"{base}\0".encode())
    for path, content in sorted(image_context().items()):
        digest.update(f"{path}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:12]
