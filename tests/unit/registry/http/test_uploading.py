from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import random
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import httpx
import pytest

from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.errors import (
    BadUpload,
    FileExists,
    Forbidden,
    NotFound,
    StoreFull,
    UploadStalled,
)
from poetry_aegis.registry.http.exchange import ClientGone, Exchange
from poetry_aegis.registry.http.gate import Gate
from poetry_aegis.registry.http.proxies import Proxies
from poetry_aegis.registry.http.uploads import Uploads
from poetry_aegis.registry.options import RegistrySettings
from poetry_aegis.registry.people.users import Users
from poetry_aegis.registry.state.audit import AuditTrail
from poetry_aegis.registry.state.database import Database
from poetry_aegis.registry.store.store import open_store
from tests.support.attestations import attestation
from tests.support.distributions import core_metadata, make_sdist, make_wheel
from tests.support.registry import (
    CHEAP_ROUNDS,
    HTTP,
    PATIENCE,
    RegistryServer,
    basic,
    listed_files,
    read,
    upload,
)

if TYPE_CHECKING:
    from starlette.types import Message

WHEEL = "demo-1.0.0-py3-none-any.whl"


def tree(server: RegistryServer) -> dict[str, bytes]:
    read(server, "/simple/")  # It waits for the project list, which is written beside uploads.
    return {
        str(path.relative_to(server.data)): path.read_bytes()
        for path in server.data.rglob("*")
        if path.is_file() and "locks" not in path.parts
    }


def digests_of(content: bytes) -> dict[str, str | None]:
    return {
        "md5_digest": hashlib.md5(content, usedforsecurity=False).hexdigest(),
        "sha256_digest": hashlib.sha256(content).hexdigest(),
        "blake2_256_digest": hashlib.blake2b(content, digest_size=32).hexdigest(),
    }


def test_an_upload_is_on_the_page_when_it_is_acknowledged(
    registry: RegistryServer, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "My.Lib", "1.0")
    assert read(registry, "/simple/my-lib/").status_code == 404

    answer = upload(registry, wheel, fields=digests_of(wheel.read_bytes()) | {"name": "My.Lib"})

    assert (answer.status_code, answer.text) == (200, f"Uploaded {wheel.name}.\n")
    assert set(listed_files(registry, "my-lib")) == {wheel.name}
    assert "my-lib" in read(registry, "/simple/").text


def test_the_same_bytes_again_are_fine(registry: RegistryServer, wheel: Path) -> None:
    before = tree(registry)

    answer = upload(registry, wheel)

    assert (answer.status_code, answer.text) == (
        200,
        f"{WHEEL} is there already, with the same content.\n",
    )
    assert tree(registry) == before


def test_other_bytes_of_the_same_name_are_refused(registry: RegistryServer, tmp_path: Path) -> None:
    before = tree(registry)

    answer = upload(registry, make_wheel(tmp_path, files={"demo/more.py": ""}))

    assert answer.status_code == 400
    assert answer.text == f"File already exists: {WHEEL}, with other content.\n"
    assert tree(registry) == before


@pytest.mark.parametrize("digest", ["md5", "sha256", "blake2_256"])
def test_each_declared_digest_is_verified(
    registry: RegistryServer, tmp_path: Path, digest: str
) -> None:
    wheel = make_wheel(tmp_path, version="5.0.0")
    right = digests_of(wheel.read_bytes())
    wrong = right | {f"{digest}_digest": digests_of(b"other")[f"{digest}_digest"]}
    before = tree(registry)

    answer = upload(registry, wheel, fields=wrong)

    assert answer.status_code == 400
    assert f"The {digest} digest of '{wheel.name}' is not the declared one" in answer.text
    assert tree(registry) == before


