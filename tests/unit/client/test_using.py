from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.client import pip, using
from poetry_aegis.client.show import Used, look
from tests.support.server import answering

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PUBLIC = "https://public/"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    for name in list(os.environ):
        if name.startswith(("PIP_", "UV_", "NETRC")):
            monkeypatch.delenv(name)
    return tmp_path


def brief(used: Iterable[Used]) -> list[tuple[str, str]]:
    return [(item.shown_url, item.role) for item in used]


def test_pip_takes_the_variable_then_its_section_then_the_last_file(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, user, site = home / "system.conf", home / "user.conf", home / "site.conf"
    system.write_text("[install]\nindex-url = https://system/\n")
    user.write_text(
        "[global]\nindex-url = https://user/\nextra_index_url =\n  https://a/\n  https://b/\n"
    )
    site.write_text("[global]\nindex-url = https://site/\n")
    known = {"global": [system], "user": [user], "site": [site]}
    monkeypatch.setattr(pip, "files", lambda: known)
    beside = [("https://a/", "beside it"), ("https://b/", "beside it")]
    assert brief(using.pip_uses({}, PUBLIC)) == [("https://system/", "index"), *beside]
    system.write_text("")
    assert brief(using.pip_uses({}, PUBLIC))[0] == ("https://site/", "index")
    named = {"PIP_INDEX_URL": "https://u:p@named/"}
    (first, *_) = using.pip_uses(named, PUBLIC)
    assert (first.shown_url, first.where) == ("https://named/", "PIP_INDEX_URL")
    assert brief(using.pip_uses({"PIP_CONFIG_FILE": os.devnull}, PUBLIC)) == [(PUBLIC, "index")]


def test_pips_own_word_is_where_its_files_are(home: Path) -> None:
    assert pip.location() == home / ".config" / "pip" / "pip.conf"


@pytest.mark.parametrize(
    ("platform", "place"),
    [
        ("linux", ".config/pip/pip.conf"),
        ("darwin", "Library/Application Support/pip/pip.conf"),
        ("win32", "Roaming/pip/pip.ini"),
    ],
)
def test_without_pip_its_rules_say(
    home: Path, monkeypatch: pytest.MonkeyPatch, platform: str, place: str
) -> None:
    (home / "Library" / "Application Support" / "pip").mkdir(parents=True)
    monkeypatch.setenv("APPDATA", str(home / "Roaming"))
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr(pip, "files", dict)
    assert pip.location() == home / place


def test_uv_takes_the_variable_then_the_project_then_the_user(home: Path) -> None:
    project = home / "project"
    (project / "src").mkdir(parents=True)
    (home / ".config" / "uv").mkdir(parents=True)
    (home / ".config" / "uv" / "uv.toml").write_text(
        '[[index]]\nurl = "https://user/"\ndefault = true\n[[index]]\nurl = "https://before/"\n'
        '[[index]]\nurl = "https://never/"\nexplicit = true\nname = "x"\n'
    )
    before = ("https://before/", "before it")
    found = brief(using.uv_uses({}, project / "src", PUBLIC))
    assert found == [("https://user/", "index"), before]
    (project / "pyproject.toml").write_text(
        '[[tool.uv.index]]\nname = "corp-x"\nurl = "https://project/"\ndefault = true\n'
    )
    login = {"UV_INDEX_CORP_X_USERNAME": "ada", "UV_INDEX_CORP_X_PASSWORD": "p"}
    (first, *_) = using.uv_uses(login, project / "src", PUBLIC)
    assert (first.url, first.login) == ("https://project/", ("ada", "p"))
    named = {"UV_DEFAULT_INDEX": "https://named/", "UV_INDEX": "x=https://x/"}
    assert brief(using.uv_uses(named, project, PUBLIC))[:2] == [
        ("https://named/", "index"),
        ("https://x/", "before it"),
    ]
    assert brief(using.uv_uses({"UV_NO_CONFIG": "1"}, project, PUBLIC)) == [(PUBLIC, "index")]


def test_twine_takes_the_variables_then_its_file(home: Path) -> None:
    assert brief(using.twine_uses({}, PUBLIC)) == [(PUBLIC, "upload")]
    (home / ".pypirc").write_text(
        "[distutils]\nindex-servers = corp\n[corp]\nrepository = https://corp/legacy/\n"
    )
    corp = ("https://corp/legacy/", "upload")
    assert brief(using.twine_uses({}, PUBLIC)) == [(PUBLIC, "upload"), corp]
    assert brief(using.twine_uses({"TWINE_REPOSITORY": "corp"}, PUBLIC)) == [corp]
    url = {"TWINE_REPOSITORY_URL": "https://url/"}
    assert brief(using.twine_uses(url, PUBLIC)) == [("https://url/", "upload"), corp]


@pytest.mark.parametrize(
    ("content", "why"), [(b"[x", "line 1"), (b"[x]\ny = 1\n\xff\xfe=2\n", "line 3")]
)
def test_a_broken_file_is_named_in_place_of_an_index(home: Path, content: bytes, why: str) -> None:
    names = (".config/pip/pip.conf", ".config/uv/uv.toml", ".pypirc")
    for name in names:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(content)
    found = [
        *using.pip_uses({}, PUBLIC),
        *using.uv_uses({}, home, PUBLIC),
        *using.twine_uses({}, PUBLIC),
    ]
    assert [item.shown_url for item in found] == [f"cannot be read: {home / n}" for n in names]
    assert all(why in item.broken for item in found), found
    assert [seen.state for seen in look(found)] == ["unreadable"] * 3


def test_a_mark_that_pip_does_not_take(home: Path) -> None:
    path = home / ".config" / "pip" / "pip.conf"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xef\xbb\xbf[global]\nindex-url = https://x/\n")
    assert brief(using.pip_uses({}, PUBLIC)) == [(f"cannot be read: {path}", "index")]


def test_a_file_that_may_not_be_read_is_named_and_pip_goes_on_without_it(home: Path) -> None:
    path = home / ".config" / "pip" / "pip.conf"
    path.mkdir(parents=True)  # No rights would not do: root may read everything.
    assert brief(using.pip_uses({}, PUBLIC)) == [
        (f"cannot be read: {path}", "index"),
        (PUBLIC, "index"),
    ]
    named = home / "none.toml"
    (home / ".config" / "uv" / "uv.toml").mkdir(parents=True)
    (used,) = using.uv_uses({}, home, PUBLIC)
    assert used.broken == "Is a directory"
    (used,) = using.uv_uses({"UV_CONFIG_FILE": str(named)}, home, PUBLIC)
    assert used.shown_url == f"cannot be read: {named}"


def test_a_broken_project_is_passed_over_as_uv_does(home: Path) -> None:
    (home / "pyproject.toml").write_text("[x")
    assert brief(using.uv_uses({}, home, PUBLIC)) == [(PUBLIC, "index")]


@pytest.mark.parametrize(
    ("status", "role", "state"),
    [
        (200, "index", "answers"),
        (302, "index", "answers"),
        (401, "index", "unauthorized"),
        (403, "upload", "forbidden"),
        (404, "index", "refuses"),
        (405, "upload", "answers"),
        (500, "upload", "refuses"),
    ],
)
def test_an_index_is_seen_as_it_answers(home: Path, status: int, role: str, state: str) -> None:
    with answering(status) as url:
        (seen,) = look([Used("pip", url, "here", role)])
    assert (seen.state, seen.status) == (state, status)


def test_what_does_not_answer_or_is_no_address(home: Path) -> None:
    used = [Used("pip", url, "here") for url in ("http://127.0.0.1:1/", "nonsense", "http://[::1")]
    assert [seen.state for seen in look(used)] == ["unreachable"] * 3
    assert look([]) == []
    assert used[2].shown_url == "an address that cannot be read"
