"""``server.toml``, and whether what was written from it is still what it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.server.doctor.verdicts import (
    Check,
    Verdict,
    is_set_up,
    skip,
    warn,
    well,
    wrong,
)
from poetry_aegis.server.units import counted

if TYPE_CHECKING:
    from poetry_aegis.server.doctor.context import Context


def look_at_settings(context: Context) -> Verdict:
    """Look whether ``server.toml`` can be read and makes sense."""
    if context.failure is None:
        return well(f"{context.home.settings_file} is valid.")
    return wrong(str(context.failure), context.failure.hint or f"Mend {context.home.settings_file}")


def look_at_advice(context: Context) -> Verdict:
    """Look whether the settings are ones to think about, such as passwords without TLS."""
    advice = context.known.warnings
    if not advice:
        return well("Nothing in the settings is risky.")
    return warn(" ".join(advice), f"Change it in {context.home.settings_file}")


def look_at_generated(context: Context) -> Verdict:
    """Look whether the files of the services are what ``server.toml`` asks for."""
    if context.known.is_stack:
        return _compare_stack(context)
    from poetry_aegis.server.template import render_registry_settings

    process = context.process
    if process is None or not process.is_alive:
        return skip("They are written anew with each start, and the server is stopped.")
    try:
        written = context.home.registry_settings.read_text(encoding="utf-8")
    except FileNotFoundError:
        written = ""
    if written == render_registry_settings(context.known) and process.url == context.known.url:
        return well("The server runs with the settings of server.toml.")
    return warn(
        "The server was started with other settings than those of server.toml now.",
        context.command("apply"),
    )


def _compare_stack(context: Context) -> Verdict:
    from poetry_aegis.server.stack.owner import owner_of
    from poetry_aegis.server.stack.rendering import render
    from poetry_aegis.server.stack.writing import compare

    settings = context.known
    files = render(context.home, settings, owner_of(settings.containers))
    changes = compare(context.home, files)
    if not changes:
        return well(f"{counted(len(files), 'file')} are what server.toml asks for.")
    shown = ", ".join(f"{change.path} ({change.kind})" for change in changes[:3])
    more = f" and {len(changes) - 3} more" if len(changes) > 3 else ""
    return warn(f"Not what server.toml asks for: {shown}{more}.", context.command("apply"))


CHECKS = (
    Check("settings", "server.toml can be read and makes sense", look_at_settings),
    Check("settings-advice", "The settings are not risky", look_at_advice, is_set_up),
    Check("settings-applied", "The services run as server.toml says", look_at_generated, is_set_up),
)
