"""``.env``: the passwords of the stack, made once and known to its owner alone."""

from __future__ import annotations

from secrets import token_urlsafe
from typing import TYPE_CHECKING

from poetry_aegis import atomic

if TYPE_CHECKING:
    from poetry_aegis.server.home import ServerHome

GRAFANA = "GRAFANA_PASSWORD"
REDIS = "REDIS_PASSWORD"
NAMES = (GRAFANA, REDIS)
HEAD = "# Passwords of the stack, made when it was set up. Keep them to yourself.\n"
_BYTES = 24
_PRIVATE = 0o600


def ensure_secrets(home: ServerHome) -> dict[str, str]:
    """Make the passwords that ``.env`` has not yet; return the new ones by their names.

    All other lines stay as they are, and the file is closed to other users. Raises ``OSError``.
    """
    lines = _lines(home)
    known = {name for line in lines for name in NAMES if _is_set(line, name)}
    made = {name: token_urlsafe(_BYTES) for name in NAMES if name not in known}
    if made:
        kept = [line for line in lines if not any(_names(line, name) for name in made)]
        text = "".join([*(kept or [HEAD]), *(f"{name}={word}\n" for name, word in made.items())])
        atomic.write_text(home.env_file, text, mode=_PRIVATE)
    elif home.env_file.stat().st_mode & 0o777 != _PRIVATE:
        home.env_file.chmod(_PRIVATE)
    return made


def _lines(home: ServerHome) -> list[str]:
    """Return the lines of the file, each with its end."""
    try:
        text = home.env_file.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return []
    return [f"{line}\n" for line in text.splitlines()]


def _names(line: str, name: str) -> bool:
    return line.partition("=")[0].strip().removeprefix("export ").strip() == name


def _is_set(line: str, name: str) -> bool:
    return _names(line, name) and line.partition("=")[2].strip().strip("\"'") != ""
