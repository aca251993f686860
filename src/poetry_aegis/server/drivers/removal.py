"""The data of a server, deleted for good."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from poetry_aegis.errors import ServerError

if TYPE_CHECKING:
    from poetry_aegis.server.home import ServerHome


def delete_data(home: ServerHome) -> bool:
    """Delete *home*'s packages, users and records; return whether there were any.

    They are put aside first: what a broken-off deletion leaves is no index. Raises `ServerError`.
    """
    data = home.data
    if data.is_symlink() or os.path.ismount(data):
        raise ServerError(
            f"{data} leads to another disk, and was left alone.",
            hint="Delete what is on it yourself.",
        )
    if not data.exists():
        return False
    aside = data.with_name("data.deleted")
    try:
        if aside.exists():
            shutil.rmtree(aside)
        data.rename(aside)
        shutil.rmtree(aside)
    except OSError as error:
        raise ServerError(
            f"{error.filename or data} cannot be deleted: {error.strerror}.",
            hint="Delete it as the user whom it belongs to.",
        ) from error
    return True
