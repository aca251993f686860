from __future__ import annotations

import errno
import hashlib
import os
import threading
from typing import TYPE_CHECKING, Any

import pytest

from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.errors import FileExists, Forbidden, UnusableData
from poetry_aegis.registry.store import store as store_module
from poetry_aegis.registry.store.admission import Outcome, Overwriting
from poetry_aegis.registry.store.pages import write_project_page
from poetry_aegis.registry.store.project_list import ProjectList
from poetry_aegis.registry.store.store import Store, open_store
from tests.support.distributions import make_sdist, make_wheel
from tests.support.store import add, assert_page_tells_the_truth, everything, page, projects

if TYPE_CHECKING:
    from pathlib import Path

WHEEL = "demo-1.0.0-py3-none-any.whl"


class Crash(BaseException):
    """The process ends here."""


def test_an_empty_store_has_an_empty_project_list(store: Store, data: DataDirectory) -> None:
    assert projects(data) == []
    assert (data.simple / "index.html.gz").exists()


SPELLINGS = [
    ("my_demo-1.0.tar.gz", "My.Demo-1.0.tar.gz"),
    ("my_demo-1.0.tar.gz", "my-demo-1.0.tar.gz"),
    ("my_demo-1.0.tar.gz", "my_demo-1.0.0.tar.gz"),
    ("my_demo-1.0-py3-none-any.whl", "My_Demo-1.0-py3-none-any.whl"),
    ("my_demo-1.0-py3-none-any.whl", "my_demo-1.0.0-PY3-none-any.whl"),
    ("my_demo-1.0-py2.py3-none-any.whl", "my_demo-1.0-py3.py2-none-any.whl"),
]


def make(directory: Path, file_name: str, **arguments: Any) -> Path:
    maker = make_wheel if file_name.endswith(".whl") else make_sdist
    return maker(directory, "my-demo", "1.0", file_name=file_name, **arguments)


@pytest.mark.parametrize(("first", "second"), SPELLINGS)
@pytest.mark.parametrize("overwriting", Overwriting)
def test_another_spelling_of_a_distribution_is_no_other_distribution(
    data: DataDirectory, tmp_path: Path, first: str, second: str, overwriting: Overwriting
) -> None:
    store = open_store(data)
    add(store, make(tmp_path / "first", first))
    before = everything(data.root)

    for files in ({}, {"my_demo-1.0/other.py": ""}):
        another = make(tmp_path / "second", second, files=files)
        with pytest.raises(FileExists, match=f"File already exists: {first}, of which {second} is"):
            add(store, another, overwriting)

    assert everything(data.root) == before


def test_another_build_tag_or_version_is_another_distribution(
    store: Store, data: DataDirectory, tmp_path: Path
) -> None:
    names = [
        "my_demo-1.0.tar.gz",
        "my_demo-1.0-py3-none-any.whl",
        "my_demo-1.0-1-py3-none-any.whl",
        "my_demo-1.0-2-py3-none-any.whl",
        "my_demo-1.0-py2.py3-none-any.whl",
    ]
    for name in names:
        assert add(store, make(tmp_path, name)) is Outcome.CREATED
    assert add(store, make_sdist(tmp_path, "my-demo", "1.0.1")) is Outcome.CREATED

    assert set(page(data, "my-demo")) == {*names, "my_demo-1.0.1.tar.gz"}


def test_a_file_is_stored_with_its_metadata_and_pages(
    store: Store, data: DataDirectory, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, requires_python=">=3.9")

    assert add(store, wheel) is Outcome.CREATED
    assert add(store, make_sdist(tmp_path)) is Outcome.CREATED

    assert data.distribution("demo", WHEEL).read_bytes() == wheel.read_bytes()
    assert set(page(data)) == {WHEEL, "demo-1.0.0.tar.gz"}
    assert page(data)[WHEEL]["requires-python"] == ">=3.9"
    assert data.metadata("demo", "demo-1.0.0.tar.gz").exists()  # kept, not advertised
    assert projects(data) == ["demo"]
    assert_page_tells_the_truth(data)
    assert list(data.incoming.iterdir()) == []
    assert list(data.pending.iterdir()) == []


def test_stored_files_are_readable_as_the_umask_has_it(
    store: Store, data: DataDirectory, tmp_path: Path
) -> None:
    before = os.umask(0o022)
    try:
        add(store, make_wheel(tmp_path))
    finally:
        os.umask(before)

    assert data.distribution("demo", WHEEL).stat().st_mode & 0o777 == 0o644


def test_the_same_bytes_again_change_nothing(
    store: Store, data: DataDirectory, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path)
    add(store, wheel)
    before = everything(data.root)

    assert add(store, wheel) is Outcome.UNCHANGED
    assert everything(data.root) == before


