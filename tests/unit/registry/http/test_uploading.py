from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from tests.support.distributions import core_metadata, make_sdist, make_wheel
from tests.support.registry import HTTP, RegistryServer, listed_files, read, upload

if TYPE_CHECKING:
    from pathlib import Path

WHEEL = "demo-1.0.0-py3-none-any.whl"


def tree(server: RegistryServer) -> dict[str, bytes]:
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
        ({":action": None}, "':action' is not 'file_upload'"),
        ({":action": "remove_pkg"}, "':action' is not 'file_upload'"),
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


def test_the_log_has_each_upload_and_no_secret(registry: RegistryServer) -> None:
    uploads = [line for line in registry.log_lines() if line.get("method") == "POST"]

    assert uploads
    assert {line["user"] for line in uploads} == {"pub"}
    assert all(line["path"] == "/legacy/" and line["status"] in {200, 400, 415} for line in uploads)
    for secret in ("publisher-secret", "reader-secret", "Basic ", "uthorization"):
        assert secret not in registry.log()
