"""The files of the server: whether they are there, whose they are, who may open them."""

from __future__ import annotations

import contextlib
import os
import shlex
import stat
from itertools import chain, islice
from typing import TYPE_CHECKING

from poetry_aegis.server.doctor.verdicts import (
    Check,
    Verdict,
    is_set_up,
    is_stack,
    skip,
    warn,
    well,
    wrong,
)
from poetry_aegis.server.stack.secrets import GRAFANA, REDIS, ensure_secrets
from poetry_aegis.server.units import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from poetry_aegis.server.doctor.context import Context
    from poetry_aegis.server.home import ServerHome
    from poetry_aegis.server.stack.owner import Owner

MOST_LOOKED_AT = 20_000  # files whose owner is looked at
OTHERS = 0o077
OURS = 0o700


def look_at_data(context: Context) -> Verdict:
    """Look whether the data is there at all; a new index must not take its place."""
    home = context.home
    missing = [path for path in (home.data, home.auth) if not path.is_dir()]
    if not missing:
        return well(f"{home.data} is there.")
    return wrong(
        f"{missing[0]} is not there.",
        f"Is a disk not mounted? Bring it back, or: {context.command('restore FILE')}",
    )


def look_at_folders(context: Context) -> Verdict:
    """Look whether the folders beside the data are there."""
    home = context.home
    wanted = [home.pid_file.parent, home.log_file.parent]
    missing = [path for path in wanted if not path.is_dir()]
    if not missing:
        return well("All folders are there.")

    def make() -> str:
        for path in missing:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return f"Made: {', '.join(map(str, missing))}."

    return warn(f"Not there: {', '.join(map(str, missing))}.", f"mkdir {_quoted(missing)}", make)


def look_at_owner(context: Context) -> Verdict:
    """Look whether all that the server works on belongs to whom it runs as."""
    data = context.home.data
    if not hasattr(os, "getuid"):
        return skip("Files have no owner's number on this system.")
    if not data.is_dir():
        return skip(f"{data} is not there.")
    owner, places = _expected_owner(context), _places(context)
    foreign = list(_foreign(places, owner))
    if not foreign:
        return well(f"All of it belongs to {owner}, whom the server runs as.")
    example = os.path.relpath(foreign[0], context.home.root)
    return wrong(
        f"{counted(len(foreign), 'file')} not of {owner}, whom the server runs as, "
        f"such as {example}.",
        f"sudo chown -R {owner} {_quoted(places)}",
        _handing_over(places, owner) if os.geteuid() == 0 else None,
    )


def _expected_owner(context: Context) -> Owner:
    from poetry_aegis.server.stack.owner import Owner, owner_of

    if context.known.is_stack:
        return owner_of(context.known.containers)
    held = context.home.data.stat()
    # Root may keep house for the user that the server runs as.
    return Owner(held.st_uid, held.st_gid) if os.getuid() == 0 else Owner(os.getuid(), os.getgid())


def _places(context: Context) -> list[Path]:
    home = context.home
    of_nginx = [home.tls, home.nginx_logs] if context.known.is_stack else []
    return [place for place in (home.data, *of_nginx) if place.is_dir()]


def _foreign(places: list[Path], owner: Owner) -> Iterator[str]:
    """Yield what is not of *owner*, of what is looked at: what is written to most comes first."""
    data = places[0]
    tops = (data / "auth", *places[1:], data / "packages", data / ".work", data / "simple")
    below = (
        os.path.join(folder, name)  # noqa: PTH118 -- a Path for each is slow
        for top in tops
        for folder, folders, files in os.walk(top)
        for name in (*folders, *files)
    )
    beside = map(str, (*places, *data.iterdir()))
    for path in islice(chain(beside, below), MOST_LOOKED_AT):
        with contextlib.suppress(FileNotFoundError):  # come and gone meanwhile
            if os.lstat(path).st_uid != owner.uid:
                yield path


def _handing_over(places: list[Path], owner: Owner) -> Callable[[], str]:
    def hand_all_over() -> str:
        from poetry_aegis.server.stack.owner import hand_over

        for place in places:
            hand_over(place, owner)
        return f"All of it belongs to {owner} now."

    return hand_all_over


def look_at_writing(context: Context) -> Verdict:
    """Look whether the data can be written: by its modes, and by its disk."""
    data = context.home.data
    if not data.is_dir():
        return skip(f"{data} is not there.")
    if getattr(context.machine.disk(data), "f_flag", 0) & getattr(os, "ST_RDONLY", 0):
        return wrong(
            f"The disk of {data} is mounted read-only.",
            f"See why with dmesg, then: sudo mount -o remount,rw {shlex.quote(str(data))}",
        )
    folders = (data, data / "packages", data / "simple", context.home.auth, data / ".work")
    closed = [path for path in folders if path.is_dir() and _mode(path) & OURS != OURS]
    if not closed:
        return well(f"{data} can be written to.")

    def open_them() -> str:
        for path in closed:
            path.chmod(_mode(path) | OURS)
        return f"Opened for their owner: {', '.join(map(str, closed))}."

    return wrong(
        f"Not even their owner may write to {', '.join(map(str, closed))}.",
        f"chmod u+rwx {_quoted(closed)}",
        open_them,
    )


def look_at_secrets(context: Context) -> Verdict:
    """Look whether other users of the machine can open what is secret."""
    if os.name == "nt":
        return skip("Who may open a file is not in its mode on this system.")
    open_ones = [path for path in _secrets(context) if _mode(path) & OTHERS]
    if not open_ones:
        return well("Passwords, keys and users are closed to others.")

    def close() -> str:
        for path in open_ones:
            path.chmod(_mode(path) & ~OTHERS)
        return f"Closed to others: {', '.join(map(str, open_ones))}."

    return wrong(
        f"Other users can open {', '.join(map(str, open_ones))}.",
        f"chmod go-rwx {_quoted(open_ones)}",
        close,
    )


def _secrets(context: Context) -> list[Path]:
    home = context.home
    known = (home.auth, home.auth / "htpasswd", home.auth / "access.toml", home.env_file)
    keys = (home.settings_file, home.tls / "ca.key", home.tls / "server.key")
    return [path for path in (*known, *keys) if path.exists()]


def look_at_env_file(context: Context) -> Verdict:
    """Look whether the generated passwords of the stack are there, which Compose asks for."""
    home, settings = context.home, context.known
    if not home.compose_file.exists():
        return well("They are made with the first start.")
    needed = {GRAFANA: settings.monitoring.grafana, REDIS: settings.redis.enabled}
    missing = [name for name, is_needed in needed.items() if is_needed and not _says(home, name)]
    if not missing:
        return well(f"All passwords are in {home.env_file}")

    def make() -> str:
        return f"Made: {', '.join(ensure_secrets(home))}."

    return wrong(f"{', '.join(missing)} not in {home.env_file}", context.command("start"), make)


def _says(home: ServerHome, name: str) -> bool:
    try:
        lines = home.env_file.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return False
    pairs = (line.removeprefix("export ").partition("=") for line in lines)
    return any(key.strip() == name and value.strip() for key, _, value in pairs)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _quoted(paths: list[Path]) -> str:
    return " ".join(shlex.quote(str(path)) for path in paths)


CHECKS = (
    Check("data", "The data is there", look_at_data),
    Check("folders", "The folders beside it are there", look_at_folders),
    Check("data-owner", "The data belong to the server", look_at_owner, is_set_up),
    Check("data-writable", "The data can be written", look_at_writing),
    Check("private-files", "Secrets are closed to others", look_at_secrets),
    Check("env-file", "The stack's passwords are there", look_at_env_file, is_stack),
)
