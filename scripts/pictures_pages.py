"""Screenshots of the index's pages for people, in a real browser."""

from __future__ import annotations

import base64
import contextlib
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scripts.pictures_world import USER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver import Chrome

NAME = "packages.example.com"  # under which the index is, behind a proxy with TLS
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Page:
    """What a screenshot is of: a *path*, seen in a window of a size, light or dark.

    With *part* it is of that element alone, in the width of the window.
    """

    path: str
    width: int = 1120
    height: int = 1000
    scheme: str = "light"
    part: str = ""


@contextlib.contextmanager
def browsing(password: str) -> Iterator[Chrome]:
    """Open a browser that is logged in to an index, and close it at the end."""
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = _program(*BROWSERS)
    for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "disable-gpu"):
        options.add_argument(f"--{argument}")
    options.add_argument("--hide-scrollbars")
    options.add_argument("--lang=en")
    chrome = Chrome(options, Service(_program("chromedriver")))
    try:
        credential = base64.b64encode(f"{USER}:{password}".encode()).decode()
        headers = {
            "Authorization": f"Basic {credential}",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": NAME,
        }
        chrome.execute_cdp_cmd("Network.enable", {})
        chrome.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": headers})
        yield chrome
    finally:
        chrome.quit()


def _program(*names: str) -> str:
    for name in names:
        if path := shutil.which(name):
            return path
    return sys.exit(f"Screenshots need {' or '.join(names)} on PATH.")


def photograph(chrome: Chrome, url: str, page: Page, to: Path) -> None:
    """Write a PNG of *page* of the index at *url* to the file *to*."""
    chrome.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {
            "width": page.width,
            "height": page.height,
            "deviceScaleFactor": 1,
            "mobile": page.width < 500,
        },
    )
    chrome.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": page.scheme}]},
    )
    chrome.get(url + page.path)
    seen: dict[str, float] = {
        "x": 0,
        "y": 0,
        "width": page.width,
        "height": page.height,
        "scale": 1,
    }
    if page.part:
        seen |= _around(chrome, page.part)
    shot = chrome.execute_cdp_cmd(
        "Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True, "clip": seen}
    )
    to.write_bytes(base64.b64decode(shot["data"]))


def _around(chrome: Chrome, part: str) -> dict[str, float]:
    """Return where an element is on the page, with some room around it."""
    room = 24
    box = chrome.execute_script(
        "const box = document.querySelector(arguments[0]).getBoundingClientRect();"
        "return {x: box.x, y: box.y + scrollY, width: box.width, height: box.height}",
        part,
    )
    return {
        "x": box["x"] - room,
        "y": box["y"] - room,
        "width": box["width"] + 2 * room,
        "height": box["height"] + 2 * room,
    }
