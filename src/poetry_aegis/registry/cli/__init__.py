"""The command line of the registry itself, which needs no Poetry."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from poetry_aegis.registry.cli.common import complain
from poetry_aegis.registry.cli.serve import add_serve
from poetry_aegis.registry.cli.upkeep import add_upkeep
from poetry_aegis.registry.errors import RegistryError

if TYPE_CHECKING:
    from collections.abc import Sequence

MISSING_EXTRA = 3
INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except RegistryError as error:
        complain(str(error))
        return error.exit_code
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("poetry_aegis"):
            raise
        complain(
            f"The registry needs {error.name}, which is not installed; "
            "install it with: pip install 'poetry-aegis[registry]'"
        )
        return MISSING_EXTRA
    except KeyboardInterrupt:
        complain("Interrupted.")
        return INTERRUPTED
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        complain(f"{where}{error.strerror or error}.")
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m poetry_aegis.registry", description="A private Python package index."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_serve(commands.add_parser)
    add_upkeep(commands.add_parser)
    return parser
