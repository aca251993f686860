"""uv as a client: its file, and what goes into it.

uv.toml has no key for a certificate. uv reads authorities from ``SSL_CERT_FILE`` and
``SSL_CERT_DIR``, which replace the ones it brings along, or with ``system-certs = true`` from the
system's store. Nothing of this is written: older versions of uv refuse a file with a key that they
do not know, and the variables are OpenSSL's, too, so each user has to know of them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poetry_aegis.client import lines as text
from poetry_aegis.client import shape
from poetry_aegis.client.edits import named, read
from poetry_aegis.client.setup import Want, Work
from poetry_aegis.errors import AegisError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from poetry_aegis.client.poetry import Index

_HIDING = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_NO_CONFIG", "UV_CONFIG_FILE", "UV_NO_INDEX")
_STORES = (Path("/etc/ssl/certs"), Path("/etc/pki/tls/certs"))


def location() -> Path:
    """Return the user's file, which is where uv looks on this platform."""
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA", home / "AppData" / "Roaming")) / "uv" / "uv.toml"
    return Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "uv" / "uv.toml"


def system_location() -> Path:
    """Return the file of the whole machine, which counts after the user's."""
    if os.name == "nt":
        return Path(os.environ.get("PROGRAMDATA", r"C:\ProgramData"), "uv", "uv.toml")
    return Path("/etc/uv/uv.toml")


def work(index: Index) -> Work:
    """Return what makes *index* the one index of uv, in place of the public one.

    Raises ``OSError`` and `AegisError` for a file that cannot be read.
    """
    path = location()
    want = Want(path, "toml", lambda content: with_index(content, index))
    with named(path):
        return Work("uv", "", (want,), notes=tuple(_notes(path, index)))


def with_index(content: bytes | None, index: Index) -> bytes:
    """Return *content* with *index* as the default one. Raises `AegisError`."""
    values = shape.toml(content)
    known = values.get("index", [])
    wanted = {"name": index.name, "url": index.simple_url, "default": True}
    place = next((i for i, item in enumerate(known) if _is_default(item, index)), None)
    if place is None:
        block = [
            "[[index]]",
            f'name = "{index.name}"',
            f'url = "{index.simple_url}"',
            "default = true",
        ]
        after = text.appended(content, block)
        known = [*known, wanted]
    else:
        after = _changed(content or b"", place, wanted)
        known = [{**item, **wanted} if i == place else item for i, item in enumerate(known)]
    if not _says(after, {**values, "index": known}):
        raise AegisError(
            "The file is written so that it cannot be changed without harm.",
            hint="Write it there yourself:\n[[index]]\n"
            f'name = "{index.name}"\nurl = "{index.simple_url}"\ndefault = true',
        )
    return after


def _is_default(item: dict[str, Any], index: Index) -> bool:
    """Tell whether the table *item* has to be the one: a second of its kind would be refused."""
    return bool(item.get("default")) or item.get("name") == index.name


def _says(content: bytes, wanted: dict[str, Any]) -> bool:
    try:
        return shape.toml(content) == wanted
    except AegisError:
        return False


def _changed(content: bytes, place: int, values: dict[str, Any]) -> bytes:
    """Return *content* with *values* in the table number *place* of its indexes."""
    import tomlkit

    document: Any = tomlkit.parse(content.decode("utf-8-sig"))
    item = document["index"][place]
    for key, value in values.items():
        if item.get(key) != value:
            item[key] = value
    return text.like(content, tomlkit.dumps(document))


def certificate_setting(authority: Path) -> str:
    """Return the setting that makes uv trust *authority* beside all that it trusts otherwise.

    Of the system's own store uv reads what a folder holds; where there is no such folder, the
    authority has to go into the store itself.
    """
    store = next((folder for folder in _STORES if folder.is_dir()), None)
    if store is None:
        return "system-certs = true"
    return f"SSL_CERT_DIR={authority.parent}{os.pathsep}{store}"


def certificate_environment(authority: Path) -> dict[str, str]:
    """Return the environment in which uv trusts *authority*, for one run of it."""
    setting, _, value = certificate_setting(authority).partition("=")
    return (
        {"SSL_CERT_DIR": value} if setting == "SSL_CERT_DIR" else {"SSL_CERT_FILE": str(authority)}
    )


def _notes(path: Path, index: Index) -> Iterator[str]:
    for name in _HIDING:
        if os.environ.get(name):
            yield f"{name} is set, and uv obeys it before {path}."
    values = shape.toml(read(path))
    for table, where in ((values, path), (values.get("pip", {}), f"[pip] of {path}")):
        for name in ("index-url", "extra-index-url"):
            if name in table:
                yield f"{where} sets {name}, which uv reads beside [[index]]: remove it."
    others = [item for item in values.get("index", []) if not _is_default(item, index)]
    if any(not item.get("explicit") for item in others):
        yield f"{path} names other indexes, which uv asks before the default one."
    if index.authority is not None:
        yield _certificate_note(index.authority)


def _certificate_note(authority: Path) -> str:
    setting = certificate_setting(authority)
    if setting.startswith("SSL_CERT_DIR"):
        return f"uv.toml has no key for a certificate. Set for uv: {setting}"
    return (
        f"uv.toml has no key for a certificate. Add {authority} to the system's store, and to "
        f"uv.toml: {setting}"
    )
