"""TOML files of the team's, changed where a key is added or revoked, and nowhere else."""

from __future__ import annotations

import copy
import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from poetry_aegis import atomic
from poetry_aegis.errors import SettingsError
from poetry_aegis.settings import read_toml
from poetry_aegis.signing.toml import to_toml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tomlkit import TOMLDocument


@dataclass(frozen=True)
class Edit:
    """What the file at *path* holds, and what it is to hold; *before* is ``None`` for a new one."""

    path: Path
    before: str | None
    after: str

    @property
    def changes(self) -> bool:
        """Whether there is anything to write."""
        return self.before != self.after

    def diff(self) -> str:
        """Return the change as a unified diff."""
        before = (self.before or "").splitlines()
        name = self.path.name
        lines = difflib.unified_diff(before, self.after.splitlines(), name, name, lineterm="")
        return "\n".join(lines)

    def write(self) -> None:
        """Write the file. Raises `SettingsError`, also where another has changed it meanwhile."""
        if self.before != _read(self.path):
            raise SettingsError(f"{self.path} was changed by another meanwhile.", hint="Try again.")
        try:
            atomic.write_bytes(self.path, self.after.encode("utf-8"))
        except OSError as error:
            raise SettingsError(
                f"{self.path} cannot be written: {error.strerror or error}."
            ) from error


def add_table(path: Path, keys: tuple[str, ...], values: Mapping[str, object]) -> Edit:
    """Return the edit of the file at *path* that adds the table *keys* with *values* at its end.

    Raises `CorruptProject`, and `SettingsError` where the file is built so that it cannot be.
    """
    before = _read(path)
    header = ".".join(map(_spelled, keys))
    block = f"[{header}]\n{to_toml(values)}"
    if not before:
        return Edit(path, before, block)
    old = before if before.endswith("\n") else f"{before}\n"
    after = _with_line_ends_of(before, f"{old}\n{block}")
    return _checked(Edit(path, before, after), keys, values)


def change_table(path: Path, keys: tuple[str, ...], values: Mapping[str, object]) -> Edit:
    """Return the edit of the file at *path* that sets *values* in its table *keys*.

    Raises as `add_table` does.
    """
    import tomlkit

    before = _read(path) or ""
    document: Any = tomlkit.parse(before)
    table = document
    for key in keys:
        table = table[key]
    _set(table, values)
    after = _with_line_ends_of(before, tomlkit.dumps(document))
    return _checked(Edit(path, before, after), keys, values)


def _set(table: Any, values: Mapping[str, object]) -> None:
    """Set *values* in a *table* of tomlkit's, above comments at its end: they are of the next."""
    body = table.value.body if hasattr(table.value, "body") else []
    comments = []
    while body and body[-1][0] is None:
        comments.append(body.pop())
    for name, value in values.items():
        table[name] = list(value) if isinstance(value, tuple) else value
    body.extend(reversed(comments))


def _checked(edit: Edit, keys: tuple[str, ...], values: Mapping[str, object]) -> Edit:
    """Return *edit* where it changes just what it has to: what one writes others have to read."""
    wanted = _plain(edit.before or "")
    table: Any = wanted
    for key in keys:
        table = table.setdefault(key, {})
    table.update({k: list(v) if isinstance(v, tuple) else v for k, v in values.items() if v})
    if _plain(edit.after) != wanted:
        raise SettingsError(
            f"{edit.path} is written so that it cannot be changed without harm.",
            hint=f"Write it there yourself:\n[{'.'.join(map(_spelled, keys))}]\n{to_toml(values)}",
        )
    return edit


def _plain(text: str) -> dict[str, Any]:
    """Return the values in *text*, or nothing that any file has where it is no TOML."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        # Within a PEM block its line ends are of no importance.
        document: TOMLDocument = tomlkit.parse(text.replace("\r\n", "\n"))
        return copy.deepcopy(document.unwrap())
    except TOMLKitError:
        return {"": None}


def _read(path: Path) -> str | None:
    """Return the text of a TOML file, its line ends as they are; ``None`` where there is none.

    Raises `CorruptProject` and `SettingsError`.
    """
    if not path.exists():
        return None
    try:
        read_toml(path)
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror or error}.") from error


def _with_line_ends_of(before: str, after: str) -> str:
    """Return *after* with the line ends of *before*, where that has the ones of Windows alone."""
    windows = before.count("\r\n")
    if not windows or windows != before.count("\n"):
        return after
    return after.replace("\r\n", "\n").replace("\n", "\r\n")


def _spelled(key: str) -> str:
    """Return *key* as it stands in a table's header."""
    import tomlkit

    return tomlkit.key(key).as_string() if "." not in key else f'"{key}"'
