from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import (
    FileConflict,
    Forbidden,
    NotAnUploadUrl,
    PublishError,
    Unauthorized,
    Unreachable,
)
from poetry_aegis.publish.preflight import check, files_there
from tests.support.distributions import make_wheel
from tests.support.faulty import FaultyIndex, Reply
from tests.support.registry import HTTP, running_registry, upload
from tests.unit.publish.conftest import IMPATIENT, Recorder, repository_at

if TYPE_CHECKING:
    from pathlib import Path


def look(index: FaultyIndex, recorder: Recorder) -> list[str]:
    repository = repository_at(f"{index.url}/legacy/")
    return files_there("demo", "1.0.0", repository, reporter=recorder, patience=IMPATIENT)


def test_the_files_of_the_version_are_named_and_nothing_is_sent(
    index: FaultyIndex, recorder: Recorder
) -> None:
    for name in ("demo-1.0.0.tar.gz", "demo-1.0-py3-none-any.whl", "demo-1.0.1.tar.gz"):
        index.has(name, b"")
    assert look(index, recorder) == ["demo-1.0-py3-none-any.whl", "demo-1.0.0.tar.gz"]
    assert (index.attempts, index.probes, len(index.gets)) == (0, 1, 1)
    assert index.connections == 1


def test_a_release_of_a_version_that_is_there_is_refused(
    index: FaultyIndex, recorder: Recorder
) -> None:
    index.has("demo-1.0.0.tar.gz", b"")
    repository = repository_at(f"{index.url}/legacy/")
    with pytest.raises(FileConflict, match=r"already has 1\.0\.0 of demo: demo-1\.0\.0\.tar\.gz"):
        check("demo", "1.0.0", repository, reporter=recorder, patience=IMPATIENT)


@pytest.mark.parametrize("status", ["archived", "quarantined"])
def test_a_project_that_takes_no_uploads_is_told_before(
    recorder: Recorder, tmp_path: Path, status: str
) -> None:
    with running_registry(tmp_path / "data") as server:
        upload(server, make_wheel(tmp_path, "demo", "0.9"))
        admin = ("ada", server.users["ada"][0])
        where = f"{server.url}/api/v1/projects/demo"
        change = {"status": status, "reason": "now in demo2"}
        assert HTTP.patch(where, json=change, auth=admin).status_code == 200
        repository = repository_at(
            f"{server.url}/legacy/", username="pub", password=server.users["pub"][0]
        )
        for look in (check, files_there):
            with pytest.raises(PublishError) as refused:
                look("demo", "1.0.0", repository, reporter=recorder, patience=IMPATIENT)
            said = f"The project demo on corp is {status} (now in demo2) and takes no uploads."
            assert str(refused.value) == said
            assert "poetry aegis project demo --status active" in refused.value.hint
        HTTP.patch(where, json={"status": "deprecated"}, auth=admin)
        check("demo", "1.0.0", repository, reporter=recorder, patience=IMPATIENT)


ARCHIVED = Reply(
    200,
    json.dumps({
        "files": [{"filename": "demo-1.0.0.tar.gz", "url": "x", "hashes": {}}],
        "project-status": {"status": "archived"},
    }),
    headers={"Content-Type": "application/vnd.pypi.simple.v1+json"},
)  # fmt: skip


def test_what_an_archived_project_has_already_is_still_found(
    index: FaultyIndex, recorder: Recorder
) -> None:
    """The same files sent again are no change, so a publication that broke off can be repeated."""
    index.page_replies.append(ARCHIVED)
    assert look(index, recorder) == ["demo-1.0.0.tar.gz"]


def test_the_status_of_a_project_elsewhere_is_not_that_of_the_one_here(
    index: FaultyIndex, recorder: Recorder
) -> None:
    headers = {**ARCHIVED.headers, "Aegis-Shown-From": "upstream"}
    index.page_replies.append(Reply(200, ARCHIVED.body, headers=headers))
    repository = repository_at(f"{index.url}/legacy/")
    check("demo", "2.0.0", repository, reporter=recorder, patience=IMPATIENT)


def test_with_leave_to_overwrite_what_is_there_is_no_obstacle(
    index: FaultyIndex, recorder: Recorder
) -> None:
    index.has("demo-1.0.0.tar.gz", b"")
    repository = repository_at(f"{index.url}/legacy/")
    check("demo", "1.0.0", repository, overwrite=True, reporter=recorder, patience=IMPATIENT)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(301, headers={"Location": "/legacy/x/"}), NotAnUploadUrl),
        (Reply(401), Unauthorized),
        (Reply(403), Forbidden),
        (Reply(404), NotAnUploadUrl),
        (Reply(405), NotAnUploadUrl),
        (Reply(503), Unreachable),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Reply) else "",
)
def test_what_an_upload_would_be_refused_for_is_said_before(
    index: FaultyIndex, recorder: Recorder, reply: Reply, kind: type[PublishError]
) -> None:
    index.probe_reply = reply
    with pytest.raises(kind):
        look(index, recorder)
    assert index.probes == (4 if reply.status == 503 else 1)


@pytest.mark.parametrize("status", [200, 400, 409, 413, 422, 500])
def test_that_the_file_is_missing_is_no_obstacle(
    index: FaultyIndex, recorder: Recorder, status: int
) -> None:
    index.probe_reply = Reply(status)
    assert look(index, recorder) == []


def test_who_may_not_read_the_index_may_still_upload(
    index: FaultyIndex, recorder: Recorder
) -> None:
    index.page_replies.append(Reply(403))
    assert look(index, recorder) == []
    assert "cannot be seen" in recorder.notes[0]


def test_nobody_there(recorder: Recorder) -> None:
    with socket.socket() as taken:  # bound and not listening
        taken.bind(("127.0.0.1", 0))
        repository = repository_at(f"http://127.0.0.1:{taken.getsockname()[1]}/")
        with pytest.raises(Unreachable, match="gave no answer"):
            files_there("demo", "1", repository, reporter=recorder, patience=IMPATIENT)
