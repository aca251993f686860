"""Descriptions: rendered, sanitised, fitted into the page, and stopped when they take too long."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING

import nh3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.registry.web.metadata import ProjectMetadata
from poetry_aegis.registry.web.readme import (
    MARKDOWN,
    PLAIN,
    RST,
    Readmes,
    content_type,
    render,
)
from poetry_aegis.registry.web.tidy import tidied

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = """
# Title <script>alert(1)</script>
### Skipped a level
<img src="https://elsewhere.example/pixel.gif" onerror="alert(1)" alt="a pixel">
[![badge](https://elsewhere.example/badge.svg)](https://ci.example.com)
[script](javascript:alert(1)) [beside](docs/guide.md) [below](#title)
<a href="https://x.example" onclick="alert(1)" style="position:fixed">over</a>
<div class="banner quarantined" id="q" style="color:red">This project is safe.</div>
<form action="https://evil.example"><input name="password"><button>Sign in</button></form>
<iframe src="https://evil.example"></iframe><style>body{display:none}</style>

- [x] done
"""


def test_hostile_markdown_becomes_harmless() -> None:
    html = render(MARKDOWN, "GFM", HOSTILE)

    parsed = Parsed(html)
    assert parsed.tags <= {"h3", "h4", "h5", "a", "p", "div", "ul", "li", "span"}
    assert parsed.attributes <= {("a", "href"), ("a", "rel")} | {
        (tag, "id") for tag in ("h3", "h4", "div")
    }
    assert parsed.links <= {
        "https://ci.example.com",
        "https://x.example",
        "https://elsewhere.example/pixel.gif",
        "#user-content-title",
    }
    assert 'id="user-content-q"' in html
    assert "☑ " in html
    assert "[badge]" in html


def test_headings_go_below_those_of_the_page_and_skip_no_level() -> None:
    html = tidied("<h2>a</h2><h5>b</h5><h6>c</h6><h6>d</h6><h1>e</h1>")

    assert html == "<h3>a</h3><h4>b</h4><h5>c</h5><h6>d</h6><h3>e</h3>"


def test_what_scrolls_can_be_reached_by_keys() -> None:
    html = tidied("<table><tbody><tr><td>1</td></tr></tbody></table><pre>code</pre>")

    assert html.startswith('<div class="scroll" tabindex="0"><table>')
    assert html.endswith('</table></div><pre tabindex="0">code</pre>')


def test_code_is_highlighted_and_other_classes_are_dropped() -> None:
    html = render(MARKDOWN, "GFM", '```python\nx = "y"\n```\n\n<span class="badge signed">x</span>')

    assert '<span class="s2">' in html
    assert "badge" not in html


def test_restructured_text_is_rendered_and_cannot_read_files() -> None:
    html = render(RST, "", "Title\n=====\n\nSome *text*.\n")

    assert "<h3>Title<" in html
    assert "<em>text</em>" in html
    assert render(RST, "", ".. include:: /etc/passwd\n") == ""
    assert render(RST, "", ".. raw:: html\n\n   <script>alert(1)</script>\n") == ""


@pytest.mark.parametrize(
    ("given_type", "kind"),
    [
        ("", (RST, "")),
        ("text/markdown; charset=UTF-8; variant=CommonMark", (MARKDOWN, "CommonMark")),
        ("text/markdown", (MARKDOWN, "GFM")),
        ("text/x-rst", (RST, "GFM")),
        ("text/plain", (PLAIN, "GFM")),
        ("text/html", (PLAIN, "GFM")),
        ("nonsense;;;=", (PLAIN, "GFM")),
    ],
)
def test_content_types(given_type: str, kind: tuple[str, str]) -> None:
    assert content_type(given_type) == kind


def test_a_description_is_rendered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    readmes = Readmes()
    metadata = ProjectMetadata(description="# 안녕하세요", content_type=MARKDOWN)
    first = readmes.html(metadata)
    monkeypatch.setattr(readmes, "_render", None)  # a second time would fail

    assert first is not None
    assert ">안녕하세요<" in first
    assert readmes.html(metadata) == first


def test_one_that_takes_too_long_or_cannot_be_rendered_is_plain() -> None:
    endless = ProjectMetadata(description="<div>" * 60_000, content_type=MARKDOWN)
    broken = ProjectMetadata(description=".. nonsense::\n", content_type=RST)
    plain = ProjectMetadata(description="# words", content_type=PLAIN)

    assert Readmes(patience=1.0).html(endless) is None
    assert Readmes().html(broken) is None
    assert Readmes().html(plain) is None


def test_what_is_kept_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    readmes = Readmes()
    monkeypatch.setattr(readmes, "_render", lambda source: "x" * 1_000_000)
    for number in range(20):
        readmes.html(ProjectMetadata(description=f"{number}", content_type=MARKDOWN))

    assert len(readmes._kept) == 4


def test_a_failure_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = ProjectMetadata(description="# words", content_type=MARKDOWN)
    outcomes: list[str | None] = [None, "<h2>words</h2>"]
    monkeypatch.setattr(Readmes, "_render", lambda self, source: outcomes.pop(0))
    patient, hasty = Readmes(pause=3600), Readmes(pause=0)

    assert patient.html(metadata) is None
    assert patient.html(metadata) is None  # It is not tried at once again.
    assert len(outcomes) == 1
    outcomes.insert(0, None)
    assert hasty.html(metadata) is None
    assert hasty.html(metadata) == "<h2>words</h2>"


def test_the_renderer_gets_neither_secrets_nor_code_of_a_strange_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    for module in ("json", "nh3", "readme_renderer", "sitecustomize", "poetry_aegis"):
        code = f"import os; open({str(seen)!r}, 'a').write(os.environ['SECRET'])"
        (tmp_path / f"{module}.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SECRET", "secret")

    html = Readmes().html(ProjectMetadata(description="# words", content_type=MARKDOWN))

    assert html is not None
    assert "words" in html
    assert not seen.exists()


def test_the_environment_of_the_renderer_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, str]] = []

    def run(*_command: object, env: dict[str, str], **_more: object) -> None:
        given.append(env)
        raise OSError

    monkeypatch.setenv("AEGIS_TOKEN", "secret")
    monkeypatch.setenv("PYTHONPATH", "somewhere")
    monkeypatch.setattr("subprocess.run", run)

    assert Readmes().html(ProjectMetadata(description="x", content_type=RST)) is None
    assert given[0]["PYTHONPATH"] == "somewhere"
    assert "AEGIS_TOKEN" not in given[0]


PIECES = [
    *("<a href='#x'>", "<a href='x'>", "</a>", "<img src=https://e.example/x alt='<b>'>", "text"),
    *("<h1>", "</h1>", "<h6 id=q>", "<table>", "<td>", "</table>", "<pre>", "<input checked>"),
    *("&lt;b&gt;", "<span class='k'>", "</span>", "<p title='\"><script>'>", "<script>x</script>"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
def test_whatever_was_sanitised_stays_in_its_place_and_loads_nothing(html: str) -> None:
    from readme_renderer.clean import clean

    result = tidied(clean(html) or "")

    assert Parsed(result).unbalanced == []
    assert not Parsed(result).tags & {"img", "script", "input"}
    # A browser's parser, which repairs what is wrong, leaves it where the page puts it.
    placed = nh3.clean(
        f"<section>{result}</section><hr>",
        tags={*Parsed(result).tags, "section", "hr"},
        attributes={"*": {name for _, name in Parsed(result).attributes}},
        link_rel=None,
    )
    assert placed.startswith("<section>")
    assert placed.endswith("</section><hr>")
    assert placed.count("section>") == 2


class Parsed(HTMLParser):
    """What is in a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.links: set[str] = set()
        self.unbalanced: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        self.unbalanced += self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(tag, name) for name, _ in attrs}
        self.links |= {value or "" for name, value in attrs if name == "href"}
        if tag not in ("br", "hr", "col"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.unbalanced.append(tag)
