"""Build the documentation site in build/site.

The pages are staged first, once a language: the English ones from docs/, the Korean ones from
docs/ko/ with the English page where there is none. So each language is a whole site, and a link
that leads nowhere is an error in both.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.utils.yaml import yaml_load

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
ASSETS = Path(__file__).parent / "site_assets"
STAGED = ROOT / "build" / "pages"
SITE = ROOT / "build" / "site"
FROM_THE_ROOT = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md"} | {
    "CHANGELOG.md": "changelog.md"
}
# Blocks of code are left alone: what looks like a link there is none.
CODE_OR_LINK = re.compile(
    r"(?P<code>^ *```.*?^ *```$|`[^`\n]+`)"
    r"|(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Language:
    """One language of the site. *up* leads from its pages to those of the default language."""

    code: str
    name: str
    folder: str = ""
    up: str = ""
    names: tuple[tuple[str, str], ...] = ()
    note: str = ""
    search: tuple[str, ...] = ("en",)

    @property
    def site(self) -> Path:
        """The folder that the pages of this language are built into."""
        return SITE / self.folder

    def way_to(self, other: Language) -> str:
        """Return what leads from a page of this language to the folder of the *other*'s pages."""
        return f"{self.up}{other.folder}/" if other.folder else self.up

    @property
    def staged(self) -> Path:
        """The folder that its Markdown is gathered in."""
        return STAGED / self.code


ENGLISH = Language("en", "English")
KOREAN = Language(
    "ko",
    "한국어",
    folder="ko",
    up="../",
    names=(
        ("Home", "홈"),
        ("Begin", "시작하기"),
        ("Use", "사용하기"),
        ("Run an index", "인덱스 운영하기"),
        ("Reference", "레퍼런스"),
        ("About", "프로젝트 정보"),
        ("Light", "라이트 모드"),
        ("Dark", "다크 모드"),
        ("As the system", "시스템 설정에 따름"),
    ),
    note="> 이 페이지는 영어로만 제공됩니다.\n",
    search=("ko", "en"),
)
LANGUAGES = (ENGLISH, KOREAN)


def sources(language: Language) -> dict[str, Path]:
    """Return the pages of *language*: where each comes from, by its name in the site."""
    found = {name: ROOT / source for source, name in FROM_THE_ROOT.items()}
    found |= {page.name: page for page in sorted(DOCS.glob("*.md"))}
    if language.folder:
        found |= {page.name: page for page in sorted((DOCS / language.folder).glob("*.md"))}
    return found


def stage(language: Language) -> None:
    """Gather the Markdown of *language*, and its pictures, in a folder of its own."""
    shutil.rmtree(language.staged, ignore_errors=True)
    shutil.copytree(DOCS / "images", language.staged / "images")
    shutil.copytree(ASSETS, language.staged / "assets")
    shutil.copy2(DOCS / "openapi.yaml", language.staged)
    for name, source in sources(language).items():
        text = relinked(source.read_text(encoding="utf-8"), source, language)
        if language.note and source.parent.name != language.folder:
            text = re.sub(r"^# .*\n", rf"\g<0>\n{language.note}", text, count=1)
        (language.staged / name).write_text(text, encoding="utf-8")


def relinked(text: str, source: Path, language: Language) -> str:
    """Return the page *source*, its relative links as they are in the site of *language*.

    Ends the program for a link to a file that the site does not have.
    """
    here = {path.resolve(): name for name, path in sources(language).items()}

    def relink(found: re.Match[str]) -> str:
        if found["code"]:
            return found[0]
        path, mark, anchor = found["target"].partition("#")
        if not path or "://" in path or path.startswith("mailto:"):
            return found[0]
        aim = (source.parent / unquote(path)).resolve()
        address = f"{_address(aim, here, language, source)}{mark}{anchor}"
        if ".html" in address:  # mkdocs knows nothing of the other site
            return f'<a href="{address}">{found["text"]}</a>'
        return f"{found['picture']}[{found['text']}]({address})"

    return CODE_OR_LINK.sub(relink, text)


def _address(aim: Path, here: dict[Path, str], language: Language, source: Path) -> str:
    if aim in here:
        return here[aim]
    if aim.is_relative_to(DOCS / "images") or aim == DOCS / "openapi.yaml":
        return aim.relative_to(DOCS).as_posix()
    for other in LANGUAGES:
        if other.folder and aim == DOCS / other.folder:
            return _home(language, other)
        for name, path in sources(other).items():
            if path.resolve() == aim and other != language:
                return f"{language.way_to(other)}{name[:-3]}.html"
    return sys.exit(f"{source.relative_to(ROOT)} links to {aim}, which the site does not have.")


def build_site() -> None:
    """Build the site in all languages. Raises mkdocs' ``Abort`` where there is a warning."""
    os.environ["NO_MKDOCS_2_WARNING"] = "1"  # material's, about a mkdocs that is not installed
    shutil.rmtree(SITE, ignore_errors=True)
    for language in LANGUAGES:
        stage(language)
        config = load_config(str(ROOT / "mkdocs.yml"), **settings(language))
        config.plugins.on_startup(command="build", dirty=False)
        build(config)
        config.plugins.on_shutdown()


def settings(language: Language) -> dict[str, Any]:
    """Return what differs from mkdocs.yml in the site of *language*."""
    with (ROOT / "mkdocs.yml").open(encoding="utf-8") as file:
        common = yaml_load(file)
    names = dict(language.names)
    palette = [
        scheme | {"toggle": scheme["toggle"] | {"name": names.get(name, name)}}
        for scheme in common["theme"]["palette"]
        for name in [scheme["toggle"]["name"]]
    ]
    alternate = [
        {"name": other.name, "lang": other.code, "link": _home(language, other)}
        for other in LANGUAGES
    ]
    return {
        "docs_dir": str(language.staged),
        "site_dir": str(language.site),
        "theme": common["theme"] | {"language": language.code, "palette": palette},
        "extra": common["extra"] | {"alternate": alternate},
        "plugins": [
            {"search": {"lang": list(language.search)}} if plugin == "search" else plugin
            for plugin in common["plugins"]
        ],
        "nav": [
            {names.get(title, title): pages for title, pages in part.items()}
            if isinstance(part, dict)
            else part
            for part in common["nav"]
        ],
    }


def _home(language: Language, other: Language) -> str:
    return "index.html" if other == language else f"{language.way_to(other)}index.html"


def main() -> None:
    """Build the site. Ends the program with mkdocs' complaints where there are any."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    build_site()
    print(f"The site is in {SITE.relative_to(ROOT)}: open index.html there.")


if __name__ == "__main__":
    main()
