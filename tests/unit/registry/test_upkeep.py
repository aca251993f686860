"""``reindex``, ``import`` and ``prune`` of the registry's own command line, and what they leave."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import time
from typing import TYPE_CHECKING, Any

import pytest

from poetry_aegis.registry.cli import main
from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.state.audit import AuditTrail, Entry
from poetry_aegis.registry.state.catalog import Catalog
from poetry_aegis.registry.state.database import Database
from poetry_aegis.registry.store.pending import Intent, Pending
from poetry_aegis.registry.store.store import Store
from tests.support.distributions import make_sdist, make_wheel
from tests.support.registry import JSON, listed_files, read, running_registry, upload
from tests.unit.registry.signed import Person, signed, trust

if TYPE_CHECKING:
    from pathlib import Path

WHEEL = "demo-1.0.0-py3-none-any.whl"
DAY = 86400

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a directory of three distributions, the oldest of 100 days."""
    root = tmp_path / "source"
    make_wheel(root)
    make_sdist(root, "other", "1.0rc2")
    old = make_sdist(root, "other", "1.0rc1")
    os.utime(old, (time.time() - 100 * DAY,) * 2)
    return root


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    return DataDirectory(tmp_path / "data")


@pytest.fixture
def filled(data: DataDirectory, source: Path) -> DataDirectory:
    """Return a data directory that *source* was imported into."""
    assert run("import", data, str(source)) == 0
    return data


def run(command: str, data: DataDirectory, *arguments: str) -> int:
    return main([command, "--data", str(data.root), *arguments])


def run_json(capsys: Capture, command: str, data: DataDirectory, *arguments: str) -> Any:
    capsys.readouterr()
    run(command, data, *arguments, "--json")
    return json.loads(capsys.readouterr().out)


def audited(data: DataDirectory) -> list[Entry]:
    return AuditTrail(Database.open(data.database)).entries()


def catalogued(data: DataDirectory) -> list[str]:
    catalog = Catalog(Database.open(data.database), data)
    return sorted(entry.project for entry in catalog.search([], 10, 0, None).entries)


def test_an_import_is_told_of(data: DataDirectory, source: Path, capsys: Capture) -> None:
    (source / "notes.txt").write_text("")

    assert run("import", data, str(source)) == 0

    skipped, summary = capsys.readouterr().out.splitlines()
    assert skipped.startswith("skipped     notes.txt: The file name 'notes.txt' is neither a wheel")
    assert summary == "3 added, 0 here already, 1 skipped, 0 failed."
    assert "3 added, 0 failed" in audited(data)[0].detail
    assert catalogued(data) == ["demo", "other"]


def test_the_trail_has_each_file_of_an_import(
    data: DataDirectory, source: Path, tmp_path: Path
) -> None:
    assert run("import", data, str(source)) == 0
    whole, *files = audited(data)

    assert (whole.action, whole.project, whole.detail) == (
        "import",
        None,
        f"{source}: 3 added, 0 failed",
    )
    assert {(entry.action, entry.project, entry.file) for entry in files} == {
        ("import", "demo", WHEEL),
        ("import", "other", "other-1.0rc1.tar.gz"),
        ("import", "other", "other-1.0rc2.tar.gz"),
    }
    assert {entry.user for entry in (whole, *files)} == {getpass.getuser()}
    assert run("import", data, str(source)) == 0
    assert len(audited(data)) == len(files) + 2  # what is here already is no news


