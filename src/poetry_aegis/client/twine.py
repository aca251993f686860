"""twine as a client: ``.pypirc``, which other upload clients read, too."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from poetry_aegis.client import ini
from poetry_aegis.client.authority import bundle_notes
from poetry_aegis.client.setup import Login, Owner, Want, Work, owner_of
from poetry_aegis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poetry_aegis.client.poetry import Index

# What twine knows while no file lists anything; a list of our own must not take it away.
_KNOWN = ("pypi", "testpypi")
_HIDING = ("TWINE_REPOSITORY_URL", "TWINE_USERNAME", "TWINE_PASSWORD", "TWINE_CERT")


def location() -> Path:
    """Return where ``.pypirc`` is."""
    return Path.home() / ".pypirc"


def work(index: Index, login: Login | None, *, in_keyring: bool) -> Work:
    """Return what makes *index* a repository of twine's.

    The password goes into the file only where there is no keyring. Raises `UsageError` for one
    that the file cannot hold.
    """
    options = {"repository": index.upload_url}
    if index.authority is not None:
        options["ca_cert"] = str(index.authority)
    if login is not None:
        options["username"] = _line(login.username)
    holds_password = login is not None and not in_keyring
    if login is not None and holds_password:
        options["password"] = _line(login.password)

    def change(content: bytes | None) -> bytes:
        return ini.with_options(_listed(content, index.name), index.name, options)

    path = location()
    entries = ((index.upload_url, login.username),) if login is not None and in_keyring else ()
    want = Want(path, "ini", change, private=holds_password, logins=_logins)
    notes = (*_notes(path, held=holds_password), *bundle_notes(index, "twine"))
    return Work("twine", index.name, (want,), entries, notes)


def _logins(content: bytes | None) -> dict[str, Owner]:
    """Return whose logins a file holds, each under the name of its repository."""
    known = ini.values(content or b"")
    return {
        section: owner_of(user, known.get((section, "password"), ""))
        for (section, name), user in known.items()
        if name == "username"
    }


def _listed(content: bytes | None, name: str) -> bytes:
    """Return *content* with *name* among the repositories that it lists."""
    known = ini.values(content or b"").get(("distutils", "index-servers"))
    names = list(_KNOWN) if known is None else known.split()
    if name in names:
        return content or b""
    listed = "".join(f"\n    {item}" for item in [*names, name])
    return ini.with_options(content, "distutils", {"index-servers": listed})


def _line(value: str) -> str:
    if value.strip() != value or not value.isprintable():
        raise UsageError(
            ".pypirc cannot hold this user or password.",
            hint="Use a token of the index as the password; make one with: "
            "poetry aegis server token create",
        )
    return value


def _notes(path: Path, *, held: bool) -> Iterator[str]:
    if held:
        yield f"There is no keyring here: the password is in {path}, which only you may read."
    for name in _HIDING:
        if os.environ.get(name):
            yield f"{name} is set, and twine obeys it before {path}."
