"""Make the pictures of the documentation: python -m scripts.pictures [--only NAME] [--to FOLDER].

All of them are of the real thing, at work in a temporary home of its own: the pages of an index in
a browser, and a session in a terminal. So what they show is what there is. Needs git, bash and
setsid; the pages need Chromium and chromedriver.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.pictures_pages import Page, browsing, photograph
from scripts.pictures_projects import ACME_GREETER, PROJECTS, web_log
from scripts.pictures_svg import draw
from scripts.pictures_terminal import Step, record, screens
from scripts.pictures_world import KEY, World, make_world, publish, running_index, write_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
SESSION = "session.svg"
TITLE = "A release in a terminal"
DESCRIPTION = (
    "git log shows what was committed since the last release. poetry aegis release auto --dry-run "
    "says what would be done: the next version and its changelog. With --push-tag --publish it is "
    "done: commit, tag, push, signed upload. poetry aegis verify then says who has signed it."
)
PAGES = {
    "registry-list.png": Page("/", height=960),
    "registry-phone.png": Page("/project/acme-greeter/", width=390),
    "registry-project.png": Page("/project/acme-greeter/", height=1010),
    "registry-search-dark.png": Page("/?q=acme", height=800, scheme="dark"),
    "registry-signed.png": Page("/project/acme-greeter/", part="[aria-labelledby=files]"),
}
PICTURES = (SESSION, *PAGES)
# What a recorded project has been through before the session begins.
SETTINGS = """
[tool.poetry-aegis.publish]
sign = true
"""
VOICES = 32 * 1024 * 1024  # bytes
COMMITS = (
    ("feat: greet in Korean", "korean"),
    ("fix(cli): greet nobody when nobody is there", "cli"),
    ("feat: greet by the time of day", "clock"),
)


def steps(passphrase: str) -> list[Step]:
    """Return the session that is recorded."""
    return [
        Step("git log --oneline -4", reading=0.8),
        Step("poetry aegis release auto --dry-run", reading=2),
        Step(
            "poetry aegis release auto --push-tag --publish",
            reading=1.3,
            answers={f"Passphrase of the key {KEY}: ": passphrase},
        ),
        Step("poetry aegis verify acme-greeter", reading=3),
    ]


def main() -> None:
    """Make what is asked for. Ends the program where something of it fails."""
    parser = argparse.ArgumentParser(description="Makes the pictures of the documentation.")
    parser.add_argument("--only", choices=[Path(name).stem for name in PICTURES])
    parser.add_argument("--to", type=Path, default=IMAGES, metavar="FOLDER")
    asked = parser.parse_args()
    make([name for name in PICTURES if asked.only in {None, Path(name).stem}], asked.to)


def make(names: Sequence[str], to: Path) -> None:
    """Make the pictures called *names* in the folder *to*, and say so."""
    to.mkdir(parents=True, exist_ok=True)
    pages = {name: page for name, page in PAGES.items() if name in names}
    with tempfile.TemporaryDirectory(prefix="aegis-pictures-") as folder:
        if SESSION in names:
            text = film(make_world(Path(folder, "session")))
            (to / SESSION).write_text(text, encoding="utf-8")
        if pages:
            photograph_pages(make_world(Path(folder, "pages")), pages, to)
    for name in names:
        print(f"{name:26} {(to / name).stat().st_size / 1000:5.0f} kB")


def photograph_pages(world: World, pages: Mapping[str, Page], to: Path) -> None:
    """Fill an index and write the screenshots of *pages*, by the name of the file."""
    with running_index(world, web_log()) as url:
        for project in PROJECTS:
            publish(world, project)
        with browsing(world.password) as chrome:
            for name, page in pages.items():
                photograph(chrome, url, page, to / name)


def film(world: World) -> str:
    """Return the recording of a release as SVG."""
    folder = world.home / ACME_GREETER.name
    with running_index(world):
        make_project(world, folder)
        return picture(world, steps(world.passphrase), folder)


def picture(world: World, session: Sequence[Step], folder: Path) -> str:
    """Return *session*, typed in *folder* of *world*, as SVG."""
    pieces = record(session, folder, world.env)
    return draw(
        screens(pieces, {str(world.home): "~"}),
        title=TITLE,
        description=DESCRIPTION,
        name=f"~/{folder.name}",
    )


def make_project(world: World, folder: Path) -> None:
    """Make a project in *folder* with a remote, a release, and commits after it."""
    origin = world.root / "origin.git"
    world.git("init", "--bare", "--quiet", str(origin), cwd=world.root)
    world.git("init", "--quiet", str(folder), cwd=world.root)
    write_files(folder, ACME_GREETER.files("0.0.0") | {".gitignore": "dist/\n"})
    # Large enough to be seen on its way to an index on the same machine.
    (folder / "src" / ACME_GREETER.package / "voices.bin").write_bytes(os.urandom(VOICES))
    with (folder / "pyproject.toml").open("a") as settings:
        settings.write(SETTINGS)
    world.aegis("key", "trust", KEY, cwd=folder)
    world.git("remote", "add", "origin", str(origin), cwd=folder)
    commit(world, folder, "feat: greet people by name")
    world.aegis("release", "1.2.0", "--push-tag", cwd=folder)
    for message, module in COMMITS:
        write_files(folder, {f"src/{ACME_GREETER.package}/{module}.py": f'"""{message}"""\n'})
        commit(world, folder, message)


def commit(world: World, folder: Path, message: str) -> None:
    """Commit all that is in *folder*."""
    world.git("add", ".", cwd=folder)
    world.git("commit", "--quiet", "--message", message, cwd=folder)


if __name__ == "__main__":
    main()
