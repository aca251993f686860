"""Generated files, and blocks in files of others: what would change, and writing no more than that.

A file of ours, and a block of ours in another one, begins with a line that holds the folder it was
written for, and the digest of what was written. What has another one by now was edited by hand.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from difflib import unified_diff
from typing import TYPE_CHECKING, Literal

from poetry_aegis import atomic
from poetry_aegis.ci import gitlab
from poetry_aegis.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from poetry_aegis.ci.rendering import Kind, Part

State = Literal[
    "new", "unchanged", "changed", "added to", "edited by hand", "not ours", "of another folder"
]
REFUSED: tuple[State, ...] = ("edited by hand", "not ours", "of another folder")
_WRITTEN_FOR = r"(?: for (?P<folder>[^\n]+))? \(sha256:(?P<digest>[0-9a-f]{64})\)\n"


@dataclass(frozen=True)
class Change:
    """What becomes of the file *path*: *before* is what is there, ``None`` for no file.

    *folder* is that of the project which ours in *before* was written for.
    """

    path: Path
    name: str
    state: State
    before: str | None
    after: str
    folder: str = ""

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
    place = _whole if part.whole else _block
    state, after, folder = place(kind, part, before)
    if before is not None and before.count("\r\n") == before.count("\n") > 0:
        after = after.replace("\r\n", "\n").replace("\n", "\r\n")
    state = "unchanged" if before == after else state
    return Change(path, part.path, state, before, after, folder)


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


def _whole(kind: Kind, part: Part, before: str | None) -> tuple[State, str, str]:
    head = f"{part.comment} Written by: poetry aegis ci init {kind}"
    note = f"{part.comment} Do not edit it: [tool.poetry-aegis.ci] in pyproject.toml has settings."
    after = f"{head}{_written_for(part)}{note}\n\n{part.text}"
    if before is None:
        return "new", after, ""
    text = before.replace("\r\n", "\n")
    begun = re.match(rf"{re.escape(head)}{_WRITTEN_FOR}[^\n]*\n\n", text)
    if begun is None:
        return "not ours", after, ""
    return _state_of(part, begun, text[begun.end() :]), after, begun["folder"] or ""


def _written_for(part: Part) -> str:
    """Return the end of the line that `_WRITTEN_FOR` reads again."""
    return f"{f' for {part.folder}' if part.folder else ''} ({digest(part.text)})\n"


def _state_of(part: Part, begun: re.Match[str], text: str) -> State:
    """Return what is to be done about *text* of ours, which the line *begun* is about."""
    if (begun["folder"] or "") != part.folder:
        return "of another folder"
    return "changed" if digest(text) == f"sha256:{begun['digest']}" else "edited by hand"


# A block in a file


def _block(kind: Kind, part: Part, before: str | None) -> tuple[State, str, str]:
    first = f"{part.comment} >>> poetry aegis ci init {kind}"
    last = f"{part.comment} <<< poetry aegis ci init {kind}"
    block = f"{first}{_written_for(part)}{part.text}{last}\n"
    if before is None:
        return "new", block, ""
    text = before.replace("\r\n", "\n")
    if part.path == gitlab.MAIN:
        gitlab.require_stages(text)
    there = re.search(
        rf"^{re.escape(first)}{_WRITTEN_FOR}(?P<text>.*?)^{re.escape(last)}(?:\n|\Z)",
        text,
        re.DOTALL | re.MULTILINE,
    )
    if there:
        if part.path == gitlab.MAIN:
            gitlab.require_none_beside(text[: there.start()] + text[there.end() :])
        after = text[: there.start()] + block + text[there.end() :]
        return _state_of(part, there, there["text"]), after, there["folder"] or ""
    if part.path == gitlab.MAIN and gitlab.is_included(text):
        return "unchanged", before, ""
    _require_room(part, text, block)
    return "added to", text + _between(text) + block, ""


def _between(text: str) -> str:
    """Return what is between *text* and a block below it, which begins a line."""
    end = "" if text.endswith("\n") or not text else "\n"
    return f"{end}\n" if text.strip() else end


def _require_room(part: Part, text: str, block: str) -> None:
    """Raise `SettingsError` where *text* has what there may be only once in a file."""
    if part.path == gitlab.MAIN:
        gitlab.require_no_include(text)
    if part.path == "Jenkinsfile" and re.search(r"^pipeline\s*\{", text, re.MULTILINE):
        raise SettingsError(
            f"{part.path} has a pipeline already, and there can be only one.",
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


_TARGETS = re.compile(r"^([A-Za-z0-9_-]+):", re.MULTILINE)