def test_other_bytes_need_the_right_to_overwrite(
    store: Store, data: DataDirectory, tmp_path: Path
) -> None:
    add(store, make_wheel(tmp_path))
    other = make_wheel(tmp_path, files={"demo/more.py": "x = 1\n"}, requires_python=">=3.11")
    before = everything(data.root)

    with pytest.raises(FileExists, match="File already exists"):
        add(store, other)
    with pytest.raises(Forbidden, match="only an admin"):
        add(store, other, Overwriting.NOT_ALLOWED)
    assert everything(data.root) == before

    assert add(store, other, Overwriting.ALLOWED) is Outcome.OVERWRITTEN
    assert page(data)[WHEEL]["requires-python"] == ">=3.11"
    assert_page_tells_the_truth(data)


def test_the_project_list_is_written_only_for_a_new_project(
    store: Store, data: DataDirectory, tmp_path: Path
) -> None:
    add(store, make_wheel(tmp_path, "b"))
    add(store, make_wheel(tmp_path, "a"))
    assert projects(data) == ["a", "b"]
    written = (data.simple / "index.json").stat()

    add(store, make_wheel(tmp_path, "a", "2.0"))

    assert (data.simple / "index.json").stat().st_ino == written.st_ino


@pytest.mark.parametrize(
    ("step", "overwrite"),
    [
        ("put_in_place", False),
        ("put_in_place", True),
        ("write_project_page", False),
        ("write_project_page", True),
        ("note", False),
        ("the marker goes", False),
        ("the marker goes", True),
    ],
)
def test_a_crash_at_any_step_is_made_good_by_the_next_start(
    data: DataDirectory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    overwrite: bool,
) -> None:
    store = open_store(data)
    if overwrite:
        add(store, make_wheel(tmp_path))
    wheel = make_wheel(tmp_path, files={"demo/more.py": ""})
    with monkeypatch.context() as patch:
        _crash_before(patch, step)
        with pytest.raises(Crash):
            add(store, wheel, Overwriting.ALLOWED)

    reopened = open_store(data)

    assert list(data.incoming.iterdir()) == []
    assert list(data.pending.iterdir()) == []
    if data.distribution("demo", WHEEL).exists():
        assert set(page(data)) == {WHEEL}
        assert projects(data) == ["demo"]
        assert_page_tells_the_truth(data)
    else:
        assert projects(data) == []
        assert not data.project_pages("demo").exists()
    assert add(reopened, wheel, Overwriting.ALLOWED) in Outcome
    assert_page_tells_the_truth(data)


def _crash_before(patch: pytest.MonkeyPatch, step: str) -> None:
    def crash(*_arguments: object) -> None:
        raise Crash

    if step in ("write_project_page", "put_in_place", "unlink"):
        patch.setattr(store_module, step, crash)
    elif step == "the marker goes":

        def write_then_crash(*arguments: Any) -> None:
            write_project_page(*arguments)
            raise Crash

        patch.setattr(store_module, "write_project_page", write_then_crash)
    elif step == "note":
        patch.setattr(ProjectList, step, crash)
    else:
        patch.setattr(Store, step, crash)


