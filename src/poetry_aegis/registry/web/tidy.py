"""Fits a description's sanitised HTML into a page that is strict about what it shows."""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser

_VOID = {"br", "hr", "img", "input", "col"}
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_PREFIX = "user-content-"
_LINK = re.compile(r"(?:https?://|mailto:|#)\S", re.IGNORECASE)
_HIGHLIGHT = re.compile(r"[a-z][a-z0-9]{0,2}")  # what the highlighter calls its kinds of tokens
_KEPT = {"title", "align", "colspan", "rowspan", "start"}
_FIRST_LEVEL = 3  # of headings: the page has two above it

Attributes = list[tuple[str, "str | None"]]


def tidied(html: str) -> str:
    """Return *html*, which is sanitised and balanced already, as it fits into a project page.

    Headings go below those of the page and skip no level. Images, which would be fetched from
    elsewhere, become links. Names have a prefix, classes are only those of highlighted code, links
    to files beside the description lose their address, and what scrolls can be reached by keys.
    """
    tidy = _Tidy()
    tidy.feed(html)
    tidy.close()
    return "".join(tidy.parts)


class _Tidy(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._level = _FIRST_LEVEL - 1
        self._open_headings: list[int] = []
        self._links: list[bool] = []  # those that are open, and whether they are shown

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        if tag == "img":
            self._image(dict(attrs))
        elif tag == "input":
            self.parts.append("☑ " if "checked" in dict(attrs) else "☐ ")
        elif tag in _HEADINGS:
            self._heading(_HEADINGS[tag], attrs)
        elif tag == "a":
            self._link(attrs)
        else:
            before = '<div class="scroll" tabindex="0">' if tag == "table" else ""
            focus = ' tabindex="0"' if tag == "pre" else ""
            self.parts.append(f"{before}<{tag}{_attributes(tag, attrs)}{focus}>")

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        if tag in _HEADINGS:
            level = self._open_headings.pop() if self._open_headings else self._level
            self.parts.append(f"</h{level}>")
        elif tag == "a":
            is_shown = not self._links or self._links.pop()
            self.parts.append("</a>" if is_shown else "</span>")
        else:
            self.parts.append(f"</{tag}>{'</div>' if tag == 'table' else ''}")

    def handle_data(self, data: str) -> None:
        self.parts.append(escape(data, quote=False))

    def _heading(self, given: int, attrs: Attributes) -> None:
        self._level = min(given + _FIRST_LEVEL - 1, self._level + 1, 6)
        self._open_headings.append(self._level)
        self.parts.append(f"<h{self._level}{_attributes('h', attrs)}>")

    def _link(self, attrs: Attributes) -> None:
        # A heading's link to itself has no text to read out, and no link can be in another.
        to_itself = (dict(attrs).get("href") or "").startswith("#") and self._open_headings
        is_shown = not (to_itself or any(self._links))
        self._links.append(is_shown)
        self.parts.append(f"<a{_attributes('a', attrs)}>" if is_shown else "<span>")

    def _image(self, attributes: dict[str, str | None]) -> None:
        text = escape((attributes.get("alt") or "").strip() or "image", quote=False)
        source = attributes.get("src") or ""
        if self._links or not _LINK.match(source) or source.startswith("#"):
            self.parts.append(f"[{text}]")
        else:
            self.parts.append(f'<a href="{escape(source)}" rel="nofollow">[{text}]</a>')


def _attributes(tag: str, attrs: Attributes) -> str:
    kept = {name: value or "" for name, value in attrs if name in _KEPT}
    given = {name: value or "" for name, value in attrs}
    if name := given.get("id"):
        kept["id"] = _named(name)
    if tag == "a" and _LINK.match(given.get("href", "")):
        address = given["href"]
        kept["href"] = f"#{_named(address[1:])}" if address.startswith("#") else address
        kept["rel"] = "nofollow"
    if tag == "span" and _HIGHLIGHT.fullmatch(given.get("class", "")):
        kept["class"] = given["class"]
    return "".join(f' {name}="{escape(value)}"' for name, value in kept.items())


def _named(name: str) -> str:
    return name if name.startswith(_PREFIX) else f"{_PREFIX}{name}"
