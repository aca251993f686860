"""Taking back what was set up, and telling what else still is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.client import records, reversal
from poetry_aegis.client.edits import Edit, read
from poetry_aegis.client.setup import Plan

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

# Both read their password from .netrc, which has a record of its own.
READERS_OF_NETRC = ("pip", "uv")
NETRC = "netrc"


def plan_undo(profile: str, tool: str) -> Plan | None:
    """Return what takes back what was set up, ``None`` where nothing was.

    Raises ``OSError`` and `AegisError`.
    """
    record = records.load(profile, tool)
    if record is None:
        return None
    edits, notes = [], []
    for item in record.files:
        current = read(item.path)
        restored = reversal.restore(item.reversal, current)
        edits.append(Edit(item.path, item.reversal.kind, current, restored.content))
        if note := _note(item.path, restored, current):
            notes.append(note)
    return Plan(
        profile,
        tool,
        tuple(edits),
        None,
        notes=tuple(notes),
        keyring=record.keyring,
        below=record.below,
        kept=record.kept,
    )


def take_back(plan: Plan) -> None:
    """Carry out the *plan* of an undo, and let the keyring be what it was.

    Raises ``OSError`` and `AegisError`.
    """
    from poetry_aegis.client import keyrings

    # The keyring first: where it is locked, the record stays, and all can be tried again.
    for service, username in plan.kept:
        keyrings.give_back(service, username)
    for service, username in plan.keyring:
        keyrings.drop(service, username)
    plan.write()


def parts_of(profile: str, tools: Collection[str]) -> list[str]:
    """Return *tools*, and ``.netrc`` where no other one of *profile* reads it."""
    if not set(tools) & set(READERS_OF_NETRC) or _needs_netrc(profile, without=tools):
        return list(tools)
    return [*tools, NETRC]


def still_set_up(tools: Collection[str]) -> list[str]:
    """Return the profiles in which any of *tools* is set up. Raises `AegisError`."""
    return [
        profile
        for profile in records.profiles()
        if any(records.load(profile, tool) for tool in parts_of(profile, tools))
    ]


def _needs_netrc(profile: str, *, without: Collection[str]) -> bool:
    """Tell whether a reader of ``.netrc`` is set up in *profile*, other than those *without*."""
    return any(records.load(profile, tool) for tool in READERS_OF_NETRC if tool not in without)


def _note(path: Path, restored: reversal.Restored, current: bytes | None) -> str | None:
    if restored.exact:
        return None
    if current is None:
        return f"{path} is not there any more."
    if restored.left:
        return (
            f"{path} was edited since, and others have built upon our lines: what could not be "
            "taken out without harm is left. Look at it."
        )
    return f"{path} was edited since: only our own lines are taken out."