@pytest.mark.parametrize("digest", ["", "zz", "ä", "a" * 64])
def test_a_digest_of_another_shape_is_wrong_and_an_empty_one_is_none(
    registry: RegistryServer, tmp_path: Path, digest: str
) -> None:
    wheel = make_wheel(tmp_path, "empty", "1.0")

    answer = upload(registry, wheel, fields={"sha256_digest": digest})

    assert answer.status_code == (200 if digest == "" else 400)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({":action": None}, "':action' is ''; taken here are"),
        ({":action": "doc_upload"}, "':action' is 'doc_upload'; taken here are"),
        ({"protocol_version": "2"}, "'protocol_version' is not '1'"),
        ({"filetype": "sdist"}, "'filetype' is 'sdist', but demo-6.0.0-py3-none-any.whl is of"),
        ({"filetype": "bdist_egg"}, "'filetype' is 'bdist_egg'"),
        ({"name": None}, "no 'name'"),
        ({"version": None}, "no 'version'"),
        ({"name": "other"}, "names the project 'other'"),
        ({"version": "9"}, "gives the version '9'"),
    ],
)
def test_the_form_agrees_with_the_file(
    registry: RegistryServer, tmp_path: Path, fields: dict[str, str | None], reason: str
) -> None:
    before = tree(registry)

    answer = upload(registry, make_wheel(tmp_path, version="6.0.0"), fields=fields)

    assert answer.status_code == 400
    assert reason in answer.text
    assert tree(registry) == before


@pytest.mark.parametrize(
    "file_name",
    [
        "../../auth/htpasswd",
        "..%2f..%2fevil-1.0.tar.gz",
        "/tmp/evil-1.0.tar.gz",  # noqa: S108 -- a name that must not be followed
        "..\\evil-1.0.tar.gz",
        ".evil-1.0.tar.gz",
        "evil-1.0.zip",
        "evil-1.0.tar.gz.metadata",
        "index.html",
        "evil.whl",
        "evil-1.0\x01.tar.gz",
        "évil-1.0.tar.gz",
        "a" * 500 + "-1.0.tar.gz",
    ],
)
def test_a_hostile_file_name_leads_nowhere(
    registry: RegistryServer, tmp_path: Path, file_name: str
) -> None:
    before = tree(registry)
    outside = {path.name for path in registry.data.parent.iterdir()}

    answer = upload(registry, make_sdist(tmp_path, "evil", "1.0"), file_name=file_name)

    assert answer.status_code == 400
    assert answer.text.startswith("The file name ")
    assert tree(registry) == before
    assert {path.name for path in registry.data.parent.iterdir()} == outside


def test_an_archive_that_lies_is_refused(registry: RegistryServer, tmp_path: Path) -> None:
    before = tree(registry)
    liars = [
        make_wheel(tmp_path / "a", version="7.0.0", metadata=core_metadata("other", "7.0.0")),
        make_wheel(tmp_path / "b", version="7.0.0", metadata=core_metadata("demo", "8.0.0")),
        make_wheel(tmp_path / "c", "other", "7.0.0", file_name="demo-7.0.0-py3-none-any.whl"),
        make_wheel(tmp_path / "d", version="7.0.0", files={"../../evil": "x"}),
        make_sdist(tmp_path / "e", version="7.0.0", metadata=core_metadata("demo", "8.0.0")),
        make_sdist(tmp_path / "f", version="7.0.0", files={"/etc/evil": "x"}),
    ]
    garbage = tmp_path / "demo-7.0.0-py3-none-any.whl"
    garbage.write_bytes(b"not a wheel")

    for liar in [*liars, garbage]:
        answer = upload(registry, liar)
        assert answer.status_code == 400
        assert liar.name in answer.text
    assert tree(registry) == before


def test_what_is_no_form_is_415(registry: RegistryServer) -> None:
    answer = HTTP.post(
        f"{registry.url}/legacy/",
        json={"name": "demo"},
        auth=("pub", "publisher-secret"),
    )

    assert answer.status_code == 415
    assert "multipart/form-data" in answer.text


def test_a_form_given_twice_is_refused(registry: RegistryServer, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, version="8.0.0")
    before = tree(registry)

    answer = HTTP.post(
        f"{registry.url}/legacy/",
        data={":action": "file_upload", "name": ["demo", "other"], "version": "8.0.0"},
        files={"content": (wheel.name, wheel.read_bytes())},
        auth=("pub", "publisher-secret"),
    )

    assert answer.status_code == 400
    assert "'name' twice" in answer.text
    assert tree(registry) == before


