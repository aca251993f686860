"""The guard: nothing is installed of a lock whose private packages do not verify.

Loaded once a command begins that may install, in a project that says whom it trusts, or may have
meant to: a setting that nobody knows could be a misspelt guard. Poetry itself compares the hash of
what it installs with the lock's, so that it is enough to know who has signed the hashes in the
lock: no file is downloaded for it. What fails in here, for whatever reason, stops the command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from poetry_aegis.errors import AegisError, NotVerified
from poetry_aegis.poetry_api.projects import locate
from poetry_aegis.terminal import fitted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cleo.events.console_command_event import ConsoleCommandEvent
    from cleo.events.event import Event
    from cleo.events.event_dispatcher import EventDispatcher
    from cleo.io.io import IO
    from poetry.console.commands.command import Command

    from poetry_aegis.settings import TrustSettings
    from poetry_aegis.signing.findings import Checked

# They resolve anew and install what comes out in one go: there is no lock to look at before.
_RESOLVING = {"add": "poetry add --lock NAME", "update": "poetry update --lock"}
_RESOLVING["remove"] = "poetry remove --lock NAME"
# What is locked no more is still installed.
_THEN = {"remove": "sync"}
_HARMLESS = ("lock", "dry-run")
_LOCKING = "lock"


def guard(event: ConsoleCommandEvent, command: Command, dispatcher: EventDispatcher) -> None:
    """Stop the *command* of *event* where the project asks for a guard, and it does not pass."""
    if command.name == _LOCKING:
        return
    try:
        pyproject = locate(command)
        settings = _settings(pyproject)
        if settings.guard:
            _require_pass(command, event, pyproject, settings)
    except AegisError as error:
        _stop(event, dispatcher, error)


def _settings(pyproject: Path) -> TrustSettings:
    """Return whom the project trusts. Raises `SettingsError`: a guard that is misspelt is none.

    What is wrong with settings that cannot be a guard is left to the commands that need them.
    """
    from dataclasses import fields

    from poetry_aegis.settings import Settings, read_table, read_toml

    found = read_toml(pyproject)["tool"]["poetry-aegis"]
    if isinstance(found, dict):
        others = {field.name for field in fields(Settings)} - {"trust"}
        found = {key: value for key, value in found.items() if key not in others}
    return read_table(Settings, found, where=f"[tool.poetry-aegis] of {pyproject}").trust


def _require_pass(
    command: Command, event: ConsoleCommandEvent, pyproject: Path, settings: TrustSettings
) -> None:
    """Raise `NotVerified` unless all that the command may install is signed."""
    if command.name in _RESOLVING:
        _require_lock_only(command, event)
        return
    from poetry_aegis.poetry_api.lock import read_lock, sources_of
    from poetry_aegis.signing.checking import require_keys
    from poetry_aegis.signing.locked import Manner, check_lock, in_question
    from poetry_aegis.signing.team import load_trust

    packages = in_question(read_lock(command, whole=True), settings.projects)
    if not packages:
        return
    io = event.io
    manner = Manner(
        load_trust(settings, pyproject),
        settings.excuses,
        tell=lambda sentence: _write(io, f"<warning>{_plain(sentence)}</>"),
    )
    wanted = [package for package in packages if manner.judges(package)]
    if wanted:
        require_keys(manner.trust)
    found = check_lock(packages, sources_of(command, wanted), manner, download=False)
    if bad := [one for one in found if not one.is_good]:
        raise _refusal(bad)


def _require_lock_only(command: Command, event: ConsoleCommandEvent) -> None:
    options: dict[str, Any] = event.io.input.options
    if not any(options.get(name) is True for name in _HARMLESS):
        raise NotVerified(
            f"poetry {command.name} would install what nobody has verified yet, and the project "
            "asks for a guard.",
            hint=f"Lock it first: {_RESOLVING[command.name or '']}\n"
            f"Then install what verifies: poetry {_THEN.get(command.name or '', 'install')}",
        )


def _refusal(bad: Sequence[Checked]) -> NotVerified:
    number = len({(one.project, one.version) for one in bad})
    refused = NotVerified(
        f"Nothing was installed: {number} of the private packages in poetry.lock "
        f"{'does' if number == 1 else 'do'} not verify.",
        hint="Look at all of them with: poetry aegis verify --lock",
    )
    # As Python 3.11's add_note does, on 3.10 too.
    refused.__notes__ = [  # type: ignore[attr-defined]
        f"  {one.subject}: {one.said}" for one in bad
    ]
    return refused


def _stop(event: ConsoleCommandEvent, dispatcher: EventDispatcher, error: AegisError) -> None:
    """Tell of *error*, and end the command with its exit code before it has begun."""
    from cleo.events.console_command_event import ConsoleCommandEvent
    from cleo.events.console_events import TERMINATE
    from cleo.events.console_terminate_event import ConsoleTerminateEvent

    event.disable_command()
    event.stop_propagation()  # A listener after this one could enable it again.
    io = event.io
    _write(io, f"<error>{_plain(str(error))}</error>")
    for note in [*getattr(error, "__notes__", ()), error.hint]:
        if note:
            _write(io, _plain(note))

    def set_code(ended: Event, _: str, __: EventDispatcher) -> None:
        if (
            isinstance(ended, ConsoleTerminateEvent)
            and ended.command is event.command
            and ended.exit_code == ConsoleCommandEvent.RETURN_CODE_DISABLED
        ):
            ended.set_exit_code(error.exit_code)

    dispatcher.add_listener(TERMINATE, set_code)


def _write(io: IO, message: str) -> None:
    io.write_error_line(fitted(message, io.error_output))


def _plain(text: str) -> str:
    from cleo.formatters.formatter import Formatter

    return Formatter.escape(text)
