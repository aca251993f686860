from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

import pytest

from poetry_aegis.registry.digests import sha256_of
from poetry_aegis.registry.errors import ImportFailed
from poetry_aegis.registry.importing.sources import open_source
from tests.support.distributions import make_sdist, make_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.registry.importing.conftest import Importing

WHEEL = "demo-1.0.0-py3-none-any.whl"
UPLOADED = 1_600_000_000.25


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """Return a directory as pypiserver serves it: some files in it, some in folders below."""
    root = tmp_path / "packages"
    for file in (
        make_wheel(root),
        make_sdist(root / "old" / "er", "My.Demo", "2.0rc1", file_name="My.Demo-2.0rc1.tar.gz"),
        make_sdist(root / "other", "other", "1.0"),
    ):
        os.utime(file, (UPLOADED, UPLOADED))
    (root / "index.html").write_text("not a distribution")
    (root / "old" / "demo-1.0.zip").write_bytes(b"an sdist of long ago")
    (root / ".cache").mkdir()
    (root / ".cache" / "demo-9.0.tar.gz").write_bytes(b"")
    (root / f"{WHEEL}.metadata").write_text("beside it")
    return root


def everything(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_all_distributions_of_a_directory_come_over(importing: Importing, packages: Path) -> None:
    before = everything(packages)

    report = importing.run(packages)

    assert report.added == (
        f"demo/{WHEEL}",
        "my-demo/My.Demo-2.0rc1.tar.gz",
        "other/other-1.0.tar.gz",
    )
    assert [finding.what for finding in report.skipped] == ["index.html", "old/demo-1.0.zip"]
    assert (report.failed, report.present) == ((), ())
    assert importing.store.projects() == ["demo", "my-demo", "other"]
    (listed,) = importing.store.listing("demo").files
    assert listed.sha256 == sha256_of(packages / WHEEL)
    assert listed.upload_time == "2020-09-13T12:26:40.250000Z"
    assert everything(packages) == before
    assert importing.heard.files[-1] == (3, 3, report.size)


def test_what_is_here_is_passed_over(importing: Importing, packages: Path) -> None:
    first = importing.run(packages)
    page = importing.store.data.project_pages("demo") / "index.json"
    written = page.stat().st_mtime_ns

    second = importing.run(packages)

    assert second.added == ()
    assert second.present == first.added
    assert second.size == 0  # not even read into the store
    assert page.stat().st_mtime_ns == written


def test_only_some_projects_are_wanted(importing: Importing, packages: Path) -> None:
    assert importing.run(packages, ["my-*"]).added == ("my-demo/My.Demo-2.0rc1.tar.gz",)
    assert importing.store.projects() == ["my-demo"]


def test_a_name_with_other_bytes_is_told_of(importing: Importing, tmp_path: Path) -> None:
    source = tmp_path / "source"
    make_wheel(source / "a")
    make_wheel(source / "b")
    make_wheel(source / "c", files={"demo/more.py": "other = True\n"})
    foreseen = importing.run(source, dry_run=True)
    assert foreseen.added == (f"demo/{WHEEL}",)
    assert [finding.what for finding in foreseen.failed] == [f"c/{WHEEL}"]
    make_wheel(source / "d", file_name="Demo-1.0-py3-none-any.whl")

    report = importing.run(source)

    assert report.added == report.present == (f"demo/{WHEEL}",)
    assert [finding.what for finding in report.failed] == [
        f"c/{WHEEL}",
        "d/Demo-1.0-py3-none-any.whl",
    ]
    assert "with other content" in report.failed[0].reason
    assert sha256_of(importing.store.data.distribution("demo", WHEEL)) == sha256_of(
        source / "a" / WHEEL
    )


def test_a_bad_file_stops_nothing(importing: Importing, packages: Path) -> None:
    (packages / "broken-1.0-py3-none-any.whl").write_bytes(b"no archive")
    make_wheel(packages, "liar", metadata="Metadata-Version: 2.1\nName: truth\nVersion: 1\n")
    make_wheel(packages, "huge", files={"huge/data.bin": os.urandom(20_000)})

    report = importing.run(packages)

    assert len(report.added) == 3
    assert [finding.what.partition("-")[0] for finding in report.failed] == [
        "broken",
        "huge",
        "liar",
    ]
    assert "larger than this registry takes" in report.failed[1].reason
    assert importing.store.projects() == ["demo", "my-demo", "other"]
    assert list(importing.store.data.incoming.iterdir()) == []


def test_a_trial_tells_the_same_and_changes_nothing(importing: Importing, packages: Path) -> None:
    importing.run(packages, ["other"])
    (packages / "broken-1.0-py3-none-any.whl").write_bytes(b"no archive")
    before = everything(importing.store.data.root)

    foreseen = importing.run(packages, dry_run=True)

    assert everything(importing.store.data.root) == before
    done = importing.run(packages)
    assert (foreseen.added, foreseen.present, foreseen.failed, foreseen.skipped) == (
        done.added,
        done.present,
        done.failed,
        done.skipped,
    )
    assert len(done.added) == 2
    assert len(done.failed) == 1


def test_files_that_lie_in_the_store_itself_are_understood(
    importing: Importing, tmp_path: Path
) -> None:
    data = importing.store.data
    flat = make_wheel(data.packages)
    unlisted = make_sdist(data.packages / "other", "other", "1.0")

    report = importing.run(data.root)

    assert report.added == (f"demo/{WHEEL}",)
    assert flat.exists()
    assert report.present == ("other/other-1.0.tar.gz",)
    assert unlisted.exists()
    assert [file.file_name for file in importing.store.listing("demo").files] == [WHEEL]
    assert [file.file_name for file in importing.store.listing("other").files] == [unlisted.name]


def test_a_project_that_takes_no_uploads_takes_no_imports(
    importing: Importing, packages: Path
) -> None:
    importing.run(packages, ["demo"])
    importing.store.set_status("demo", "archived", "done")
    make_wheel(packages, "demo", "2.0")

    report = importing.run(packages, ["demo"])

    assert "archived" in report.failed[0].reason
    assert report.present == (f"demo/{WHEEL}",)


def test_a_full_disk_ends_the_import_with_a_sentence(
    importing: Importing, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(importing.store, "add", full)

    with pytest.raises(ImportFailed, match=r"broke off: No space left on device\. What has"):
        importing.run(packages)

    assert list(importing.store.data.incoming.iterdir()) == []


def test_a_file_that_cannot_be_read_is_told_of(
    importing: Importing, packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (packages / WHEEL).unlink()
    (packages / WHEEL).symlink_to(packages / "nowhere")

    report = importing.run(packages)

    assert len(report.added) == 2
    assert report.failed[0].what == WHEEL
    assert "cannot be read" in report.failed[0].reason


def test_what_is_no_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed, match="neither a directory nor the URL"):
        open_source(str(tmp_path / "nothing"))
    with pytest.raises(ImportFailed, match="no devpi export"):
        open_source(str(tmp_path), "team/prod")


def test_the_size_is_of_what_was_added(importing: Importing, packages: Path) -> None:
    size = (packages / WHEEL).stat().st_size
    (packages / "broken-1.0.tar.gz").write_bytes(b"x" * 500)

    assert importing.run(packages, ["demo", "broken"]).size == size
    again = importing.run(packages, ["demo", "broken"])

    assert (again.added, len(again.failed), again.size) == ((), 1, 0)


def test_patterns_that_nothing_matches_are_told_of(importing: Importing, packages: Path) -> None:
    (packages / "notes.txt").write_text("")

    with pytest.raises(ImportFailed, match=r"has no project that matches zzz, yyy-\*\."):
        importing.run(packages, ["zzz", "yyy-*"])