FIELDS = {
    "comment": "a comment",
    "pyversion": "py3",
    "filetype": "bdist_wheel",
    "metadata_version": "2.4",
    "summary": "A demo.",
    "description": "x" * 100_000,
    "description_content_type": "text/markdown; charset=UTF-8",
    "keywords": "a,b",
    "home_page": "",
    "author_email": "Ada <ada@example.com>",
    "maintainer": "Ada",
    "license_expression": "MIT",
    "license_file": ["LICENSE", "NOTICE"],
    "classifiers": ["A :: B"] * 100,
    "requires_dist": ["a>=1"] * 2000,
    "requires_python": ">=3.9",
    "requires_external": "C",
    "project_urls": ["Home, https://example.com", "Issues, https://example.com/issues"],
    "provides_extra": "fast",
    "dynamic": ["license"],
    "supported_platform": "any",
    "import_name": "demo",
    "a_field_of_the_future": "x",
}


def test_every_field_that_clients_send_is_taken(registry: RegistryServer, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "full", "1.0")
    content = wheel.read_bytes()

    answer = HTTP.post(
        f"{registry.url}/legacy/",
        data={":action": "file_upload", "protocol_version": "1", "name": "full", "version": "1.0"}
        | FIELDS
        | digests_of(content),
        files={
            "content": (wheel.name, content),
            "gpg_signature": (f"{wheel.name}.asc", b"a signature"),
        },
        auth=("pub", "publisher-secret"),
    )

    assert (answer.status_code, answer.text) == (200, f"Uploaded {wheel.name}.\n")
    folder = registry.data / "packages" / "full"
    assert {path.name for path in folder.iterdir()} == {wheel.name, f"{wheel.name}.metadata"}


def test_the_core_metadata_of_an_sdist_is_kept_but_not_advertised(
    registry: RegistryServer, tmp_path: Path
) -> None:
    sdist = make_sdist(tmp_path, "source", "1.0")

    assert upload(registry, sdist, fields={"filetype": "sdist"}).status_code == 200

    kept = registry.data / "packages" / "source" / f"{sdist.name}.metadata"
    assert kept.read_text() == core_metadata("source", "1.0")
    assert "core-metadata" not in listed_files(registry, "source")[sdist.name]


def test_attestations_are_stored_as_provenance(registry: RegistryServer, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "attested", "1.0")
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    about_another = json.dumps([attestation(wheel.name, "a" * 64)])
    refused = upload(registry, wheel, fields={"attestations": about_another})
    assert refused.status_code == 400
    assert "about other content" in refused.text
    assert listed_files(registry, "attested") == {}

    # They may come later, too, with the same file again.
    assert upload(registry, wheel).status_code == 200
    assert "provenance" not in listed_files(registry, "attested")[wheel.name]
    given = [attestation(wheel.name, sha256)]
    assert upload(registry, wheel, fields={"attestations": json.dumps(given)}).status_code == 200

    assert "provenance" in listed_files(registry, "attested")[wheel.name]
    provenance = json.loads(read(registry, f"/packages/attested/{wheel.name}.provenance").content)
    assert provenance["attestation_bundles"][0]["attestations"] == given


def post_form(registry: RegistryServer, user: str = "ada", **fields: str) -> tuple[int, str]:
    parts = {key.replace("action", ":action"): (None, value) for key, value in fields.items()}
    answer = HTTP.post(f"{registry.url}/", files=parts, auth=(user, registry.users[user][0]))
    return answer.status_code, answer.text


