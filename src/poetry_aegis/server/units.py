"""Sizes and durations, as people read them."""

from __future__ import annotations


def format_size(size: int) -> str:
    """Return *size* bytes in units of 1024, such as ``1.5 MiB``."""
    if size < 1024:
        return f"{size} B"
    value = float(size)
    for unit in ("KiB", "MiB", "GiB"):
        value /= 1024
        if value < 1023.95:  # what would be rounded to 1024.0 is one of the next unit
            return f"{value:.1f} {unit}"
    return f"{value / 1024:.1f} TiB"


def counted(number: int, thing: str) -> str:
    """Return how many of a *thing* there are, such as ``1 file`` or ``2 files``."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def format_duration(seconds: float) -> str:
    """Return a duration by its two largest units, such as ``3 d 4 h`` or ``12 s``."""
    left = int(seconds)
    parts: list[str] = []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, length)
        if count or parts:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"
