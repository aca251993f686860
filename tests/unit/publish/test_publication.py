from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import (
    BuildFailed,
    FileConflict,
    Forbidden,
    NotAnUploadUrl,
    PublishError,
    TooLarge,
    Unauthorized,
    Unreachable,
    VerificationFailed,
)
from poetry_aegis.publish.distributions import Distribution, read_distribution
from poetry_aegis.publish.publication import Publication, plan, publish
from tests.support.distributions import make_wheel
from tests.support.faulty import FaultyIndex, Reply, Style
from tests.unit.publish.conftest import IMPATIENT, PASSWORD, Recorder, repository_at

if TYPE_CHECKING:
    from pathlib import Path

OTHER = b"another file of that name"
OTHER_HASH = hashlib.sha256(OTHER).hexdigest()
PLAIN = {"Content-Type": "text/plain"}


def send(
    index: FaultyIndex,
    recorder: Recorder,
    *distributions: Distribution,
    overwrite: bool = False,
    verify: bool = True,
    **changes: object,
) -> Publication:
    repository = replace(repository_at(f"{index.url}/legacy/"), **changes)  # type: ignore[arg-type]
    return publish(
        distributions,
        repository,
        overwrite=overwrite,
        verify=verify,
        reporter=recorder,
        patience=IMPATIENT,
    )


# The good days


@pytest.mark.parametrize("style", ["json", "html", "html-without-hashes"])
def test_a_version_is_uploaded_and_verified(
    index: FaultyIndex, recorder: Recorder, sdist: Distribution, wheel: Distribution, style: Style
) -> None:
    index.style = style
    done = send(index, recorder, sdist, wheel)
    assert done.verified
    assert done.uploaded == (sdist, wheel)
    assert done.skipped == done.replaced == done.refused == ()
    assert [post.content for post in index.posts] == [
        sdist.path.read_bytes(),
        wheel.path.read_bytes(),
    ]
    assert recorder.events == [
        ("started", sdist.filename),
        ("uploaded", sdist.filename),
        ("started", wheel.filename),
        ("uploaded", wheel.filename),
    ]