def test_a_version_is_removed_as_pypiserver_does(registry: RegistryServer, tmp_path: Path) -> None:
    kept = make_wheel(tmp_path, "gone", "2.0")
    removed = [make_wheel(tmp_path, "gone", "1.0"), make_sdist(tmp_path, "gone", "1.0")]
    for file in (kept, *removed):
        assert upload(registry, file).status_code == 200
    form = {"action": "remove_pkg", "name": "Gone", "version": "1.0.0"}

    assert post_form(registry, "pub", **form)[0] == 403
    assert post_form(registry, "rae", **form)[0] == 403
    assert set(listed_files(registry, "gone")) == {file.name for file in (kept, *removed)}
    assert post_form(registry, **form) == (
        200,
        "Deleted gone-1.0-py3-none-any.whl, gone-1.0.tar.gz.\n",
    )

    assert set(listed_files(registry, "gone")) == {kept.name}
    folder = registry.data / "packages" / "gone"
    assert {path.name for path in folder.iterdir()} == {kept.name, f"{kept.name}.metadata"}
    assert post_form(registry, **form) == (
        404,
        "There is no version '1.0.0' of the project gone.\n",
    )


@pytest.mark.parametrize(
    ("fields", "status", "reason"),
    [
        ({"name": "demo"}, 400, "no 'version'"),
        ({"version": "1.0"}, 400, "no 'name'"),
        ({"name": "../demo", "version": "1.0"}, 400, "not a project's"),
        ({"name": "nobody", "version": "1.0"}, 404, "no version '1.0' of the project nobody"),
        ({"name": "demo", "version": "one"}, 404, "no version 'one'"),
        ({"name": "demo", "version": "9" * 4000}, 404, "no version '999"),
    ],
)
def test_what_is_not_there_cannot_be_removed(
    registry: RegistryServer, fields: dict[str, str], status: int, reason: str
) -> None:
    before = tree(registry)

    answer = post_form(registry, action="remove_pkg", **fields)

    assert answer[0] == status
    assert reason in answer[1]
    assert tree(registry) == before


def test_a_form_without_a_file_is_refused(registry: RegistryServer) -> None:
    status, text = post_form(registry, action="file_upload", name="demo", version="1.0")

    assert (status, text) == (400, "The form has no file in the field 'content'.\n")


@pytest.mark.parametrize("action", ["submit", "verify"])
def test_there_is_nothing_to_register(registry: RegistryServer, action: str) -> None:
    status, text = post_form(registry, "pub", action=action, name="new", version="1.0")

    assert status == 200
    assert "a project begins with its first upload" in text
    assert post_form(registry, "rae", action=action)[0] == 403


def test_each_change_is_in_the_audit_trail(registry: RegistryServer, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "audited", "1.0")
    other = make_wheel(tmp_path / "other", "audited", "1.0", files={"audited/more.py": ""})
    assert upload(registry, wheel).status_code == 200
    assert upload(registry, wheel).status_code == 200  # unchanged: nothing to tell of
    assert upload(registry, other).status_code == 400
    overwrite = {"aegis-overwrite": "true"}
    assert upload(registry, other, user="ada", headers=overwrite).status_code == 200
    assert post_form(registry, action="remove_pkg", name="audited", version="1.0")[0] == 200

    trail = AuditTrail(Database.open(registry.data / "state.db")).entries(project="audited")

    assert [(entry.action, entry.user, entry.file, entry.address) for entry in trail] == [
        ("delete-file", "ada", wheel.name, "127.0.0.1"),
        ("overwrite", "ada", wheel.name, "127.0.0.1"),
        ("upload", "pub", wheel.name, "127.0.0.1"),
    ]


def body_of(wheel: Path, **fields: str) -> bytes:
    sent = httpx.Request(
        "POST",
        "http://index.example.com/",
        data={":action": "file_upload", "name": "demo", "version": "1.0.0"} | fields,
        files={"content": (wheel.name, wheel.read_bytes())},
        headers={"content-type": "multipart/form-data; boundary=x"},
    )
    return sent.read()


