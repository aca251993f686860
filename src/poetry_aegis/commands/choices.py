"""What may stand where on a command line, for completion: out of what the commands check by."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from poetry_aegis.completion import Values

    Places = Mapping[str, Sequence[str]]

# Arguments and options that are a file or a folder, or may be one. Of any command unless named.
FILES = frozenset(
    {
        "--ca",
        "--home",
        "--message-file",
        "--output",
        "aegis key trust key",
        "aegis server backup verify file",
        "aegis server import source",
        "aegis server restore file",
        "aegis sign files",
        "aegis verify what",
    }
)


def known_values() -> dict[str, Values]:
    """Return what may stand in each place of which that is known.

    A place is a command and its argument or option, such as ``aegis ci init kind``, or an option
    alone that is the same everywhere.
    """
    from poetry_aegis.completion import FILE, Values

    closed = {**_of_releases(), **_of_indexes(), **_of_servers(), **_of_others()}
    chosen = {place: Values(tuple(choices)) for place, choices in closed.items()}
    return chosen | dict.fromkeys(FILES, FILE)


def _of_releases() -> Places:
    from poetry_aegis.commands.release import FINISH
    from poetry_aegis.release.version.decision import KEYWORDS
    from poetry_aegis.release.version.numbers import PRERELEASE_TYPES, STEPS

    return {
        "aegis release version": (*KEYWORDS, FINISH),
        "aegis bump level": STEPS,
        "aegis publish --bump": KEYWORDS,
        "--prerelease-type": PRERELEASE_TYPES,
    }


def _of_indexes() -> Places:
    from poetry_aegis.commands.project import STATUSES
    from poetry_aegis.commands.publish import FORMATS

    return {"aegis publish --format": FORMATS, "aegis project --status": STATUSES}


def _of_servers() -> Places:
    from poetry_aegis.commands.server_init import DRIVERS
    from poetry_aegis.registry.people.identity import ROLES, Action
    from poetry_aegis.registry.state.audit import ACTIONS
    from poetry_aegis.server.backup.schedule import KINDS
    from poetry_aegis.server.doctor.examination import CHECKS
    from poetry_aegis.server.stack.services import service_names

    services = service_names()
    return {
        "aegis server init --driver": DRIVERS,
        "aegis server restart service": services,
        "aegis server logs service": services,
        "aegis server debug service": services,
        "aegis server audit --action": ACTIONS,
        "aegis server user add --role": ROLES,
        "aegis server token create --allow": [action.name.lower() for action in Action],
        "aegis server doctor --only": [check.name for check in CHECKS],
        "aegis server backup --schedule": KINDS,
    }


def _of_others() -> Places:
    from poetry_aegis.ci.rendering import KINDS
    from poetry_aegis.commands.client_report import ALL_TOOLS, TOOLS
    from poetry_aegis.completion import SHELLS
    from poetry_aegis.settings import Priority

    return {
        "aegis ci init kind": KINDS,
        "aegis client setup tool": (*TOOLS, ALL_TOOLS),
        "aegis client source --priority": get_args(Priority),
        "aegis completions shell": tuple(SHELLS),
    }