def test_the_form_is_the_legacy_one(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    send(index, recorder, wheel)
    post = index.posts[0]
    assert post.path == "/legacy/"
    assert post.filename == wheel.filename
    assert post.headers["User-Agent"].startswith("poetry-aegis/")
    assert post.headers["Content-Length"].isdigit()
    assert "Aegis-Overwrite" not in post.headers
    expected = {
        ":action": "file_upload",
        "protocol_version": "1",
        "metadata_version": "2.1",
        "name": "demo",
        "version": "1.0.0",
        "summary": "A demo.",
        "filetype": "bdist_wheel",
        "pyversion": "py3",
        "md5_digest": wheel.digests.md5,
        "sha256_digest": wheel.sha256,
        "blake2_256_digest": wheel.digests.blake2_256,
    }
    assert expected.items() <= {key: values[0] for key, values in post.fields.items()}.items()


def test_progress_is_told_in_bytes(index: FaultyIndex, recorder: Recorder, tmp_path: Path) -> None:
    noise = {"demo/noise.bin": os.urandom(1_000_000)}
    wheel = read_distribution(make_wheel(tmp_path, files=noise))
    send(index, recorder, wheel)
    sent = recorder.progress[wheel.filename]
    assert sent == sorted(sent)
    assert sent[-1] == wheel.size
    assert len(set(sent)) > 3


def test_the_same_file_is_skipped(
    index: FaultyIndex, recorder: Recorder, sdist: Distribution, wheel: Distribution
) -> None:
    index.has(sdist.filename, sdist.path.read_bytes())
    done = send(index, recorder, sdist, wheel)
    assert (done.skipped, done.uploaded) == ((sdist,), (wheel,))
    assert [post.filename for post in index.posts] == [wheel.filename]
    assert ("skipped", sdist.filename) in recorder.events


def test_a_slow_index_is_waited_for(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    index.hidden_reads = 3
    assert send(index, recorder, wheel).verified


def test_without_an_index_nothing_is_called_verified(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    done = send(index, recorder, wheel, index_url=None)
    assert done.uploaded == (wheel,)
    assert not done.verified
    assert recorder.notes == ["corp has no known index to read back."]


def test_verification_can_be_left_out(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    index.hashes[wheel.filename] = OTHER_HASH
    assert not send(index, recorder, wheel, verify=False).verified


def test_the_json_says_what_was_done(
    index: FaultyIndex, recorder: Recorder, sdist: Distribution, wheel: Distribution
) -> None:
    index.has(sdist.filename, sdist.path.read_bytes())
    assert send(index, recorder, sdist, wheel).to_json() == {
        "repository": "corp",
        "url": f"{index.url}/legacy/",
        "project": "demo",
        "version": "1.0.0",
        "files": [
            {
                "filename": sdist.filename,
                "sha256": sdist.sha256,
                "size": sdist.size,
                "status": "skipped",
            },
            {
                "filename": wheel.filename,
                "sha256": wheel.sha256,
                "size": wheel.size,
                "status": "uploaded",
            },
        ],
        "verified": True,
    }


def test_the_repositorys_notes_come_first(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    send(index, recorder, wheel, notes=("Mind the gap.",))
    assert recorder.notes == ["Mind the gap."]


def test_nothing_is_not_a_publication(index: FaultyIndex, recorder: Recorder) -> None:
    with pytest.raises(BuildFailed, match="nothing to publish"):
        send(index, recorder)


# Another file of that name


def test_a_conflict_is_found_before_anything_is_sent(
    index: FaultyIndex, recorder: Recorder, sdist: Distribution, wheel: Distribution, tmp_path: Path
) -> None:
    index.has(wheel.filename, OTHER)
    with pytest.raises(FileConflict) as caught:
        publish(
            [sdist, wheel],
            repository_at(index.url),
            keep_in=tmp_path / "dist",
            reporter=recorder,
            patience=IMPATIENT,
        )
    assert index.attempts == 0
    assert not (tmp_path / "dist").exists()
    assert wheel.filename in str(caught.value)
    assert OTHER_HASH in str(caught.value)
    assert wheel.sha256 in str(caught.value)
    assert "--force" in caught.value.hint
    assert "poetry aegis sign" not in caught.value.hint


def test_who_would_co_sign_another_file_is_told_how(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    index.has(wheel.filename, OTHER)
    with pytest.raises(FileConflict) as caught:
        publish(
            [wheel],
            repository_at(index.url),
            attestations={wheel.filename: "[]"},
            reporter=recorder,
            patience=IMPATIENT,
        )
    assert "poetry aegis sign && poetry aegis publish --skip-build" in caught.value.hint


def test_overwriting_replaces_and_says_so(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    index.has(wheel.filename, OTHER)
    done = send(index, recorder, wheel, overwrite=True)
    assert done.replaced == (wheel,)
    assert done.verified
    assert index.posts[0].headers["Aegis-Overwrite"] == "true"
    assert index.files[wheel.filename] == wheel.path.read_bytes()
    assert recorder.events[-1] == ("replaced", wheel.filename)


def test_a_server_that_does_not_overwrite_is_told_of(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    index.has(wheel.filename, OTHER)
    index.script(Reply(409))
    with pytest.raises(FileConflict) as caught:
        send(index, recorder, wheel, overwrite=True)
    assert OTHER_HASH in str(caught.value)
    assert "does not let the file be replaced" in caught.value.hint
    assert "--force" not in caught.value.hint


def test_who_may_upload_but_not_replace_is_told_so(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    index.has(wheel.filename, OTHER)
    index.script(Reply(403, "only an admin may", headers=PLAIN))
    with pytest.raises(Forbidden, match="only an admin may") as caught:
        send(index, recorder, wheel, overwrite=True)
    assert "takes more rights" in caught.value.hint


DIALECTS = [
    Reply(409),
    Reply(400, phrase="File already exists. See the help."),
    Reply(400, "This filename has already been used, use a different version."),
    Reply(400, phrase="Repository does not allow updating assets: pypi"),
    Reply(400, "demo cannot be updated"),
    Reply(403, "Not enough permissions to overwrite artifact 'corp:demo'"),
    Reply(400, '{"message": "File name has already been taken"}'),
]


@pytest.mark.parametrize("reply", DIALECTS)
def test_a_conflict_that_only_the_upload_meets_names_both_hashes(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution, reply: Reply
) -> None:
    index.page_replies.append(Reply(404))  # not yet there when it was looked for
    index.has(wheel.filename, OTHER)
    index.script(reply)
    with pytest.raises(FileConflict) as caught:
        send(index, recorder, wheel)
    assert OTHER_HASH in str(caught.value)
    assert wheel.sha256 in str(caught.value)
    assert index.attempts == 1


@pytest.mark.parametrize("reply", DIALECTS)
def test_already_there_with_the_same_hash_is_no_conflict(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution, reply: Reply
) -> None:
    index.page_replies.append(Reply(404))
    index.has(wheel.filename, wheel.path.read_bytes())
    index.script(reply)
    assert send(index, recorder, wheel).verified


def test_a_conflict_without_an_index_gives_the_servers_reason(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    index.script(Reply(409, "taken since 2019", headers=PLAIN))
    with pytest.raises(FileConflict, match=r"is refused: .*\(409 taken since 2019\)"):
        send(index, recorder, wheel, index_url=None)


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_conflict_is_one_where_the_index_cannot_be_read(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution, status: int
) -> None:
    index.script(Reply(409, "taken since 2019", PLAIN))
    index.page_replies.extend([Reply(404), *[Reply(status)] * 9])
    with pytest.raises(FileConflict, match=r"is refused: .*\(409 taken since 2019\)"):
        send(index, recorder, wheel, verify=False)


def test_nothing_is_said_to_be_removed_that_was_not_seen(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    index.has(wheel.filename, OTHER)
    kind, text = index.page()
    page = Reply(200, text, {"Content-Type": kind})
    welcome = Reply(200, "Welcome to pypiserver!")
    index.page_replies.extend([page, page, page, welcome, *[Reply(500)] * 4])
    index.script(Reply(409, "taken", PLAIN), Reply(409, "taken", PLAIN))
    with pytest.raises(FileConflict) as caught:
        send(index, recorder, wheel, overwrite=True)
    assert not index.page_replies, "the version was looked for"
    assert "removed" not in caught.value.hint
    assert index.probes == 0, "nothing was removed"


# Bad days that pass


@pytest.mark.parametrize(
    "replies",
    [
        (Reply(503), Reply(502), Reply(504)),
        (Reply(500), Reply(507), Reply(408)),
        (Reply(429, headers={"Retry-After": "0"}),),
        (Reply(cut_after=500),),
        (Reply(cut_after=0), Reply(silent=True)),
        (Reply(200, "cut", truncated=True),),
    ],
    ids=["no answer", "5xx", "429", "cut off", "cut off, then silent", "truncated answer"],
)
def test_what_passes_is_repeated(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution, replies: tuple[Reply, ...]
) -> None:
    index.script(*replies)
    done = send(index, recorder, wheel)
    assert done.verified
    assert index.attempts == len(replies) + 1
    assert len(recorder.notes) == len(replies)
    assert "Trying again in" in recorder.notes[0]
    assert index.files == {wheel.filename: wheel.path.read_bytes()}


def test_a_large_upload_cut_in_the_middle_is_sent_whole(
    index: FaultyIndex, recorder: Recorder, tmp_path: Path
) -> None:
    noise = {"demo/noise.bin": os.urandom(2_000_000)}
    wheel = read_distribution(make_wheel(tmp_path, files=noise))
    index.script(Reply(cut_after=1_000_000))
    assert send(index, recorder, wheel).verified
    assert index.files[wheel.filename] == wheel.path.read_bytes()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500, stores=True),
        Reply(503, stores=True),
        Reply(stores=True, silent=True),
        Reply(stores=True, truncated=True),
    ],
    ids=["500", "503", "silent", "truncated"],
)
def test_an_upload_that_was_stored_is_not_sent_twice(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution, reply: Reply
) -> None:
    index.script(reply)
    done = send(index, recorder, wheel)
    assert done.verified
    assert done.uploaded == (wheel,)
    assert index.attempts == 1


def test_a_repeat_stops_where_it_began(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    index.script(*[Reply(503, "maintenance", headers=PLAIN)] * 9)
    with pytest.raises(Unreachable, match=r"503 maintenance") as caught:
        send(index, recorder, wheel)
    assert index.attempts == 4
    assert "not sent twice" in caught.value.hint


def test_a_server_that_wants_an_hour_is_not_waited_for(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    index.script(Reply(429, "slow down", headers=PLAIN | {"Retry-After": "3600"}))
    with pytest.raises(PublishError, match="429 slow down"):
        send(index, recorder, wheel)
    assert index.attempts == 1


def test_a_failed_upload_leaves_the_very_files_to_finish_with(
    index: FaultyIndex, recorder: Recorder, sdist: Distribution, wheel: Distribution, tmp_path: Path
) -> None:
    index.script(Reply(stores=True), Reply(400))
    dist = tmp_path / "dist"
    with pytest.raises(PublishError, match="400"):
        publish(
            [sdist, wheel],
            repository_at(index.url),
            keep_in=dist,
            reporter=recorder,
            patience=IMPATIENT,
        )
    for file in (sdist, wheel):
        assert (dist / file.filename).read_bytes() == file.path.read_bytes()


def test_an_index_that_cannot_be_read_in_between_does_not_end_the_repeats(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    index.script(Reply(503), Reply(stores=True))
    index.page_replies.extend([Reply(404), Reply(500)])
    assert send(index, recorder, wheel).verified
    assert index.attempts == 2


def test_a_second_run_finishes_what_the_first_began(
    index: FaultyIndex, recorder: Recorder, sdist: Distribution, wheel: Distribution
) -> None:
    index.script(Reply(stores=True), Reply(400))
    with pytest.raises(PublishError, match="400"):
        send(index, recorder, sdist, wheel)
    done = send(index, recorder, sdist, wheel)
    assert (done.skipped, done.uploaded) == ((sdist,), (wheel,))
    assert [post.filename for post in index.posts].count(sdist.filename) == 1


# What may have arrived

UNREADABLE = Reply(500)


@pytest.mark.parametrize(
    ("replies", "looks"),
    [
        ([Reply(500, stores=True)] * 4, [UNREADABLE] * 4),
        ([Reply(stores=True, silent=True)] * 4, [UNREADABLE] * 4),
        ([Reply(403, "no", stores=True, truncated=True)] * 4, [UNREADABLE] * 4),
        ([Reply(stores=True, silent=True), Reply(403)], [UNREADABLE] * 2),
    ],
    ids=["500", "silent", "truncated refusal", "refused only the second time"],
)
def test_a_file_may_have_arrived_where_nothing_rules_it_out(
    index: FaultyIndex,
    recorder: Recorder,
    wheel: Distribution,
    replies: list[Reply],
    looks: list[Reply],
) -> None:
    index.script(*replies)
    index.page_replies.extend([Reply(404), *looks])
    with pytest.raises(PublishError):
        send(index, recorder, wheel)
    assert index.attempts == len(replies)
    assert recorder.possible == {wheel.filename}


@pytest.mark.parametrize(
    ("replies", "looks"),
    [
        ([Reply(403)], [UNREADABLE]),
        ([Reply(413)], [UNREADABLE]),
        ([Reply(500)] * 4, [Reply(404)] * 4),
        ([Reply(silent=True)] * 4, [UNREADABLE] * 3 + [Reply(404)]),
    ],
    ids=["403", "413", "500 and not shown", "silent and not shown"],
)
def test_a_refusal_or_a_look_at_the_index_rules_a_file_out(
    index: FaultyIndex,
    recorder: Recorder,
    wheel: Distribution,
    replies: list[Reply],
    looks: list[Reply],
) -> None:
    index.script(*replies)
    index.page_replies.extend([Reply(404), *looks])
    with pytest.raises(PublishError):
        send(index, recorder, wheel)
    assert index.attempts == len(replies)
    assert recorder.possible == set()


def test_without_an_index_a_lost_answer_leaves_the_file_possible(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    index.script(*[Reply(500)] * 4)
    with pytest.raises(PublishError):
        send(index, recorder, wheel, index_url=None)
    assert recorder.possible == {wheel.filename}


def test_a_file_counts_from_the_moment_that_all_of_it_has_left(
    index: FaultyIndex, wheel: Distribution
) -> None:
    class CtrlC(Recorder):
        def sent(self, distribution: Distribution) -> None:
            super().sent(distribution)
            raise KeyboardInterrupt

    recorder = CtrlC()
    with pytest.raises(KeyboardInterrupt):
        send(index, recorder, wheel)
    assert recorder.progress[wheel.filename][-1] == wheel.size
    assert recorder.possible == {wheel.filename}


# Bad days that do not pass


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(401, "who are you", headers=PLAIN), Unauthorized),
        (Reply(403, "not you", headers=PLAIN), Forbidden),
        (Reply(404, "nothing here", headers=PLAIN), NotAnUploadUrl),
        (Reply(405, "read only", headers=PLAIN), NotAnUploadUrl),
        (Reply(413, "too large", headers=PLAIN), TooLarge),
        (Reply(400, "bad metadata", headers=PLAIN), PublishError),
        (Reply(301, headers={"Location": "/elsewhere/"}), NotAnUploadUrl),
        (Reply(302, headers={"Location": "https://login.example/"}), NotAnUploadUrl),
        (Reply(307, headers={"Location": "/elsewhere/"}), NotAnUploadUrl),
    ],
)
def test_a_refusal_is_final_and_gives_the_servers_reason(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution, reply: Reply, kind: type[Exception]
) -> None:
    index.script(reply)
    with pytest.raises(kind) as caught:
        send(index, recorder, wheel)
    assert type(caught.value) is kind
    assert (reply.body or f"{reply.headers['Location']}, and") in str(caught.value)
    assert index.attempts == 1
    assert isinstance(caught.value, PublishError)
    assert caught.value.hint


def test_an_upload_url_for_reading_only_is_mended_by_the_hint(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    index.script(Reply(405))
    with pytest.raises(NotAnUploadUrl) as caught:
        publish(
            [wheel], repository_at(f"{index.url}/simple/"), reporter=recorder, patience=IMPATIENT
        )
    assert caught.value.hint.endswith(f"poetry config repositories.corp {index.url}/")


def test_a_wrong_password_is_told_before_anything_is_sent(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    index.page_replies.append(Reply(401, f"no such password: {PASSWORD}", headers=PLAIN))
    with pytest.raises(Unauthorized) as caught:
        send(index, recorder, wheel)
    assert index.attempts == 0
    assert "no such password: ***" in str(caught.value)
    assert PASSWORD not in str(caught.value) + caught.value.hint


def test_who_may_upload_but_not_read_is_let_try(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    index.page_replies.append(Reply(403, "no reading", headers=PLAIN))
    assert send(index, recorder, wheel, verify=False).uploaded == (wheel,)
    assert "cannot be seen" in recorder.notes[0]
    assert "403 no reading" in recorder.notes[0]


def test_a_server_that_is_not_there(recorder: Recorder, wheel: Distribution) -> None:
    import socket

    with socket.socket() as taken:  # bound and not listening: refused, and nobody else's
        taken.bind(("127.0.0.1", 0))
        repository = repository_at(f"http://127.0.0.1:{taken.getsockname()[1]}/")
        with pytest.raises(Unreachable, match=r"corp gave no answer: .*refused") as caught:
            publish([wheel], repository, reporter=recorder, patience=IMPATIENT)
        assert recorder.possible == set()
    assert repository.upload_url in caught.value.hint
    assert len(recorder.notes) == 3


def test_an_address_that_is_none(recorder: Recorder, wheel: Distribution) -> None:
    with pytest.raises(NotAnUploadUrl):
        publish([wheel], repository_at("corp/legacy/"), reporter=recorder, patience=IMPATIENT)


# The read-back


def test_a_wrong_hash_on_the_index_is_told_with_both(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    index.hashes[wheel.filename] = OTHER_HASH
    with pytest.raises(VerificationFailed) as caught:
        send(index, recorder, wheel)
    assert wheel.filename in str(caught.value)
    assert OTHER_HASH in str(caught.value)
    assert wheel.sha256 in str(caught.value)
    assert len(index.gets) == 2  # waiting would not mend it


def test_a_file_that_is_altered_on_the_server_is_found_by_its_content(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution, sdist: Distribution
) -> None:
    index.style = "html-without-hashes"
    send(index, recorder, wheel)
    index.files[wheel.filename] = OTHER
    with pytest.raises(FileConflict, match=OTHER_HASH):
        send(index, recorder, wheel)


def test_the_hash_of_before_may_linger_after_a_replacement(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    index.has(wheel.filename, OTHER)
    old_page = Reply(200, index.page()[1], headers={"Content-Type": index.page()[0]})
    index.page_replies.extend([old_page, old_page, old_page])
    done = send(index, recorder, wheel, overwrite=True)
    assert done.verified
    assert len(index.gets) == 4


def test_a_reader_that_is_locked_out_is_not_waited_for(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    index.page_replies.extend([Reply(403), Reply(403)])
    with pytest.raises(VerificationFailed, match="is not verified: corp does not allow this"):
        send(index, recorder, wheel)
    assert len(index.gets) == 2


def test_a_file_that_never_shows_is_told(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    index.hidden_reads = 99
    with pytest.raises(VerificationFailed, match="its index does not show it") as caught:
        send(index, recorder, wheel)
    assert "--no-verify" in caught.value.hint


def test_an_index_that_breaks_after_the_upload_leaves_it_unverified(
    index: FaultyIndex, recorder: Recorder, wheel: Distribution
) -> None:
    broken = Reply(200, "not json", headers={"Content-Type": "application/json"})
    index.page_replies.extend([Reply(404), *[broken] * 9])
    with pytest.raises(VerificationFailed, match="not as a Python package index does"):
        send(index, recorder, wheel)
    assert wheel.filename in index.files


# The plan


def test_a_plan_sends_nothing(
    index: FaultyIndex, recorder: Recorder, sdist: Distribution, wheel: Distribution
) -> None:
    index.has(sdist.filename, sdist.path.read_bytes())
    index.has(wheel.filename, OTHER)
    repository = repository_at(index.url)
    planned = plan([sdist, wheel], repository, reporter=recorder, patience=IMPATIENT)
    assert (planned.skipped, planned.refused) == ((sdist,), (wheel,))
    forced = plan([wheel], repository, overwrite=True, reporter=recorder, patience=IMPATIENT)
    assert forced.replaced == (wheel,)
    statuses = [file["status"] for file in _files(planned.to_json(planned=True))]
    assert statuses == ["skip", "refuse"]
    assert index.attempts == 0


def _files(document: dict[str, object]) -> list[dict[str, object]]:
    files = document["files"]
    assert isinstance(files, list)
    return files
