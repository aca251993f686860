"""The site: built without a warning, its links lead somewhere, and a browser needs no network."""

from __future__ import annotations

import json
from functools import lru_cache
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest
from scripts import site

from tests.support.needs import needs_program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

LANGUAGES = {"en": "", "ko": "ko/"}
PHONE, DESK = 400, 1280
LOADING = {("link", "href"), ("script", "src"), ("img", "src"), ("iframe", "src")}
NO_FILES = {"canonical", "alternate", "prev", "next"}  # what a link element may name, and not load


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("site")
        patch.setattr(site, "STAGED", folder / "pages")
        patch.setattr(site, "SITE", folder / "site")
        site.build_site()  # Each warning of mkdocs is an error: mkdocs.yml says strict.
        yield folder / "site"


class Page(HTMLParser):
    """A page's links, anchors, and what a browser loads for it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if given.get("rel") not in NO_FILES:
            self.loaded += [given[key] for of, key in LOADING if of == tag and key in given]


@lru_cache(maxsize=64)
def parsed(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def pages(built: Path) -> list[Path]:
    # The page for what is not found is shown at any address; its links are from the root.
    return [page for page in sorted(built.rglob("*.html")) if page.name != "404.html"]


def test_both_languages_have_the_same_pages(built: Path) -> None:
    names = {
        code: {page.name for page in pages(built) if page.parent == built / folder}
        for code, folder in LANGUAGES.items()
    }
    assert names["en"] == names["ko"]
    assert names["en"] >= {"index.html", "versions.html", "reference.html", "api.html"}


@pytest.mark.parametrize("language", site.LANGUAGES, ids=lambda language: language.code)
def test_the_first_page_calls_the_sections_as_the_navigation_does(language: site.Language) -> None:
    text = site.sources(language)["index.md"].read_text(encoding="utf-8")
    nav = [name for part in site.settings(language)["nav"] for name in part]
    _home, *sections, _about = nav
    assert [name for name in sections if f"\n## {name}\n" not in text] == []


def test_every_link_inside_leads_to_a_page_and_to_an_anchor_on_it(built: Path) -> None:
    count = 0
    for page in pages(built):
        for link in parsed(page).links:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            count += 1
            aim = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            aim = aim / "index.html" if aim.is_dir() else aim
            where = f"{page.relative_to(built)} links to {link}"
            assert aim.is_relative_to(built), where
            assert aim.is_file(), where
            if parts.fragment and aim.suffix == ".html":
                assert unquote(parts.fragment) in parsed(aim).anchors, where
    assert count > 1000


def test_every_link_to_elsewhere_is_an_address(built: Path) -> None:
    """Whether somebody answers there is not asked: that needs a network."""
    found = {link for page in pages(built) for link in parsed(page).links if urlsplit(link).scheme}
    for link in found:
        parts = urlsplit(link)
        assert parts.scheme in {"https", "http", "mailto"}, link
        assert parts.scheme == "mailto" or "." in (parts.hostname or ""), link
        assert " " not in link


def test_no_page_loads_anything_from_elsewhere(built: Path) -> None:
    for page in pages(built):
        assert [name for name in parsed(page).loaded if urlsplit(name).netloc] == []
    for sheet in built.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert "url(http" not in text
        assert "@import" not in text


@pytest.mark.parametrize(("code", "folder"), LANGUAGES.items())
def test_each_language_has_its_pages_and_a_search_of_its_own(
    built: Path, code: str, folder: str
) -> None:
    assert f'<html lang="{code}"' in (built / folder / "versions.html").read_text(encoding="utf-8")
    index = json.loads((built / folder / "search" / "search_index.json").read_text("utf-8"))
    assert index["config"]["lang"][0] == code
    titles = {entry["title"] for entry in index["docs"]}
    assert {"en": "Breaking changes", "ko": "호환성을 깨는 변경"}[code] in titles


def test_a_page_in_english_says_so_among_the_korean_ones(built: Path) -> None:
    note = site.KOREAN.note.strip("> \n")
    assert note in (built / "ko" / "reference.html").read_text(encoding="utf-8")
    assert note not in (built / "ko" / "versions.html").read_text(encoding="utf-8")
    assert note not in (built / "reference.html").read_text(encoding="utf-8")


def test_a_link_to_what_the_site_does_not_have_is_an_error(tmp_path: Path) -> None:
    source = site.DOCS / "versions.md"
    with pytest.raises(SystemExit, match=r"docs/versions\.md links to .*nowhere\.md"):
        site.relinked("[lost](nowhere.md)", source, site.ENGLISH)


def test_links_are_made_to_fit_the_site_and_code_is_left_alone() -> None:
    readme, korean = site.ROOT / "README.md", site.DOCS / "ko" / "versions.md"
    assert (
        site.relinked("[g](docs/server.md#users)", readme, site.ENGLISH) == "[g](server.md#users)"
    )
    assert site.relinked("![p](docs/images/a.png)", readme, site.ENGLISH) == "![p](images/a.png)"
    assert site.relinked("[r](../reference.md)", korean, site.KOREAN) == "[r](reference.md)"
    assert (
        site.relinked("[E](../server.md)", korean, site.KOREAN) == '<a href="../server.html">E</a>'
    )
    for code in ("`[g](nowhere.md)`", "```text\n[g](nowhere.md)\n```"):
        assert site.relinked(code, readme, site.ENGLISH) == code


# In a browser, from the folder: there is no server


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = needs_program("chromium", "google-chrome", "chrome")
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    chrome = Chrome(options, Service(needs_program("chromedriver")))
    try:
        yield chrome
    finally:
        chrome.quit()


def look_at(browser: Chrome, page: Path, *, width: int = DESK, scheme: str = "light") -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 850, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )
    browser.get(page.as_uri())


@pytest.mark.parametrize(
    ("folder", "words", "expected"),
    [("", "breaking", "Breaking changes"), ("ko", "호환성", "호환성을 깨는 변경")],
)
def test_the_search_finds_what_is_looked_for(
    built: Path, browser: Chrome, folder: str, words: str, expected: str
) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    look_at(browser, built / folder / "index.html")
    browser.find_element(By.CSS_SELECTOR, "label.md-search__icon[for=__search]")
    browser.execute_script("document.getElementById('__search').click()")
    field = browser.find_element(By.CSS_SELECTOR, ".md-search__input")
    field.send_keys(words)

    def results(chrome: Chrome) -> str:
        return chrome.find_element(By.CSS_SELECTOR, ".md-search-result__list").text

    WebDriverWait(browser, 20).until(lambda chrome: expected in results(chrome))


@pytest.mark.parametrize("folder", LANGUAGES.values())
@pytest.mark.parametrize("name", ["index", "versions", "clients", "reference", "api"])
def test_no_page_is_wider_than_a_phone(
    built: Path, browser: Chrome, folder: str, name: str
) -> None:
    look_at(browser, built / folder / f"{name}.html", width=PHONE)
    wide = browser.execute_script("return document.documentElement.scrollWidth")
    assert wide <= PHONE


def test_a_page_is_dark_where_the_reader_wants_it_dark(built: Path, browser: Chrome) -> None:
    schemes = {}
    for scheme in ("light", "dark"):
        look_at(browser, built / "versions.html", scheme=scheme)
        schemes[scheme] = browser.execute_script(
            "return document.body.getAttribute('data-md-color-scheme')"
        )
    assert schemes == {"light": "default", "dark": "slate"}


def test_each_block_of_code_has_a_button_that_copies_it(built: Path, browser: Chrome) -> None:
    look_at(browser, built / "versions.html")
    blocks, buttons = browser.execute_script(
        "return [document.querySelectorAll('.highlight pre > code').length,"
        " document.querySelectorAll('.highlight [data-clipboard-target],"
        " .highlight .md-code__button, .highlight .md-clipboard').length]"
    )
    assert blocks > 40
    assert buttons >= blocks
