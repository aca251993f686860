"""The machine: disk, memory, open files, and what SELinux lets containers see."""

from __future__ import annotations

import contextlib
import shlex
import stat
from typing import TYPE_CHECKING

from poetry_aegis.server.doctor.verdicts import (
    Check,
    Verdict,
    is_embedded,
    is_set_up,
    is_stack,
    skip,
    warn,
    well,
    wrong,
)
from poetry_aegis.server.units import format_size

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from poetry_aegis.server.doctor.context import Context

LITTLE_MEMORY = 256 * 1024 * 1024
NO_MEMORY = 64 * 1024 * 1024
FEW_FILES = 1024
LITTLE_SPACE = 0.10  # of a disk, as the alerts have it
FEW_INODES = 0.05
LARGE_LOGS = 1024**3
FOR_CONTAINERS = ("container_file_t", "container_ro_file_t", "container_share_t")


def look_at_memory(context: Context) -> Verdict:
    """Look how much memory is left."""
    available = _meminfo(context).get("MemAvailable")
    if available is None:
        return skip("This system does not tell how much memory is left.")
    if available >= LITTLE_MEMORY:
        return well(f"{format_size(available)} of memory are left.")
    verdict = wrong if available < NO_MEMORY else warn
    return verdict(
        f"Only {format_size(available)} of memory are left.",
        "See who takes it: ps aux --sort -rss | head",
    )


def _meminfo(context: Context) -> dict[str, int]:
    try:
        text = (context.machine.root / "proc" / "meminfo").read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return {}
    rows = (line.replace(":", "").split() for line in text.splitlines())
    return {row[0]: int(row[1]) * 1024 for row in rows if len(row) == 3 and row[1].isdigit()}


def look_at_space(context: Context) -> Verdict:
    """Look how much room is left on the disk of the data."""
    place = _existing(context.home.data)
    disk = context.machine.disk(place)
    free, size = disk.f_bavail * disk.f_frsize, max(disk.f_blocks * disk.f_frsize, 1)
    evidence = f"{format_size(free)} of {format_size(size)} are free."
    remedy = context.command("prune")
    if free < context.known.minimum_free_bytes:
        return wrong(f"{evidence} The registry takes no uploads any more.", remedy)
    return warn(evidence, remedy) if free / size < LITTLE_SPACE else well(evidence)


def look_at_inodes(context: Context) -> Verdict:
    """Look how many more files the disk can hold."""
    disk = context.machine.disk(_existing(context.home.data))
    if not disk.f_files:
        return well("This file system has no limit of files.")
    evidence = f"{disk.f_favail} more files can be made on the disk."
    if disk.f_favail / disk.f_files >= FEW_INODES:
        return well(evidence)
    verdict = warn if disk.f_favail else wrong
    return verdict(evidence, "Find where there are too many small files: df -i")


def _existing(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.exists())


def look_at_open_files(context: Context) -> Verdict:
    """Look how many files and connections the server may hold open."""
    most = context.machine.open_files
    if most is None:
        return skip("There is no limit of open files.")
    if most >= FEW_FILES:
        return well(f"{most} files may be open at a time.")
    return warn(
        f"Only {most} files and connections may be open at a time.",
        f"ulimit -n {FEW_FILES * 4} && {context.command('restart')}",
    )


def look_at_logs(context: Context) -> Verdict:
    """Look how much room the logs take, those of before that were put aside, too."""
    sizes = dict(_sizes_below(context.home.log_file.parent))
    total = sum(sizes.values())
    if total <= LARGE_LOGS:
        return well(f"The logs take {format_size(total)}.")
    largest = max(sizes, key=lambda path: sizes[path])
    evidence = f"The logs take {format_size(total)}, most of it {largest}."
    if largest.suffix[1:].isdigit():  # It was read to its end, and nobody writes to it any more.
        return warn(evidence, f"rm {shlex.quote(str(largest))}")
    return warn(evidence, context.command("apply" if context.known.is_stack else "restart"))


def _sizes_below(folder: Path) -> Iterator[tuple[Path, int]]:
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # put aside just now
            found = path.lstat()
            if stat.S_ISREG(found.st_mode):
                yield path, found.st_size


def look_at_selinux(context: Context) -> Verdict:
    """Look whether SELinux lets containers see the folders that they are given."""
    if not _enforces(context):
        return well("SELinux does not stand in the way.")
    hidden = [path for path in _mounted(context) if not _is_for_containers(context, path)]
    if not hidden:
        return well("SELinux lets containers see their folders.")
    home = shlex.quote(str(context.home.root))
    return wrong(
        f"SELinux keeps containers from {', '.join(map(str, hidden))}.",
        f"sudo chcon -R -t container_file_t {home}",
    )


def _enforces(context: Context) -> bool:
    try:
        switch = context.machine.root / "sys" / "fs" / "selinux" / "enforce"
        return switch.read_text(encoding="ascii").strip() == "1"
    except (OSError, UnicodeDecodeError):
        return False


def _mounted(context: Context) -> list[Path]:
    home = context.home
    folders = (home.data, home.tls, home.nginx_logs, home.stack)
    return [folder for folder in folders if folder.exists()]


def _is_for_containers(context: Context, path: Path) -> bool:
    label = context.machine.label(path)
    kind = label.split(":")[2] if label.count(":") >= 2 else ""
    return not label or kind in FOR_CONTAINERS


CHECKS = (
    Check("disk-space", "There is room on the disk", look_at_space, is_set_up),
    Check("inodes", "The disk can hold more files", look_at_inodes),
    Check("memory", "There is memory left", look_at_memory, is_set_up),
    Check("log-size", "The logs take little room", look_at_logs, is_set_up),
    Check("open-files", "Enough files may be open", look_at_open_files, is_embedded),
    Check("selinux", "SELinux lets containers in", look_at_selinux, is_stack),
)
