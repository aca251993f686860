"""Setting clients up, again without a second trace, and taking it back."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from poetry_aegis.client import records, reversal, shape
from poetry_aegis.client.edits import Edit, Kind, mode_of, read
from poetry_aegis.client.records import FileRecord, Record
from poetry_aegis.errors import AegisError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEFAULT_PROFILE = "default"
# Both read their password from .netrc, which has a record of its own.
READERS_OF_NETRC = ("pip", "uv")
NETRC = "netrc"


@dataclass(frozen=True)
class Login:
    """Who logs in to the index. The password is in no output of this class."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Want:
    """A file to change: *change* makes of what is in it what is to be in it."""

    path: Path
    kind: Kind
    change: Callable[[bytes | None], bytes]
    private: bool = False


@dataclass(frozen=True)
class Work:
    """What a *tool* needs. See `Record` for *subject*; *keyring* holds services and users."""

    tool: str
    subject: str
    wants: tuple[Want, ...]
    keyring: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What is to be done for a *tool*: its *edits*, and the record that takes them back.

    *replaced* are profiles that had the same place before. Without a *record* there is nothing
    left to take back.
    """

    profile: str
    tool: str
    edits: tuple[Edit, ...]
    record: Record | None
    replaced: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    keyring: tuple[tuple[str, str], ...] = ()

    @property
    def changes(self) -> bool:
        """Whether any file is to change."""
        return any(edit.changes for edit in self.edits)

    def write(self) -> None:
        """Carry it out. The record comes first: what breaks off can be taken back.

        Raises ``OSError`` and `AegisError`.
        """
        if self.record is not None:
            records.save(self.record)
        known = records.load(self.profile, self.tool) if self.record is None else None
        for edit in self.edits:
            if edit.changes:
                edit.write()
            if known is not None:
                _give_mode_back(edit, known)
        if self.record is None:
            records.forget(self.profile, self.tool)
        for profile in self.replaced:
            records.forget(profile, self.tool)


def write(plan: Plan, login: Login | None) -> None:
    """Carry out *plan*, with the password in the keyring where it belongs there.

    An entry that was there before is replaced, and not taken back later. Raises ``OSError`` and
    `AegisError`.
    """
    from poetry_aegis.client import keyrings

    record = plan.record
    if record is None or login is None or not plan.keyring:
        plan.write()
        return
    ours = set(record.keyring)
    ours |= {entry for entry in plan.keyring if not keyrings.holds(*entry)}
    # The record first: what breaks off can be taken back.
    replace(plan, record=replace(record, keyring=tuple(sorted(ours)))).write()
    for service, username in plan.keyring:
        keyrings.store(service, username, login.password)


def take_back(plan: Plan) -> None:
    """Carry out the *plan* of an undo, and remove what was put into the keyring.

    Raises ``OSError`` and `AegisError`.
    """
    from poetry_aegis.client import keyrings

    plan.write()
    for service, username in plan.keyring:
        keyrings.drop(service, username)


def _give_mode_back(edit: Edit, record: Record) -> None:
    """Let a file that was taken back be as open as it was before it was set up."""
    item = record.for_file(edit.path)
    if item and item.mode is not None and edit.after is not None:
        Path(os.path.realpath(edit.path)).chmod(item.mode)


def plan_setup(profile: str, work: Work) -> Plan:
    """Return what *work* changes now, whatever was set up before.

    What this profile has set up is taken back first, in thought, and so is what another one has
    where there is room for one alone. Raises ``OSError`` and `AegisError`.
    """
    earlier = [
        record
        for record in records.load_all(work.tool)
        if record.profile == profile or record.subject == work.subject
    ]
    edits, files = [], []
    for want in work.wants:
        edit, item = _plan_file(want, earlier)
        edits.append(edit)
        files.append(item)
    entries = {entry for known in earlier for entry in known.keyring}
    record = Record(profile, work.tool, work.subject, tuple(files), tuple(sorted(entries)))
    replaced = tuple(known.profile for known in earlier if known.profile != profile)
    return Plan(profile, work.tool, tuple(edits), record, replaced, work.notes, work.keyring)


def _plan_file(want: Want, earlier: list[Record]) -> tuple[Edit, FileRecord]:
    current, mode = read(want.path), mode_of(want.path)
    known = [item for record in earlier if (item := record.for_file(want.path))]
    base, exact = current, True
    with _named(want.path):
        for item in known:
            restored = reversal.restore(item.reversal, base)
            base, exact, mode = restored.content, exact and restored.exact, item.mode
        shape.values(want.kind, base)  # What cannot be read is not to be changed.
        after = want.change(base)
        if len(known) == 1 and not exact and want.change(current) == current:
            # It is all there, below what others have added since: it need not move.
            return Edit(want.path, want.kind, current, current, private=want.private), known[0]
        way_back = reversal.remember(want.kind, base, after)
    edit = Edit(want.path, want.kind, current, after, private=want.private)
    return edit, FileRecord(want.path, mode, way_back)


def plan_undo(profile: str, tool: str) -> Plan | None:
    """Return what takes back what was set up, ``None`` where nothing was.

    Raises ``OSError`` and `AegisError`.
    """
    record = records.load(profile, tool)
    if record is None:
        return None
    edits, notes = [], []
    for item in record.files:
        current = read(item.path)
        restored = reversal.restore(item.reversal, current)
        edits.append(Edit(item.path, item.reversal.kind, current, restored.content))
        if note := _note(item.path, restored, current):
            notes.append(note)
    return Plan(profile, tool, tuple(edits), None, (), tuple(notes), record.keyring)


def needs_netrc(profile: str, *, without: set[str]) -> bool:
    """Tell whether a reader of ``.netrc`` is set up in *profile*, other than those *without*."""
    return any(records.load(profile, tool) for tool in READERS_OF_NETRC if tool not in without)


def _note(path: Path, restored: reversal.Restored, current: bytes | None) -> str | None:
    if restored.exact:
        return None
    if current is None:
        return f"{path} is not there any more."
    if restored.left:
        return (
            f"{path} was edited since, and others have built upon our lines: what could not be "
            "taken out without harm is left. Look at it."
        )
    return f"{path} was edited since: only our own lines are taken out."


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the file that an error is about."""
    try:
        yield
    except AegisError as error:
        if str(path) not in str(error):
            error.args = (f"{path}: {error}",)
        raise
