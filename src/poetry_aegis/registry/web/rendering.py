"""The templates, and what they are filled with besides their page."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from poetry_aegis.registry.times import parse_moment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from jinja2 import Environment

_HERE = Path(__file__).parent
_MEDIA_TYPES = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Visit:
    """Who looks from where.

    *root* leads from the page to the index's first page, relative; *base_url* is that page's
    address as the client has it, without the slash at its end. *query* is what was searched for.
    """

    root: str
    base_url: str
    user: str | None = None
    may_audit: bool = False
    query: str = ""


@dataclass(frozen=True)
class Static:
    """A file that pages load. *name* changes with its content, so that it can be kept for good."""

    name: str
    media_type: str
    content: bytes


def rendered(template: str, visit: Visit, /, **values: Any) -> bytes:
    """Return the page made from *template*. Everything in *values* is escaped, but for Markup."""
    return _environment().get_template(template).render(visit=visit, **values).encode()


@cache
def static_files() -> Mapping[str, Static]:
    """Return the files that pages load, by name."""
    return {file.name: file for file in map(_static, sorted((_HERE / "static").iterdir()))}


def _static(path: Path) -> Static:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:12]
    return Static(f"{path.stem}.{digest}{path.suffix}", _MEDIA_TYPES[path.suffix], content)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {
        "day": _day, "moment": _moment, "size": _size, "number": _number, "path": _path
    }  # fmt: skip
    environment.globals["static"] = {
        name.partition(".")[0] + Path(name).suffix: f"static/{name}" for name in static_files()
    }
    return environment


def _day(when: str | date) -> str:
    """Return ``23 Nov 2026``, whatever language the process speaks."""
    moment = parse_moment(when) if isinstance(when, str) else when
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}" if moment else ""


def _moment(when: str) -> str:
    moment = parse_moment(when)
    return f"{_day(moment)}, {moment:%H:%M:%S}" if moment else when


def _size(count: int) -> str:
    """Return a number of bytes as people read it: ``4.2 MiB``."""
    if count < 1024:
        return f"{count} B"
    power = next((power for power in (1, 2, 3) if count < 1023.95 * 1024**power), 4)
    return f"{count / 1024**power:.1f} {('KiB', 'MiB', 'GiB', 'TiB')[power - 1]}"


def _number(count: int, noun: str) -> str:
    """Return ``1 file`` or ``1,200 files``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _path(segment: str) -> str:
    """Return *segment* as one segment of a URL's path."""
    return quote(segment, safe="")


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
