"""Generated files, and blocks in files of others: what would change, and writing no more than that.

A file of ours, and a block of ours in another one, begins with a line that holds the digest of what
was written. What does not have it any more was edited by hand.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from difflib import unified_diff
from typing import TYPE_CHECKING, Literal

from poetry_aegis import atomic
from poetry_aegis.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from poetry_aegis.ci.rendering import Kind, Part

State = Literal["new", "unchanged", "changed", "added to", "edited by hand", "not ours"]
REFUSED: tuple[State, ...] = ("edited by hand", "not ours")
_DIGEST = r"sha256:(?P<digest>[0-9a-f]{64})"


@dataclass(frozen=True)
class Change:
    """What becomes of the file *path*: *before* is what is there, ``None`` for no file."""

    path: Path
    name: str
    state: State
    before: str | None
    after: str

    def diff(self) -> str:
        """Return the change as a unified diff, without its last line's end."""
        lines = unified_diff(
            (self.before or "").splitlines(),
            self.after.splitlines(),
            "/dev/null" if self.before is None else f"{self.name} (now)",
            f"{self.name} (to be)",
            lineterm="",
        )
        return "\n".join(lines)

    def to_json(self) -> dict[str, str]:
        """Return the change as ``--json`` prints it."""
        return {"path": self.name, "state": self.state, "diff": self.diff()}


def compare(root: Path, kind: Kind, parts: Sequence[Part]) -> tuple[Change, ...]:
    """Return what writing *parts* below *root* would change. Nothing is written.

    Raises `SettingsError` for a file that leads out of *root* or is no text, and ``OSError``.
    """
    return tuple(_compare(root, kind, part) for part in parts)


def write(changes: Sequence[Change]) -> None:
    """Write what *changes* say, each file as a whole. Raises ``OSError``."""
    for change in changes:
        if change.state != "unchanged":
            change.path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write_bytes(change.path, change.after.encode("utf-8"))


def _compare(root: Path, kind: Kind, part: Part) -> Change:
    path = root / part.path
    if not path.resolve().is_relative_to(root.resolve()):
        raise SettingsError(
            f"{path} leads to {path.resolve()}, which is outside of the repository.",
            hint="Remove that link.",
        )
    before = _read(path)
    state, after = _whole(kind, part, before) if part.whole else _block(kind, part, before)
    if before is not None and before.count("\r\n") == before.count("\n") > 0:
        after = after.replace("\r\n", "\n").replace("\n", "\r\n")
    return Change(path, part.path, "unchanged" if before == after else state, before, after)


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise SettingsError(
            f"{path} is not UTF-8 text.", hint="Move it away, and run the command again."
        ) from None


# All of a file


def _whole(kind: Kind, part: Part, before: str | None) -> tuple[State, str]:
    head = f"{part.comment} Written by: poetry aegis ci init {kind}"
    note = f"{part.comment} Do not edit it: [tool.poetry-aegis.ci] in pyproject.toml has settings."
    after = f"{head} ({digest(part.text)})\n{note}\n\n{part.text}"
    if before is None:
        return "new", after
    text = before.replace("\r\n", "\n")
    begun = re.match(rf"{re.escape(head)} \({_DIGEST}\)\n[^\n]*\n\n", text)
    if begun is None:
        return "not ours", after
    is_as_written = digest(text[begun.end() :]) == f"sha256:{begun['digest']}"
    return "changed" if is_as_written else "edited by hand", after


# A block in a file


def _block(kind: Kind, part: Part, before: str | None) -> tuple[State, str]:
    first = f"{part.comment} >>> poetry aegis ci init {kind}"
    last = f"{part.comment} <<< poetry aegis ci init {kind}"
    block = f"{first} ({digest(part.text)})\n{part.text}{last}\n"
    if before is None:
        return "new", block
    text = before.replace("\r\n", "\n")
    there = re.search(
        rf"^{re.escape(first)} \({_DIGEST}\)\n(?P<text>.*?)^{re.escape(last)}(?:\n|\Z)",
        text,
        re.DOTALL | re.MULTILINE,
    )
    if there:
        is_as_written = digest(there["text"]) == f"sha256:{there['digest']}"
        after = text[: there.start()] + block + text[there.end() :]
        return "changed" if is_as_written else "edited by hand", after
    _require_room(part, text, block)
    between = "" if not text.strip() else "\n" if text.endswith("\n") else "\n\n"
    return "added to", text + between + block


def _require_room(part: Part, text: str, block: str) -> None:
    """Raise `SettingsError` where *text* has what there may be only once in a file."""
    for name, pattern in _ONCE.items():
        if re.search(pattern, part.text, re.MULTILINE) and re.search(pattern, text, re.MULTILINE):
            raise SettingsError(
                f"{part.path} has {name} already, and there can be only one.",
                hint=f"Put this in its place, or take over what you need of it:\n{block}",
            )
    both = set(_TARGETS.findall(part.text)) & set(_TARGETS.findall(text))
    if both and part.path.endswith("Makefile"):
        raise SettingsError(
            f"{part.path} has other targets of these names: {', '.join(sorted(both))}.",
            hint="Rename them first.",
        )


def digest(text: str) -> str:
    """Return the digest of *text*, whatever line ends git has given it."""
    return f"sha256:{hashlib.sha256(text.encode('utf-8')).hexdigest()}"


_ONCE = {"an include": r"^include:", "a pipeline": r"^pipeline\s*\{"}
_TARGETS = re.compile(r"^([A-Za-z0-9_-]+):", re.MULTILINE)
