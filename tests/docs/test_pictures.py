"""The pictures of the documentation: made by their script, shown, and fit to be shown."""

from __future__ import annotations

import getpass
import re
import socket
import subprocess
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest
from scripts import pictures
from scripts.pictures_projects import PROJECTS
from scripts.pictures_svg import WIDE
from scripts.pictures_terminal import Step, record
from scripts.pictures_world import World, make_world

from tests.support.needs import needs_program
from tests.unit.test_docs import LINK, PAGES, ROOT, aegis_commands, page_id, parse, without_code

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SVG = "{http://www.w3.org/2000/svg}"
PNG = b"\x89PNG\r\n\x1a\n"
SMALL = {".svg": 150_000, ".png": 200_000}  # bytes
LONGEST = 21.0  # seconds of a recording
HOME_PATH = re.compile(r"/(?:home|root|Users|tmp|var)/|[A-Z]:\\")
SECRET = re.compile(r"password|secret|\b[A-Za-z0-9_-]{24}\b", re.IGNORECASE)
PROMPT = re.compile(r"^~/\S+ \$ (?P<command>.+)$")


@pytest.fixture
def world(tmp_path: Path) -> World:
    for program in ("bash", "git", "setsid"):
        needs_program(program)
    return make_world(tmp_path)


@pytest.fixture
def project(world: World) -> Path:
    folder = world.home / "acme-greeter"
    world.git("init", "--quiet", str(folder), cwd=world.home)
    (folder / "hello.txt").write_text("Hello.\n")
    pictures.commit(world, folder, "feat: greet people by name")
    return folder


# What is committed


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_picture_that_a_page_shows_is_there_and_made_by_the_script(page: Path) -> None:
    for picture in shown_on(page):
        assert picture.is_file(), picture
        assert picture.parent == pictures.IMAGES
        assert picture.name in pictures.PICTURES


def test_every_picture_of_the_script_is_there_and_shown_in_both_languages() -> None:
    wanted = set(pictures.PICTURES)
    assert {path.name for path in pictures.IMAGES.iterdir()} == wanted
    for folder in (ROOT / "docs", ROOT / "docs" / "ko"):
        assert {one.name for page in folder.glob("*.md") for one in shown_on(page)} == wanted


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_no_picture_is_large(name: str) -> None:
    path = pictures.IMAGES / name
    assert path.stat().st_size < SMALL[path.suffix]


def test_the_recording_shows_the_session_of_the_script() -> None:
    lines = lines_of(committed())
    typed = [found["command"] for line in lines if (found := PROMPT.match(line))]
    assert typed == [step.command for step in pictures.steps("")]
    assert any("[=" in line or "=]" in line for line in lines), "no file is seen on its way"
    assert "2 files: 2 verified." in lines


def test_every_command_of_the_recording_can_be_parsed() -> None:
    commands = [
        words
        for line in lines_of(committed())
        if (found := PROMPT.match(line))
        for words in aegis_commands(found["command"])
    ]
    assert len(commands) == 3
    for words in commands:
        parse(words)


def test_the_recording_can_be_shown_anywhere() -> None:
    check_picture(committed())


def test_the_recording_tells_nothing_of_a_machine_or_of_a_secret() -> None:
    for line in (*lines_of(committed()), pictures.DESCRIPTION):
        assert not HOME_PATH.search(line), line
        assert not SECRET.search(line), line
        assert socket.gethostname() not in line.split(), line


# The script


def test_a_session_is_recorded_as_it_is(world: World, project: Path) -> None:
    session = [
        Step("git log --oneline"),
        Step("printf 'one\\n\\e[32mtwo\\e[0m\\n\\e[1A\\e[2Kthree\\n'; pwd; echo '<&>'", reading=2),
        Step(
            "read -r -s -p 'Passphrase: ' word; echo; echo ${#word}",
            answers={"Passphrase:": "open"},
        ),
    ]
    text = pictures.picture(world, session, project)
    lines, end = lines_of(text), lines_of(text, at_the_end=True)

    check_picture(text)
    assert [line for line in lines if line.endswith("feat: greet people by name")]
    assert {"one", "~/acme-greeter", "<&>", "4"} <= set(lines)
    assert "three" in end
    assert "two" not in end  # it was there, for a moment
    assert end[-1] == "~/acme-greeter $"
    assert "open" not in text
    assert str(world.root) not in text
    assert getpass.getuser() not in lines


