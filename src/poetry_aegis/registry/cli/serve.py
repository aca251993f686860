"""``serve``: the registry itself."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from poetry_aegis.registry.cli.common import HELP, add_data, add_settings, settings_of
from poetry_aegis.registry.errors import InvalidSettings
from poetry_aegis.registry.options import RegistrySettings, ServeOptions, parse_size
from poetry_aegis.tables import InvalidTable

if TYPE_CHECKING:
    from collections.abc import Callable

REDIS_VARIABLE = "AEGIS_REDIS_URL"

_EPILOG = f"""\
environment:
  {REDIS_VARIABLE}  the address of a Redis, with its password, in which several
  registries count failed logins together; it counts more than the settings

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


def add_serve(add_parser: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the subcommand to those that *add_parser* makes."""
    serve = add_parser(
        "serve",
        help="serve a data directory over HTTP",
        description=(
            "Serve a data directory over HTTP until SIGTERM or Ctrl-C. The log, one JSON object "
            "a line, goes to standard error."
        ),
        epilog=_EPILOG,
        formatter_class=HELP,
    )
    add_data(serve, made=True)
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
    add_settings(serve)
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
    serve.set_defaults(run=_serve)


def _serve(options: argparse.Namespace) -> int:
    from poetry_aegis.registry.server import serve

    serve(ServeOptions(options.data, options.host, options.port, _settings(options)))
    return 0


def _settings(options: argparse.Namespace) -> RegistrySettings:
    """Return what the settings file says, and the options and the environment over it."""
    import os
    from dataclasses import replace

    given: dict[str, Any] = {}
    if options.anonymous_read:
        given["anonymous_read"] = True
    if options.max_upload_size is not None:
        given["max_upload_size"] = options.max_upload_size
    if redis_url := os.environ.get(REDIS_VARIABLE):
        given["redis_url"] = redis_url
    try:
        return replace(settings_of(options), **given)
    except InvalidTable as error:
        raise InvalidSettings(f"{error} {error.hint}".strip()) from error


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
