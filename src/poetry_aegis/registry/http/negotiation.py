"""Content negotiation of the simple API (PEP 691, RFC 9110)."""

from __future__ import annotations

from enum import Enum
from functools import lru_cache

from poetry_aegis.registry.store.pages import HTML_PAGE, JSON_PAGE

_VENDOR = "application/vnd.pypi.simple"


class Format(Enum):
    """A format of the pages: its media type, and the file that is rendered in it.

    In the order of preference among what a client takes equally: a client that says nothing, or
    ``*/*``, gets the HTML that it got before there was JSON.
    """

    HTML = ("text/html", HTML_PAGE)
    HTML_V1 = (f"{_VENDOR}.v1+html", HTML_PAGE)
    JSON_V1 = (f"{_VENDOR}.v1+json", JSON_PAGE)

    @property
    def media_type(self) -> str:
        """The media type without parameters."""
        return self.value[0]

    @property
    def page(self) -> str:
        """The name of the rendered file."""
        return self.value[1]

    @property
    def content_type(self) -> bytes:
        """The value of the ``Content-Type`` header."""
        charset = "; charset=utf-8" if self is Format.HTML else ""
        return f"{self.media_type}{charset}".encode()


_LATEST = {f"{_VENDOR}.latest+html": Format.HTML_V1, f"{_VENDOR}.latest+json": Format.JSON_V1}
_BY_MEDIA_TYPE = {form.media_type: form for form in Format} | _LATEST


@lru_cache(maxsize=512)
def negotiate(accept: str, asked: str | None = None) -> Format | None:
    """Return the format for an ``Accept`` header, or the one *asked* for by ``?format=``.

    ``None`` where the client takes none of them.
    """
    if asked is not None:
        return _BY_MEDIA_TYPE.get(asked.strip().lower())
    ranges = _media_ranges(accept) or {"*/*": 1.0}
    weights = {form: _weight(form, ranges) for form in Format}
    best = max(weights.values())
    return next(form for form in Format if weights[form] == best) if best > 0 else None


@lru_cache(maxsize=512)
def takes_gzip(accept_encoding: str) -> bool:
    """Tell whether an ``Accept-Encoding`` header allows gzip."""
    weights = _media_ranges(accept_encoding)
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _media_ranges(header: str) -> dict[str, float]:
    """Return each entry of the header, its parameters dropped, with its weight."""
    ranges: dict[str, float] = {}
    for entry in header.lower().split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        if name:
            ranges[name] = _quality(parameters)
    return ranges


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def _weight(form: Format, ranges: dict[str, float]) -> float:
    """Return the weight of the most specific entry that covers *form*."""
    latest = [name for name, known in _LATEST.items() if known is form]
    group = form.media_type.partition("/")[0]
    for name in (form.media_type, *latest, f"{group}/*", "*/*"):
        if name in ranges:
            return ranges[name]
    return 0.0
