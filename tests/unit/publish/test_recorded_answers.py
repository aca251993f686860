"""What other servers answer to an upload, as they are documented, and what becomes of it here.

Each file in ``recorded/`` is one kind of server. A case has the answer, the *source* of it (or
"assumed", where nobody tells), and the outcome: ``arrived``, or the name of the error, which *says*
so. A real server gives the answers. PyPI and TestPyPI are the same.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from poetry_aegis import errors
from poetry_aegis.poetry_api import pypi_urls
from poetry_aegis.publish.publication import Publication, publish
from poetry_aegis.publish.repository import Repository, index_url_of
from tests.support.faulty import FaultyIndex, Reply
from tests.unit.publish.conftest import IMPATIENT, PASSWORD, Recorder

if TYPE_CHECKING:
    from poetry_aegis.publish.distributions import Distribution

FOLDER = Path(__file__).parent / "recorded"
ALWAYS = {"success", "exists", "wrong credential", "no right", "too large"}
OTHER = b"another file of that name"
NOT_THERE = Reply(404, "Not Found", {"Content-Type": "text/plain"})


@dataclass(frozen=True)
class Recorded:
    """One case of one server. *elsewhere*: nobody can tell from the address where its index is."""

    server: str
    name: str
    upload: str
    index: str
    page: str
    case: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.server}: {self.name}"

    @property
    def reply(self) -> Reply:
        case = self.case
        return Reply(
            case["status"],
            case["body"],
            case["headers"],
            phrase=case["phrase"],
            stores=case["status"] < 300,
        )

    @property
    def elsewhere(self) -> bool:
        return self.page == "elsewhere"


def recorded() -> list[Recorded]:
    found = []
    for path in sorted(FOLDER.glob("*.json")):
        server = json.loads(path.read_text(encoding="utf-8"))
        where = (server["upload"], server["index"], server["page"])
        cases = server["cases"].items()
        found += [Recorded(path.stem, name, *where, case) for name, case in cases]
    return found


def those_that_end_in(*outcomes: str) -> list[Recorded]:
    return [one for one in recorded() if one.case["outcome"] in outcomes]


@pytest.fixture
def server(index: FaultyIndex, case: Recorded) -> FaultyIndex:
    """Return a server that gives the recorded answer."""
    index.style = "json" if case.page == "json" else "html"
    index.script(case.reply)
    if case.elsewhere:
        index.page_replies.extend([NOT_THERE] * 20)
    return index


def send(
    server: FaultyIndex,
    case: Recorded,
    wheel: Distribution,
    recorder: Recorder,
    *,
    overwrite: bool = False,
) -> Publication:
    repository = Repository(
        "corp",
        f"{server.url}{case.upload}",
        f"{server.url}{case.index}",
        username="ada",
        password=PASSWORD,
    )
    return publish([wheel], repository, overwrite=overwrite, reporter=recorder, patience=IMPATIENT)


@pytest.mark.parametrize("case", those_that_end_in("arrived"), ids=str)
def test_what_is_taken_has_arrived(
    server: FaultyIndex, case: Recorded, wheel: Distribution, recorder: Recorder
) -> None:
    done = send(server, case, wheel, recorder)
    assert done.uploaded == (wheel,)
    assert done.verified
    assert [post.path for post in server.posts] == [case.upload]
    assert {path for path, _ in server.gets} == {f"{case.index}demo/"}
    again = send(server, case, wheel, recorder)
    assert again.skipped == (wheel,)
    assert server.attempts == 1


@pytest.mark.parametrize("case", those_that_end_in("VerificationFailed"), ids=str)
def test_where_the_index_is_elsewhere_it_is_said_how_to_do_without(
    server: FaultyIndex, case: Recorded, wheel: Distribution, recorder: Recorder
) -> None:
    with pytest.raises(errors.VerificationFailed, match="its index does not show it") as caught:
        send(server, case, wheel, recorder)
    assert "poetry aegis publish --no-verify" in caught.value.hint
    assert server.attempts == 1


@pytest.mark.parametrize("case", those_that_end_in("FileConflict"), ids=str)
def test_another_file_of_that_name_is_told_with_both_hashes(
    server: FaultyIndex, case: Recorded, wheel: Distribution, recorder: Recorder
) -> None:
    server.has(wheel.filename, OTHER)
    if not case.elsewhere:
        server.page_replies.append(NOT_THERE)  # it came while this one was on its way
    with pytest.raises(errors.FileConflict) as caught:
        send(server, case, wheel, recorder)
    if not case.elsewhere:
        assert wheel.sha256 in str(caught.value)
        assert hashlib.sha256(OTHER).hexdigest() in str(caught.value)
    assert "poetry aegis publish --force" in caught.value.hint
    assert server.attempts == 1


@pytest.mark.parametrize(
    "case", [one for one in those_that_end_in("FileConflict") if not one.elsewhere], ids=str
)
def test_the_same_file_that_somebody_else_has_sent_has_arrived(
    server: FaultyIndex, case: Recorded, wheel: Distribution, recorder: Recorder
) -> None:
    server.has(wheel.filename, wheel.path.read_bytes())
    server.page_replies.append(NOT_THERE)
    assert send(server, case, wheel, recorder).verified
    assert server.attempts == 1


@pytest.mark.parametrize("case", those_that_end_in("FileConflict"), ids=str)
def test_a_server_that_does_not_replace_is_named_where_that_was_asked(
    server: FaultyIndex, case: Recorded, wheel: Distribution, recorder: Recorder
) -> None:
    server.has(wheel.filename, OTHER)
    with pytest.raises(errors.FileConflict) as caught:
        send(server, case, wheel, recorder, overwrite=True)
    assert "corp does not let the file be replaced" in caught.value.hint
    assert server.sha256(wheel.filename) == hashlib.sha256(OTHER).hexdigest()


@pytest.mark.parametrize(
    "case", those_that_end_in("Unauthorized", "Forbidden", "TooLarge"), ids=str
)
def test_a_refusal_is_told_in_the_servers_own_words(
    server: FaultyIndex, case: Recorded, wheel: Distribution, recorder: Recorder
) -> None:
    with pytest.raises(errors.PublishError) as caught:
        send(server, case, wheel, recorder)
    error = caught.value
    assert type(error).__name__ == case.case["outcome"]
    assert case.case["says"] in str(error)
    assert error.hint
    assert PASSWORD not in f"{error} {error.hint} {recorder.notes}"
    assert server.attempts == 1, "asked again, it would say the same"
    assert recorder.possible == set(), "nothing may have arrived"


@pytest.mark.parametrize(
    "case", [one for one in recorded() if one.name == "success" and not one.elsewhere], ids=str
)
def test_the_index_is_found_beside_the_upload_address(case: Recorded) -> None:
    upload, index = f"https://pkg.example{case.upload}", f"https://pkg.example{case.index}"
    assert index_url_of(upload) == index
    assert index_url_of(f"{upload.rstrip('/')}/") == index


def test_devpi_tells_where_its_index_is(
    index: FaultyIndex, wheel: Distribution, recorder: Recorder
) -> None:
    devpi = {"X-Devpi-Api-Version": "2", "X-Devpi-Server-Version": "6.20.3"}
    index.page_replies.append(Reply(404, "The resource could not be found.", devpi))
    address = f"{index.url}/pub/dev/"
    repository = Repository("corp", address, index_url_of(address), "ada", PASSWORD)
    assert publish([wheel], repository, reporter=recorder, patience=IMPATIENT).verified
    asked = [path for path, _ in index.gets]
    assert asked[0] == "/pub/dev/simple/demo/"
    assert set(asked[1:]) == {"/pub/dev/+simple/demo/"}


def test_each_server_has_each_case_with_its_source() -> None:
    found: dict[str, set[str]] = {}
    for one in recorded():
        found.setdefault(one.server, set()).add(one.name)
        assert one.case["source"]
        assert one.case["outcome"] == "arrived" or hasattr(errors, one.case["outcome"])
    assert len(found) == 9
    for names in found.values():
        assert names >= ALWAYS


def test_the_public_index_is_not_named() -> None:
    host = str(urlsplit(pypi_urls()[1]).hostname)
    assert all(host not in path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json"))
