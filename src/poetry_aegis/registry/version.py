"""Which version of the registry this is."""

from __future__ import annotations

from functools import cache


@cache
def version() -> str:
    """Return the version of the installed package, ``unknown`` for a bare copy of its files."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as version_of

    try:
        return version_of("poetry-aegis")
    except PackageNotFoundError:
        return "unknown"
