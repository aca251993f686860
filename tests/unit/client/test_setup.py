from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.client import ini, lines, netrc, pip, records, setup, twine, undoing, uv
from poetry_aegis.client.edits import Edit
from poetry_aegis.client.poetry import Index
from poetry_aegis.client.setup import Login, Plan, Want, Work
from poetry_aegis.errors import AegisError

if TYPE_CHECKING:
    from collections.abc import Callable

DEV, PROD = Index("dev", "https://dev/"), Index("prod", "https://prod/")
LOGIN = Login("ada", "s3cret")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in list(os.environ):
        if name.startswith(("UV_", "TWINE_", "PIP_", "NETRC")):
            monkeypatch.delenv(name)
    return tmp_path


def set_up(profile: str, work: Work) -> Plan:
    plan = setup.plan_setup(profile, work)
    setup.write(plan, None)
    return plan


def undo(profile: str, tool: str) -> Plan:
    plan = undoing.plan_undo(profile, tool)
    assert plan is not None
    undoing.take_back(plan)
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
    assert undoing.plan_undo("dev", "pip") is None
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
        undoing.plan_undo("default", "pip")


SECRET_FILES = {
    "ini": "[corp]\nusername = ada\npassword = s3cret one\n[x]\nurl = https://u:s3cret@h/\n"
    "pypi-token:  s3cret\nMY_PASSWORD =\n  s3cret\nurl = https://u:a's3cret\"s3cret@h/\n",
    "netrc": 'machine h login ada password s3cret\nmachine i\n password\n "s3cret x" '
    "account s3cret\nmachine j password 'a's3cret\nmachine k password \"a b\"s3cret\n",
    "toml": 'url = "https://u:s3cret@h/"\nproxy = "http://u:s3/cret:s3cret@h"\n'
    'other = "https://u:a\'s3cret@h/"\n',
    "credentials": '[http-basic]\nx = {username = "ada", password = "s3cret"}\n[y]\n'
    'password = \'s3cret\'\ntoken = """s3cret\ns3cret"""\n'
    "[z]\npassword = '''s3'cret\ns3cret'''\n",
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


@pytest.mark.parametrize(
    ("content", "work", "place"),
    [
        (b"index-url = x\n", lambda: pip.work(DEV), "in line 1"),
        (b"[a]\n[b]\nx = 1\n[a]\n", lambda: pip.work(DEV), "in line 4"),
        (b"[global]\n\xff = 1\n", lambda: pip.work(DEV), "line 2"),
        (b"a = 1\n[[index]\n", lambda: uv.work(DEV), "in line 2"),
        (b"a = 1\n\xff = 2\n", lambda: uv.work(DEV), "in line 2"),
    ],
    ids=["no-section", "twice", "pip-bytes", "no-table", "uv-bytes"],
)
def test_a_broken_file_is_named_with_its_line(
    home: Path, content: bytes, work: Callable[[], Work], place: str
) -> None:
    path = home / "config" / ("uv/uv.toml" if b"a = 1" in content else "pip/pip.conf")
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(AegisError, match=re.escape(f"{path}: ")) as caught:
        work()
    assert place in str(caught.value)


def test_the_login_of_another_user_is_told_of_and_comes_back(home: Path) -> None:
    path = home / ".pypirc"
    path.write_text("# mine\n[distutils]\nindex-servers = pypi\n")
    before = path.read_text()
    assert not set_up("default", twine.work(DEV, LOGIN, in_keyring=False)).logins
    adas = path.read_text()
    assert not set_up("default", twine.work(DEV, LOGIN, in_keyring=False)).logins
    other = twine.work(DEV, Login("installer", "other"), in_keyring=False)
    for _ in range(2):  # the second time it is there already
        plan = set_up("default", other)
    assert not plan.logins
    undo("default", "twine")
    assert path.read_text() == adas
    assert [str(item) for item in setup.plan_setup("default", other).logins] == [
        f"replaces the login of ada in {path}"
    ]
    undo("default", "twine")
    assert path.read_text() == before
    assert undoing.plan_undo("default", "twine") is None


def test_the_login_of_another_repository_stays_beside_a_new_one(home: Path) -> None:
    set_up("default", twine.work(DEV, LOGIN, in_keyring=False))
    one = (home / ".pypirc").read_text()
    plan = set_up("default", twine.work(PROD, Login("installer", "x"), in_keyring=False))
    assert not plan.logins
    assert {"dev", "prod"} <= {name for name, _ in ini.values((home / ".pypirc").read_bytes())}
    undo("default", "twine")
    assert (home / ".pypirc").read_text() == one


def test_another_token_is_anothers_login(home: Path) -> None:
    token = Login("__token__", "first")
    set_up("default", twine.work(DEV, token, in_keyring=False))
    assert not setup.plan_setup("default", twine.work(DEV, token, in_keyring=False)).logins
    other = twine.work(DEV, Login("__token__", "second"), in_keyring=False)
    (replaced,) = setup.plan_setup("default", other).logins
    assert replaced.username == "__token__"
    assert "first" not in repr(setup.plan_setup("default", other).logins)


def test_the_login_of_another_profile_comes_back_with_its_record(home: Path) -> None:
    netrc_of = netrc.work("host", LOGIN), netrc.work("host", Login("installer", "x"))
    set_up("dev", netrc_of[0])
    adas = (home / ".netrc").read_text()
    assert set_up("prod", netrc_of[1]).logins
    assert records.load("dev", "netrc") is None
    undo("prod", "netrc")
    assert (home / ".netrc").read_text() == adas
    undo("dev", "netrc")
    assert not (home / ".netrc").exists()


def test_a_record_of_an_older_version_is_read(home: Path) -> None:
    set_up("default", twine.work(DEV, LOGIN, in_keyring=False))
    path = records.folder() / "default" / "twine.json"
    table = json.loads(path.read_text())
    del table["kept"], table["below"]
    path.write_text(json.dumps(table))
    undo("default", "twine")
    assert not (home / ".pypirc").exists()


def test_a_record_below_with_a_name_that_is_a_path_is_refused(home: Path) -> None:
    set_up("default", twine.work(DEV, LOGIN, in_keyring=False))
    path = records.folder() / "default" / "twine.json"
    table = json.loads(path.read_text())
    table["below"] = [{**table, "profile": "../../x"}]
    path.write_text(json.dumps(table))
    with pytest.raises(AegisError, match="no record of a setup"):
        undoing.plan_undo("default", "twine")


def test_a_file_that_is_read_only_is_left(home: Path) -> None:
    path = home / "pip.conf"
    path.write_text("[global]\ntimeout = 5\n")
    path.chmod(0o444)
    with pytest.raises(AegisError, match="is read-only") as caught:
        set_up("default", pip_work(path, "https://dev/simple/"))
    assert caught.value.hint.endswith(f"chmod u+w {path}")
    assert path.read_text() == "[global]\ntimeout = 5\n"
    assert not setup.plan_setup("default", Work("pip", "", ())).changes


def test_the_profiles_that_are_still_set_up(home: Path) -> None:
    path = home / "pip.conf"
    assert undoing.still_set_up(("pip",)) == []
    for profile in ("default", "dev", "prod"):
        set_up(profile, pip_work(path, f"https://{profile}/simple/"))
        set_up(profile, netrc.work(profile, LOGIN))
    # pip has room for one; the passwords of all three are there.
    assert undoing.still_set_up(("pip",)) == ["default", "dev", "prod"]
    assert undoing.still_set_up(("twine",)) == []
    set_up("dev", uv.work(DEV))
    assert undoing.still_set_up(("pip",)) == ["default", "prod"]
    assert undoing.still_set_up(("pip", "uv")) == ["default", "dev", "prod"]
