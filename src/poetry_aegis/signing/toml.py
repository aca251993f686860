"""Public keys, and what is known of them, as TOML."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from poetry_aegis.signatures.keys import PublicKey


def public_table(public: PublicKey) -> dict[str, str]:
    """Return *public* as a TOML table has it, without what it does not need."""
    return {name: value for name, value in asdict(public).items() if value}


def to_toml(table: Mapping[str, object]) -> str:
    """Return the lines of a TOML *table*, without those that would be empty."""
    import tomlkit

    document = tomlkit.document()
    for name, value in table.items():
        if isinstance(value, str) and "\n" in value:
            document.add(name, tomlkit.string(value, multiline=True))
        elif value:
            document.add(name, tomlkit.item(value))
    return tomlkit.dumps(document)
