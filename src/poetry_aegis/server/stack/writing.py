"""Generated files: what would change, whether somebody edited one by hand, and writing them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from poetry_aegis import atomic
from poetry_aegis.server.redaction import redacted
from poetry_aegis.server.stack.owner import hand_over
from poetry_aegis.server.stack.rendering import REGISTRY_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from poetry_aegis.server.home import ServerHome
    from poetry_aegis.server.stack.owner import Owner

Kind = Literal["new", "changed", "removed", "edited by hand"]

NO_FILES: Mapping[str, str | bytes] = MappingProxyType({})
RECORD = "generated.json"
# Where generated files may be; whatever else the record names is left alone.
OUTSIDE_STACK = "compose.yaml"
INSIDE_STACK = "stack/"
# The one file that may hold a password, that of another index. Only its service reads it.
PRIVATE = (REGISTRY_SETTINGS,)


@dataclass(frozen=True)
class Change:
    """What becomes of a generated file: *before* is what is there, *after* what will be.

    ``None`` stands for no file. A file that was *edited by hand* differs from what was last
    generated, and what was put in will be lost.
    """

    path: str
    kind: Kind
    before: bytes | None
    after: bytes | None

    def diff(self) -> str:
        """Return a unified diff, without the passwords in it; of binary files, that they differ."""
        before, after = _as_lines(self.before), _as_lines(self.after)
        if before is None or after is None:
            return f"Binary file {self.path} differs.\n"
        old = "/dev/null" if self.before is None else f"{self.path} (now)"
        new = "/dev/null" if self.after is None else f"{self.path} (from server.toml)"
        return "".join(_ended(line) for line in unified_diff(before, after, old, new))


def compare(home: ServerHome, files: Mapping[str, str | bytes]) -> list[Change]:
    """Return how *files* differ from those on disk, sorted by path. Raises ``OSError``."""
    recorded = _read_record(home)
    return [
        change
        for path in sorted({*files, *recorded})
        if (change := _change(home, path, files.get(path), recorded.get(path)))
    ]


def write(
    home: ServerHome,
    changes: Iterable[Change],
    owner: Owner,
    files: Mapping[str, str | bytes] = NO_FILES,
) -> None:
    """Make the files on disk what *changes* say, and the folders that the services mount.

    Whoever serves may read them; the one with a password in it belongs to *owner* alone. Each is
    replaced as a whole, and the record of them is written last, with those of *files* that were
    right already: a record that was lost is whole again. Raises ``OSError``.
    """
    _make_folders(home)
    recorded = _read_record(home)
    for change in changes:
        if change.after is None:
            _remove(home, change.path)
            recorded.pop(change.path, None)
        else:
            _write(home, change.path, change.after, owner)
            recorded[change.path] = _digest(change.after)
    recorded |= _right_already(home, files)
    text = json.dumps(dict(sorted(recorded.items())), indent=2) + "\n"
    atomic.write_text(home.stack / RECORD, text, mode=0o644)


def _right_already(home: ServerHome, files: Mapping[str, str | bytes]) -> dict[str, str]:
    contents = {path: _as_bytes(wanted) for path, wanted in files.items()}
    return {
        path: _digest(content)
        for path, content in contents.items()
        if _read(home.root / path) == content
    }


def _change(
    home: ServerHome, path: str, wanted: str | bytes | None, recorded: str | None
) -> Change | None:
    after = None if wanted is None else _as_bytes(wanted)
    before = _read(home.root / path)
    if before == after:
        return None
    return Change(path, _kind(before, after, recorded), before, after)


def _kind(before: bytes | None, after: bytes | None, recorded: str | None) -> Kind:
    if before is None:
        return "new"
    if _digest(before) != recorded:
        return "edited by hand"
    return "removed" if after is None else "changed"


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _read_record(home: ServerHome) -> dict[str, str]:
    """Return the digest of each file as it was last generated; a broken record knows none."""
    try:
        table = json.loads((home.stack / RECORD).read_bytes())
    except (FileNotFoundError, ValueError, RecursionError):
        return {}
    found = table.items() if isinstance(table, dict) else ()
    return {path: digest for path, digest in found if isinstance(digest, str) and _is_ours(path)}


def _is_ours(path: str) -> bool:
    """Return whether *path* is one that could have been generated, and leads out of nowhere."""
    if path == OUTSIDE_STACK:
        return True
    plain = PurePosixPath(path)
    return path.startswith(INSIDE_STACK) and ".." not in plain.parts and plain.as_posix() == path


def _make_folders(home: ServerHome) -> None:
    """Make what the services mount: what is missing, Docker would make for root."""
    folders = (home.data / "packages", home.data / "simple", home.nginx_logs)
    for folder in folders:
        for missing in (folder.parent, folder):
            missing.mkdir(mode=0o700, exist_ok=True)


def _write(home: ServerHome, path: str, content: bytes, owner: Owner) -> None:
    target = home.root / path
    _make_readable(home, target.parent)
    private = path in PRIVATE
    atomic.write_bytes(target, content, mode=0o600 if private else 0o644)
    if private:
        hand_over(target, owner)


def _make_readable(home: ServerHome, folder: Path) -> None:
    """Make *folder* and those above it, up to the home, open to whoever the services run as."""
    inside = folder.relative_to(home.root).parts
    for count in range(1, len(inside) + 1):
        made = home.root.joinpath(*inside[:count])
        made.mkdir(exist_ok=True)
        made.chmod(0o755)


def _remove(home: ServerHome, path: str) -> None:
    """Remove a file, and the folders that are empty without it."""
    target = home.root / path
    target.unlink(missing_ok=True)
    for folder in target.parents:
        if folder == home.root or not folder.is_dir() or any(folder.iterdir()):
            return
        folder.rmdir()


def _as_bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _as_lines(content: bytes | None) -> list[str] | None:
    """Return the lines of a text, ``None`` for what is none."""
    try:
        text = (content or b"").decode()
    except UnicodeDecodeError:
        return None
    return redacted(text).splitlines(keepends=True)


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
