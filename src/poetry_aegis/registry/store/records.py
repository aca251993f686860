"""Reads the records of projects, and goes on where one of them fails: the others are served."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from poetry_aegis.registry.store.listing import parse_listing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from poetry_aegis.registry.store.listing import Listing

logger = logging.getLogger(__name__)


def read_record(path: Path) -> Listing | None:
    """Return the listing in *path*, ``None`` where it is missing or damaged."""
    try:
        return parse_listing(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        logger.warning("The page %s is damaged; it is made anew.", path)
        return None


@contextlib.contextmanager
def survived(project: str) -> Iterator[None]:
    """Log what the system refuses: the other projects are to be served, and a marker stays."""
    try:
        yield
    except OSError:
        logger.exception("The pages of %s could not be brought up to date.", project)


@contextlib.contextmanager
def logged(project: str) -> Iterator[None]:
    """Log what an observer raises: the files are safe, and what it keeps can be made anew."""
    try:
        yield
    except Exception:
        logger.exception("What follows from %s could not be brought up to date.", project)
