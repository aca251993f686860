"""The environment's key and passphrase for signing, kept from all that a command runs.

Hooks of the project and of git, build scripts and back ends, with whatever these depend on, inherit
the environment of the command. None of them has to sign.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Named here as well as in `signing`, whose import would slow down what signs nothing.
KEY_VARIABLE = "AEGIS_SIGNING_KEY"
PASSPHRASE_VARIABLE = "AEGIS_SIGNING_PASSPHRASE"  # noqa: S105 - its name
_VARIABLES = (KEY_VARIABLE, PASSPHRASE_VARIABLE)

_withheld: dict[str, str] = {}


@contextlib.contextmanager
def withheld() -> Iterator[None]:
    """Take the secrets out of the environment until the block ends; they stay in memory."""
    taken = {name: os.environ.pop(name) for name in _VARIABLES if name in os.environ}
    _withheld.update(taken)
    try:
        yield
    finally:
        for name in taken:
            _withheld.pop(name, None)
        os.environ.update(taken)


@contextlib.contextmanager
def lent() -> Iterator[None]:
    """Put the secrets back until the block ends: for the opening of a key, and nothing else."""
    back = {name: value for name, value in _withheld.items() if name not in os.environ}
    os.environ.update(back)
    try:
        yield
    finally:
        for name in back:
            os.environ.pop(name, None)


def has_key() -> bool:
    """Return whether the environment has a key to sign with, withheld or not."""
    return bool(_withheld.get(KEY_VARIABLE) or os.environ.get(KEY_VARIABLE))