def test_a_command_that_fails_makes_no_recording(world: World, project: Path) -> None:
    with pytest.raises(RuntimeError, match="failed with 3"):
        record([Step("(exit 3)")], project, world.env)


def test_long_output_moves_up_and_stays_readable(world: World, project: Path) -> None:
    text = pictures.picture(world, [Step("seq 1 60")], project)
    window = next(group for group in parsed(text).iter(f"{SVG}g") if group.get("style"))
    assert lines_of(text)[1:-1] == [str(number) for number in range(1, 61)]
    assert "translate(0.00px,-" in str(window.get("style"))


def test_the_pages_are_photographed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_program("chromium", "chromium-browser", "google-chrome")
    needs_program("chromedriver")
    names = list(pictures.PAGES)
    # Those with something of their own to be shown: each version takes seconds to be published.
    telling = [project for project in PROJECTS if project.signed or project.status]
    monkeypatch.setattr(pictures, "PROJECTS", telling)

    pictures.make(names, tmp_path / "made")

    for name, page in pictures.PAGES.items():
        made = (tmp_path / "made" / name).read_bytes()
        assert made.startswith(PNG)
        assert len(made) < SMALL[".png"]
        if not page.part:
            assert size_of(made) == (page.width, page.height)
            assert size_of((pictures.IMAGES / name).read_bytes()) == (page.width, page.height)
    assert_nothing_is_left_running(tmp_path)


# What pictures consist of


def committed() -> str:
    return (pictures.IMAGES / pictures.SESSION).read_text(encoding="utf-8")


def shown_on(page: Path) -> Iterator[Path]:
    for link in LINK.finditer(without_code(page.read_text(encoding="utf-8"))):
        if link[0].startswith("!"):
            assert link[0][2] != "]", f"{page_id(page)} shows {link['target']} without a text"
            yield (page.parent / link["target"]).resolve()


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 -- our own


def check_picture(text: str) -> None:
    """A picture without scripts, that loads nothing, and stands still for who wants that."""
    root = parsed(text)
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert root.tag == f"{SVG}svg"
    assert tags <= {"svg", "title", "desc", "style", "clipPath", "rect", "circle", "g", "text"}
    for element in root.iter():
        assert not [name for name in element.attrib if name.startswith("on") or "href" in name]
    assert not re.search(r"@import|url\((?!#)|javascript:", text)
    assert "@media (prefers-reduced-motion:reduce){g,rect{animation:none!important}}" in text
    (seconds,) = re.findall(r"animation:([\d.]+)s step-end infinite", text)
    assert 1 < float(seconds) < LONGEST
    shares = [float(share) for share in re.findall(r"([\d.]+)%\{", text)]
    assert shares
    assert max(shares) <= 100
    assert root.findtext(f"{SVG}title")


def lines_of(text: str, *, at_the_end: bool = False) -> list[str]:
    """Return what a picture shows at any time, line by line: later text over earlier text."""
    rows: dict[float, dict[int, str]] = {}
    for group in parsed(text).iter(f"{SVG}g"):
        if at_the_end and "n" in str(group.get("class")).split():
            continue
        for element in group.findall(f"{SVG}text"):
            row = rows.setdefault(float(str(element.get("y"))), {})
            start = round(float(str(element.get("x"))) / WIDE)
            row |= dict(enumerate(element.text or "", start))
    return [
        "".join(cells.get(column, " ") for column in range(max(cells) + 1))
        for _, cells in sorted(rows.items())
    ]


def size_of(png: bytes) -> tuple[int, int]:
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def assert_nothing_is_left_running(folder: Path) -> None:
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert "aegis-pictures-" not in listed.stdout
    assert str(folder) not in listed.stdout
