"""What the subcommands share."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poetry_aegis.registry.options import RegistrySettings

if TYPE_CHECKING:
    from collections.abc import Mapping

HELP = argparse.RawDescriptionHelpFormatter


def add_data(parser: argparse.ArgumentParser, *, made: bool) -> None:
    """Add ``--data``, a directory that is *made* where it is missing, or has to be there."""
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="DIR",
        help="the data directory; made where missing" if made else "the data directory",
    )


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add ``--settings``."""
    parser.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        help="a TOML file with all other settings; the options here count more",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def settings_of(options: argparse.Namespace) -> RegistrySettings:
    """Return what the settings file says. Raises `InvalidSettings`."""
    from poetry_aegis.registry.settings import load_settings

    return RegistrySettings() if options.settings is None else load_settings(options.settings)


def print_json(document: Mapping[str, Any]) -> None:
    """Write *document* to standard output."""
    say(json.dumps(document, ensure_ascii=False, indent=2))


def say(line: str) -> None:
    """Write a line to standard output."""
    sys.stdout.write(f"{line}\n")


def complain(sentence: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(f"{sentence}\n")


class TerminalProgress(AbstractContextManager["TerminalProgress"]):
    """One line on standard error, where that is a terminal, gone when the block ends."""

    def __exit__(self, *_: object) -> None:
        self._write("")

    def projects(self, done: int, of_all: int) -> None:
        """So many projects are done."""
        self._write(f"{done} of {of_all} projects")

    def surveyed(self, pages: int, of_pages: int) -> None:
        """So many pages of a source are read."""
        self._write(f"{pages} of {of_pages} pages read")

    def arrived(self, files: int, of_files: int, size: int) -> None:
        """So many files are done, and so many bytes have come."""
        self._write(f"{files} of {of_files} files, {size / 1024**2:.1f} MiB")

    def _write(self, text: str) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\033[K{text}")
            sys.stderr.flush()
