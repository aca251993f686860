"""Attestations in the store: before their file is there, added to it later, and after a crash."""

from __future__ import annotations

import errno
import json
from itertools import count
from typing import IO, TYPE_CHECKING, Any

import pytest

from poetry_aegis.atomic import make_durable, write_bytes
from poetry_aegis.registry.attestations import attestations_in, is_about, provenance_of
from poetry_aegis.registry.errors import BadUpload, NotSigned
from poetry_aegis.registry.store import files as files_module
from poetry_aegis.registry.store import store as store_module
from poetry_aegis.registry.store.admission import Outcome, Overwriting
from poetry_aegis.registry.store.pages import write_project_page
from poetry_aegis.registry.store.store import Store, open_store
from tests.support.attestations import attestation
from tests.support.distributions import make_wheel
from tests.support.store import add, assert_page_tells_the_truth, everything, page
from tests.unit.registry.signed import Person, sha256_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from poetry_aegis.registry.data import DataDirectory

WHEEL = "demo-1.0.0-py3-none-any.whl"
ADA, BOB = Person("ada"), Person("bob")


class Crash(BaseException):
    """The process ends here."""


def by(file: Path, *people: Person) -> bytes:
    found = [person.signs(file.name, sha256_of(file)) for person in people]
    return provenance_of(json.dumps(found), file.name, sha256_of(file))


def signers(data: DataDirectory) -> list[str]:
    """Return the keys that have signed what is there, in the order they came."""
    content = data.provenance("demo", WHEEL).read_bytes()
    return [one.signature.key_id for one in attestations_in(content) if one.signature]


def test_a_second_person_signs_by_uploading_again(
    store: Store, data: DataDirectory, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path)
    assert add(store, wheel, provenance=by(wheel, ADA)) is Outcome.CREATED
    uploaded = page(data)[WHEEL]["upload-time"]

    assert add(store, wheel, provenance=by(wheel, BOB)) is Outcome.SIGNED

    assert signers(data) == [ADA.key.id, BOB.key.id]
    assert page(data)[WHEEL]["upload-time"] == uploaded
    assert_page_tells_the_truth(data)
    before = everything(data.root)
    for again in (None, by(wheel, ADA), by(wheel, BOB, ADA)):
        assert add(store, wheel, provenance=again) is Outcome.UNCHANGED
    assert everything(data.root) == before


def test_a_yank_outlives_a_signature(store: Store, data: DataDirectory, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path)
    add(store, wheel)
    store.yank("demo", [WHEEL], "broken")

    add(store, wheel, provenance=by(wheel, ADA))

    assert page(data)[WHEEL]["yanked"] == "broken"
    assert "provenance" in page(data)[WHEEL]


def test_overwriting_takes_the_new_signatures_alone(
    store: Store, data: DataDirectory, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path)
    add(store, wheel, provenance=by(wheel, ADA))
    other = make_wheel(tmp_path, files={"demo/x.py": ""})

    assert add(store, other, Overwriting.ALLOWED, by(other, BOB)) is Outcome.OVERWRITTEN

    assert signers(data) == [BOB.key.id]
    assert_page_tells_the_truth(data)


def test_more_than_a_file_may_have_are_refused_and_none_is_lost(
    store: Store, data: DataDirectory, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path)
    add(store, wheel, provenance=by(wheel, *(Person(f"p{number}") for number in range(15))))
    before = everything(data.root)

    with pytest.raises(BadUpload, match="has 15 attestations, and may have 16"):
        add(store, wheel, provenance=by(wheel, ADA, BOB))

    assert everything(data.root) == before
    assert add(store, wheel, provenance=by(wheel, ADA)) is Outcome.SIGNED


def test_who_decides_sees_what_is_there_and_what_is_given(
    store: Store, data: DataDirectory, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path)
    add(store, wheel, provenance=by(wheel, ADA))
    before = everything(data.root)
    seen: list[tuple[int, int]] = []

    def refuse(present: bytes | None, given: bytes | None) -> bytes | None:
        seen.append((len(attestations_in(present)), len(attestations_in(given))))
        raise NotSigned("no")

    for file, provenance in ((wheel, by(wheel, BOB)), (make_wheel(tmp_path, "new"), None)):
        with store.incoming() as (stream, path):
            stream.write(file.read_bytes())
            stream.flush()
            with pytest.raises(NotSigned):
                store.add(
                    path, inspected(path, file), Overwriting.NOT_ASKED, provenance, joined=refuse
                )

    assert seen == [(1, 1), (0, 0)]
    assert everything(data.root) == before


def inspected(path: Path, file: Path) -> Any:
    from poetry_aegis.registry.archives.distributions import inspect
    from poetry_aegis.registry.names import parse_file_name

    return inspect(path, parse_file_name(file.name), sha256_of(file))