def test_a_yank_that_comes_with_an_import_is_in_the_trail(
    data: DataDirectory, source: Path, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs"
    assert run("import", DataDirectory(theirs), str(source)) == 0
    Store(DataDirectory.open(theirs)).yank("demo", [WHEEL], "loses data")
    with running_registry(theirs) as server:
        assert run("import", data, server.authenticated_url("rae")) == 0

    (yank,) = [entry for entry in audited(data) if entry.action == "yank"]
    assert (yank.project, yank.file, yank.detail) == ("demo", WHEEL, "loses data")


def test_what_is_no_pattern_is_refused(data: DataDirectory, source: Path, capsys: Capture) -> None:
    assert run("import", data, str(source), "--only", "[") == 94
    assert "'[' is not a pattern of project names" in capsys.readouterr().err


def test_what_failed_decides_the_exit_code(
    data: DataDirectory, source: Path, capsys: Capture, tmp_path: Path
) -> None:
    (source / WHEEL).write_bytes(b"broken")

    assert run("import", data, str(source)) == 94
    assert f"failed      {WHEEL}: " in capsys.readouterr().out
    assert run("import", data, str(tmp_path / "nowhere")) == 94
    assert "neither a directory nor the URL" in capsys.readouterr().err


def test_a_trial_is_not_audited(data: DataDirectory, source: Path, capsys: Capture) -> None:
    report = run_json(capsys, "import", data, str(source), "--dry-run", "--only", "Other")

    assert report["added"] == ["other/other-1.0rc1.tar.gz", "other/other-1.0rc2.tar.gz"]
    assert audited(data) == []


def test_settings_limit_what_is_taken(data: DataDirectory, source: Path, tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text('max_upload_size = "10B"\n')

    assert run("import", data, str(source), "--settings", str(settings)) == 94
    assert not (data.simple / "index.json").exists() or Store(data).projects() == []


def test_reindex_mends_what_check_finds(filled: DataDirectory, capsys: Capture) -> None:
    data = filled
    capsys.readouterr()
    assert run("reindex", data, "--check") == 0
    assert capsys.readouterr().out == "2 projects, 3 files.\n"
    data.distribution("demo", WHEEL).unlink()
    make_sdist(data.project_files("other"), "other", "2.0")
    (data.project_files("other") / "other-3.0.tar.gz").write_bytes(b"broken")

    assert run("reindex", data, "--check") == 93
    found = [line.partition(" The file")[0] for line in capsys.readouterr().out.splitlines()]
    assert found == [
        f"missing     demo/{WHEEL}: the file is gone",
        "extra       other/other-2.0.tar.gz: no page tells of it",
        "unreadable  other/other-3.0.tar.gz:",
        "2 projects, 4 files.",
    ]
    assert run("reindex", data, "--check", "demo") == 93
    assert "other" not in capsys.readouterr().out

    assert run("reindex", data, "Other") == 0
    assert run("reindex", data) == 0
    report = run_json(capsys, "reindex", data, "--check")
    assert (report["missing"], report["extra"], report["changed"]) == ([], [], [])
    assert [finding.partition(":")[0] for finding in report["unreadable"]] == [
        "other/other-3.0.tar.gz"
    ]
    assert [entry.action for entry in audited(data)][:3] == ["reindex", "reindex", "import"]


def test_a_catalogue_that_is_lost_is_made_anew(filled: DataDirectory) -> None:
    for file in filled.root.glob("state.db*"):
        file.unlink()

    assert run("reindex", filled) == 0

    assert catalogued(filled) == ["demo", "other"]


def test_what_a_crash_left_is_finished(filled: DataDirectory) -> None:
    marker = filled.pending / "demo"
    with Pending(filled.pending).changing("demo", Intent(deleting=(WHEEL,))):
        content = marker.read_bytes()
    marker.write_bytes(content)

    assert run("reindex", filled, "other") == 0

    assert not marker.exists()
    assert Store(filled).listing("demo").files == ()


@pytest.mark.parametrize("command", ["reindex", "prune"])
def test_what_is_not_there_is_told_of(
    filled: DataDirectory, tmp_path: Path, capsys: Capture, command: str
) -> None:
    for name in ("nobody", "../simple", "no name"):
        assert run(command, filled, name) == 1
        assert f"There is no project {name} in this index." in capsys.readouterr().err
    assert run(command, DataDirectory(tmp_path / "typo")) == 97
    assert not (tmp_path / "typo").exists()


def test_prune_plans_and_deletes_only_when_told_to(
    filled: DataDirectory, tmp_path: Path, capsys: Capture
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text("[[retention]]\nkeep_pre_releases = 1\nolder_than = 99\n")
    arguments = ("--settings", str(settings))

    plan = run_json(capsys, "prune", filled, *arguments)

    (removal,) = plan["removals"]
    assert not plan["applied"]
    assert removal["project"] == "other"
    assert removal["file"] == "other-1.0rc1.tar.gz"
    assert removal["reason"] == "1 newer pre-release is kept"
    assert filled.distribution("other", removal["file"]).exists()

    assert run("prune", filled, *arguments, "demo", "--apply") == 0
    assert filled.distribution("other", removal["file"]).exists()
    assert run("prune", filled, *arguments, "--apply") == 0
    assert not filled.distribution("other", removal["file"]).exists()
    assert [file.version for file in Store(filled).listing("other").files] == ["1.0rc2"]
    entry = audited(filled)[0]
    assert (entry.action, entry.project, entry.file, entry.detail) == (
        "prune",
        "other",
        "other-1.0rc1.tar.gz",
        "1 newer pre-release is kept",
    )
    assert entry.user == getpass.getuser()
    assert run_json(capsys, "prune", filled, *arguments, "--apply")["removals"] == []


def test_all_of_it_works_while_the_server_runs(
    data: DataDirectory, source: Path, tmp_path: Path
) -> None:
    with running_registry(data.root) as server:
        assert upload(server, make_wheel(tmp_path, "mine")).status_code == 200
        assert run("import", data, str(source)) == 0
        assert set(listed_files(server, "demo")) == {WHEEL}
        projects = read(server, "/simple/", headers={"accept": JSON}).json()["projects"]
        assert [project["name"] for project in projects] == ["demo", "mine", "other"]

        shutil.copy(make_sdist(tmp_path), data.project_files("demo"))
        assert run("reindex", data, "demo") == 0
        assert set(listed_files(server, "demo")) == {WHEEL, "demo-1.0.0.tar.gz"}
        assert read(server, "/packages/demo/demo-1.0.0.tar.gz").status_code == 200


def signatures(tmp_path: Path, text: str, *required: str) -> tuple[str, str]:
    """Return the option that names settings with *required*, whose trust file has *text*."""
    (tmp_path / "trust.toml").write_text(text)
    settings = tmp_path / "settings.toml"
    settings.write_text(f'[signatures]\nrequired = {list(required)}\ntrust = "trust.toml"\n')
    return ("--settings", str(settings))


def test_an_import_tells_how_many_files_lack_the_signatures_that_uploads_need(
    data: DataDirectory, source: Path, tmp_path: Path, capsys: Capture
) -> None:
    asked = signatures(tmp_path, trust(Person("ada").trusted()), "oth*")

    report = run_json(capsys, "import", data, str(source), *asked, "--dry-run")
    assert report["unverified"] == ["other/other-1.0rc1.tar.gz", "other/other-1.0rc2.tar.gz"]
    assert run("import", data, str(source), *asked) == 0

    assert capsys.readouterr().out.splitlines() == [
        "3 added, 0 here already, 0 skipped, 0 failed.",
        "2 of them without the signatures that uploads need.",
    ]
    assert audited(data)[0].detail.endswith("3 added, 0 failed, 2 not signed as uploads must be")
    report = run_json(capsys, "import", data, str(source), *asked)
    assert (len(report["present"]), report["unverified"]) == (3, [])


def test_a_check_names_files_that_lack_the_signatures_that_uploads_need(
    filled: DataDirectory, source: Path, tmp_path: Path, capsys: Capture
) -> None:
    ada, eve = Person("ada"), Person("eve")
    asked = signatures(tmp_path, trust(ada.trusted()), "other")
    good, bad = (source / f"other-1.0rc{number}.tar.gz" for number in (1, 2))
    with running_registry(filled.root) as server:
        assert upload(server, good, fields=signed(good, ada)).status_code == 200
        assert upload(server, bad, fields=signed(bad, eve)).status_code == 200
        assert upload(server, source / WHEEL, fields=signed(source / WHEEL, eve)).is_success
    shutil.copy(make_sdist(tmp_path, "other", "3.0"), filled.project_files("other"))
    assert run("reindex", filled, "other") == 0
    capsys.readouterr()

    assert run("reindex", filled, "--check", *asked) == 0  # Pages and files agree.

    unknown, unsigned, summary = capsys.readouterr().out.splitlines()
    assert unknown.startswith(f"unverified  other/{bad.name}: It is signed by an unknown key, '")
    assert unsigned == "unverified  other/other-3.0.tar.gz: It is not signed."
    assert summary == "2 projects, 4 files."
    report = run_json(capsys, "reindex", filled, "--check", *asked, "Other")
    assert len(report["unverified"]) == 2
    for arguments in (("--check",), ("--check", *asked, "demo")):
        assert run_json(capsys, "reindex", filled, *arguments)["unverified"] == []

    (tmp_path / "trust.toml").write_text("threshold = 0")
    report = run_json(capsys, "reindex", filled, "--check", *asked)
    assert {finding.partition(": ")[2] for finding in report["unverified"]} == {
        "The keys that count cannot be read."
    }
    assert len(report["unverified"]) == 3


def test_a_check_reads_no_signatures_of_projects_that_need_none(
    filled: DataDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = signatures(tmp_path, trust(Person("ada").trusted()), "demo")
    seen: list[str] = []

    def beside(_data: object, _project: str, file_name: str) -> None:
        seen.append(file_name)

    monkeypatch.setattr("poetry_aegis.registry.unverified.provenance_beside", beside)
    run("reindex", filled, "--check", *asked)

    assert seen == [WHEEL]
