"""Yanks, statuses, locations and deletions: what pages say then, and what a crash leaves."""

from __future__ import annotations

import errno
import shutil
import threading
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.registry.digests import sha256_of
from poetry_aegis.registry.errors import NotFound, NotUploadable
from poetry_aegis.registry.store import project_list as project_list_module
from poetry_aegis.registry.store import reindex as reindex_module
from poetry_aegis.registry.store import store as store_module
from poetry_aegis.registry.store import survey as survey_module
from poetry_aegis.registry.store.admission import Outcome, Overwriting
from poetry_aegis.registry.store.pages import render_html, write_project_list, write_project_page
from poetry_aegis.registry.store.project_list import ProjectList
from poetry_aegis.registry.store.store import Store, open_store
from tests.support.distributions import make_sdist, make_wheel
from tests.support.store import (
    add,
    assert_page_tells_the_truth,
    document,
    everything,
    page,
    projects,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from poetry_aegis.registry.data import DataDirectory
    from poetry_aegis.registry.store.listing import Listing

WHEEL = "demo-1.0.0-py3-none-any.whl"
SDIST = "demo-1.0.0.tar.gz"
SECOND = "demo-2.0.0-py3-none-any.whl"


@pytest.fixture(autouse=True)
def filled(store: Store, tmp_path: Path) -> None:
    add(store, make_wheel(tmp_path))
    add(store, make_sdist(tmp_path))
    add(store, make_wheel(tmp_path, version="2.0.0"))


def html(data: DataDirectory) -> str:
    return (data.project_pages("demo") / "index.html").read_text()


def test_a_yank_is_on_both_pages_and_is_taken_back(store: Store, data: DataDirectory) -> None:
    before = everything(data.root)
    listing = store.yank("demo", [WHEEL, SDIST], 'broken <on> "3.13"')

    assert {file.file_name: file.yanked for file in listing.files} == {
        WHEEL: 'broken <on> "3.13"',
        SDIST: 'broken <on> "3.13"',
        SECOND: None,
    }
    assert page(data)[WHEEL]["yanked"] == 'broken <on> "3.13"'
    assert page(data)[SECOND]["yanked"] is False
    assert html(data).count('data-yanked="broken &lt;on&gt; &quot;3.13&quot;"') == 2
    assert store.listing("demo") == listing

    store.yank("demo", [WHEEL, SDIST], None)
    assert everything(data.root) == before


def test_a_yank_without_a_reason_is_one(store: Store, data: DataDirectory) -> None:
    store.yank("demo", [WHEEL], "")
    assert page(data)[WHEEL]["yanked"] is True
    assert html(data).count('data-yanked=""') == 1
    assert store.listing("demo").files[0].yanked == ""


def test_a_yank_outlives_uploads_and_a_reindex_but_not_an_overwrite(
    store: Store, data: DataDirectory, tmp_path: Path
) -> None:
    store.yank("demo", [WHEEL], "bad")
    add(store, make_wheel(tmp_path, version="3.0.0"))
    (data.project_files("demo") / WHEEL).touch()
    store.reindex("demo")
    assert page(data)[WHEEL]["yanked"] == "bad"

    add(store, make_wheel(tmp_path, files={"demo/new.py": ""}), Overwriting.ALLOWED)
    assert page(data)[WHEEL]["yanked"] is False


@pytest.mark.parametrize(
    "change",
    [
        lambda store: store.yank("missing", [], ""),
        lambda store: store.yank("demo", [WHEEL, "demo-9.0.tar.gz"], ""),
        lambda store: store.delete_files("demo", [WHEEL, "demo-9.0.tar.gz"]),
        lambda store: store.delete_files("missing", []),
        lambda store: store.delete_project("missing"),
        lambda store: store.set_status("missing", "archived", None),
        lambda store: store.set_locations("missing", tracks=(), alternates=()),
    ],
)
def test_what_is_not_there_cannot_be_changed(
    store: Store, data: DataDirectory, change: Callable[[Store], object]
) -> None:
    before = everything(data.root)
    with pytest.raises(NotFound, match="There is no"):
        change(store)
    assert everything(data.root) == before


@pytest.mark.parametrize("status", ["archived", "deprecated"])
def test_a_status_is_on_both_pages(store: Store, data: DataDirectory, status: str) -> None:
    store.set_status("demo", status, "use <other>")  # type: ignore[arg-type]

    assert document(data)["project-status"] == {"status": status, "reason": "use <other>"}
    assert f'<meta name="pypi:project-status" content="{status}">' in html(data)
    assert '"pypi:project-status-reason" content="use &lt;other&gt;"' in html(data)
    assert set(page(data)) == {WHEEL, SDIST, SECOND}


def test_an_archived_project_takes_no_uploads_but_the_same_bytes(
    store: Store, data: DataDirectory, tmp_path: Path
) -> None:
    store.set_status("demo", "archived", "moved")
    before = everything(data.root)

    with pytest.raises(NotUploadable, match=r"demo is archived \(moved\)"):
        add(store, make_wheel(tmp_path, version="3.0.0"))
    with pytest.raises(NotUploadable):
        add(store, make_wheel(tmp_path, files={"demo/x.py": ""}), Overwriting.ALLOWED)
    assert add(store, make_wheel(tmp_path)) is Outcome.UNCHANGED
    assert everything(data.root) == before

    store.set_status("demo", "active", None)
    assert add(store, make_wheel(tmp_path, version="3.0.0")) is Outcome.CREATED


def test_a_quarantined_project_offers_nothing_and_forgets_nothing(
    store: Store, data: DataDirectory
) -> None:
    store.yank("demo", [WHEEL], "bad")
    before = page(data)

    store.set_status("demo", "quarantined", "malware")
    assert document(data)["files"] == []
    assert document(data)["versions"] == ["1.0.0", "2.0.0"]
    assert WHEEL not in html(data)
    assert len(store.listing("demo").files) == 3
    reopened = open_store(data)
    reopened.reindex("demo")
    assert document(data)["files"] == []
    assert reopened.check().is_clean
    written = (data.project_pages("demo") / "index.json").stat()
    assert reopened.reindex_all().is_clean
    assert (data.project_pages("demo") / "index.json").stat() == written

    reopened.set_status("demo", "active", None)
    assert page(data) == before
    assert not data.withheld("demo").exists()


def test_locations_are_on_both_pages(store: Store, data: DataDirectory) -> None:
    upstream = "https://index.example.com/simple/demo/"
    store.set_locations("demo", tracks=[upstream], alternates=[upstream, upstream + "?a&b"])

    assert document(data)["meta"]["tracks"] == [upstream]
    assert document(data)["alternate-locations"] == [upstream, upstream + "?a&b"]
    assert f'<meta name="pypi:tracks" content="{upstream}">' in html(data)
    assert f'"pypi:alternate-locations" content="{upstream}?a&amp;b"' in html(data)
    assert store.listing("demo").tracks == (upstream,)


def test_deleted_files_are_gone_and_the_project_stays(store: Store, data: DataDirectory) -> None:
    store.delete_files("demo", [WHEEL, SDIST, SECOND])

    assert page(data) == {}
    assert list(data.project_files("demo").iterdir()) == []
    assert projects(data) == ["demo"]
    assert store.exists("demo")


def test_a_deleted_project_is_gone(store: Store, data: DataDirectory, tmp_path: Path) -> None:
    add(store, make_wheel(tmp_path, "other"))
    store.delete_project("demo")

    assert projects(data) == ["other"]
    assert not data.project_files("demo").exists()
    assert not data.project_pages("demo").exists()
    assert list(data.trash.iterdir()) == []
    assert not store.exists("demo")

    add(store, make_wheel(tmp_path))
    assert projects(data) == ["demo", "other"]


def test_provenance_comes_with_an_upload_goes_with_an_overwrite_and_may_be_added(
    store: Store, data: DataDirectory, tmp_path: Path
) -> None:
    assert add(store, make_wheel(tmp_path), provenance=b'{"version":1}') is Outcome.SIGNED
    assert page(data)[WHEEL]["provenance"] == f"../../packages/demo/{WHEEL}.provenance"
    assert f'data-provenance="../../packages/demo/{WHEEL}.provenance"' in html(data)
    assert data.provenance("demo", WHEEL).read_bytes() == b'{"version":1}'
    before = everything(data.root)
    add(store, make_wheel(tmp_path), provenance=b'{"version":1}')
    add(store, make_wheel(tmp_path))
    assert everything(data.root) == before

    add(store, make_wheel(tmp_path, files={"demo/x.py": ""}), Overwriting.ALLOWED)
    assert "provenance" not in page(data)[WHEEL]
    assert_page_tells_the_truth(data)


CHANGES = {
    "yank": lambda store: store.yank("demo", [WHEEL], "bad"),
    "quarantine": lambda store: store.set_status("demo", "quarantined", None),
    "delete files": lambda store: store.delete_files("demo", [WHEEL, SECOND]),
    "delete project": lambda store: store.delete_project("demo"),
}


class Crash(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("step", ["unlink", "write_project_page", "the marker goes", "_tell"])
def test_a_crash_leaves_a_change_whole_or_undone(
    data: DataDirectory, monkeypatch: pytest.MonkeyPatch, change: str, step: str
) -> None:
    store = open_store(data)
    with monkeypatch.context() as patch:
        crash_before(patch, step)
        try:
            CHANGES[change](store)
        except Crash:
            check_what_is_shown(data)

    reopened = open_store(data)

    assert reopened.check().is_clean, reopened.check()
    assert list(data.pending.iterdir()) == []
    if reopened.exists("demo") and reopened.listing("demo").file(WHEEL):
        CHANGES[change](reopened)
    assert reopened.check().is_clean


def check_what_is_shown(data: DataDirectory) -> None:
    """No page names a file that is not there, not even before the repair."""
    if (data.project_pages("demo") / "index.json").exists():
        for name in page(data):
            assert data.distribution("demo", name).exists()


def crash_before(patch: pytest.MonkeyPatch, step: str) -> None:
    def crash(*_arguments: object) -> None:
        raise Crash

    def write_then_crash(folder: Path, listing: Listing) -> None:
        write_project_page(folder, listing)
        raise Crash

    if step in ("write_project_page", "put_in_place", "unlink"):
        patch.setattr(store_module, step, crash)
    elif step == "the marker goes":
        patch.setattr(store_module, "write_project_page", write_then_crash)
    else:
        patch.setattr(Store, step, crash)


def test_observers_are_told_of_each_change_and_cannot_break_one(
    data: DataDirectory, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[tuple[str, int | None]] = []

    def observe(project: str, listing: Listing | None) -> None:
        seen.append((project, None if listing is None else len(listing.files)))
        raise ValueError("not today")

    store = open_store(data, [observe])
    store.yank("demo", [WHEEL], "")
    store.delete_files("demo", [WHEEL])
    add(store, make_wheel(tmp_path, version="3.0.0"))
    store.delete_project("demo")

    assert seen == [("demo", 3), ("demo", 2), ("demo", 3), ("demo", None)]
    assert "What follows from demo" in caplog.text


def test_a_check_changes_nothing_and_finds_what_does_not_match(
    store: Store, data: DataDirectory, tmp_path: Path
) -> None:
    assert store.check().is_clean
    folder = data.project_files("demo")
    (folder / WHEEL).write_bytes((folder / WHEEL).read_bytes()[:-1] + b"x")
    (folder / SDIST).unlink()
    (folder / "demo-7.0.0.tar.gz").write_bytes(b"garbage")
    data.metadata("demo", SECOND).write_text("Name: other")
    data.provenance("demo", SECOND).write_text("{}")
    make_wheel(folder, version="8.0.0")
    (data.project_pages("demo") / "index.html").write_text("<p>hello")
    (data.simple / "ghost").mkdir()
    before = everything(data.root)

    report = store.check()

    assert everything(data.root) == before
    assert report.missing == (f"demo/{SDIST}: the file is gone",)
    assert report.extra == ("demo/demo-8.0.0-py3-none-any.whl: no page tells of it",)
    assert sorted(report.changed) == [
        f"demo/{WHEEL}: the file is not the one that its page tells of",
        f"demo/{SECOND}: its core metadata are not what its page tells of",
        f"demo/{SECOND}: its page and its attestations do not agree",
        "demo/index.html: the page is not what its files ask for",
    ]
    assert [finding.partition(":")[0] for finding in report.unreadable] == [
        "demo/demo-7.0.0.tar.gz"
    ]
    assert (report.projects, report.files) == (2, 4)


def test_a_deferred_list_is_written_soon_and_survives_a_crash(
    data: DataDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deferred = Store(data, deferred_list=True)
    deferred.open()
    add(deferred, make_wheel(tmp_path, "fresh"))
    assert deferred.projects() == ["demo", "fresh"]
    assert deferred.project_list.is_settled
    assert list(data.unlisted.iterdir()) == []

    with monkeypatch.context() as patch:
        patch.setattr(type(deferred.project_list), "bring_up_to_date", lambda _self: None)
        add(deferred, make_wheel(tmp_path, "late"))
        deferred.close()
    assert projects(data) == ["demo", "fresh"]
    open_store(data)
    assert projects(data) == ["demo", "fresh", "late"]


def test_a_folder_that_is_gone_does_not_wedge_the_store(store: Store, data: DataDirectory) -> None:
    for file in data.project_files("demo").iterdir():
        file.unlink()
    data.project_files("demo").rmdir()

    store.delete_files("demo", [WHEEL])

    assert list(data.pending.iterdir()) == []
    store.reindex("demo")
    assert page(data) == {}


def test_a_project_that_cannot_be_mended_does_not_stop_the_others(
    data: DataDirectory, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (data.pending / "blocked").write_text("{}")
    data.project_pages("blocked").write_text("a file where a folder belongs")
    data.project_files("blocked").mkdir()
    make_wheel(data.project_files("blocked"), "blocked")
    (data.pending / "demo").write_text("{}")
    make_wheel(data.project_files("demo"), version="5.0.0")

    store = open_store(data)

    assert "demo-5.0.0-py3-none-any.whl" in page(data)
    assert "The pages of blocked could not be brought up to date" in caplog.text
    assert [path.name for path in data.pending.iterdir()] == ["blocked"]
    report = store.reindex_all()
    assert [finding.partition(":")[0] for finding in report.unreadable] == ["blocked"]


def test_a_file_that_cannot_be_read_is_told_of_and_the_others_are_listed(
    store: Store, data: DataDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = make_wheel(data.project_files("demo"), version="6.0.0")
    make_wheel(data.project_files("demo"), version="7.0.0")

    def refuse(path: Path) -> str:
        if path == sealed:
            raise PermissionError(13, "Permission denied", str(path))
        return sha256_of(path)

    monkeypatch.setattr(reindex_module, "sha256_of", refuse)
    monkeypatch.setattr(survey_module, "sha256_of", refuse)
    report = store.reindex_all()

    assert [finding.partition(":")[0] for finding in report.unreadable] == [f"demo/{sealed.name}"]
    assert "demo-7.0.0-py3-none-any.whl" in page(data)
    assert [finding.partition(":")[0] for finding in store.check().unreadable] == [
        f"demo/{sealed.name}"
    ]


def served(data: DataDirectory) -> dict[str, bytes]:
    """Return all that clients can see."""
    return everything(data.packages) | everything(data.simple)


@pytest.mark.parametrize("project", ["demo", "fresh"])
@pytest.mark.parametrize("step", ["rename", "note"])
def test_a_refused_upload_leaves_nothing_on_any_page(
    data: DataDirectory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    project: str,
    step: str,
) -> None:
    store, before = open_store(data), served(data)
    wheel = make_wheel(tmp_path, project, "9.0.0")
    full = OSError(errno.ENOSPC, "No space left on device")

    def rename_half(folder: Path, listing: Listing) -> None:
        monkeypatch.undo()
        (folder / "index.html").write_bytes(render_html(listing))
        raise full

    def refuse(_list: ProjectList, _project: str) -> None:
        raise full

    def write_then_refuse(folder: Path, listing: Listing) -> None:
        write_project_page(folder, listing)
        monkeypatch.undo()
        raise full

    if step == "rename":
        monkeypatch.setattr(store_module, "write_project_page", rename_half)
    elif project == "fresh":
        monkeypatch.setattr(ProjectList, "note", refuse)
    else:
        monkeypatch.setattr(store_module, "write_project_page", write_then_refuse)
    with pytest.raises(OSError, match="No space"):
        add(store, wheel)

    assert served(data) == before
    monkeypatch.undo()
    assert add(store, wheel) is Outcome.CREATED
    assert store.check().is_clean


def test_a_crash_in_a_deletion_leaves_no_status_behind(
    data: DataDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(data)
    store.set_status("demo", "archived", None)
    with monkeypatch.context() as patch:
        crash_before(patch, "_tell")
        with pytest.raises(Crash):
            store.delete_project("demo")

    assert add(store, make_wheel(tmp_path, version="5.0.0")) is Outcome.CREATED
    assert document(data)["project-status"] == {"status": "active"}


def test_who_waits_for_the_list_waits_for_what_was_noted_before(
    data: DataDirectory, tmp_path: Path
) -> None:
    store = open_store(data, deferred_list=True)
    stop = threading.Event()

    def stream() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            store.project_list.note(f"p{number}")

    add(store, make_wheel(tmp_path, "first"))
    thread = threading.Thread(target=stream)
    thread.start()
    try:
        listed = store.projects()
    finally:
        stop.set()
        thread.join()
    store.close()

    assert listed == ["demo", "first"]
    assert store.project_list.is_settled
    assert list(data.unlisted.iterdir()) == []


def test_a_project_that_goes_while_the_list_is_written_is_not_left_on_it(
    data: DataDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(data)

    def delete_meanwhile(folder: Path, names: list[str]) -> None:
        write_project_list(folder, names)
        monkeypatch.undo()
        monkeypatch.setattr(ProjectList, "bring_up_to_date", lambda _self: None)
        shutil.rmtree(data.project_pages("late"))
        store.project_list.note("late")

    monkeypatch.setattr(project_list_module, "write_project_list", delete_meanwhile)
    add(store, make_wheel(tmp_path, "late"))
    monkeypatch.undo()
    store.project_list.resume()

    assert projects(data) == ["demo"]