class Room:
    """An upload room in this process, and what it said of outcomes."""

    def __init__(self, folder: Path, settings: RegistrySettings | None = None) -> None:
        settings = settings or RegistrySettings()
        self.outcomes: list[str] = []
        self.left: list[bytes] = []
        users = Users(folder / "auth", rounds=CHEAP_ROUNDS)
        users.add("ada", "admin-secret")
        users.add("amy", "publisher-secret", "publisher", publishes=["acme-*"])
        self.store = open_store(DataDirectory.open(folder))
        gate = Gate(
            users, settings, Proxies(), on_login=lambda *_login: None, on_token=lambda _id: None
        )
        self.uploads = Uploads(self.store, gate, settings, on_outcome=self.outcomes.append)

    def post(self, *pieces: bytes, credential: str = "ada:admin-secret", **headers: str) -> str:
        """Upload a body in *pieces*; without any it never comes, and ends at an empty one."""
        self.left = list(pieces)
        return asyncio.run(self._post(self.left, credential, headers))

    async def _post(self, pieces: list[bytes], credential: str, more: dict[str, str]) -> str:
        async def receive() -> Message:
            if not pieces:
                await asyncio.sleep(PATIENCE)
            body = pieces.pop(0)
            if not body:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": body, "more_body": bool(pieces)}

        async def send(_message: Message) -> None:
            raise AssertionError("nothing is sent before the answer")

        headers = {
            b"authorization": basic(*credential.split(":")).encode(),
            b"content-type": b"multipart/form-data; boundary=x",
            b"aegis-overwrite": b"true",
        } | {name.replace("_", "-").encode(): value.encode() for name, value in more.items()}
        scope = {
            "type": "http", "method": "POST", "path": "/legacy/", "query_string": b"",
            "headers": list(headers.items()), "client": ("127.0.0.1", 1),
        }  # fmt: skip
        answer = await self.uploads.take(Exchange(scope, receive, send))
        return answer.body.decode()


def test_where_nobody_may_overwrite_not_even_an_admin_does(tmp_path: Path) -> None:
    room = Room(tmp_path / "data", RegistrySettings(overwrite=False))
    assert room.post(body_of(make_wheel(tmp_path))).startswith("Uploaded")

    with pytest.raises(FileExists, match="File already exists"):
        room.post(body_of(make_wheel(tmp_path, files={"demo/more.py": ""})))

    assert room.outcomes == ["created", "refused"]


def test_what_became_of_each_upload_is_told(tmp_path: Path) -> None:
    room = Room(tmp_path / "data")
    first = body_of(make_wheel(tmp_path))
    room.post(first)
    room.post(first[:100], first[100:])
    room.post(body_of(make_wheel(tmp_path, files={"demo/more.py": ""})))
    with pytest.raises(BadUpload):
        room.post(b"garbage")

    assert room.outcomes == ["created", "unchanged", "overwritten", "refused"]


