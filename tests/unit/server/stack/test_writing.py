"""Generated files on disk: what would change, who edited what, and writing them."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from poetry_aegis import atomic
from poetry_aegis.server.home import ServerHome
from poetry_aegis.server.stack.owner import Owner
from poetry_aegis.server.stack.writing import Change, compare, write

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OWNER = Owner(4321, 4322)
FILES: Mapping[str, str | bytes] = {
    "compose.yaml": "services: {}\n",
    "stack/nginx/nginx.conf": "one\ntwo\n",
    "stack/registry.toml": "a = 1\n",
    "stack/image/wheels/some.bin": b"\xff\x00",
}


@pytest.fixture
def home(tmp_path: Path) -> ServerHome:
    home = ServerHome(tmp_path / "server")
    home.make_directories()
    return home


@pytest.fixture
def written(home: ServerHome) -> ServerHome:
    write(home, compare(home, FILES), OWNER)
    return home


def kinds(home: ServerHome, files: Mapping[str, str | bytes]) -> dict[str, str]:
    return {change.path: change.kind for change in compare(home, files)}


def test_at_first_all_is_new_and_then_nothing_is_to_do(home: ServerHome) -> None:
    assert set(kinds(home, FILES).values()) == {"new"}
    write(home, compare(home, FILES), OWNER)
    assert compare(home, FILES) == []
    assert (home.stack / "nginx" / "nginx.conf").read_text() == "one\ntwo\n"


def test_what_differs_from_what_was_generated_was_edited(written: ServerHome) -> None:
    (written.stack / "nginx" / "nginx.conf").write_text("mine\n")
    files = {**FILES, "compose.yaml": "services: {a: {}}\n"}
    assert kinds(written, files) == {
        "compose.yaml": "changed",
        "stack/nginx/nginx.conf": "edited by hand",
    }


def test_an_edit_that_is_what_would_be_written_is_no_change(written: ServerHome) -> None:
    written.compose_file.write_text("services: {b: {}}\n")
    assert compare(written, {**FILES, "compose.yaml": "services: {b: {}}\n"}) == []


def test_a_file_that_was_there_before_is_not_taken_for_ours(home: ServerHome) -> None:
    home.compose_file.write_text("mine\n")
    assert kinds(home, FILES)["compose.yaml"] == "edited by hand"


def test_what_is_not_generated_any_more_goes_with_its_empty_folder(written: ServerHome) -> None:
    files = {path: text for path, text in FILES.items() if path != "stack/nginx/nginx.conf"}
    changes = compare(written, files)
    assert [(change.kind, change.after) for change in changes] == [("removed", None)]
    write(written, changes, OWNER)
    assert not (written.stack / "nginx").exists()
    assert compare(written, files) == []


def test_an_edited_file_that_is_to_go_is_said_to_be_edited(written: ServerHome) -> None:
    written.compose_file.write_text("mine\n")
    files = {path: text for path, text in FILES.items() if path != "compose.yaml"}
    assert kinds(written, files) == {"compose.yaml": "edited by hand"}


def test_a_file_that_somebody_deleted_is_written_again(written: ServerHome) -> None:
    written.compose_file.unlink()
    assert kinds(written, FILES) == {"compose.yaml": "new"}


def test_files_beside_the_generated_ones_are_left_alone(written: ServerHome) -> None:
    wheel = written.stack / "image" / "wheels" / "a-1-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    changes = compare(written, {"compose.yaml": FILES["compose.yaml"]})
    write(written, changes, OWNER)
    assert wheel.exists()


@pytest.mark.parametrize(
    "path",
    ["../victim", "stack/../../victim", "/etc/victim", "data/state.db", "stack//x", "stack/"],
)
def test_a_record_that_names_other_files_removes_none(written: ServerHome, path: str) -> None:
    victim = written.root.parent / "victim"
    victim.write_text("precious")
    record = json.loads((written.stack / "generated.json").read_text())
    (written.stack / "generated.json").write_text(json.dumps({**record, path: "0" * 64}))
    assert compare(written, FILES) == []
    assert victim.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"compose.yaml": 1}', "[" * 100_000, "\xff"])
def test_a_broken_record_makes_nothing_worse_than_a_question(
    written: ServerHome, text: str
) -> None:
    (written.stack / "generated.json").write_text(text, encoding="latin-1")
    assert compare(written, FILES) == []
    changed = {**FILES, "compose.yaml": "other\n"}
    assert kinds(written, changed) == {"compose.yaml": "edited by hand"}


def test_a_lost_record_is_whole_again_after_the_next_write(written: ServerHome) -> None:
    for lost in (written.stack / "generated.json", written.stack / "nginx" / "nginx.conf"):
        lost.unlink()
    write(written, compare(written, FILES), OWNER, FILES)
    changed = {path: f"{path} is other\n" for path in FILES}
    assert kinds(written, changed) == dict.fromkeys(FILES, "changed")


def test_what_differs_from_what_is_generated_is_not_recorded(written: ServerHome) -> None:
    written.compose_file.write_text("mine\n")
    write(written, [], OWNER, FILES)
    assert kinds(written, {**FILES, "compose.yaml": "new\n"}) == {"compose.yaml": "edited by hand"}


def test_who_serves_may_read_all_but_what_may_hold_a_password(written: ServerHome) -> None:
    def mode(path: Path) -> int:
        return path.stat().st_mode & 0o777

    assert mode(written.compose_file) == 0o644
    assert mode(written.stack / "nginx" / "nginx.conf") == 0o644
    assert mode(written.stack) == mode(written.stack / "nginx") == 0o755
    private = written.stack / "registry.toml"
    assert mode(private) == 0o600
    if os.geteuid() == 0:
        assert (private.stat().st_uid, private.stat().st_gid) == (4321, 4322)
    assert mode(written.root) == 0o700


def test_what_docker_would_make_for_root_is_made_before(written: ServerHome) -> None:
    folders = (written.data / "packages", written.data / "simple", written.nginx_logs)
    assert all(folder.is_dir() for folder in folders)


def test_the_diff_shows_the_lines_and_names_the_file() -> None:
    change = Change("stack/a.conf", "changed", b"one\ntwo\n", b"one\nthree")
    assert change.diff().splitlines() == [
        "--- stack/a.conf (now)",
        "+++ stack/a.conf (from server.toml)",
        "@@ -1,2 +1,2 @@",
        " one",
        "-two",
        "+three",
        "\\ No newline at end of file",
    ]
    assert Change("a", "new", None, b"x\n").diff().startswith("--- /dev/null\n+++ a (from")
    assert Change("a", "removed", b"x\n", None).diff().splitlines()[1] == "+++ /dev/null"


def test_the_diff_shows_no_password_and_no_binary() -> None:
    before = b'url = "https://me:pa55word@index.example.com/simple/"\n'
    shown = Change("stack/registry.toml", "changed", before, b"").diff()
    assert "pa55word" not in shown
    assert "word" not in Change("a", "new", None, before.replace(b"55", b"@")).diff()
    assert "https://***@index.example.com" in shown
    assert Change("stack/a.bin", "changed", b"\xff", b"\xfe").diff() == (
        "Binary file stack/a.bin differs.\n"
    )


def test_a_write_that_breaks_off_is_finished_by_the_next(
    home: ServerHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = atomic.write_bytes
    left = [2]

    def fail(path: Path, content: bytes, *, mode: int | None = None) -> None:
        if not left[0]:
            raise OSError(28, "No space left on device")
        left[0] -= 1
        real(path, content, mode=mode)

    monkeypatch.setattr(atomic, "write_bytes", fail)
    with pytest.raises(OSError, match="No space"):
        write(home, compare(home, FILES), OWNER)
    monkeypatch.undo()
    assert not (home.stack / "generated.json").exists()
    write(home, compare(home, FILES), OWNER)
    assert compare(home, FILES) == []