def test_the_next_write_makes_a_crash_good_too(
    store: Store, data: DataDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        _crash_before(patch, "write_project_page")
        with pytest.raises(Crash):
            add(store, make_wheel(tmp_path))

    add(store, make_wheel(tmp_path, version="2.0.0"))

    assert set(page(data)) == {WHEEL, "demo-2.0.0-py3-none-any.whl"}
    assert_page_tells_the_truth(data)


def test_a_page_that_cannot_be_written_takes_the_new_file_back(
    store: Store, data: DataDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store, make_wheel(tmp_path, version="2.0.0"))
    before = everything(data.root)

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(store_module, "write_project_page", full)
        with pytest.raises(OSError, match="No space left"):
            add(store, make_wheel(tmp_path))

    open_store(data)
    assert everything(data.root) == before


def test_files_that_came_or_went_by_hand_are_noticed_by_a_reindex(
    store: Store, data: DataDirectory, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    add(store, make_wheel(tmp_path))
    add(store, make_wheel(tmp_path, version="2.0.0"))
    add(store, make_wheel(tmp_path, "gone"))
    uploaded = page(data)[WHEEL]["upload-time"]
    folder = data.project_files("demo")
    (folder / "demo-2.0.0-py3-none-any.whl").unlink()
    make_sdist(folder, version="3.0.0")
    (folder / "demo-4.0.0-py3-none-any.whl").write_bytes(b"garbage")
    (folder / "notes.txt").write_text("not a distribution")
    make_wheel(folder, "stranger")
    make_wheel(data.project_files("new"), "new")
    for file in data.project_files("gone").iterdir():
        file.unlink()

    open_store(data)
    assert "demo-3.0.0.tar.gz" not in page(data)
    progress: list[tuple[int, int]] = []
    report = store.reindex_all(lambda done, all_: progress.append((done, all_)))

    assert progress == [(1, 3), (2, 3), (3, 3)]
    assert report.missing == (
        "demo/demo-2.0.0-py3-none-any.whl: the file is gone",
        "gone/gone-1.0.0-py3-none-any.whl: the file is gone",
    )
    assert report.extra == (
        "demo/demo-3.0.0.tar.gz: the file is new",
        "new/new-1.0.0-py3-none-any.whl: the file is new",
    )
    assert [finding.partition(":")[0] for finding in sorted(report.unreadable)] == [
        "demo/demo-4.0.0-py3-none-any.whl",
        "demo/stranger-1.0.0-py3-none-any.whl",
    ]
    assert set(page(data)) == {WHEEL, "demo-3.0.0.tar.gz"}
    assert page(data)[WHEEL]["upload-time"] == uploaded
    assert page(data, "gone") == {}
    assert projects(data) == ["demo", "gone", "new"]
    assert "demo-4.0.0-py3-none-any.whl is not listed" in caplog.text
    assert "belongs to the project stranger" in caplog.text
    assert_page_tells_the_truth(data)
    assert_page_tells_the_truth(data, "new")


@pytest.mark.parametrize("dated", ["now", "as before"])
def test_a_file_whose_content_was_replaced_is_noticed_by_a_reindex(
    store: Store, data: DataDirectory, tmp_path: Path, dated: str
) -> None:
    add(store, make_wheel(tmp_path))
    file = data.project_files("demo") / WHEEL
    times = file.stat()
    other = make_wheel(tmp_path / "other", files={"demo/other.py": b""}).read_bytes()
    file.write_bytes(other)
    if dated == "as before":
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert len(store.check().changed) > 0

    assert store.reindex_all().changed == (f"demo/{WHEEL}: the file has changed",)

    assert page(data)[WHEEL]["hashes"]["sha256"] == hashlib.sha256(other).hexdigest()
    assert store.check().is_clean
    assert store.reindex_all().is_clean


def test_pages_that_are_written_otherwise_today_are_made_anew(
    store: Store, data: DataDirectory, tmp_path: Path
) -> None:
    add(store, make_wheel(tmp_path))
    path = data.project_pages("demo") / "index.json"
    as_today = path.read_bytes()
    path.write_bytes(
        as_today.replace(b'"core-metadata"', b'"dist-info-metadata":{},"core-metadata"')
    )
    assert len(store.check().changed) == 1

    assert store.reindex_all().is_clean  # The files are those that were listed.

    assert path.read_bytes() == as_today
    assert store.check().is_clean


def test_damaged_pages_are_made_anew(
    store: Store, data: DataDirectory, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    add(store, make_wheel(tmp_path))
    (data.project_pages("demo") / "index.json").write_text("{")
    (data.simple / "index.json").write_text("{")

    store.reindex_all()

    assert set(page(data)) == {WHEEL}
    assert projects(data) == ["demo"]
    assert "damaged" in caplog.text


def test_what_a_crash_left_half_written_is_removed(
    store: Store, data: DataDirectory, tmp_path: Path
) -> None:
    add(store, make_wheel(tmp_path))
    (data.incoming / "abc.part").write_bytes(b"half")
    folders = (data.simple, data.pending, data.project_files("demo"), data.project_pages("demo"))
    for folder in folders:
        (folder / ".tmp-abc.part").write_bytes(b"half")
    (data.pending / "demo").write_text("")

    open_store(data)

    assert list(data.root.rglob("*.part")) == []


def test_writers_of_a_project_wait_for_each_other(
    store: Store, data: DataDirectory, tmp_path: Path
) -> None:
    wheels = [make_wheel(tmp_path, version=f"{number}.0") for number in range(8)]
    threads = [
        threading.Thread(target=add, args=(Store(data) if number % 2 else store, wheel))
        for number, wheel in enumerate(wheels)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(page(data)) == {wheel.name for wheel in wheels}
    assert_page_tells_the_truth(data)


def test_an_abandoned_upload_leaves_nothing(store: Store, data: DataDirectory) -> None:
    def abandon() -> None:
        with store.incoming() as (stream, path):
            stream.write(b"half")
            assert path.exists()
            raise Crash

    with pytest.raises(Crash):
        abandon()
    assert list(data.incoming.iterdir()) == []


def test_a_data_directory_that_is_none_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(UnusableData, match="cannot be used"):
        DataDirectory.open(tmp_path / "file")


def test_a_store_that_cannot_be_repaired_is_told_of(data: DataDirectory) -> None:
    (data.incoming / "folder").mkdir()

    with pytest.raises(UnusableData, match="cannot be used"):
        open_store(data)


@pytest.mark.parametrize("project", ["..", "a/b", "", "A", ".work"])
def test_only_a_normalised_name_becomes_a_path(data: DataDirectory, project: str) -> None:
    with pytest.raises(ValueError, match="not a normalised project name"):
        data.project_files(project)
