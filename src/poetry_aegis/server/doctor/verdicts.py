"""What a check is, and what it can find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from poetry_aegis.server.doctor.context import Context

State: TypeAlias = 'Literal["ok", "warning", "problem", "skipped"]'


@dataclass(frozen=True)
class Verdict:
    """What a check found: the *evidence*, and what mends it, a command or a sentence.

    *fix* mends it without a risk and returns a sentence that says what it did; it may raise
    ``OSError`` and `AegisError`.
    """

    state: State
    evidence: str
    remedy: str = ""
    fix: Callable[[], str] | None = None

    @property
    def is_finding(self) -> bool:
        """Whether there is something to be done."""
        return self.state in ("warning", "problem")


@dataclass(frozen=True)
class Check:
    """One question to a server, by a *name* in small letters and hyphens.

    *look* answers it. It raises `NoAnswer` where the server had to be asked and did not answer,
    and ``OSError`` for what may not be read.
    """

    name: str
    title: str
    look: Callable[[Context], Verdict]
    applies: Callable[[Context], bool] = lambda _: True


@dataclass(frozen=True)
class Finding:
    """What *check* found; *mended* is what a fix of it did, or why it could not."""

    check: Check
    verdict: Verdict
    mended: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the finding as ``--json`` prints it."""
        verdict = self.verdict
        return {
            "name": self.check.name,
            "title": self.check.title,
            "state": verdict.state,
            "evidence": verdict.evidence,
            "remedy": verdict.remedy,
            "fixable": verdict.fix is not None,
            "mended": self.mended,
        }


class NoAnswer(Exception):
    """The server was asked and gave no answer; the text says why."""


def well(evidence: str) -> Verdict:
    """Return that all is as it should be."""
    return Verdict("ok", evidence)


def skip(reason: str) -> Verdict:
    """Return that the question could not be asked."""
    return Verdict("skipped", reason)


def warn(evidence: str, remedy: str, fix: Callable[[], str] | None = None) -> Verdict:
    """Return that something should be seen to, while the server does its work."""
    return Verdict("warning", evidence, remedy, fix)


def wrong(evidence: str, remedy: str, fix: Callable[[], str] | None = None) -> Verdict:
    """Return that something is broken, or open that should not be."""
    return Verdict("problem", evidence, remedy, fix)


# Which servers a check is about.


def is_set_up(context: Context) -> bool:
    """Whether the settings can be read, without which little is known."""
    return context.settings is not None


def is_stack(context: Context) -> bool:
    """Whether it is a Compose stack."""
    return context.settings is not None and context.settings.is_stack


def is_embedded(context: Context) -> bool:
    """Whether it is a process of this machine."""
    return context.settings is not None and not context.settings.is_stack


def has_registry(context: Context) -> bool:
    """Whether this project's own registry serves it."""
    return context.settings is not None and context.settings.engine == "registry"


def has_local_authority(context: Context) -> bool:
    """Whether its certificate is of the authority that is made for it."""
    return is_stack(context) and not context.known.web.certificate
