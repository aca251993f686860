"""Several files at a time: how many, in which order, and what is left when one of them fails."""

from __future__ import annotations

import _thread
import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import Forbidden, PublishError
from poetry_aegis.publish.crew import Crew
from poetry_aegis.publish.distributions import Distribution, read_distribution
from poetry_aegis.publish.patience import Patience
from poetry_aegis.publish.publication import Publication, publish
from poetry_aegis.publish.relay import Relay
from tests.support.distributions import make_wheel
from tests.support.faulty import FaultyIndex, Reply
from tests.support.registry import running_registry
from tests.unit.publish.conftest import IMPATIENT, PASSWORD, Recorder, repository_at

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("a", "b", "c", "d", "e", "f")


@pytest.fixture
def wheels(tmp_path: Path) -> list[Distribution]:
    """Return the six wheels of a version."""
    return [read_distribution(make_wheel(tmp_path, tag=f"py3-none-{name}")) for name in NAMES]


def send(
    index: FaultyIndex, recorder: Recorder, wheels: list[Distribution], *, jobs: int
) -> Publication:
    repository = repository_at(f"{index.url}/legacy/")
    return publish(wheels, repository, jobs=jobs, reporter=recorder, patience=IMPATIENT)


def know_the_project(index: FaultyIndex) -> None:
    """Let the index have an earlier version of the project."""
    index.has("demo-0.9.0-py3-none-any.whl", b"of long ago")


@pytest.mark.parametrize("jobs", [1, 3])
def test_as_many_are_sent_at_a_time_as_there_are_jobs(
    index: FaultyIndex, recorder: Recorder, wheels: list[Distribution], jobs: int
) -> None:
    know_the_project(index)
    index.script(*[Reply(stores=True, slow=0.2)] * len(wheels))
    done = send(index, recorder, wheels, jobs=jobs)
    assert done.verified
    assert len(done.uploaded) == index.attempts == len(wheels)
    assert index.most_at_once == jobs
    assert index.connections == jobs  # each is used again, for the readings of the index, too
    assert len(index.gets) == 2


def test_one_thread_alone_tells_of_all(
    index: FaultyIndex, recorder: Recorder, wheels: list[Distribution]
) -> None:
    send(index, recorder, wheels, jobs=6)
    assert recorder.threads == {threading.get_ident()}
    assert sorted(recorder.events) == sorted(
        [("started", file.filename) for file in wheels]
        + [("uploaded", file.filename) for file in wheels]
    )


def test_of_a_new_project_one_file_goes_alone(
    index: FaultyIndex, recorder: Recorder, wheels: list[Distribution]
) -> None:
    """A server that makes the project of it must not make it six times."""
    index.script(Reply(503), Reply(stores=True, slow=0.2), *[Reply(stores=True, slow=0.2)] * 5)
    assert send(index, recorder, wheels, jobs=6).verified
    first = wheels[0].filename
    assert recorder.events[:2] == [("started", first), ("uploaded", first)]
    assert [post.filename for post in index.posts[:2]] == [first, first]
    assert index.most_at_once == 5


def test_where_the_index_says_so_all_of_a_new_project_go_at_once(
    index: FaultyIndex, recorder: Recorder, wheels: list[Distribution]
) -> None:
    index.page_replies.append(Reply(404, headers={"Aegis-First-Uploads": "concurrent"}))
    index.script(*[Reply(stores=True, slow=0.3)] * 6)
    assert send(index, recorder, wheels, jobs=6).verified
    assert index.most_at_once == 6


def test_a_registry_of_ours_takes_all_of_a_new_project_at_once(
    recorder: Recorder, wheels: list[Distribution], tmp_path: Path
) -> None:
    with running_registry(tmp_path / "data", users={"ada": (PASSWORD, "publisher")}) as server:
        done = publish(wheels, repository_at(f"{server.url}/legacy/"), jobs=6, reporter=recorder)
        assert not done.first_goes_alone
        assert done.verified
        assert len(done.uploaded) == 6


def test_where_the_first_of_a_new_project_fails_no_other_is_begun(
    index: FaultyIndex, wheels: list[Distribution], recorder: Recorder
) -> None:
    index.script(Reply(403))
    with pytest.raises(Forbidden):
        send(index, recorder, wheels, jobs=6)
    assert index.attempts == 1
    assert recorder.unsents == {file.filename: "not sent" for file in wheels}
    assert recorder.possible == set()


def test_after_a_failure_none_is_begun_and_what_is_under_way_comes_to_its_end(
    index: FaultyIndex, recorder: Recorder, wheels: list[Distribution]
) -> None:
    know_the_project(index)
    index.script(Reply(403, slow=0.1), Reply(stores=True, slow=0.5))
    with pytest.raises(Forbidden):
        send(index, recorder, wheels, jobs=2)
    assert index.attempts == 2
    arrived = [file.filename for file in wheels if file.filename in index.files]
    assert len(arrived) == 1
    assert ("uploaded", arrived[0]) in recorder.events
    missing = {file.filename for file in wheels} - set(arrived)
    assert recorder.unsents == dict.fromkeys(missing, "not sent")


