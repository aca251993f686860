from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from poetry_aegis.client import ini, lines, records, setup, twine, uv
from poetry_aegis.client.edits import Edit
from poetry_aegis.client.poetry import Index
from poetry_aegis.client.setup import Login, Plan, Want, Work
from poetry_aegis.errors import AegisError

DEV, PROD = Index("dev", "https://dev/"), Index("prod", "https://prod/")
LOGIN = Login("ada", "s3cret")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in list(os.environ):
        if name.startswith(("UV_", "TWINE_")):
            monkeypatch.delenv(name)
    return tmp_path


def set_up(profile: str, work: Work) -> Plan:
    plan = setup.plan_setup(profile, work)
    setup.write(plan, None)
    return plan


def undo(profile: str, tool: str) -> Plan:
    plan = setup.plan_undo(profile, tool)
    assert plan is not None
    setup.take_back(plan)
    return plan


def pip_work(path: Path, url: str) -> Work:
    change = {"index-url": url}
    return Work("pip", "", (Want(path, "ini", lambda c: ini.with_options(c, "global", change)),))


def test_a_second_setup_changes_nothing(home: Path) -> None:
    path = home / "pip.conf"
    path.write_bytes(b"[global]\r\ntimeout = 5")
    set_up("default", pip_work(path, "https://dev/simple/"))
    written = path.read_bytes()
    again = set_up("default", pip_work(path, "https://dev/simple/"))
    assert not again.changes
    assert path.read_bytes() == written
    undo("default", "pip")
    assert path.read_bytes() == b"[global]\r\ntimeout = 5"


def test_another_profile_takes_the_one_place_there_is(home: Path) -> None:
    path = home / "pip.conf"
    path.write_text("[global]\nindex-url = https://mine/\n")
    set_up("dev", pip_work(path, "https://dev/simple/"))
    set_up("prod", pip_work(path, "https://prod/simple/"))
    assert path.read_text() == "[global]\nindex-url = https://prod/simple/\n"
    assert setup.plan_undo("dev", "pip") is None
    undo("prod", "pip")
    assert path.read_text() == "[global]\nindex-url = https://mine/\n"


@pytest.mark.parametrize("first", ["dev", "prod"])
def test_two_profiles_have_a_repository_each(home: Path, first: str) -> None:
    path = home / ".pypirc"
    before = "# mine\n[distutils]\nindex-servers = pypi corp\n\n[corp]\nrepository = https://c/\n"
    path.write_text(before)
    set_up("dev", twine.work(DEV, LOGIN, in_keyring=False))
    set_up("prod", twine.work(PROD, LOGIN, in_keyring=False))
    listed = ini.values(path.read_bytes())["distutils", "index-servers"].split()
    assert listed == ["pypi", "corp", "dev", "prod"]
    assert not setup.plan_setup("dev", twine.work(DEV, LOGIN, in_keyring=False)).changes
    second = {"dev": "prod", "prod": "dev"}[first]
    undo(first, "twine")
    after = ini.values(path.read_bytes())
    assert (first, "repository") not in after
    assert (second, "repository") in after
    undo(second, "twine")
    left = ini.values(path.read_bytes())
    assert not {key for key in left if key[0] in {"dev", "prod"}}
    if first == "prod":
        assert path.read_text() == before


def test_an_edited_file_loses_only_what_is_ours_and_it_is_said(home: Path) -> None:
    path = home / "config" / "uv" / "uv.toml"
    set_up("default", uv.work(DEV))
    path.write_text(path.read_text() + "\n[pip]\nstrict = true\n")
    plan = undo("default", "uv")
    assert path.read_text() == "\n[pip]\nstrict = true\n"
    assert "edited since" in plan.notes[0]


def test_a_file_that_was_not_there_is_gone_again(home: Path) -> None:
    set_up("default", uv.work(DEV))
    undo("default", "uv")
    assert not (home / "config" / "uv" / "uv.toml").exists()


def test_a_symbolic_link_stays_one_and_the_mode_is_kept(home: Path) -> None:
    real, link = home / "dotfiles.conf", home / "pip.conf"
    real.write_text("[global]\n")
    real.chmod(0o640)
    link.symlink_to(real)
    set_up("default", pip_work(link, "https://dev/simple/"))
    assert link.is_symlink()
    assert "https://dev" in real.read_text()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    undo("default", "pip")
    assert link.is_symlink()
    assert real.read_text() == "[global]\n"


def test_a_setup_that_broke_off_can_be_taken_back(home: Path) -> None:
    path = home / "pip.conf"
    path.write_text("[global]\n")
    plan = setup.plan_setup("default", pip_work(path, "https://dev/simple/"))
    assert plan.record is not None
    records.save(plan.record)
    undo("default", "pip")
    assert path.read_text() == "[global]\n"


def test_what_another_has_written_meanwhile_is_not_lost(home: Path) -> None:
    path = home / "pip.conf"
    plan = setup.plan_setup("default", pip_work(path, "https://dev/simple/"))
    path.write_text("[theirs]\n")
    with pytest.raises(AegisError, match="changed by another"):
        plan.write()
    assert path.read_text() == "[theirs]\n"


def test_a_broken_file_is_named_and_left(home: Path) -> None:
    path = home / "pip.conf"
    path.write_text("no section\n")
    with pytest.raises(AegisError, match=r"pip\.conf"):
        setup.plan_setup("default", pip_work(path, "https://dev/simple/"))
    assert path.read_text() == "no section\n"


def test_records_are_their_users_alone_and_hold_no_password(home: Path) -> None:
    set_up("default", twine.work(DEV, LOGIN, in_keyring=False))
    (record,) = records.folder().rglob("*.json")
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert "s3cret" not in record.read_text()
    assert "s3cret" not in repr(
        setup.plan_setup("default", twine.work(DEV, LOGIN, in_keyring=False)).notes
    )


def test_a_record_that_is_none_is_said(home: Path) -> None:
    path = records.folder() / "default" / "pip.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"files": 3}')
    with pytest.raises(AegisError, match="no record"):
        setup.plan_undo("default", "pip")


SECRET_FILES = {
    "ini": "[corp]\nusername = ada\npassword = s3cret one\n[x]\nurl = https://u:s3cret@h/\n"
    "pypi-token:  s3cret\nMY_PASSWORD =\n  s3cret\n",
    "netrc": 'machine h login ada password s3cret\nmachine i\n password\n "s3cret x" '
    "account s3cret\n",
    "toml": 'url = "https://u:s3cret@h/"\nproxy = "http://u:s3/cret:s3cret@h"\n',
    "credentials": '[http-basic]\nx = {username = "ada", password = "s3cret"}\n[y]\n'
    'password = \'s3cret\'\ntoken = """s3cret\ns3cret"""\n',
}


@pytest.mark.parametrize("kind", SECRET_FILES)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_no_secret_is_shown(kind: str, end: str) -> None:
    content = SECRET_FILES[kind].replace("\n", end).encode()
    for before, after in ((content, b""), (b"", content), (content, content + b"#\n")):
        shown = Edit(Path("x"), kind, before, after).diff()  # type: ignore[arg-type]
        assert "s3cret" not in shown
        assert "hidden" in shown


def test_two_secrets_that_differ_are_seen_to() -> None:
    before, after = lines.masked("ini", "password = one", "password = two")
    assert before != after