def test_an_upload_that_the_disk_fails_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Room(tmp_path / "data")

    def fail(_stream: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("poetry_aegis.registry.http.uploads.make_durable", fail)
    with pytest.raises(OSError, match="No space left"):
        room.post(body_of(make_wheel(tmp_path)))

    assert room.outcomes == ["failed"]
    assert list(room.store.data.incoming.iterdir()) == []
    assert room.store.projects() == []


@pytest.mark.parametrize("action", ["remove_pkg", "submit", "doc_upload"])
def test_what_is_no_upload_is_not_counted_as_one(tmp_path: Path, action: str) -> None:
    room = Room(tmp_path / "data")
    form = body_of(make_wheel(tmp_path), **{":action": action})

    with contextlib.suppress(BadUpload, NotFound):
        room.post(form)

    assert room.outcomes == []


def test_an_upload_whose_client_goes_away_or_that_meets_a_defect_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Room(tmp_path / "data")
    with pytest.raises(ClientGone):
        room.post(body_of(make_wheel(tmp_path))[:100], b"")
    monkeypatch.setattr("poetry_aegis.registry.http.uploads.inspect", None)
    with pytest.raises(TypeError):
        room.post(body_of(make_wheel(tmp_path)))

    assert room.outcomes == ["failed", "failed"]


def test_a_project_is_refused_before_its_file_is_read(tmp_path: Path) -> None:
    room = Room(tmp_path / "data")
    form = body_of(make_wheel(tmp_path), name="Other")
    pieces = [form[:400], b"x" * (1 << 20), b"x" * (1 << 20), form[400:]]

    with pytest.raises(Forbidden, match="no right to upload to this index for the project other"):
        room.post(*pieces, credential="amy:publisher-secret")

    assert len(room.left) == 2
    assert room.outcomes == ["refused"]
    assert list(room.store.data.incoming.iterdir()) == []


def test_a_name_that_lies_gets_nobody_in(tmp_path: Path) -> None:
    room = Room(tmp_path / "data")

    with pytest.raises(Forbidden, match="for the project demo"):
        room.post(
            body_of(make_wheel(tmp_path), name="acme-core"), credential="amy:publisher-secret"
        )


def test_space_is_kept_free_and_asked_for_before_the_body(tmp_path: Path) -> None:
    form = body_of(make_wheel(tmp_path))
    free = shutil.disk_usage(tmp_path).free
    full = Room(tmp_path / "full", RegistrySettings(minimum_free_space=str(free + (1 << 40))))
    with pytest.raises(StoreFull, match="no space left"):
        full.post(form)
    assert full.left == [form]
    assert full.outcomes == ["failed"]

    large = RegistrySettings(minimum_free_space="1", max_upload_size=str(free + (1 << 41)))
    room = Room(tmp_path / "room", large)
    with pytest.raises(StoreFull, match="no space left"):
        room.post(form, content_length=str(free + (1 << 40)))
    assert room.left == [form]
    assert room.post(form, content_length=str(len(form))).startswith("Uploaded")


def test_space_is_kept_free_of_an_upload_that_does_not_say_how_large_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Room(tmp_path / "data", RegistrySettings(minimum_free_space="1GiB"))
    free = iter([2 << 30, (1 << 30) + 10])
    disk = SimpleNamespace(disk_usage=lambda _folder: SimpleNamespace(free=next(free)))
    monkeypatch.setattr("poetry_aegis.registry.space.shutil", disk)

    with pytest.raises(StoreFull, match="no space left"):
        room.post(body_of(make_wheel(tmp_path)))

    assert not room.store.exists("demo")
    assert list(room.store.data.incoming.iterdir()) == []


def test_an_upload_that_stops_or_hardly_moves_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Room(tmp_path / "data")
    monkeypatch.setattr("poetry_aegis.registry.http.uploads._STALL", 0.01)
    with pytest.raises(UploadStalled, match="No more of the upload came"):
        room.post()

    clock = SimpleNamespace(monotonic=iter((0.0, 120.0)).__next__)
    monkeypatch.setattr("poetry_aegis.registry.http.uploads.time", clock)
    with pytest.raises(UploadStalled, match="at less than 1024 bytes a second"):
        room.post(b"--x", b"--")

    assert list(room.store.data.incoming.iterdir()) == []
    assert room.store.projects() == []


def memory_peak(registry: RegistryServer) -> int:
    """Return the most memory that the process has had, in KiB."""
    status = Path(f"/proc/{registry.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_large_file_takes_no_memory(registry: RegistryServer, tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(40 << 20)  # noqa: S311 -- the same in each run
    wheel = make_wheel(tmp_path, "large", "1.0", files={"large/noise": noise})
    before = memory_peak(registry)

    assert upload(registry, wheel).status_code == 200

    assert memory_peak(registry) - before < 20 * 1024


def test_the_log_has_each_upload_and_no_secret(registry: RegistryServer, wheel: Path) -> None:
    assert upload(registry, wheel).status_code == 200
    assert post_form(registry, "rae", action="submit")[0] == 403
    assert post_form(registry, action="remove_pkg", name="nobody", version="1")[0] == 404
    assert post_form(registry, "pub", action="file_upload", name="demo", version="1")[0] == 400
    authorized = ("pub", registry.users["pub"][0])
    assert HTTP.post(f"{registry.url}/legacy/", json={}, auth=authorized).status_code == 415

    uploads = [line for line in registry.log_lines() if line.get("method") == "POST"]

    assert uploads
    assert {line["user"] for line in uploads} == {"ada", "pub", "rae"}
    assert {line["path"] for line in uploads} == {"/", "/legacy/"}
    assert {line["status"] for line in uploads} == {200, 400, 403, 404, 415}
    for secret in ("publisher-secret", "reader-secret", "Basic ", "uthorization"):
        assert secret not in registry.log()