def test_a_second_failure_is_told_beside_the_first(
    index: FaultyIndex, recorder: Recorder, wheels: list[Distribution]
) -> None:
    know_the_project(index)
    plain = {"Content-Type": "text/plain"}
    index.script(Reply(403, slow=0.1), Reply(400, "of another colour", headers=plain, slow=0.4))
    with pytest.raises(Forbidden):
        send(index, recorder, wheels[:2], jobs=2)
    assert sorted(recorder.unsents.values()) == [
        "corp refused the request (400 of another colour).",
        "not sent",
    ]


def test_after_a_failure_nothing_is_tried_again(
    index: FaultyIndex, recorder: Recorder, wheels: list[Distribution]
) -> None:
    know_the_project(index)
    index.script(Reply(503), Reply(403, slow=0.1))
    patience = Patience(backoffs=(30.0,), looks=(0.01,))
    begun = time.monotonic()
    with pytest.raises(PublishError):
        publish(wheels[:2], repository_at(index.url), jobs=2, reporter=recorder, patience=patience)
    assert time.monotonic() - begun < 10
    assert index.attempts == 2


def test_what_is_there_is_skipped_and_the_rest_sent(
    index: FaultyIndex, recorder: Recorder, wheels: list[Distribution]
) -> None:
    for file in wheels[::2]:
        index.has(file.filename, file.path.read_bytes())
    done = send(index, recorder, wheels, jobs=3)
    assert done.skipped == tuple(wheels[::2])
    assert sorted(post.filename for post in index.posts) == [w.filename for w in wheels[1::2]]


def test_after_a_failure_a_second_run_sends_only_what_is_missing(
    index: FaultyIndex, recorder: Recorder, wheels: list[Distribution]
) -> None:
    index.script(*[Reply(stores=True)] * 2, Reply(stores=True, silent=True), Reply(403))
    with pytest.raises(Forbidden):
        send(index, recorder, wheels, jobs=2)
    stored = set(index.files)
    assert send(index, Recorder(), wheels, jobs=2).verified
    sent = [post.filename for post in index.posts]
    assert index.files.keys() == {file.filename for file in wheels} > stored
    assert all(sent.count(name) == 1 for name in stored)


# Ctrl-C


def interrupt_once(event: threading.Event) -> threading.Thread:
    """Press Ctrl-C once *event* is there."""

    def wait_and_press() -> None:
        assert event.wait(20)
        _thread.interrupt_main()

    thread = threading.Thread(target=wait_and_press)
    thread.start()
    return thread


def test_ctrl_c_ends_it_while_the_server_says_nothing(
    index: FaultyIndex, recorder: Recorder, wheels: list[Distribution]
) -> None:
    know_the_project(index)
    index.script(Reply(stores=True), Reply(hangs=True, silent=True))
    pressing = interrupt_once(index.hanging)
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        send(index, recorder, wheels[:3], jobs=1)
    pressing.join()
    assert time.monotonic() - begun < 5
    assert recorder.unsents == {
        wheels[1].filename: "may have arrived",
        wheels[2].filename: "not sent",
    }
    assert recorder.possible == {file.filename for file in wheels[:2]}
    assert ("uploaded", wheels[0].filename) in recorder.events


def test_ctrl_c_while_the_threads_are_started_is_ctrl_c(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, started = threading.Thread.start, list[threading.Thread]()

    def start_and_interrupt(thread: threading.Thread) -> None:
        if len(started) == 2:
            raise KeyboardInterrupt
        start(thread)
        started.append(thread)

    crew = Crew[int](lambda _: time.sleep(0.1), Relay(), lambda: None)
    monkeypatch.setattr(threading.Thread, "start", start_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        crew.work_off(range(6), 6, recorder)


def test_ctrl_c_leaves_no_thread_behind_and_nothing_leaves_any_more(
    index: FaultyIndex, recorder: Recorder, tmp_path: Path
) -> None:
    know_the_project(index)
    noise = {"demo/noise.bin": os.urandom(32_000_000)}  # more than what sockets hold back
    large = read_distribution(make_wheel(tmp_path, files=noise))
    index.script(Reply(hangs=True))
    pressing = interrupt_once(index.hanging)
    with pytest.raises(KeyboardInterrupt):
        send(index, recorder, [large], jobs=4)
    pressing.join()
    assert recorder.possible == set()
    assert recorder.progress.get(large.filename, [0])[-1] < large.size
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("crew")]
