"""What has become of each file of a publication, also where that has failed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from poetry_aegis.publish.steps import Publication, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from poetry_aegis.publish.distributions import Distribution
    from poetry_aegis.publish.reporter import Reporter
    from poetry_aegis.publish.repository import Repository

# The states of files beside those in `steps.DONE`, which a publication ends with.
FAILED, UNCERTAIN, NOT_TRIED = "failed", "uncertain", "not-tried"
_WORDS = {UNCERTAIN: "may have arrived", NOT_TRIED: "not tried"}
_BY_PLAN = {"skip": "skipped", "refuse": "refused"}


class Account:
    """The account of a publication of *distributions*, from what a reporter hears of it."""

    def __init__(self, repository: Repository, distributions: Sequence[Distribution]) -> None:
        # Until it is planned, all that is known is what is to be sent.
        steps = tuple(Step(distribution, "upload") for distribution in distributions)
        self.begin(Publication(repository, steps))

    def begin(self, publication: Publication) -> None:
        """Begin, or begin anew, with the plan of *publication*: none of it is done."""
        self._publication = publication
        self._begun: set[str] = set()
        self._possible: set[str] = set()
        self._done: dict[str, str] = {}

    def listen(self, reporter: Reporter) -> Reporter:
        """Return a reporter that passes on to *reporter* what it hears, and keeps the account."""
        return _Listener(reporter, self)

    def note_begun(self, name: str) -> None:
        """Note that the upload of the file *name* begins."""
        self._begun.add(name)

    def note_possible(self, name: str, *, possible: bool) -> None:
        """Note whether the server may have the file *name*."""
        (self._possible.add if possible else self._possible.discard)(name)

    def note_done(self, name: str, status: str) -> None:
        """Note that the server has the file *name*."""
        self._done[name] = status

    def summary(self) -> str:
        """Return the account as a sentence: ``Of 3 files: 1 uploaded, 1 failed, 1 not tried.``."""
        states = Counter(map(self._state, self._publication.steps))
        if set(states) <= {NOT_TRIED, "refused"}:
            return "Nothing was sent."
        counts = ", ".join(f"{count} {_WORDS.get(state, state)}" for state, count in states.items())
        total = states.total()
        return f"Of {total} {'file' if total == 1 else 'files'}: {counts}."

    def to_json(self) -> dict[str, Any]:
        """Return the account in the form of `Publication.to_json`, with nothing verified."""
        document: dict[str, Any] = self._publication.to_json()
        for file, step in zip(document["files"], self._publication.steps, strict=True):
            file["status"] = self._state(step)
        return document

    def _state(self, step: Step) -> str:
        name = step.distribution.filename
        if name in self._done:
            return self._done[name]
        if name in self._possible:
            return UNCERTAIN
        return FAILED if name in self._begun else _BY_PLAN.get(step.action, NOT_TRIED)


@dataclass(frozen=True)
class _Listener:
    """A reporter between a publication and another reporter."""

    reporter: Reporter
    account: Account

    def planned(self, distributions: Sequence[Distribution]) -> None:
        self.reporter.planned(distributions)

    def started(self, distribution: Distribution) -> None:
        self.account.note_begun(distribution.filename)
        self.reporter.started(distribution)

    def advanced(self, distribution: Distribution, sent: int) -> None:
        self.reporter.advanced(distribution, sent)

    def sent(self, distribution: Distribution) -> None:
        self.account.note_possible(distribution.filename, possible=True)
        self.reporter.sent(distribution)

    def absent(self, distribution: Distribution) -> None:
        self.account.note_possible(distribution.filename, possible=False)
        self.reporter.absent(distribution)

    def finished(self, distribution: Distribution, status: str) -> None:
        self.account.note_done(distribution.filename, status)
        self.reporter.finished(distribution, status)

    def skipped(self, distribution: Distribution, reason: str) -> None:
        self.reporter.skipped(distribution, reason)

    def unsent(self, distribution: Distribution, reason: str) -> None:
        self.reporter.unsent(distribution, reason)

    def note(self, message: str) -> None:
        self.reporter.note(message)
