"""What pip, uv and twine would use, by the rules of each: environment, then files."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poetry_aegis.client import ini, pip, shape, twine, uv
from poetry_aegis.client.authority import BUNDLES
from poetry_aegis.client.edits import read
from poetry_aegis.client.show import Used
from poetry_aegis.errors import AegisError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_Found = tuple[str, str]  # a value, and what names it


def pip_uses(environment: Mapping[str, str], public: str) -> Iterator[Used]:
    """Yield the indexes of ``pip install``: the one, and those beside it.

    A variable counts before [install], that before [global]; of the files the site's counts before
    the user's, and that before the system's.
    """
    known, unread, refused = _pip_settings(environment)
    yield from unread
    if refused:
        return

    def setting(name: str) -> _Found | None:
        variable = f"PIP_{name.upper().replace('-', '_')}"
        if value := environment.get(variable):
            return value, variable
        return known.get(("install", name)) or known.get(("global", name))

    certificate = _first(environment, *BUNDLES) or setting("cert")
    authority = certificate[0] if certificate else None
    url, where = setting("index-url") or (public, "built in")
    yield Used("pip", url, where, authority=authority)
    others = setting("extra-index-url")
    for extra in others[0].split() if others else ():
        yield Used("pip", extra, others[1] if others else "", "beside it", authority=authority)


def _pip_settings(
    environment: Mapping[str, str],
) -> tuple[dict[tuple[str, str], _Found], list[Used], bool]:
    """Return what pip's files say, those that cannot be read, and whether pip starts with them.

    It passes over a file that it may not open, and refuses to start where one is broken.
    """
    found: dict[tuple[str, str], _Found] = {}
    unread: list[Used] = []
    refused = False
    if environment.get("PIP_CONFIG_FILE") == os.devnull:
        return found, unread, refused
    files = pip.files()
    ordered = [path for kind in ("global", "user", "site", "env") for path in files.get(kind, [])]
    for path in dict.fromkeys(ordered or pip.files_by_rule()):
        try:
            values = pip.values(path)
        except (AegisError, OSError) as error:
            unread.append(broken("pip", path, error))
            refused |= isinstance(error, AegisError)
            continue
        found |= {key: (value, str(path)) for key, value in values.items() if value}
    return found, unread, refused


def uv_uses(environment: Mapping[str, str], folder: Path, public: str) -> Iterator[Used]:
    """Yield the indexes of uv in *folder*: the default one, and those that it asks before it."""
    authority = _first(environment, "SSL_CERT_FILE", "SSL_CERT_DIR")
    try:
        tables = [] if environment.get("UV_NO_CONFIG") else list(_uv_tables(environment, folder))
    except _BrokenFile as error:
        yield error.used
        return
    indexes = [(item, where) for table, where in tables for item in table.get("index", [])]
    named = _first(environment, "UV_DEFAULT_INDEX", "UV_INDEX_URL")
    listed = [(item["url"], where) for item, where in indexes if item.get("default")]
    old = [(table["index-url"], where) for table, where in tables if "index-url" in table]
    url, where = next(iter([*([named] if named else []), *listed, *old]), (public, "built in"))
    name = next((str(item.get("name", "")) for item, _ in indexes if item.get("url") == url), "")
    trusted = authority[0] if authority else None
    yield Used("uv", url, where, login=_uv_login(environment, name), authority=trusted)
    variable = _first(environment, "UV_INDEX", "UV_EXTRA_INDEX_URL")
    before = (
        [(extra.rpartition("=")[2], variable[1]) for extra in variable[0].split()]
        if variable
        else []
    )
    before += [
        (item["url"], where)
        for item, where in indexes
        if not item.get("default") and not item.get("explicit")
    ]
    for extra, where in before:
        yield Used("uv", str(extra), where, "before it", authority=trusted)


def _uv_tables(
    environment: Mapping[str, str], folder: Path
) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield what uv reads, what counts most first: the project, the user, the system.

    Raises `_BrokenFile` for one with which uv does not start.
    """
    if named := environment.get("UV_CONFIG_FILE"):
        yield _uv_toml(Path(named), may_lack=False), named
        return
    for above in (folder, *folder.parents):
        own = above / "uv.toml"
        if own.is_file():
            yield _uv_toml(own), str(own)
            break
        table = _project_table(above / "pyproject.toml")
        if isinstance(table, dict):
            yield table, str(above / "pyproject.toml")
            break
    for path in (uv.location(), uv.system_location()):
        yield _uv_toml(path), str(path)


def _uv_login(environment: Mapping[str, str], name: str) -> tuple[str, str] | None:
    spelled = re.sub(r"[^A-Z0-9]", "_", name.upper())
    user = environment.get(f"UV_INDEX_{spelled}_USERNAME") if name else None
    return (user, environment.get(f"UV_INDEX_{spelled}_PASSWORD", "")) if user else None


def twine_uses(environment: Mapping[str, str], public: str) -> Iterator[Used]:
    """Yield where twine would upload to: without ``-r``, and with each repository it knows."""
    path = twine.location()
    try:
        known = ini.values(ini.decodable(read(path) or b""))
    except (AegisError, OSError) as error:
        yield broken("twine", path, error, "upload")
        return
    bundle = _first(environment, *BUNDLES, "TWINE_CERT")
    names = known.get(("distutils", "index-servers"), "pypi testpypi").split()
    chosen = environment.get("TWINE_REPOSITORY") or "pypi"
    if url := environment.get("TWINE_REPOSITORY_URL"):
        yield _twine_use(known, chosen, (url, "TWINE_REPOSITORY_URL"), bundle)
    elif chosen == "pypi" and ("pypi", "repository") not in known:
        yield Used("twine", public, "built in", "upload")
    for name in names:
        if found := known.get((name, "repository")):
            yield _twine_use(known, name, (found, f"-r {name}, {path}"), bundle)


def _twine_use(
    known: Mapping[tuple[str, str], str], name: str, found: _Found, bundle: _Found | None
) -> Used:
    user, password = known.get((name, "username")), known.get((name, "password"))
    # The environment counts before the file here, too.
    certificate = bundle[0] if bundle else known.get((name, "ca-cert"))
    login = (user, password) if user and password else None
    return Used("twine", found[0], found[1], "upload", login, certificate)


def _first(environment: Mapping[str, str], *names: str) -> _Found | None:
    return next(((environment[name], name) for name in names if environment.get(name)), None)


class _BrokenFile(Exception):
    """A file that its tool does not start with."""

    def __init__(self, used: Used) -> None:
        super().__init__(used.where)
        self.used = used


def _uv_toml(path: Path, *, may_lack: bool = True) -> dict[str, Any]:
    try:
        return shape.toml(read(path) if may_lack else path.read_bytes())
    except (AegisError, OSError) as error:
        raise _BrokenFile(broken("uv", path, error)) from error


def _project_table(pyproject: Path) -> object:
    """Return what a project says to uv, which passes over one that is broken, with a warning."""
    try:
        return shape.toml(read(pyproject)).get("tool", {}).get("uv")
    except (AegisError, OSError):
        return None


def broken(tool: str, path: Path, error: Exception, role: str = "index") -> Used:
    """Return what to show of a *tool* whose file at *path* cannot be read, for an *error*."""
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return Used(tool, "", str(path), role, broken=reason)
