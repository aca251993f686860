"""The command line of the registry itself, which needs no Poetry."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from poetry_aegis.registry.errors import RegistryError
from poetry_aegis.registry.options import RegistrySettings, ServeOptions, parse_size

if TYPE_CHECKING:
    from collections.abc import Sequence

MISSING_EXTRA = 3

_EXIT_CODES = """\
exit codes:
   0  stopped as asked
   2  wrong options
   3  the "registry" extra is not installed
  95  the settings file cannot be read or makes no sense
  96  the users' files cannot be read
  97  the data directory cannot be used
  98  another program has the port
  99  the address cannot be listened on
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    options = _parser().parse_args(arguments)
    from poetry_aegis.registry.server import serve

    try:
        settings = _settings(options)
        serve(ServeOptions(options.data, options.host, options.port, settings))
    except RegistryError as error:
        _say(str(error))
        return error.exit_code
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("poetry_aegis"):
            raise
        _say(
            f"The registry needs {error.name}, which is not installed; "
            "install it with: pip install 'poetry-aegis[registry]'"
        )
        return MISSING_EXTRA
    return 0


def _settings(options: argparse.Namespace) -> RegistrySettings:
    """Return what the settings file says, and the options over it."""
    from dataclasses import replace

    from poetry_aegis.registry.settings import load_settings

    settings = RegistrySettings() if options.settings is None else load_settings(options.settings)
    if options.anonymous_read:
        settings = replace(settings, anonymous_read=True)
    if options.max_upload_size is not None:
        settings = replace(settings, max_upload_size=options.max_upload_size)
    return settings


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m poetry_aegis.registry", description="A private Python package index."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    serve = commands.add_parser(
        "serve",
        help="serve a data directory over HTTP",
        description=(
            "Serve a data directory over HTTP until SIGTERM or Ctrl-C. The log, one JSON object "
            "a line, goes to standard error."
        ),
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    serve.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="DIR",
        help="the data directory; made where missing",
    )
    serve.add_argument(
        "--host",
        default=ServeOptions.host,
        help="the address to listen on (default: %(default)s)",
    )
    serve.add_argument(
        "--port",
        type=_port,
        default=ServeOptions.port,
        help="the port to listen on, 0 for any free one (default: %(default)s)",
    )
    serve.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        help="a TOML file with all other settings; the options here count more",
    )
    serve.add_argument(
        "--max-upload-size",
        type=_size,
        metavar="SIZE",
        help="the largest upload to take, as 1048576, 512MiB or 2GiB (default: 1GiB)",
    )
    serve.add_argument(
        "--anonymous-read",
        action="store_true",
        help="let anybody list and download; uploads still need a publisher",
    )
    return parser


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port, 0 to 65535")


def _size(text: str) -> str:
    try:
        parse_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
