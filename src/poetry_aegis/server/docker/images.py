"""The images of a stack, and what is said where one cannot be had or built."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from poetry_aegis.errors import StackError
from poetry_aegis.server.redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

NONE_KNOWN: Mapping[str, str] = MappingProxyType({})
_SERVICE = re.compile(
    r"^  (?P<name>[\w.-]+):\n(?:(?: {4}.*)?\n)*?    image: *[\"']?(?P<image>[^\s\"']+)",
    re.MULTILINE,
)
# Compose 2 names the service whose image it pulls, Compose 5 the image.
_PULL = re.compile(
    r"^[^\w\n]*(?:Image )?(?P<name>[\w.@:/-]+) Error(?:[ \t]+(?P<reason>\S.*?))?[ \t]*$",
    re.MULTILINE,
)
_NAMED = re.compile(
    r"manifest for (?P<manifest>\S+) not found|failed to resolve reference \"(?P<reference>[^\"]+)"
    r"|pull access denied for (?P<denied>[^\s,]+)|[Nn]o such image: (?P<local>\S+)"
)
_IMAGE = re.compile("[:/@]")  # what the name of an image has, and that of a service has not
# When one image cannot be had, the other pulls are broken off, which Compose reports so.
_BROKEN_OFF = re.compile(r"Cannot connect to the Docker daemon|context canceled|^Interrupted")
_BUILD = re.compile(r"failed to (?:solve|build)|returned a non-zero code")
_BASE = re.compile(r"^[^\w\n>]*> \[.*\] load metadata for (?P<image>\S+?):?\s*$", re.MULTILINE)
_BASE_REASON = re.compile(r"^#\d+ ERROR: (?P<reason>.+)$", re.MULTILINE)
_PIP = re.compile(r"^#\d+ [\d.]+ ERROR: (?P<reason>.+)$", re.MULTILINE)
# What the step that failed printed; each line begins with when it did.
_STEP = re.compile(r"^------\n[^\w\n>]*> \[[^\n]*\n(?P<told>.*?)^------$", re.MULTILINE | re.DOTALL)
_WHEN = re.compile(r"^(?:#\d+ )?[\d.]+ ")

HOW_TO_PULL = "Name a mirror's under [images] in server.toml, or load it: docker load --input FILE"
HOW_TO_BUILD = (
    "Put the wheels into stack/image/wheels (see its README.txt), or set PIP_INDEX_URL to an index "
    "that can be reached, or name a finished image as registry under [images] in server.toml."
)


def images_of(compose_file: Path) -> dict[str, str]:
    """Return the images that a generated ``compose.yaml`` names, by service; none without it."""
    try:
        text = compose_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    return {found["name"]: found["image"] for found in _SERVICE.finditer(text)}


def image_failure(said: str, images: Mapping[str, str] = NONE_KNOWN) -> StackError | None:
    """Return the error for a docker that printed *said*, for want of an image; else ``None``.

    *images* are those of the services.
    """
    said = redacted(said)
    return _failed_build(said) if _BUILD.search(said) else _failed_pull(said, images)


def _failed_build(said: str) -> StackError:
    if base := _BASE.search(said):
        found = _BASE_REASON.search(said)
        reason = found["reason"] if found else ""
        return _not_had(f"{base['image']}, which the registry's is built from,", reason)
    reason = _why_not_built(said).strip().rstrip(".")
    return StackError(f"The image of the registry cannot be built: {reason}.", hint=HOW_TO_BUILD)


def _why_not_built(said: str) -> str:
    """Return what pip found wrong, else the last words of the step that failed, else of docker."""
    if reasons := [found["reason"] for found in _PIP.finditer(said)]:
        return reasons[-1]
    step = _STEP.search(said)
    lines = (step["told"] if step else "").strip().splitlines() or said.strip().splitlines()
    return _WHEN.sub("", lines[-1])


def _failed_pull(said: str, images: Mapping[str, str]) -> StackError | None:
    for name, reason in _pulls(said):
        service = name if name in images else _service_with(name, images)
        if service:
            return _not_had(f"{images[service]} of {service}", reason)
        return _not_had(name if _IMAGE.search(name) else f"of {name}", reason)
    return None


def _pulls(said: str) -> Iterator[tuple[str, str]]:
    """Yield what could not be pulled, a service or an image, and why."""
    for found in _PULL.finditer(said):
        reason = found["reason"] or ""
        if not _BROKEN_OFF.search(reason):
            yield found["name"], reason or said.strip().splitlines()[-1]
    for named in _NAMED.finditer(said):
        yield str(named[named.lastgroup or 0]), ""


def _service_with(image: str, images: Mapping[str, str]) -> str:
    """Return the service that runs *image*; empty for none. Docker may say less, or more, of it."""
    for service, wanted in images.items():
        if wanted == image or image.endswith(f"/{wanted}") or wanted.startswith(f"{image}:"):
            return service
    return ""


def _not_had(image: str, reason: str) -> StackError:
    told = f"Docker says: {reason.strip()}\n" if reason else ""
    return StackError(f"The image {image} cannot be had.", hint=f"{told}{HOW_TO_PULL}")
