"""``poetry aegis yank``, ``delete`` and ``project``, in Poetry's own application."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from poetry_aegis.errors import Forbidden, PublishError, Unauthorized, UsageError
from tests.support.commands import Terminal, aegis
from tests.support.distributions import make_sdist, make_wheel
from tests.support.faulty import faulty_index
from tests.support.git import PYPROJECT, make_project
from tests.support.registry import USERS, RegistryServer, listed_files, running_registry, upload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    with running_registry(tmp_path_factory.mktemp("registry") / "data") as server:
        yield server


@pytest.fixture
def lib(registry: RegistryServer, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Return a project of the test's own, with an sdist and a wheel of 1.0 and a wheel of 2.0."""
    name = "lib" + "".join(filter(str.isalnum, request.node.name.lower()))[:80]
    dist = tmp_path / "dist"
    for file in (
        make_wheel(dist, name, "1.0"),
        make_sdist(dist, name, "1.0"),
        make_wheel(dist, name, "2.0"),
    ):
        assert upload(registry, file).status_code == 200
    return name


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Return what gives Poetry, in a directory without a project, one repository and its user."""
    directory = tmp_path / "config"
    directory.mkdir()
    for name in list(os.environ):
        if name.startswith("POETRY_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("POETRY_KEYRING_ENABLED", "false")
    monkeypatch.setattr("poetry.locations.CONFIG_DIR", directory)
    monkeypatch.setattr("poetry.config.config.CONFIG_DIR", directory)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")

    def write(url: str, user: str) -> None:
        monkeypatch.setattr("poetry.config.config._default_config", None)
        password = USERS[user][0]
        (directory / "config.toml").write_text(f'[repositories.corp]\nurl = "{url}"\n')
        (directory / "auth.toml").write_text(
            f'[http-basic.corp]\nusername = "{user}"\npassword = "{password}"\n'
        )

    return write


@pytest.fixture
def as_user(
    registry: RegistryServer, configure: Callable[[str, str], None]
) -> Callable[[str], None]:
    return lambda user: configure(f"{registry.url}/legacy/", user)


@pytest.fixture
def admins_lib(lib: str, as_user: Callable[[str], None]) -> str:
    """Return the project, an admin being at it."""
    as_user("ada")
    return lib


def wheel(lib: str, version: str = "1.0") -> str:
    return f"{lib}-{version}-py3-none-any.whl"


def yanked(registry: RegistryServer, lib: str) -> dict[str, Any]:
    return {name: file["yanked"] for name, file in listed_files(registry, lib).items()}


@pytest.mark.parametrize("words", [("project", "lib"), ("yank", "lib==1.0", "--dry-run")])
def test_who_looks_at_an_index_is_not_told_to_publish(
    configure: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setattr("poetry.config.config._default_config", None)  # No repository is there.
    refused = aegis(*words)
    assert refused.code == UsageError.exit_code
    assert "poetry config repositories.NAME URL" in refused.err
    assert "aegis publish" not in refused.err


# yank


def test_a_version_is_yanked_and_offered_again(
    registry: RegistryServer, lib: str, as_user: Callable[[str], None]
) -> None:
    as_user("pub")
    done = aegis("yank", f"{lib.upper()}==1", "--reason", "loses <b>data</b>")
    assert (done.code, done.out) == (0, f"{lib} 1.0 is yanked: 2 files.\n"), done.err
    reason = "loses <b>data</b>"
    assert yanked(registry, lib) == {
        wheel(lib): reason,
        f"{lib}-1.0.tar.gz": reason,
        wheel(lib, "2.0"): False,
    }
    assert aegis("yank", f"{lib}==1.0", "--reason", reason).out == f"{lib} 1.0 is yanked already.\n"
    done = aegis("yank", f"{lib}==1.0", "--undo", "--json")
    assert done.document["changed"] == [wheel(lib), f"{lib}-1.0.tar.gz"]
    assert not done.document["yanked"]
    assert set(yanked(registry, lib).values()) == {False}
    assert aegis("yank", f"{lib}==1.0", "--undo").out == f"{lib} 1.0 is not yanked.\n"


def test_a_yank_without_a_reason_keeps_the_one_that_was_told(
    registry: RegistryServer, lib: str, as_user: Callable[[str], None]
) -> None:
    as_user("pub")
    assert aegis("yank", f"{lib}==2.0").code == 0
    assert yanked(registry, lib)[wheel(lib, "2.0")] in ("", True)
    assert aegis("yank", f"{lib}==2.0", "--reason", "why").code == 0

    again = aegis("yank", f"{lib}==2.0")

    assert again.out == f"{lib} 2.0 is yanked already.\n"
    assert yanked(registry, lib)[wheel(lib, "2.0")] == "why"


def test_a_dry_run_yanks_nothing(
    registry: RegistryServer, lib: str, as_user: Callable[[str], None]
) -> None:
    as_user("pub")
    planned = aegis("yank", f"{lib}==1.0", "--dry-run")
    assert planned.code == 0
    assert planned.out == f"{lib} 1.0 would be yanked: 2 files. Nothing was changed.\n"
    document = aegis("yank", f"{lib}==1.0", "--dry-run", "--json").document
    assert (document["dry_run"], len(document["changed"])) == (True, 2)
    assert set(yanked(registry, lib).values()) == {False}


@pytest.mark.parametrize(
    ("version", "error"), [("", UsageError), ("==3", PublishError)], ids=["none", "unknown"]
)
def test_which_versions_there_are_is_told(
    lib: str, as_user: Callable[[str], None], version: str, error: type[PublishError]
) -> None:
    as_user("pub")
    refused = aegis("yank", f"{lib}{version}")
    assert refused.code == error.exit_code
    assert "The index has of it: 2.0, 1.0." in refused.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("yank", "lib==one"),
        ("yank", "../lib==1.0"),
        ("yank", "lib>=1.0"),
        ("yank", "lib==1.0", "--undo", "--reason", "x"),
        ("delete", "lib==1.0", "--all"),
        ("delete", "lib", "--all", "--file", "lib-1.0.tar.gz"),
        ("project", "lib==1.0"),
        ("project", "lib", "--status", "closed"),
        ("project", "lib", "--reason", "x"),
    ],
)
def test_what_makes_no_sense_is_refused_before_the_index_is_asked(
    configure: Callable[[str, str], None], arguments: tuple[str, ...]
) -> None:
    configure("http://127.0.0.1:9/legacy/", "pub")  # where nobody answers
    refused = aegis(*arguments, "--json")
    assert refused.code == UsageError.exit_code
    assert refused.document["hint"]


@pytest.mark.parametrize(
    ("command", "user", "role"),
    [
        ("yank LIB==1.0", "rae", "publisher"),
        ("delete LIB==1.0 --yes", "pub", "admin"),
        ("project LIB --status archived", "pub", "admin"),
    ],
)
def test_who_lacks_the_right_is_told_before_anything_else(
    lib: str, as_user: Callable[[str], None], command: str, user: str, role: str
) -> None:
    as_user(user)
    refused = aegis(*command.replace("LIB", lib).split(), "--json")
    assert refused.code == Forbidden.exit_code
    assert f"does not allow {user} to" in refused.document["message"]
    assert f"role {role}" in refused.document["hint"]


def test_a_wrong_password_is_told(
    registry: RegistryServer, lib: str, as_user: Callable[[str], None], tmp_path: Path
) -> None:
    as_user("pub")
    auth = tmp_path / "config" / "auth.toml"
    auth.write_text(auth.read_text().replace(USERS["pub"][0], "wrong-password"))
    refused = aegis("yank", f"{lib}==1.0")
    assert refused.code == Unauthorized.exit_code
    assert "wrong-password" not in refused.err


def test_another_index_has_no_api_for_that(configure: Callable[[str, str], None]) -> None:
    with faulty_index() as other:
        configure(other.url, "pub")
        for command in (("yank", "lib==1.0"), ("delete", "lib==1.0", "--yes"), ("project", "lib")):
            refused = aegis(*command)
            assert refused.code == PublishError.exit_code
            assert "The index corp has no API for that" in refused.err
            assert "Only a poetry-aegis server has it" in refused.err


def test_nobody_answers(configure: Callable[[str, str], None]) -> None:
    configure("http://127.0.0.1:9/legacy/", "pub")
    refused = aegis("delete", "lib==1.0", "--yes", "--json")
    assert refused.document["error"] == "Unreachable"


# delete


def test_a_version_a_file_and_a_project_are_deleted(
    registry: RegistryServer, lib: str, as_user: Callable[[str], None]
) -> None:
    as_user("ada")
    done = aegis("delete", lib, "--file", f"{lib}-1.0.tar.gz", "--yes")
    assert done.code == 0, done.err
    assert done.out.splitlines()[1:] == [f"  {lib}-1.0.tar.gz", "Deleted 1 file."]
    assert sorted(listed_files(registry, lib)) == [wheel(lib), wheel(lib, "2.0")]
    document = aegis("delete", f"{lib}==2", "--yes", "--json").document
    assert document["deleted"] == [wheel(lib, "2.0")]
    assert sorted(listed_files(registry, lib)) == [wheel(lib)]
    assert aegis("delete", lib, "--all", "--yes").code == 0
    assert not (registry.data / "packages" / lib).exists()
    assert aegis("delete", lib, "--all", "--yes").code == PublishError.exit_code


@pytest.mark.parametrize("options", [(), ("--json",), ("--dry-run",)])
def test_without_a_yes_nothing_is_deleted(
    registry: RegistryServer, lib: str, as_user: Callable[[str], None], options: tuple[str, ...]
) -> None:
    as_user("ada")
    result = aegis("delete", f"{lib}==1.0", *options)
    if "--dry-run" in options:
        assert (result.code, result.out.splitlines()[-1]) == (0, "Nothing was changed.")
    else:
        assert result.code == UsageError.exit_code
        assert "Add --yes" in result.err
    assert wheel(lib) in result.out + result.err, "it is shown what would go"
    assert len(listed_files(registry, lib)) == 3


@pytest.mark.parametrize(("answer", "left"), [("", 3), ("\n", 3), ("no\n", 3), ("yes\n", 1)])
def test_on_a_terminal_it_is_asked(
    registry: RegistryServer,
    admins_lib: str,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    left: int,
) -> None:
    lib = admins_lib
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    result = aegis("delete", f"{lib}==1.0")
    assert "Delete 2 files for good?" in result.out + result.err
    assert (result.code == 0) == (left == 1), result.err
    assert len(listed_files(registry, lib)) == left


@pytest.mark.parametrize("release", ["LIB", "LIB==2.0"])
def test_a_file_that_is_not_there_is_told_with_those_that_are(
    registry: RegistryServer, lib: str, as_user: Callable[[str], None], release: str
) -> None:
    as_user("ada")
    refused = aegis("delete", release.replace("LIB", lib), "--file", "lib-9.tar.gz", "--yes")
    assert refused.code == PublishError.exit_code
    assert wheel(lib, "2.0") in refused.err
    assert (wheel(lib) in refused.err) == (release == "LIB")
    assert len(listed_files(registry, lib)) == 3


# project


def test_a_project_is_shown(lib: str, as_user: Callable[[str], None]) -> None:
    as_user("pub")
    aegis("yank", f"{lib}==1.0", "--reason", "loses data")
    as_user("rae")
    lines = aegis("project", lib).out.splitlines()
    assert lines[:3] == [f"{lib} on corp is active", "2 versions, newest first:", "  2.0"]
    assert lines[3].startswith(f"    {wheel(lib, '2.0')} (")
    assert [line.endswith("yanked: loses data") for line in lines[3:]] == [False, False, True, True]
    document = aegis("project", lib, "--json").document
    assert (document["repository"], document["name"], document["status"]) == ("corp", lib, "active")
    assert [version["yanked"] for version in document["versions"]] == [True, False]


def test_the_status_of_a_project_is_set(
    registry: RegistryServer, lib: str, as_user: Callable[[str], None]
) -> None:
    as_user("ada")
    done = aegis("project", lib, "--status", "archived", "--reason", "now <in> lib2")
    assert done.out.splitlines()[0] == f"{lib} on corp is archived: now <in> lib2"
    page = json.loads((registry.data / "simple" / lib / "index.json").read_text())
    assert page["project-status"] == {"status": "archived", "reason": "now <in> lib2"}
    assert aegis("project", lib, "--status", "active", "--json").document["reason"] is None


def test_a_project_that_is_not_there(as_user: Callable[[str], None]) -> None:
    as_user("ada")
    refused = aegis("project", "nothing", "--json")
    assert refused.code == PublishError.exit_code
    assert "There is no project nothing in this index" in refused.document["message"]


# Which index


@pytest.fixture
def several(as_user: Callable[[str], None], tmp_path: Path) -> None:
    """Let Poetry know another repository, too, which nobody answers at."""
    as_user("ada")
    with (tmp_path / "config" / "config.toml").open("a") as settings:
        settings.write('[repositories.other]\nurl = "http://127.0.0.1:9/legacy/"\n')


def in_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str) -> None:
    """Go to a project with *settings*, on the branch ``stable``."""
    project = make_project(tmp_path / "mapped", pyproject=PYPROJECT + settings)
    project.git("switch", "--quiet", "--create", "stable")
    monkeypatch.chdir(project.root)


@pytest.fixture
def changes(lib: str) -> list[tuple[str, ...]]:
    """Return what changes an index or reads it."""
    return [
        ("project", lib),
        ("project", lib, "--status", "deprecated"),
        ("yank", f"{lib}==1.0"),
        ("yank", f"{lib}==1.0", "--undo"),
        ("delete", f"{lib}==2.0", "--yes"),
    ]


def test_without_a_rule_nothing_is_touched(several: None, changes: list[tuple[str, ...]]) -> None:
    for arguments in changes:
        done = aegis(*arguments)
        assert (done.code, done.out) == (UsageError.exit_code, ""), arguments
        assert "several repositories: corp, other" in done.err


def test_the_environment_names_the_index(
    several: None, changes: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AEGIS_REPOSITORY", "corp")
    for arguments in changes:
        done = aegis(*arguments)
        assert done.code == 0, done.err
        assert "Repository: corp (" in done.err
        assert "named in AEGIS_REPOSITORY" in done.err


def test_the_branch_names_the_index(
    several: None,
    changes: list[tuple[str, ...]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mapped = '[tool.poetry-aegis.repositories]\nstable = "corp"\n"*" = "other"\n'
    in_project(tmp_path, monkeypatch, mapped)
    for arguments in changes:
        done = aegis(*arguments)
        assert done.code == 0, done.err
        assert "for the branch stable, by 'stable'" in done.err


def test_what_is_named_comes_first(
    several: None, lib: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AEGIS_REPOSITORY", "other")
    in_project(tmp_path, monkeypatch, '[tool.poetry-aegis.repositories]\n"*" = "other"\n')
    yank = aegis("yank", f"{lib}==1.0", "-r", "corp")
    assert yank.code == 0, yank.err
    assert "Repository: corp (" in yank.err
    assert "named with -r" in yank.err
    read = aegis("project", lib, "-r", "corp")
    assert (read.code, read.err) == (0, "")  # What was asked for and is only read needs no word.


def test_what_is_changed_is_named_before_it_happens(
    registry: RegistryServer, lib: str, as_user: Callable[[str], None]
) -> None:
    """Also where the index then refuses."""
    as_user("rae")
    for arguments in (("yank", f"{lib}==1.0"), ("delete", f"{lib}==1.0", "--yes")):
        done = aegis(*arguments)
        assert done.code == Forbidden.exit_code
        said, refusal = done.err.splitlines()[:2]
        assert said == (
            f"Repository: corp ({registry.url}/legacy/), the only one that Poetry knows"
        )
        assert "rae" in refusal
