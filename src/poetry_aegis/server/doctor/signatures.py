"""The keys whose signatures count for the server, and the files that lack them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from poetry_aegis.server.doctor.verdicts import Check, Verdict, has_registry, warn, well, wrong
from poetry_aegis.server.units import counted

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from poetry_aegis.server.doctor.context import Context
    from poetry_aegis.signatures.trust import Trust

SOON = 30  # days
MOST_NAMED = 3  # files in a sentence


def look_at_trust(context: Context) -> Verdict:
    """Look whether the trusted keys can be read, are enough, and none of them ends soon.

    And whether all files have the signatures that their uploads would need.
    """
    from poetry_aegis.registry.errors import InvalidSettings
    from poetry_aegis.registry.signers import load_trust

    named = context.known.signatures.trust
    if not named:
        return well("The settings name no trusted keys.")
    path = context.home.trust_file(named)
    try:
        trust = load_trust(path)
    except InvalidSettings as error:
        return wrong(
            f"What has to be signed is not taken: {error}",
            f"Mend it, or name another file in {context.home.settings_file}",
        )
    return _judged(trust, path, context)


def _judged(trust: Trust, path: Path, context: Context) -> Verdict:
    today = context.now.date()
    remedy = f"Put the keys that follow into {shlex.quote(str(path))}"
    if context.known.is_stack:
        remedy += f", then: {context.command('apply')}"
    good = _good(trust, today)
    if len(good) < trust.threshold:
        return wrong(
            f"{trust.threshold} must sign, and of {counted(len(trust.keys), 'key')} "
            f"{len(good)} can today.",
            remedy,
        )
    ending = _ending(trust, today)
    unverified = _unverified(context, path)
    if ending and unverified:
        mended = f"{remedy}. {_signing(context)}"
        return warn(f"{', '.join(ending[:3])}. {_told(unverified)}", mended)
    if ending:
        return warn(f"{', '.join(ending[:3])}.", remedy)
    if unverified:
        return warn(_told(unverified), _signing(context))
    return well(f"{counted(len(good), 'key')}, none at its end.")


def _unverified(context: Context, path: Path) -> tuple[str, ...]:
    """Return what is said of files that must be signed and are not. Raises ``OSError``."""
    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.registry.signers import Signers, TrustFile
    from poetry_aegis.registry.store.store import Store
    from poetry_aegis.registry.unverified import unverified_of_all

    data = DataDirectory(context.home.data)
    if not data.simple.is_dir():
        return ()  # The server has not been started yet.
    signers = Signers(context.known.signatures.required, TrustFile(path))
    return unverified_of_all(Store(data), signers)


def _told(unverified: tuple[str, ...]) -> str:
    """Return how many files are *unverified*, and the first of them."""
    named = ", ".join(finding.partition(": ")[0] for finding in unverified[:MOST_NAMED])
    more = len(unverified) - MOST_NAMED
    return (
        f"Without the signatures that their uploads would need: {counted(len(unverified), 'file')} "
        f"({named}{f' and {more} more' if more > 0 else ''})."
    )


def _signing(context: Context) -> str:
    return (
        f"{context.command('reindex --check')} says why of each; publish those again that are "
        "right, as they are, with: poetry aegis publish --skip-build --sign"
    )


def _good(trust: Trust, today: date) -> list[str]:
    return [
        name
        for name, key in trust.keys.items()
        if not key.is_revoked(today) and not key.is_out_of_time(today)
    ]


def _ending(trust: Trust, today: date) -> list[str]:
    """Return what is said of keys that have ended, or will soon; who is revoked has no end."""
    ends = {
        name: key.valid_until
        for name, key in trust.keys.items()
        if key.valid_until is not None and not key.is_revoked(today)
    }
    return [
        f"Key {name} {'ended' if end < today else 'ends'} on {end}"
        for name, end in ends.items()
        if (end - today).days < SOON
    ]


CHECKS = (Check("signatures", "Signatures can be verified", look_at_trust, has_registry),)