STEPS = ["provenance", "metadata", "file", "write_project_page", "the marker goes"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("what", ["new", "signed", "overwritten"])
def test_no_crash_leaves_a_signed_file_without_its_signatures(
    data: DataDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, step: str
) -> None:
    store = open_store(data)
    before = make_wheel(tmp_path, files={"demo/x.py": "" if what == "overwritten" else "x"})
    if what != "new":
        add(store, before, provenance=by(before, ADA))
    wheel = make_wheel(tmp_path, files={"demo/x.py": "x"})
    with monkeypatch.context() as patch:
        crash_before(patch, step)
        if what == "signed" and step in ("metadata", "file"):
            add(store, wheel, Overwriting.ALLOWED, by(wheel, BOB))
        else:
            with pytest.raises(Crash):
                add(store, wheel, Overwriting.ALLOWED, by(wheel, BOB))
    found = data.distribution("demo", WHEEL)
    if found.exists() and sha256_of(found) == sha256_of(wheel) and what != "signed":
        assert signers(data) == [BOB.key.id]  # Even before the repair.

    reopened = open_store(data)

    assert reopened.check().is_clean, reopened.check()
    if found.exists() and data.provenance("demo", WHEEL).exists():
        assert is_about(data.provenance("demo", WHEEL).read_bytes(), WHEEL, sha256_of(found))
    if what == "signed":
        assert signers(data)[0] == ADA.key.id
    add(reopened, wheel, Overwriting.ALLOWED, by(wheel, BOB))
    assert BOB.key.id in signers(data)
    assert reopened.check().is_clean


def one_by_one(
    write: Callable[[Path, bytes], None],
) -> Callable[[Path, Mapping[str, bytes]], None]:
    """Return what writes several files as *write* does one."""

    def write_all(folder: Path, contents: Mapping[str, bytes]) -> None:
        for name, content in contents.items():
            write(folder / name, content)

    return write_all


def crash_before(
    patch: pytest.MonkeyPatch, step: str, failure: BaseException | None = None
) -> None:
    """Let *step* fail, the name of what is written or of a function; the process ends there."""
    failure = failure or Crash()

    def write_or_crash(path: Path, content: bytes) -> None:
        if path.suffix == f".{step}":
            raise failure
        write_bytes(path, content)

    def fsync_or_crash(folder: Path) -> None:
        if step == "file" and (folder / WHEEL).exists():
            raise failure

    def crash(*arguments: Any) -> None:
        if step == "the marker goes":
            write_project_page(*arguments)
        raise failure

    patch.setattr(files_module, "write_bytes", write_or_crash)
    patch.setattr(files_module, "write_all", one_by_one(write_or_crash))
    patch.setattr(files_module, "fsync_directory", fsync_or_crash)
    if step in ("write_project_page", "the marker goes"):
        patch.setattr(store_module, "write_project_page", crash)


@pytest.mark.parametrize("step", ["provenance", "metadata", "write_project_page"])
def test_a_signed_file_that_finds_no_space_leaves_nothing(
    store: Store, data: DataDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    wheel = make_wheel(tmp_path)
    with monkeypatch.context() as patch:
        crash_before(patch, step, OSError(errno.ENOSPC, "No space left on device"))
        with pytest.raises(OSError, match="No space left"):
            add(store, wheel, provenance=by(wheel, ADA))

    assert [path.name for path in data.project_files("demo").iterdir()] == []
    assert add(store, wheel, provenance=by(wheel, ADA)) is Outcome.CREATED
    assert signers(data) == [ADA.key.id]
    assert store.check().is_clean


@pytest.mark.parametrize(("people", "failing"), [([], 1), ([BOB], 1), ([BOB], 2)])
def test_an_overwrite_that_finds_no_space_leaves_the_old_file_signed(
    store: Store, data: DataDirectory, tmp_path: Path, people: list[Person], failing: int
) -> None:
    wheel = make_wheel(tmp_path)
    add(store, wheel, provenance=by(wheel, ADA))
    before = everything(data.packages)
    other = make_wheel(tmp_path, files={"demo/x.py": ""})
    writes = count()

    def full(stream: IO[bytes]) -> None:
        if next(writes) == failing:  # The first is the marker's.
            raise OSError(errno.ENOSPC, "No space left on device")
        make_durable(stream)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("poetry_aegis.atomic.make_durable", full)
        with pytest.raises(OSError, match="No space left"):
            add(store, other, Overwriting.ALLOWED, by(other, *people) if people else None)

    assert everything(data.packages) == before
    open_store(data)
    assert signers(data) == [ADA.key.id]
    assert_page_tells_the_truth(data)


@pytest.mark.parametrize("step", ["provenance", "write_project_page"])
def test_a_signature_that_finds_no_space_may_come_again(
    store: Store, data: DataDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    wheel = make_wheel(tmp_path)
    add(store, wheel, provenance=by(wheel, ADA))
    with monkeypatch.context() as patch:
        crash_before(patch, step, OSError(errno.ENOSPC, "No space left on device"))
        with pytest.raises(OSError, match="No space left"):
            add(store, wheel, provenance=by(wheel, BOB))
    assert signers(data)[0] == ADA.key.id

    add(store, wheel, provenance=by(wheel, BOB))

    assert signers(data) == [ADA.key.id, BOB.key.id]
    assert store.check().is_clean


def test_a_rebuilt_index_has_what_was_signed(
    store: Store, data: DataDirectory, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path)
    add(store, wheel, provenance=by(wheel, ADA, BOB))
    before = data.provenance("demo", WHEEL).read_bytes()
    for name in ("index.html", "index.json"):
        (data.project_pages("demo") / name).unlink()

    store.reindex("demo")

    assert data.provenance("demo", WHEEL).read_bytes() == before
    assert_page_tells_the_truth(data)


def test_attestations_of_another_kind_are_kept(
    store: Store, data: DataDirectory, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path)
    theirs = attestation(WHEEL, sha256_of(wheel))
    add(store, wheel, provenance=provenance_of(json.dumps([theirs]), WHEEL, sha256_of(wheel)))

    add(store, wheel, provenance=by(wheel, ADA))

    found = attestations_in(data.provenance("demo", WHEEL).read_bytes())
    assert [dict(one.document) for one in found] == [theirs, ADA.signs(WHEEL, sha256_of(wheel))]
