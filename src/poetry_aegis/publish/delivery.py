"""The files of a publication, sent several at a time, and each one's state told if that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.publish.crew import Crew
from poetry_aegis.publish.relay import Relay
from poetry_aegis.publish.steps import DONE, Publication, Step

if TYPE_CHECKING:
    from poetry_aegis.publish.reporter import Reporter
    from poetry_aegis.publish.upload import Uploader


def deliver(publication: Publication, uploader: Uploader, jobs: int, reporter: Reporter) -> None:
    """Send what *publication* has to send, *jobs* files at a time.

    Of a project that the index does not have yet, the first file goes alone: servers that make a
    project of its first upload must not make it twice. Not where the server says that it does not
    mind. Raises `PublishError`; *reporter* then hears of every file what came of it.
    """
    steps = []
    for step in publication.steps:
        if step.action == "skip":
            reporter.skipped(step.distribution, "the same file is already there")
        else:
            steps.append(step)
    reporter.planned([step.distribution for step in steps])
    relay, done = Relay(), set[str]()

    def send(step: Step) -> None:
        relay.started(step.distribution)
        uploader.upload(step.distribution, relay, to_sign=step.action == "sign")
        done.add(step.distribution.filename)
        relay.finished(step.distribution, DONE[step.action])

    crew = Crew(send, relay, uploader.web.cut)
    alone = 1 if publication.first_goes_alone else 0
    try:
        crew.work_off(steps[:alone], 1, reporter)
        crew.work_off(steps[alone:], jobs, reporter)
    except BaseException:
        errors = {step.distribution.filename: str(error) for step, error in crew.failures[1:]}
        for step in steps if len(steps) > 1 else ():
            file = step.distribution
            if file.filename not in done:
                state = "may have arrived" if relay.is_possible(file) else "not sent"
                reporter.unsent(file, errors.get(file.filename, state))
        raise
