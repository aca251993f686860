"""The examination: all checks, made side by side, each within a bounded time."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from poetry_aegis.errors import AegisError, UsageError
from poetry_aegis.server.doctor import (
    answers,
    backups,
    configuration,
    containers,
    environment,
    files,
    index,
    names,
    people,
    remains,
    running,
    signatures,
    system,
    tls,
    trust,
)
from poetry_aegis.server.doctor.verdicts import (
    Check,
    Finding,
    NoAnswer,
    Verdict,
    skip,
    warn,
    wrong,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from poetry_aegis.server.doctor.context import Context

CHECKS: tuple[Check, ...] = tuple(
    check
    for module in (
        configuration, running, containers, names, tls, trust, answers,
        files, remains, index, people, signatures, backups, system, environment,
    )
    for check in module.CHECKS
)  # fmt: skip

PATIENCE = 45.0  # seconds for all of them
AT_ONCE = 8


def select(wanted: Iterable[str]) -> list[Check]:
    """Return the checks of the names *wanted*, all of them for none. Raises `UsageError`."""
    known = {check.name: check for check in CHECKS}
    asked = list(dict.fromkeys(wanted))
    for name in asked:
        if name not in known:
            from difflib import get_close_matches

            near = get_close_matches(name, known, n=1, cutoff=0.0)[0]
            raise UsageError(
                f"There is no check {name!r}.",
                hint=f"Did you mean {near!r}? List them with: poetry aegis server doctor --list",
            )
    return [known[name] for name in asked] if asked else list(CHECKS)


def examine(
    context: Context, checks: Sequence[Check] = CHECKS, *, patience: float = PATIENCE
) -> list[Finding]:
    """Return what those of *checks* find that apply, in their order, after *patience* at most.

    What a check raises is a finding, too: this always returns.
    """
    due = [check for check in checks if check.applies(context)]
    waiting: queue.SimpleQueue[Check] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[Check, Verdict]] = queue.SimpleQueue()
    for check in due:
        waiting.put(check)
    for _ in range(min(AT_ONCE, len(due))):
        # Daemons: a check that hangs must not keep the command from ending.
        threading.Thread(target=_work, args=(context, waiting, done), daemon=True).start()
    verdicts = _gathered(done, len(due), time.monotonic() + patience)
    late = warn(
        f"It took longer than {patience:.0f} seconds.",
        "Is a disk, or the network, slow? Try it alone with --only",
    )
    return [Finding(check, verdicts.get(check.name, late)) for check in due]


def _work(
    context: Context,
    waiting: queue.SimpleQueue[Check],
    done: queue.SimpleQueue[tuple[Check, Verdict]],
) -> None:
    while True:
        try:
            check = waiting.get_nowait()
        except queue.Empty:
            return
        done.put((check, look(check, context)))


def _gathered(
    done: queue.SimpleQueue[tuple[Check, Verdict]], count: int, deadline: float
) -> dict[str, Verdict]:
    verdicts: dict[str, Verdict] = {}
    while len(verdicts) < count and (left := deadline - time.monotonic()) > 0:
        try:
            check, verdict = done.get(timeout=left)
        except queue.Empty:
            break
        verdicts[check.name] = verdict
    return verdicts


def look(check: Check, context: Context) -> Verdict:
    """Return what one check finds, be it that it cannot be made."""
    try:
        return check.look(context)
    except NoAnswer as reason:
        return skip(f"The server does not answer: {reason}.")
    except AegisError as error:
        return wrong(str(error), error.hint or context.command("logs"))
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return wrong(
            f"{where}{error.strerror or error}.",
            "Run the doctor as the user that the server runs as",
        )
    except Exception as error:  # noqa: BLE001 -- one check that fails must not hide the others
        kind = type(error).__name__
        return warn(
            f"The check broke off with {kind}.", "This looks like a bug in poetry-aegis; report it"
        )


def mend(context: Context, findings: Sequence[Finding]) -> list[Finding]:
    """Mend what can be mended without a risk, and return what is found then, in the same order.

    One after the other: a fix may be what another one needs. Then all is looked at anew.
    """
    mended = {finding.check.name: _mended(finding.verdict) for finding in findings}
    if not any(mended.values()):
        return list(findings)
    # A new context: what the old one remembers is from before.
    after = examine(replace(context), [finding.check for finding in findings])
    return [replace(finding, mended=mended[finding.check.name]) for finding in after]


def _mended(verdict: Verdict) -> str:
    """Return what the fix of *verdict* did, or why it could not; empty where there is none."""
    if not verdict.is_finding or verdict.fix is None:
        return ""
    try:
        return verdict.fix()
    except AegisError as error:
        return f"It could not be mended: {error}"
    except OSError as error:
        return f"It could not be mended: {error.strerror or error}."
