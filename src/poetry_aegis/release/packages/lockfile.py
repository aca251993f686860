"""``poetry.lock`` kept valid when packages of the repository get new versions.

Poetry compares a hash of the dependencies with the one in the lock file, and takes the versions of
path dependencies from it. Both are known here without resolving anything anew.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from poetry_aegis.release.packages.constraints import admits, follow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from poetry.core.constraints.version import Version

# Poetry writes the file itself, always in this form.
PACKAGE = re.compile(r"^(?=\[\[package\]\]|\[metadata\])", re.MULTILINE)
NAME = re.compile(r'^name = "(?P<name>[^"]*)"', re.MULTILINE)
VERSION = re.compile(r'^version = "[^"]*"', re.MULTILINE)
FROM_DIRECTORY = re.compile(r'^\[package\.source\]\r?\ntype = "directory"', re.MULTILINE)
DEPENDENCIES = re.compile(r"^\[package\.dependencies\][^\n]*\n(?:[^\[\n][^\n]*\n)*", re.MULTILINE)
DEPENDENCY = re.compile(
    r'^(?P<before>(?P<name>[A-Za-z0-9._-]+) = (?:\{version = )?")(?P<constraint>[^"]*)',
    re.MULTILINE,
)


def with_locked_versions(
    lock: bytes, versions: Mapping[str, Version], hashes: tuple[str, str] | None = None
) -> bytes:
    """Return the content of a *lock* file in which packages of the repository have *versions*.

    Only what is locked from a directory is touched. *hashes* are those of the project's
    dependencies before and after the release, where its constraints change: a lock file that was
    outdated before stays so, and Poetry goes on to say it.
    """
    blocks = PACKAGE.split(lock.decode("utf-8"))
    text = "".join(_with_versions(block, versions) for block in blocks)
    if hashes:
        before, after = (f'content-hash = "{digest}"' for digest in hashes)
        text = text.replace(before, after)
    return text.encode("utf-8")


def _with_versions(block: str, versions: Mapping[str, Version]) -> str:
    name = NAME.search(block)
    if name is None or not FROM_DIRECTORY.search(block):
        return block
    version = versions.get(canonicalize_name(name["name"]))
    if version is not None:
        block = VERSION.sub(f'version = "{version.text}"', block, count=1)
    return DEPENDENCIES.sub(
        lambda table: DEPENDENCY.sub(lambda line: _with_constraint(line, versions), table.group()),
        block,
    )


def _with_constraint(line: re.Match[str], versions: Mapping[str, Version]) -> str:
    version = versions.get(canonicalize_name(line["name"]))
    if version is None or admits(line["constraint"], version):
        return line.group()
    return f"{line['before']}{follow(line['constraint'], version)}"
