"""pip as a client: its file, and what goes into it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from poetry_aegis.client import ini, programs
from poetry_aegis.client.authority import bundle_notes
from poetry_aegis.client.edits import named, read
from poetry_aegis.client.setup import Want, Work

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from poetry_aegis.client.poetry import Index

_HIDING = ("PIP_INDEX_URL", "PIP_NO_INDEX", "PIP_CONFIG_FILE", "PIP_ISOLATED", "PIP_CERT")


def location() -> Path:
    """Return the user's file, as pip itself names it; by its rules where there is no pip.

    pip reads two, an old place and a new one, and the second of them last.
    """
    return files().get("user", [_by_rule()])[-1]


def files() -> dict[str, list[Path]]:
    """Return pip's files as ``pip config debug`` lists them, by their kind, the last read last."""
    program = programs.find("pip")
    told = programs.run([*program, "config", "debug"]) if program else None
    found: dict[str, list[Path]] = {}
    if told is None or told[0] != 0:
        return found
    kind = ""
    for line in told[1].splitlines():
        if not line.startswith(" "):
            kind = line.rstrip(":")
        elif ", exists: " in line and not line.startswith("   "):
            found.setdefault(kind, []).append(Path(line.strip().rpartition(", exists: ")[0]))
    return found


def files_by_rule() -> list[Path]:
    """Return the files that pip reads, by its rules: it lists none itself where one is broken."""
    program = programs.find("pip")
    prefixes = [Path(program[0]).parent.parent] if program else []
    named_one = os.environ.get("PIP_CONFIG_FILE")
    return [
        *(Path(folder, "pip", "pip.conf") for folder in _system_folders()),
        Path("/etc/pip.conf"),
        Path.home() / ".pip" / _by_rule().name,
        _by_rule(),
        *(prefix / _by_rule().name for prefix in prefixes),
        *([Path(named_one)] if named_one and named_one != os.devnull else []),
    ]


def _system_folders() -> list[str]:
    if sys.platform == "win32":
        return [os.environ.get("PROGRAMDATA", r"C:\ProgramData")]
    return (os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)


def _by_rule() -> Path:
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA", home / "AppData" / "Roaming")) / "pip" / "pip.ini"
    if sys.platform == "darwin" and (library := home / "Library/Application Support/pip").is_dir():
        return library / "pip.conf"
    return Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"


def values(path: Path) -> dict[tuple[str, str], str]:
    """Return what is in one of pip's files. Raises ``OSError``, and `AegisError` as pip would."""
    return ini.values(ini.decodable(read(path) or b""))


def work(index: Index) -> Work:
    """Return what makes *index* the one index of pip.

    It is the only one: the registry's pull-through gets what is public, and a name that is private
    is looked up nowhere else. Raises ``OSError`` and `AegisError` for files that cannot be read.
    """
    known = files()
    path = known.get("user", [_by_rule()])[-1]
    for found in [path] if known else [*files_by_rule(), path]:
        with named(found):
            values(found)
    options = {"index-url": index.simple_url}
    if index.authority is not None:
        options["cert"] = str(index.authority)
    want = Want(path, "ini", lambda content: ini.with_options(content, "global", options))
    notes = (*_notes(path, os.environ), *bundle_notes(index, "pip"))
    return Work("pip", "", (want,), notes=notes)


def _notes(path: Path, environment: Mapping[str, str]) -> Iterator[str]:
    for name in _HIDING:
        if environment.get(name):
            yield f"{name} is set, and pip obeys it before {path}."
    for section, name in values(path):
        if name == "extra-index-url":
            yield (
                f"{path} names an extra-index-url: pip takes the newest version of any of its "
                "indexes, so others can put theirs in the place of a private package. Remove it."
            )
        if name in {"index-url", "cert"} and section != "global":
            yield f"{path} sets {name} in [{section}], which counts before [global]."
