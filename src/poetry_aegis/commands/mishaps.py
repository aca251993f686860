"""Errors for what went wrong otherwise: a line that cannot be read, the system, a bug."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from poetry_aegis.errors import AegisError, UsageError

if TYPE_CHECKING:
    from cleo.exceptions import CleoError


def unreadable(error: CleoError, name: str) -> UsageError:
    """Return the error for a command line of the command *name* that cleo cannot read."""
    refused = UsageError(f"{str(error).rstrip('.')}.", hint=f"See: poetry {name} --help")
    refused.__cause__ = error
    return refused


def refused_by_system(error: OSError) -> AegisError:
    """Return the error for what the operating system did not allow: no right, no space."""
    where = f"{error.filename}: " if error.filename else ""
    wrapped = AegisError(f"{where}{error.strerror or error}.")
    wrapped.__cause__ = error
    return wrapped


def unexpected(error: Exception) -> AegisError:
    """Return the error for what nobody has thought of."""
    spells = sys.getfilesystemencoding()  # UTF-8 unless somebody has seen to that.
    if isinstance(error, UnicodeEncodeError) and error.encoding == spells != "utf-8":
        return _unspelled(error)
    kind = type(error).__name__
    detail = " ".join(str(error).split())
    wrapped = AegisError(
        f"Unexpected {kind}: {detail}" if detail else f"Unexpected {kind}.",
        hint="This looks like a bug in poetry-aegis; run the command again with -v for the trace.",
    )
    wrapped.__cause__ = error
    return wrapped


def _unspelled(error: UnicodeEncodeError) -> AegisError:
    """Return the error for a path that the system cannot be told of, as in an ASCII locale."""
    wrapped = AegisError(
        f"A path here has letters that the locale of this shell cannot spell ({error.encoding}).",
        hint="Have Python spell paths in UTF-8: export PYTHONUTF8=1",
    )
    wrapped.__cause__ = error
    return wrapped
