"""The version in other files: found exactly once, changed there and nowhere else."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import SettingsError
from poetry_aegis.release.version_files import parse_entry, version_file_changes, with_version

if TYPE_CHECKING:
    from pathlib import Path


def changed(text: str, place: str, new: str = "2.0.0rc1") -> str:
    """Return *text* with the version *new* where the entry ``file:place`` says."""
    found, content = with_version(text.encode(), parse_entry(f"file:{place}"), new)
    assert found == "1.2.3"
    return content.decode()


@pytest.mark.parametrize(
    "text",
    [
        '__version__ = "@"',
        "__version__ = '@'  # keep me",
        '__version__: Final[str] = "@"',
        '__version__: Final = r"@"',
        '__version__ = """@"""',
        '"""A package."""\n\n__version__="@"\n\nx = 1\n',
        'if True:\n    __version__ = "@"\n',
        "__version__ = '@'; other = '9.9.9'",
        '__version__ = "@"\nold__version__ = "0.0.1"\nself.__version__ = "0.0.2"\n',
        '# __version__ = "0.0.1"\n__version__ = "@"\n',
    ],
)
def test_a_python_variable_is_found_however_it_is_assigned(text: str) -> None:
    after = changed(text.replace("@", "1.2.3"), "__version__")
    assert after == text.replace("@", "2.0.0rc1")


@pytest.mark.parametrize(
    "text",
    [
        'name = "x"\nversion = "@"\n',
        '{\n  "name": "x",\n  "version": "@",\n  "a": "1.0"\n}\n',
        '{"name":"x","version":"@"}',
        "name: x\nversion: @\n",
        "version: '@' # as = ever\n",
        "[metadata]\nversion = @\n",
    ],
)
def test_a_variable_is_found_in_toml_json_yaml_and_ini(text: str) -> None:
    assert changed(text.replace("@", "1.2.3"), "version") == text.replace("@", "2.0.0rc1")


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        ('release = "1.2.3"', 'release = "{version}"', 'release = "2.0.0rc1"'),
        ("see demo-1.2.3.tar.gz.", "demo-{version}.tar.gz", "see demo-2.0.0rc1.tar.gz."),
        ("demo 1.2.3. Next: 4", "demo {version}", "demo 2.0.0rc1. Next: 4"),
        ('"v": "1.2.3"', '"v": "{semver}"', '"v": "2.0.0-rc.1"'),
        ("a(b)*: 1.2.3", "a(b)*: {version}", "a(b)*: 2.0.0rc1"),
        ("x==1.2.3\ny==1\n", r"^x==([\d.]+)$", "x==2.0.0rc1\ny==1\n"),
        ("x==1.2.3\ny==1\n", r"(?:x)==(?P<found>[\d.]+)", "x==2.0.0rc1\ny==1\n"),
    ],
)
def test_a_pattern_is_text_around_the_version_or_a_regular_expression(
    text: str, place: str, expected: str
) -> None:
    assert changed(text, place) == expected


@pytest.mark.parametrize(
    ("text", "place", "times"),
    [
        ("nothing here", "__version__", "nowhere"),
        ("__version__ = get()", "__version__", "nowhere"),
        ("my__version__ = '1.0'", "__version__", "nowhere"),
        ("v 1.0\nv 2.0\n", "v {version}", "2 times"),
        ("v='1.0'\nv='2.0'\nv='3.0'\n", "v", "3 times"),
        ("aa", "(a)", "2 times"),
        ("", "(x)", "nowhere"),
    ],
)
def test_anything_but_one_match_is_refused_with_its_number(
    text: str, place: str, times: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        with_version(text.encode(), parse_entry(f"docs/x.py:{place}"), "2.0.0")
    assert str(caught.value) == (
        f"{f'docs/x.py:{place}'!r} in version_files matches {times} in docs/x.py; "
        "it has to match exactly once."
    )


@pytest.mark.parametrize(
    ("text", "place"), [("v = dev", "v = (.*)"), ("xy", "x(1)?y"), ("v = 1-2-3", "v = {version}")]
)
def test_what_matches_has_to_be_a_version(text: str, place: str) -> None:
    with pytest.raises(SettingsError, match="which is not a version"):
        with_version(text.encode(), parse_entry(f"file:{place}"), "2.0.0")


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        ("src/pkg/__init__.py:__version__", "src/pkg/__init__.py"),
        ("src\\pkg\\__init__.py:__version__", "src/pkg/__init__.py"),
        ("a:b", "a"),
        ("C:\\work\\x.py:__version__", "C:/work/x.py"),
        ("docs/conf.py:release: {version}", "docs/conf.py"),
    ],
)
def test_the_first_colon_ends_the_path_unless_it_is_a_drive(entry: str, path: str) -> None:
    assert parse_entry(entry).path == path


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("docs/conf.py", "is not of the form path:variable or path:pattern"),
        (":__version__", "is not of the form"),
        ("x.py: ", "is not of the form"),
        ("C:\\x.py", "is not of the form"),
        ("x.py:a {version} b {semver}", "names the version 2 times"),
        ("x.py:(", "is not a regular expression"),
        ("x.py:no group", "must have one group, the version; it has 0"),
        ("x.py:(a)(b)", "must have one group, the version; it has 2"),
    ],
)
def test_an_entry_that_means_nothing_is_refused(entry: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message.replace("(", r"\(")):
        parse_entry(entry)


@pytest.mark.parametrize(
    "mark_and_encoding",
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ],
)
@pytest.mark.parametrize("place", ["version", '^version = "(.*)"'])
def test_encoding_mark_and_line_endings_stay(
    mark_and_encoding: tuple[bytes, str], place: str
) -> None:
    mark, encoding = mark_and_encoding
    text = 'version = "@"\r\n# 판본\n\r\n'
    before = mark + text.replace("@", "1.0").encode(encoding)
    _, after = with_version(before, parse_entry(f"x:{place}"), "1.1.0")
    assert after == mark + text.replace("@", "1.1.0").encode(encoding)


def test_bytes_that_are_no_text_stay() -> None:
    before = b"\xfd caf\xe9\nv = '1.0'\n\x80"
    assert with_version(before, parse_entry("x:v"), "1.1")[1] == before.replace(b"1.0", b"1.1")


def test_long_lines_cost_no_more_than_others() -> None:
    text = "1" * 200_000 + " " * 200_000 + "v = '1.0'\n" + "v=" * 100_000
    _, after = with_version(text.encode(), parse_entry("x:v = '{version}'"), "1.1")
    assert after == text.replace("1.0", "1.1").encode()
    with pytest.raises(SettingsError, match="nowhere"):
        with_version(text.encode(), parse_entry("x:v"), "1.1")


# Files


def test_each_file_comes_back_once_with_all_its_entries(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"__version__ = '1.0.0'\nrelease = '1.0.0'\n")
    (tmp_path / "b.json").write_bytes(b'{"version": "1.0.0"}')
    entries = ("a.py:__version__", "b.json:version", "./a.py:release")
    changes = version_file_changes(tmp_path, entries, "1.0.0", "1.1.0")
    assert [(change.path, change.before, change.after, change.notes) for change in changes] == [
        (
            (tmp_path / "a.py").resolve(),
            b"__version__ = '1.0.0'\nrelease = '1.0.0'\n",
            b"__version__ = '1.1.0'\nrelease = '1.1.0'\n",
            (),
        ),
        (
            (tmp_path / "b.json").resolve(),
            b'{"version": "1.0.0"}',
            b'{"version": "1.1.0"}',
            (),
        ),
    ]
    assert (tmp_path / "b.json").read_bytes() == b'{"version": "1.0.0"}'


def test_a_file_that_lags_behind_is_taken_along_and_told_of(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("v = '0.9'\n")
    (change,) = version_file_changes(tmp_path, ["a.py:v"], "1.0.0", "1.1.0")
    assert change.after == b"v = '1.1.0'\n"
    assert change.notes == ("a.py says 0.9 and the project 1.0.0; both will say 1.1.0.",)


@pytest.mark.parametrize("spelling", ["1.0.0rc1", "1.0.0-rc.1", "1.1.0"])
def test_another_spelling_or_the_new_version_is_no_lag(tmp_path: Path, spelling: str) -> None:
    (tmp_path / "a.py").write_text(f"v = '{spelling}'\n")
    (change,) = version_file_changes(tmp_path, ["a.py:v"], "1.0.0rc1", "1.1.0")
    assert change.notes == ()


def test_a_file_beside_the_project_is_reached_in_the_repository_only(tmp_path: Path) -> None:
    project = tmp_path / "packages" / "one"
    project.mkdir(parents=True)
    (tmp_path / "README.md").write_text("one 1.0\n")
    entries = ["../../README.md:one {version}"]
    (change,) = version_file_changes(project, entries, "1.0", "1.1", within=tmp_path)
    assert change.after == b"one 1.1\n"
    with pytest.raises(SettingsError, match="leaves the repository"):
        version_file_changes(project, entries, "1.0", "1.1")


@pytest.mark.parametrize(
    "path", ["../x.py", "/etc/hostname", "C:\\x.py", "a/../../x.py", "link/x.py", "link.py"]
)
def test_no_path_leads_out(tmp_path: Path, path: str) -> None:
    root = tmp_path / "project"
    outside = tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "link").symlink_to(outside)
    (root / "link.py").symlink_to(outside / "x.py")
    (outside / "x.py").write_text("v = '1.0'\n")
    with pytest.raises(SettingsError, match="leaves the repository"):
        version_file_changes(root, [f"{path}:v"], "1.0", "1.1")


@pytest.mark.parametrize("path", ["gone.py", "directory"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, path: str) -> None:
    (tmp_path / "directory").mkdir()
    with pytest.raises(SettingsError, match=f"^{path}, which '{path}:v' in version_files names"):
        version_file_changes(tmp_path, [f"{path}:v"], "1.0", "1.1")


def test_pyproject_itself_is_no_version_file(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.0"\n')
    with pytest.raises(SettingsError, match=r"names pyproject\.toml itself"):
        version_file_changes(tmp_path, ["pyproject.toml:version"], "1.0", "1.1")
