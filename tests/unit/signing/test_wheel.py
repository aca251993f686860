"""Wheels compared with what is installed: the parts that no honest wheel has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.signing.record import Environment, Installation
from poetry_aegis.signing.wheel import BadWheel, SignedWheel, unlisted
from tests.support.distributions import make_wheel

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    root = tmp_path / "env"
    site = root / "lib"
    site.mkdir(parents=True)
    return Environment(site, site, root / "bin", root)


def unpacked(environment: Environment, files: Mapping[str, str]) -> Installation:
    """Return what an installer makes of a wheel with *files*: all of it, as it is."""
    info = environment.purelib / "demo-1.0.0.dist-info"
    info.mkdir()
    for name, text in files.items():
        target = environment.purelib / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    (info / "RECORD").write_text("".join(f"{name},,\n" for name in files))
    return Installation("demo", "1.0.0", info)


def test_a_file_that_is_no_wheel_is_said_to_be_none(
    environment: Environment, tmp_path: Path
) -> None:
    path = tmp_path / "demo-1.0.0-py3-none-any.whl"
    path.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(BadWheel, match="cannot be read"):
        SignedWheel(path, unpacked(environment, {}), environment).differences()


def test_a_wheel_without_its_own_description_is_said_to_be_none(
    environment: Environment, tmp_path: Path
) -> None:
    path = make_wheel(tmp_path, file_name="demo-1.0.0-py3-none-any.whl")
    import zipfile

    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("demo/__init__.py", "")
    with pytest.raises(BadWheel, match="no WHEEL file"):
        SignedWheel(path, unpacked(environment, {}), environment).differences()


def test_files_for_a_place_that_no_installer_knows_are_not_guessed(
    environment: Environment, tmp_path: Path
) -> None:
    path = make_wheel(tmp_path, files={"demo-1.0.0.data/elsewhere/x": ""})
    with pytest.raises(BadWheel, match="of no known kind"):
        SignedWheel(path, unpacked(environment, {}), environment).differences()


def test_what_is_missing_altered_and_foreign_is_named(
    environment: Environment, tmp_path: Path
) -> None:
    path = make_wheel(tmp_path, files={"demo/a.py": "a\n", "demo/b.py": "b\n"})
    installed = unpacked(environment, {"demo/a.py": "A\n", "demo/c.py": ""})
    found = SignedWheel(path, installed, environment).differences()
    assert found == [
        "demo-1.0.0.dist-info/METADATA",
        "demo-1.0.0.dist-info/WHEEL",
        "demo/__init__.py",
        "demo/a.py",
        "demo/b.py",
        "demo/c.py",
    ]


def test_scripts_are_installers_own_only_where_an_entry_point_names_them(
    environment: Environment, tmp_path: Path
) -> None:
    points = "[console_scripts]\ndemo = demo:main\n[gui_scripts]\ndemo-gui=demo:main\n"
    path = make_wheel(tmp_path, files={"demo-1.0.0.dist-info/entry_points.txt": points})
    names = ["demo", "demo.exe", "demo-gui", "other"]
    installed = unpacked(environment, {f"../bin/{name}": "" for name in names})
    found = SignedWheel(path, installed, environment).differences()
    assert [name for name in found if "bin" in name] == [str(environment.scripts / "other")]


@pytest.mark.parametrize(
    ("first", "same"),
    [
        ("#!/usr/bin/python3\n", True),
        ("#!/home/ada/.venv/bin/pypy3.11\n", True),
        ("#!C:\\env\\pythonw.exe\r\n", True),
        ("#!/bin/sh\n'''exec' \"/with space/python\" \"$0\" \"$@\"\n' '''\n", True),
        ("#!/usr/bin/env -S python3 -cevil\n", False),
        ("#!/bin/sh\n", False),
        ("#!/bin/sh\n'''exec' /x; evil \"$0\" \"$@\"\n' '''\n", False),
        ("#!/bin/sh\n'''exec' \"$(evil)\" \"$0\" \"$@\"\n' '''\n", False),
        ("#!/bin/sh\n'''exec' '/with space/python' \"$0\" \"$@\"\n' '''\n", True),
        ("#!/usr/bin/python3\nimport os\n", False),
        ("#!/bin/sh\n'''exec' /x \"$0\" \"$@\"\n' '''\nimport os\n", False),
        ("import os\n", False),
        ("", False),
    ],
)
def test_only_the_interpreter_of_a_script_may_be_another(
    environment: Environment, tmp_path: Path, first: str, same: bool
) -> None:
    path = make_wheel(tmp_path, files={"demo-1.0.0.data/scripts/run": "#!python\nprint()\n"})
    installed = unpacked(environment, {"../bin/run": f"{first}print()\n"})
    found = SignedWheel(path, installed, environment).differences()
    assert (str(environment.scripts / "run") not in found) is same


def test_modules_in_no_record_are_named_and_other_files_are_not(environment: Environment) -> None:
    installed = unpacked(environment, {"demo/__init__.py": "", "demo/deep/x.py": ""})
    for name in ("demo/evil.py", "demo/deep/x/__init__.py", "demo/bare.pyc", "demo/notes.txt"):
        target = environment.purelib / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("")
    (environment.purelib / "demo/__pycache__").mkdir()
    (environment.purelib / "demo/__pycache__/a.pyc").write_text("")
    listed = frozenset(row.path for row in installed.rows)
    assert unlisted(installed, listed) == [
        "demo/bare.pyc",
        "demo/deep/x/__init__.py",
        "demo/evil.py",
    ]


@pytest.mark.parametrize(
    ("own", "added"),
    [
        ("demo.py", "demo/__init__.py"),
        ("demo.py", "demo.abi3.so"),
        ("space/demo.py", "space/demo/__init__.cpython-313-x86_64-linux-gnu.so"),
        ("space/demo.py", "space/demo.pyd"),
        ("demo/__init__.py", "demo/__init__.cpython-313-x86_64-linux-gnu.so"),
    ],
)
@pytest.mark.parametrize("by_another", [False, True])
def test_what_is_imported_in_the_place_of_a_module_is_named(
    environment: Environment, own: str, added: str, by_another: bool
) -> None:
    installed = unpacked(environment, {own: "", "space/other.py": ""})
    evil, fine = environment.purelib / added, environment.purelib / "space/another.py"
    for target in (evil, fine, environment.purelib / "demographics.py"):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("")
    listed = frozenset(row.path for row in installed.rows)
    assert unlisted(installed, listed | ({evil} if by_another else set())) == [added]


def test_a_link_to_a_folder_is_named(environment: Environment, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "__init__.py").write_text("")
    installed = unpacked(environment, {"demo/__init__.py": "", "demo/core.py": ""})
    (environment.purelib / "demo/core").symlink_to(elsewhere)
    (environment.purelib / "demo/more").symlink_to(elsewhere)
    listed = frozenset(row.path for row in installed.rows)
    assert {"demo/core", "demo/more"} <= set(unlisted(installed, listed))
