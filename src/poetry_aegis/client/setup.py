"""Setting clients up, again without a second trace, and taking it back."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from poetry_aegis.client import records, reversal, shape
from poetry_aegis.client.edits import Edit, Kind, mode_of, named, read
from poetry_aegis.client.records import FileRecord, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

DEFAULT_PROFILE = "default"
_TOKEN = "__token__"  # noqa: S105  the user that every token has


@dataclass(frozen=True)
class Login:
    """Who logs in to the index. The password is in no output of this class."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Owner:
    """Whose a login is. All tokens have one name of a user, and are told apart by themselves."""

    username: str
    token: str = field(default="", repr=False)


def owner_of(username: str, password: str) -> Owner:
    """Return whose the login is that *username* and *password* are."""
    return Owner(username, password if username == _TOKEN else "")


def _nobody(_content: bytes | None) -> Mapping[str, Owner]:
    return {}


@dataclass(frozen=True)
class Want:
    """A file to change: *change* makes of what is in it what is to be in it.

    *logins* returns whose logins are in such a file, each under what it is for.
    """

    path: Path
    kind: Kind
    change: Callable[[bytes | None], bytes]
    private: bool = False
    logins: Callable[[bytes | None], Mapping[str, Owner]] = _nobody


@dataclass(frozen=True)
class Replaced:
    """A login of *username*, in the file at *path*, that another takes the place of."""

    username: str
    path: Path

    def __str__(self) -> str:
        """Return it as a plan says it."""
        return f"replaces the login of {self.username} in {self.path}"


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

    *replaced* are profiles that had the same place before, *logins* those of other users that go.
    Without a *record* there is nothing left to take back but what was set up *below* it, which is
    there again then. *kept* are entries of the keyring that another password is kept of.
    """

    profile: str
    tool: str
    edits: tuple[Edit, ...]
    record: Record | None
    replaced: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    keyring: tuple[tuple[str, str], ...] = ()
    logins: tuple[Replaced, ...] = ()
    below: tuple[Record, ...] = ()
    kept: tuple[tuple[str, str], ...] = ()

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
        for record in self.below:
            records.save(record)
        if self.record is None and self.profile not in {item.profile for item in self.below}:
            records.forget(self.profile, self.tool)
        for profile in self.replaced:
            records.forget(profile, self.tool)


def write(plan: Plan, login: Login | None) -> None:
    """Carry out *plan*, with the password in the keyring where it belongs there.

    An entry that was there before with another password is kept in the keyring, and comes back
    with the undo. Raises ``OSError`` and `AegisError`.
    """
    from poetry_aegis.client import keyrings

    record = plan.record
    if record is None or login is None or not plan.keyring:
        plan.write()
        return
    ours = set(record.keyring)
    ours |= {entry for entry in plan.keyring if not keyrings.holds(*entry)}
    kept = set(record.kept)
    others = (entry for entry in plan.keyring if entry not in ours)
    kept |= {entry for entry in others if keyrings.keep(*entry, login.password)}
    known = replace(record, keyring=tuple(sorted(ours)), kept=tuple(sorted(kept)))
    # The record first: what breaks off can be taken back.
    replace(plan, record=known).write()
    for service, username in plan.keyring:
        keyrings.store(service, username, login.password)


def _give_mode_back(edit: Edit, record: Record) -> None:
    """Let a file that was taken back be as open as it was before it was set up."""
    item = record.for_file(edit.path)
    if item and item.mode is not None and edit.after is not None:
        Path(os.path.realpath(edit.path)).chmod(item.mode)


def plan_setup(profile: str, work: Work) -> Plan:
    """Return what *work* changes now, whatever was set up before.

    What this profile has set up is taken back first, in thought, and so is what another one has
    where there is room for one alone. But where a login of another user would go with it, it stays
    below, to be there again after an undo. Raises ``OSError`` and `AegisError`.
    """
    earlier = [
        record
        for record in records.load_all(work.tool)
        if record.profile == profile or record.subject == work.subject
    ]
    below = tuple(record for known in earlier for record in known.below)
    first, planned = earlier, [_plan_file(want, earlier) for want in work.wants]
    if earlier and any(_replaced(work, planned)):
        first, below = [], tuple(earlier)
        planned = [_plan_file(want, []) for want in work.wants]
    record = Record(
        profile,
        work.tool,
        work.subject,
        tuple(item for _, item in planned),
        tuple(sorted({entry for known in first for entry in known.keyring})),
        tuple(sorted({entry for known in first for entry in known.kept})),
        below,
    )
    return Plan(
        profile,
        work.tool,
        tuple(edit for edit, _ in planned),
        record,
        tuple(known.profile for known in earlier if known.profile != profile),
        work.notes,
        work.keyring,
        tuple(_replaced(work, planned)),
    )


def _replaced(work: Work, planned: list[tuple[Edit, FileRecord]]) -> Iterator[Replaced]:
    """Yield the logins that are there now, and will not be, or will be another's."""
    for want, (edit, _) in zip(work.wants, planned, strict=True):
        after = want.logins(edit.after)
        for place, owner in want.logins(edit.before).items():
            if after.get(place) != owner:
                yield Replaced(owner.username, want.path)


def _plan_file(want: Want, earlier: list[Record]) -> tuple[Edit, FileRecord]:
    current, mode = read(want.path), mode_of(want.path)
    known = [item for record in earlier if (item := record.for_file(want.path))]
    base, exact = current, True
    with named(want.path):
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
