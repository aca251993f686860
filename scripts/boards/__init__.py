"""What the dashboards show; `scripts.dashboards` writes them."""

from __future__ import annotations

from scripts.boards.downloads import DOWNLOADS
from scripts.boards.host import HOST
from scripts.boards.overview import OVERVIEW
from scripts.boards.security import SECURITY

BOARDS = (OVERVIEW, DOWNLOADS, SECURITY, HOST)
