"""Signatures that are sent with the files: whether the index has them, and what is said if not."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import PublishError
from poetry_aegis.publish.publication import Publication, plan, publish
from tests.support.faulty import Reply
from tests.unit.publish.conftest import IMPATIENT, Recorder, repository_at

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.publish.distributions import Distribution
    from tests.support.faulty import FaultyIndex


def attestations(*signatures: bytes) -> str:
    """Return a list of attestations that look like some; nobody here verifies them."""
    return json.dumps(
        [
            {
                "version": 1,
                "verification_material": {"public_key": {"hint": f"key-{signature.decode()}"}},
                "envelope": {
                    "statement": base64.b64encode(b"{}").decode(),
                    "signature": base64.b64encode(signature).decode(),
                },
            }
            for signature in signatures
        ]
    )


def send(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution, *signatures: bytes
) -> Publication:
    return publish(
        [wheel],
        repository_at(index.url),
        attestations={wheel.filename: attestations(*signatures)},
        reporter=recorder,
        patience=IMPATIENT,
    )


def test_signatures_travel_with_their_file(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    index.keeps_signatures = True
    done = send(index, recorder, wheel, b"one")
    assert index.posts[0].fields["attestations"] == [attestations(b"one")]
    assert (done.signed_files, done.unsigned_files) == ((wheel.filename,), ())
    files = done.to_json()["files"]
    assert isinstance(files, list)
    assert files[0]["signed"] is True
    assert recorder.notes == []


def test_a_file_that_is_there_is_sent_again_only_where_its_signature_is_missing(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    index.keeps_signatures = True
    index.has(wheel.filename, wheel.path.read_bytes())
    assert send(index, recorder, wheel, b"one").signed == (wheel,)
    assert recorder.events[-1] == ("signed", wheel.filename)
    assert send(index, recorder, wheel, b"one").skipped == (wheel,)
    assert send(index, recorder, wheel, b"one", b"two").signed == (wheel,)
    assert index.attempts == 2


def test_a_signature_that_is_refused_is_not_on_the_index(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    """That the file is there tells nothing of it."""
    index.keeps_signatures = True
    index.has(wheel.filename, wheel.path.read_bytes())
    index.script(Reply(400, "It is by a key that is unknown here."))
    with pytest.raises(PublishError, match="400"):
        send(index, recorder, wheel, b"one")
    assert recorder.possible == set()
    assert index.attempts == 1


def test_an_index_that_adds_no_signatures_says_so(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    index.keeps_signatures = True
    index.has(wheel.filename, wheel.path.read_bytes())
    index.script(Reply(400, "File already exists"))
    done = send(index, recorder, wheel, b"one")
    assert (done.signed_files, done.unsigned_files) == ((), (wheel.filename,))
    assert recorder.notes[0] == f"corp takes no further signatures of {wheel.filename}."


def test_a_signature_that_the_index_lost_is_told_of(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    """It has one of somebody else's, and answered as if it had taken this one, too."""
    index.keeps_signatures = True
    send(index, recorder, wheel, b"one")
    index.script(Reply(200))
    done = send(index, recorder, wheel, b"one", b"two")
    assert (done.signed_files, done.unsigned_files) == ((), (wheel.filename,))
    assert "does not show what is signed" in recorder.notes[0]


def test_a_signature_is_planned_as_one(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    index.keeps_signatures = True
    index.has(wheel.filename, wheel.path.read_bytes())
    planned = plan(
        [wheel],
        repository_at(index.url),
        attestations={wheel.filename: attestations(b"one")},
        reporter=recorder,
    )
    assert planned.signed == (wheel,)
    assert index.attempts == 0


def test_an_index_that_keeps_none_is_told_of_and_nothing_sent_twice(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    done = send(index, recorder, wheel, b"one")
    assert done.verified
    assert (done.signed_files, done.unsigned_files) == ((), (wheel.filename,))
    assert "does not show what is signed of demo-1.0.0-py3-none-any.whl" in recorder.notes[0]
    assert send(index, recorder, wheel, b"one").skipped == (wheel,)
    assert index.attempts == 1


def test_they_are_kept_beside_the_files(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution, tmp_path: Path
) -> None:
    publish(
        [wheel],
        repository_at(index.url),
        keep_in=tmp_path / "dist",
        attestations={wheel.filename: attestations(b"one")},
        reporter=recorder,
        patience=IMPATIENT,
    )
    kept = tmp_path / "dist" / f"{wheel.filename}.publish.attestation"
    # Alone it is kept as other tools want it.
    assert [json.loads(kept.read_text())] == json.loads(attestations(b"one"))
