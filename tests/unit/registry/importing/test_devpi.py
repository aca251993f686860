"""The ``dataindex.json`` here was written by devpi-server 6.20.3; users and metadata are cut."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from poetry_aegis.registry.digests import sha256_of
from poetry_aegis.registry.errors import ImportFailed
from poetry_aegis.registry.importing.sources import open_source
from tests.support.distributions import make_sdist, make_wheel

if TYPE_CHECKING:
    from tests.unit.registry.importing.conftest import Importing

RECORDED = Path(__file__).with_name("devpi-6.20.3.json")


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Return the export with its files, whose digests depend on this machine's zlib."""
    root = tmp_path / "export"
    for index in ("dev", "prod"):
        make_wheel(root / "ana" / index / "demo" / "1.0.0")
        make_sdist(root / "ana" / index / "demo" / "1.0.0")
    make_wheel(root / "ana" / "dev" / "my-pkg" / "2.0rc1", "my.pkg", "2.0rc1")
    make_sdist(root / "ana" / "dev" / "my-pkg" / "2.0", "My-Pkg", "2.0")
    document = json.loads(RECORDED.read_text())
    for entry in entries(document):
        sha256 = sha256_of(root / entry["relpath"])
        entry["entrymapping"] |= {"hash_spec": f"sha256={sha256}", "hashes": {"sha256": sha256}}
    write(root, document)
    return root


def entries(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry for index in document["indexes"].values() for entry in index["files"]]


def read(export: Path) -> dict[str, Any]:
    return dict(json.loads((export / "dataindex.json").read_text()))


def write(export: Path, document: dict[str, Any]) -> None:
    (export / "dataindex.json").write_text(json.dumps(document))


def test_the_release_files_of_an_index_come_over(importing: Importing, export: Path) -> None:
    report = importing.run(export, index="ana/dev")

    assert report.added == (
        "demo/demo-1.0.0-py3-none-any.whl",
        "demo/demo-1.0.0.tar.gz",
        "my-pkg/my_pkg-2.0.tar.gz",
        "my-pkg/my_pkg-2.0rc1-py3-none-any.whl",
    )
    assert report.failed == report.skipped == ()
    assert importing.store.listing("demo").files[0].upload_time == "2026-11-23T04:27:16.000000Z"
    assert importing.run(export, index="ana/dev").added == ()


def test_an_index_has_what_was_uploaded_to_it(importing: Importing, export: Path) -> None:
    assert len(importing.run(export, index="ana/prod").added) == 2
    assert importing.store.projects() == ["demo"]


def test_one_index_of_several_has_to_be_named(importing: Importing, export: Path) -> None:
    with pytest.raises(ImportFailed, match="those with files are: ana/dev, ana/prod"):
        open_source(str(export))
    with pytest.raises(ImportFailed, match="no files of an index ana/test"):
        open_source(str(export), "ana/test")

    document = read(export)
    del document["indexes"]["ana/dev"]
    write(export, document)
    assert len(importing.run(export).added) == 2


def test_a_digest_that_is_not_the_recorded_one_is_told_of(
    importing: Importing, export: Path
) -> None:
    document = read(export)
    mapping = entries(document)[0]["entrymapping"]
    mapping |= {"hash_spec": f"sha256={'0' * 64}", "hashes": {"sha256": "0" * 64}}
    old = entries(document)[1]["entrymapping"]
    del old["hashes"], old["hash_spec"]
    old["md5"] = "0" * 32
    write(export, document)

    report = importing.run(export, index="ana/dev")

    assert sorted(finding.reason for finding in report.failed) == [
        "Its md5 is not the one that its source tells of.",
        "Its sha256 is not the one that its source tells of.",
    ]
    assert len(report.added) == 2


def test_a_file_outside_of_the_export_is_not_read(
    importing: Importing, export: Path, tmp_path: Path
) -> None:
    make_wheel(tmp_path, "secret")
    document = read(export)
    entries(document)[0]["relpath"] = "../secret-1.0.0-py3-none-any.whl"
    entries(document)[1]["relpath"] = None
    entries(document)[2]["relpath"] = "ana/dev/demo/1.0.0/gone-1.0.tar.gz"
    write(export, document)

    report = importing.run(export, index="ana/dev")

    assert report.added == ("demo/demo-1.0.0.tar.gz",)
    assert len(report.failed) == 3


def test_a_file_of_an_impossible_name_is_no_obstacle(importing: Importing, export: Path) -> None:
    document = read(export)
    entries(document)[0]["relpath"] = "ana/dev/\0/demo-1.0.tar.gz"
    write(export, document)

    report = importing.run(export, index="ana/dev")

    assert len(report.failed) == 1
    assert report.added


@pytest.mark.parametrize(
    "content", ["[]", "{}", "no JSON", '{"indexes": {"a/b": {"files": [1]}}}', "[" * 99_999]
)
def test_a_damaged_export_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "dataindex.json").write_text(content)

    with pytest.raises(ImportFailed, match="is not the index of a devpi export"):
        open_source(str(tmp_path))
