"""What is removed for good: containers with all that is theirs, and the data of a server."""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING

from poetry_aegis.errors import ServerError, StackError

if TYPE_CHECKING:
    from poetry_aegis.server.docker.project import ComposeProject
    from poetry_aegis.server.home import ServerHome

OUR_IMAGES = "poetry-aegis-registry:"  # how the names of what is built in a home begin


def remove_stack(project: ComposeProject) -> bool:
    """Remove *project*'s containers, networks, volumes and our images; return whether any ran.

    Raises `StackError`.
    """
    services = project.services(thorough=False)
    if project.home.compose_file.exists():
        project.do("down", "--volumes", "--rmi", "local", "--remove-orphans")
    for image in {s.image for s in services if s.image.startswith(OUR_IMAGES)}:
        with contextlib.suppress(StackError):  # Another home may run it, too.
            project.remove_image(image)
    return bool(services)


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
    aside = data.with_name("data.deleted")
    if not (data.exists() or aside.exists()):
        return False
    try:
        if aside.exists():  # of a deletion that broke off
            shutil.rmtree(aside)
        if data.exists():
            data.rename(aside)
            shutil.rmtree(aside)
    except OSError as error:
        raise ServerError(
            f"{error.filename or data} cannot be deleted: {error.strerror}.",
            hint="Delete it as the user whom it belongs to.",
        ) from error
    return True
