"""`poetry install` in a project that asks for a guard, and what is installed, looked at again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from poetry.console.commands.installer_command import InstallerCommand

from poetry_aegis import extras
from poetry_aegis.errors import MissingExtra, NotVerified
from tests.support.distributions import make_sdist, make_wheel
from tests.support.guarded import (
    CREDENTIALS,
    UserProject,
    enter,
    make_user_project,
    poetry_here,
)
from tests.support.poetry import PoetryHome, make_home
from tests.support.registry import RegistryServer, running_registry, upload
from tests.support.signing import new_key, signed_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ADA, EVE = new_key("ada"), new_key("eve")
GUARD = "[tool.poetry-aegis.trust]\nguard = true\n"
CODE = NotVerified.exit_code


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    folder = tmp_path_factory.mktemp("registry")
    with running_registry(folder / "data") as server:
        for path in (_wheel(folder), make_sdist(folder, "acme-core")):
            fields = {"attestations": signed_by(path, ADA)}
            assert upload(server, path, fields=fields).status_code == 200
        assert upload(server, make_wheel(folder, "acme-plain")).status_code == 200
        yield server


def _wheel(folder: Path) -> Path:
    """Return a wheel with a file of every kind that installers put somewhere."""
    stem = "acme_core-1.0.0"
    return make_wheel(
        folder,
        "acme-core",
        files={
            "acme_core/deep/__init__.py": "",
            "acme_core/deep/data.txt": "kept\n",
            f"{stem}.dist-info/entry_points.txt": "[console_scripts]\nacme = acme_core:main\n",
            f"{stem}.data/scripts/acme-tool": "#!python\nprint('tool')\n",
            f"{stem}.data/data/share/acme/notes.txt": "notes\n",
            f"{stem}.data/purelib/acme_more.py": "more = 1\n",
            f"{stem}.data/headers/acme.h": "#define ACME\n",
        },
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> PoetryHome:
    """Return a real Poetry that may read the registry."""
    found = make_home(tmp_path_factory.mktemp("home"))
    found.extra_env.update(CREDENTIALS | {"POETRY_VIRTUALENVS_IN_PROJECT": "true"})
    return found


@pytest.fixture(scope="module")
def locked(
    registry: RegistryServer, home: PoetryHome, tmp_path_factory: pytest.TempPathFactory
) -> UserProject:
    """Return a guarded project with what is signed in its lock, and nothing installed."""
    project = make_user_project(
        tmp_path_factory.mktemp("locked") / "project",
        f"{registry.url}/simple/",
        GUARD + ADA.trusted(),
        ["acme-core"],
    )
    done = home.run("lock", cwd=project.root)
    assert done.returncode == 0, done.stderr
    shutil.rmtree(project.root / ".venv")  # Poetry makes one even to lock.
    return project


@pytest.fixture(scope="module")
def installed(
    locked: UserProject, home: PoetryHome, tmp_path_factory: pytest.TempPathFactory
) -> UserProject:
    """Return a project with what is signed installed by Poetry."""
    project = _copy(locked, tmp_path_factory.mktemp("installed") / "project")
    done = home.run("install", cwd=project.root)
    assert done.returncode == 0, done.stderr
    return project


@pytest.fixture
def project(locked: UserProject, tmp_path: Path) -> UserProject:
    """Return a guarded project of the test's own, locked, with nothing installed."""
    return _copy(locked, tmp_path / "project")


@pytest.fixture
def used(installed: UserProject, tmp_path: Path) -> UserProject:
    """Return a project of the test's own with what is signed installed."""
    return _copy(installed, tmp_path / "project")


def _copy(project: UserProject, root: Path) -> UserProject:
    shutil.copytree(project.root, root, symlinks=True)
    return UserProject(root)


def change(project: UserProject, old: str, new: str) -> None:
    """Change the text of ``pyproject.toml``."""
    pyproject = project.root / "pyproject.toml"
    assert old in pyproject.read_text()
    pyproject.write_text(pyproject.read_text().replace(old, new))


def site(project: UserProject) -> Path:
    """Return where the packages of the project's environment are."""
    (found,) = (project.root / ".venv").glob("lib/python*/site-packages")
    return found


# The guard


def test_what_is_signed_is_installed(installed: UserProject) -> None:
    assert (site(installed) / "acme_core" / "__init__.py").is_file()
    assert (installed.root / ".venv" / "bin" / "acme-tool").is_file()


@pytest.mark.parametrize("command", ["install", "sync"])
def test_what_is_signed_by_nobody_trusted_stops_the_command_before_anything_is_done(
    project: UserProject, home: PoetryHome, command: str
) -> None:
    change(project, ADA.trusted(), EVE.trusted())
    done = home.run(command, cwd=project.root)
    assert done.returncode == CODE
    assert "Nothing was installed: 1 of the private packages" in done.stderr
    assert done.stderr.count("It is signed by an unknown key") == 2, "the wheel and the sdist"
    assert "poetry aegis verify --lock" in done.stderr
    assert done.stdout == ""
    assert not (project.root / ".venv").exists()


@pytest.mark.parametrize(
    ("where", "option"), [("elsewhere", "-C"), ("elsewhere", "-P"), ("inside", "-C")]
)
def test_the_project_is_the_one_that_is_named(
    project: UserProject, home: PoetryHome, tmp_path: Path, where: str, option: str
) -> None:
    change(project, ADA.trusted(), 'file = "team.toml"\n')
    eve = EVE.trusted().replace("tool.poetry-aegis.trust.", "")
    (project.root / "team.toml").write_text(eve)
    cwd = tmp_path if where == "elsewhere" else project.root / "below"
    cwd.mkdir(exist_ok=True)
    relative = "project" if where == "elsewhere" else ".."
    done = home.run(option, relative, "install", cwd=cwd)
    assert done.returncode == CODE
    assert "unknown key" in done.stderr


@pytest.mark.parametrize("excuse", ['unsigned = ["acme-plain"]', 'projects = ["Acme.Core"]'])
def test_an_unsigned_package_is_refused_unless_the_project_excuses_it(
    project: UserProject, home: PoetryHome, excuse: str
) -> None:
    assert home.run("add", "acme-plain", "--lock", cwd=project.root).returncode == 0
    refused = home.run("install", cwd=project.root)
    assert refused.returncode == CODE
    assert "acme_plain-1.0.0-py3-none-any.whl: It is not signed." in refused.stderr
    assert not (site(project) / "acme_core").exists()
    change(project, GUARD, GUARD + excuse + "\n")
    assert home.run("install", cwd=project.root).returncode == 0
    assert (site(project) / "acme_plain").is_dir()


def test_a_lock_with_another_hash_is_refused(project: UserProject, home: PoetryHome) -> None:
    text = project.lock.read_text()
    start = text.index("sha256:") + len("sha256:")
    project.lock.write_text(f"{text[:start]}{'0' * 64}{text[start + 64 :]}")
    done = home.run("install", cwd=project.root)
    assert done.returncode == CODE
    assert "0" * 64 in done.stderr


def test_a_file_that_the_index_altered_is_refused_by_poetry_itself(
    registry: RegistryServer, project: UserProject, home: PoetryHome, tmp_path: Path
) -> None:
    """The guard downloads nothing: Poetry compares what it installs with the lock."""
    stored = registry.data / "packages/acme-core/acme_core-1.0.0-py3-none-any.whl"
    content = stored.read_bytes()
    other_cache = make_home(tmp_path / "home")
    other_cache.extra_env.update(home.extra_env)
    try:
        stored.write_bytes(make_wheel(tmp_path, "acme-core").read_bytes())
        done = other_cache.run("install", cwd=project.root)
    finally:
        stored.write_bytes(content)
    assert done.returncode != 0
    assert not (site(project) / "acme_core").exists()


def test_without_a_lock_or_with_an_outdated_one_nothing_is_installed(
    project: UserProject, home: PoetryHome
) -> None:
    change(project, '">=3.10"', '">=3.10,<4"')
    outdated = home.run("install", cwd=project.root)
    assert outdated.returncode == CODE
    assert "poetry.lock is not of this pyproject.toml" in outdated.stderr
    project.lock.unlink()
    without = home.run("install", cwd=project.root)
    assert without.returncode == CODE
    assert "There is no poetry.lock" in without.stderr
    assert not (project.root / ".venv").exists()


@pytest.mark.parametrize("arguments", [["add", "acme-plain"], ["update"], ["remove", "acme-core"]])
def test_commands_that_resolve_and_install_in_one_go_are_only_to_lock(
    project: UserProject, home: PoetryHome, arguments: list[str]
) -> None:
    before = (project.root / "pyproject.toml").read_text(), project.lock.read_text()
    refused = home.run(*arguments, cwd=project.root)
    assert refused.returncode == CODE
    assert f"Lock it first: poetry {arguments[0]} --lock" in refused.stderr
    assert not (project.root / ".venv").exists()
    assert ((project.root / "pyproject.toml").read_text(), project.lock.read_text()) == before
    assert home.run(*arguments, "--dry-run", cwd=project.root).returncode == 0
    assert home.run(*arguments, "--lock", cwd=project.root).returncode == 0
    assert not (site(project) / "acme_core").exists()


def test_an_index_that_cannot_be_reached_stops_the_command(
    registry: RegistryServer, project: UserProject, home: PoetryHome
) -> None:
    before = project.content_hash
    change(project, f"{registry.url}/simple/", "http://127.0.0.1:9/simple/")
    rewrite(project, before, project.content_hash)
    rewrite(project, f"{registry.url}/simple", "http://127.0.0.1:9/simple")
    done = home.run("install", cwd=project.root)
    assert done.returncode == CODE
    assert "corp gave no answer" in done.stderr


def test_an_index_that_lets_nobody_in_stops_the_command(
    project: UserProject, home: PoetryHome, tmp_path: Path
) -> None:
    stranger = make_home(tmp_path / "home")
    stranger.extra_env.update(home.extra_env | {"POETRY_HTTP_BASIC_CORP_PASSWORD": "wrong-one"})
    done = stranger.run("install", cwd=project.root)
    assert done.returncode == CODE
    assert "corp does not accept the password of rae" in done.stderr
    assert "wrong-one" not in done.stderr


def rewrite(project: UserProject, old: str, new: str) -> None:
    """Change the text of ``poetry.lock``, as somebody may who can send a change."""
    assert old in project.lock.read_text()
    project.lock.write_text(project.lock.read_text().replace(old, new))


def source_of(project: UserProject) -> str:
    """Return the text that tells where the lock has its package from."""
    text = project.lock.read_text()
    return text[text.index("[package.source]") : text.index("[metadata]")]


EVIL_SETUP = "from pathlib import Path\nPath(__file__).with_name('ran').touch()\n"
EVIL = '[project]\nname = "acme-core"\nversion = "1.0.0"\n[build-system]\nrequires = []\n'
EVIL += 'build-backend = "evil"\nbackend-path = ["."]\n'


@pytest.mark.parametrize("command", ["install", "sync"])
@pytest.mark.parametrize("excuse", ["", 'projects = ["other-*"]\n'])
def test_a_lock_that_takes_a_private_package_from_a_directory_runs_nothing_of_it(
    project: UserProject, home: PoetryHome, command: str, excuse: str
) -> None:
    change(project, GUARD, GUARD + excuse)
    evil = project.root / "vendor"
    evil.mkdir()
    (evil / "pyproject.toml").write_text(EVIL)
    (evil / "evil.py").write_text(EVIL_SETUP)
    text = project.lock.read_text()
    pinned = text[text.index("files = [") : text.index("[metadata]")]
    rewrite(
        project, pinned, 'files = []\n\n[package.source]\ntype = "directory"\nurl = "vendor"\n\n'
    )
    done = home.run(command, cwd=project.root)
    assert done.returncode == CODE
    assert "acme-core 1.0.0: It comes from the directory vendor, which this project does not" in (
        done.stderr
    )
    assert not (evil / "ran").exists()
    assert not (project.root / ".venv").exists()
    unguarded = home.run("--no-plugins", command, cwd=project.root)
    assert (evil / "ran").exists(), unguarded.stdout + unguarded.stderr


def test_a_lock_that_takes_a_private_package_from_a_wheel_or_the_public_index_is_refused(
    project: UserProject, home: PoetryHome, registry: RegistryServer
) -> None:
    named = GUARD + 'projects = ["acme-*"]\n'
    change(project, GUARD, named)
    private = source_of(project)
    rewrite(project, private, '[package.source]\ntype = "url"\nurl = "https://a.example/a.whl"\n\n')
    elsewhere = home.run("install", cwd=project.root)
    assert elsewhere.returncode == CODE
    assert "It comes from the URL https://a.example/a.whl" in elsewhere.stderr
    rewrite(project, source_of(project), "")
    before = project.content_hash
    change(project, 'name = "corp"', 'name = "corp"\npriority = "supplemental"')
    rewrite(project, before, project.content_hash)
    public = home.run("install", cwd=project.root)
    assert public.returncode == CODE
    assert "It must be signed, but comes from the public index" in public.stderr
    assert not (project.root / ".venv").exists()


def test_a_lock_that_does_without_the_declared_source_is_refused(
    project: UserProject, home: PoetryHome
) -> None:
    private = source_of(project)
    before = project.content_hash
    change(project, 'dependencies = ["acme-core"]', 'dynamic = ["dependencies"]')
    change(project, 'name = "corp"', 'name = "corp"\npriority = "explicit"')
    declared = '[tool.poetry.dependencies]\nacme-core = { version = "*", source = "corp" }\n'
    change(project, GUARD, f"{declared}{GUARD}")
    rewrite(project, before, project.content_hash)
    assert home.run("install", "--dry-run", cwd=project.root).returncode == 0
    rewrite(project, private, "")
    done = home.run("install", cwd=project.root)
    assert done.returncode == CODE
    assert "The lock has it from the public index; the project wants it from" in done.stderr


def test_what_the_project_declares_from_elsewhere_is_installed(
    project: UserProject, home: PoetryHome
) -> None:
    """Poetry's own lock of a directory, and of one that it needs, of a wheel and of a commit."""
    make_libraries(project.root)
    repository = project.root / "repository"
    make_library(repository, "of-git")
    for line in ("init -q", "add .", "commit -q -m all"):
        subprocess.run(["git", *line.split()], cwd=repository, env=home.env, check=True)
    wheel = make_wheel(project.root / "wheels", "of-wheel")
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=repository,
        env=home.env,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    change(
        project,
        '["acme-core"]',
        f'["acme-core", "of-git @ git+{repository.as_uri()}@{commit}", "one @ {one_of(project)}", '
        f'"of-wheel @ {wheel.as_uri()}"]',
    )
    assert home.run("lock", cwd=project.root).returncode == 0
    done = home.run("install", "--dry-run", cwd=project.root)
    assert done.returncode == 0, done.stderr
    for name in ("of-git", "of-wheel", "one", "two", "acme-core"):
        assert f"Installing {name} " in done.stdout
    looked = home.run("aegis", "verify", "--lock", "--json", cwd=project.root)
    assert {file["project"] for file in json.loads(looked.stdout)["files"]} == {"acme-core"}
    rewrite(project, f'resolved_reference = "{commit}"', f'resolved_reference = "{"0" * 40}"')
    refused = home.run("install", "--dry-run", cwd=project.root)
    assert refused.returncode == CODE
    assert "of-git 1.0: It comes from git" in refused.stderr


def make_libraries(root: Path) -> None:
    """Make ``libs/one``, which needs ``libs/two``."""
    make_library(
        root / "libs" / "one", "one", '[tool.poetry.dependencies]\ntwo = { path = "../two" }\n'
    )
    make_library(root / "libs" / "two", "two")


def make_library(root: Path, name: str, needs: str = "") -> None:
    package = root / name.replace("-", "_")
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    dynamic = 'dynamic = ["dependencies"]\n' if needs else ""
    (root / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\nversion = "1.0"\n{dynamic}{needs}'
    )


def one_of(project: UserProject) -> str:
    return (project.root / "libs" / "one").as_uri()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("guard = true", "gaurd = true", "Did you mean 'guard'?"),
        ("[tool.poetry-aegis.trust", "[tool.poetry-aegis.trsut", "Did you mean 'trust'?"),
        (GUARD + ADA.trusted(), "[tool.poetry-aegis]\nguard = true\n", "Unknown key 'guard'"),
        (GUARD + ADA.trusted(), "[tool]\npoetry-aegis = true\n", "must be a table"),
        (GUARD + ADA.trusted(), "[tool.poetry-aegis]\ntrust = true\n", "must be a table"),
        (GUARD + ADA.trusted(), "[[tool.poetry-aegis]]\ntag_format = ''\n", "must be a table"),
    ],
)
def test_settings_that_cannot_be_read_stop_the_command(
    project: UserProject, home: PoetryHome, old: str, new: str, said: str
) -> None:
    change(project, old, new)
    for command in (["install"], ["add", "acme-plain", "--lock"]):
        done = home.run(*command, cwd=project.root)
        assert done.returncode == 15
        assert said in done.stderr
    assert not (project.root / ".venv").exists()


def test_what_is_wrong_with_other_settings_is_left_to_the_commands_that_need_them(
    project: UserProject, home: PoetryHome
) -> None:
    change(project, GUARD, "[tool.poetry-aegis]\ntag_format = 1\n" + GUARD)
    assert home.run("install", "--dry-run", cwd=project.root).returncode == 0


def test_a_key_that_was_revoked_or_has_ended_installs_nothing(
    project: UserProject, home: PoetryHome
) -> None:
    change(project, ADA.trusted(), ADA.trusted(revoked="2020-01-01"))
    revoked = home.run("install", cwd=project.root)
    assert revoked.returncode == CODE
    assert "The key ada was revoked" in revoked.stderr
    change(project, "revoked = 2020-01-01", "valid_until = 2020-01-01")
    ended = home.run("install", cwd=project.root)
    assert ended.returncode == CODE
    assert "not valid on" in ended.stderr


def test_commands_of_poetrys_own_plugins_are_left_alone(
    project: UserProject, home: PoetryHome
) -> None:
    change(project, ADA.trusted(), EVE.trusted())
    assert home.run("self", "show", "plugins", cwd=project.root).returncode == 0
    assert home.run("install", "--help", cwd=project.root).returncode == 0
    assert home.run("lock", cwd=project.root).returncode == 0


@pytest.mark.parametrize(
    ("trust", "unwanted"),
    [
        ("", ["poetry_aegis.poetry_api", "poetry_aegis.settings"]),
        ("[tool.poetry-aegis]\ntag_format = 'v{version}'\n", ["poetry_aegis.poetry_api"]),
        (
            "[tool.poetry-aegis.trust]\n" + EVE.trusted(),
            ["signing.locked", "publish.web", "securesystemslib"],
        ),
    ],
)
def test_a_project_without_a_guard_loads_nothing_for_one(
    project: UserProject, home: PoetryHome, trust: str, unwanted: list[str]
) -> None:
    assert all(module in imported(project, home) for module in unwanted), "with a guard"
    change(project, GUARD + ADA.trusted(), trust)
    found = imported(project, home)
    assert not [module for module in unwanted if module in found]


def imported(project: UserProject, home: PoetryHome) -> str:
    """Return what Python tells of the modules that ``poetry install`` imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "poetry", "install", "--dry-run"],
        cwd=project.root,
        env=home.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    return done.stderr


@pytest.mark.parametrize("broken", ["signing.locked.check_lock", "signing.team.load_trust"])
def test_a_fault_in_the_guard_itself_lets_nothing_pass(
    project: UserProject, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    enter(project, monkeypatch)
    monkeypatch.setattr("poetry.installation.installer.Installer.run", _must_not_run)

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(f"poetry_aegis.{broken}", fail)
    assert poetry_here("install").code == 1


class ForeignCommand(InstallerCommand):
    """A command of another plugin that installs."""

    name = "up"

    def handle(self) -> int:
        print("installing")  # noqa: T201
        return 0


def test_commands_of_other_plugins_that_install_are_judged_by_the_lock_too(
    project: UserProject, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    enter(project, monkeypatch)
    monkeypatch.setenv("POETRY_VIRTUALENVS_IN_PROJECT", "true")
    assert poetry_here("up", more=[ForeignCommand()]).code == 0
    assert capsys.readouterr().out == "installing\n"
    change(project, ADA.trusted(), EVE.trusted())
    refused = poetry_here("up", more=[ForeignCommand()])
    assert refused.code == CODE
    assert "unknown key" in refused.err
    assert capsys.readouterr().out == ""


def test_where_nothing_can_be_verified_for_want_of_a_package_nothing_is_installed(
    project: UserProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(project, monkeypatch)
    monkeypatch.setattr("poetry.installation.installer.Installer.run", _must_not_run)
    for extra in ("registry", "signing"):
        monkeypatch.setitem(extras.MODULES, extra, ("no_such_module",))
    refused = poetry_here("install")
    assert refused.code == MissingExtra.exit_code
    assert "poetry-aegis[signing" in refused.err


def _must_not_run(self: object) -> int:
    pytest.fail("the installer ran")


# What is installed


def verify_installed(home: PoetryHome, project: UserProject) -> tuple[str, str]:
    """Return what is found of the one package that is installed, and the sentence about it."""
    done = home.run("aegis", "verify", "--installed", "--json", cwd=project.root)
    (found,) = json.loads(done.stdout)["files"]
    assert done.returncode == (0 if found["finding"] == "verified" else CODE)
    return found["finding"], found["sentence"]


def test_what_poetry_installed_is_as_it_was_signed(
    installed: UserProject, home: PoetryHome
) -> None:
    assert verify_installed(home, installed) == ("verified", "Signed by ada.")


def test_what_other_installers_installed_is_as_it_was_signed(
    registry: RegistryServer, used: UserProject, home: PoetryHome
) -> None:
    for installer in (["pip", "install", "--force-reinstall"], ["uv", "pip", "install"]):
        python = used.root / ".venv" / "bin" / "python"
        target = ["--python", str(python), "--reinstall"] if installer[0] == "uv" else []
        runner = [sys.executable, "-m"] if installer[0] == "uv" else [str(python), "-m"]
        index = ["--index-url", registry.authenticated_url("rae")]
        subprocess.run(
            [*runner, *installer, *target, "--no-deps", *index, "acme-core"],
            env=home.env,
            check=True,
        )
        assert verify_installed(home, used) == ("verified", "Signed by ada."), installer


def alter_module(project: UserProject) -> None:
    (site(project) / "acme_core" / "__init__.py").write_text("evil = 1\n")


def alter_module_and_record(project: UserProject) -> None:
    alter_module(project)
    rewrite_record(project)


def alter_tool(project: UserProject) -> None:
    tool = project.root / ".venv" / "bin" / "acme-tool"
    tool.write_text(tool.read_text().replace("'tool'", "'evil'"))
    rewrite_record(project)


def put_code_into_the_first_line(project: UserProject) -> None:
    tool = project.root / ".venv" / "bin" / "acme-tool"
    tool.write_text("#!/usr/bin/python3\nimport os\n" + tool.read_text().partition("\n")[2])
    rewrite_record(project)


def alter_data(project: UserProject) -> None:
    (project.root / ".venv" / "share" / "acme" / "notes.txt").write_text("other\n")


def alter_header(project: UserProject) -> None:
    (header,) = (project.root / ".venv" / "include").rglob("acme.h")
    header.write_text("#define EVIL\n")
    rewrite_record(project)


def remove_module(project: UserProject) -> None:
    (site(project) / "acme_core" / "deep" / "data.txt").unlink()


def remove_module_and_row(project: UserProject) -> None:
    remove_module(project)
    record = site(project) / "acme_core-1.0.0.dist-info" / "RECORD"
    rows = [row for row in record.read_text().splitlines() if "data.txt" not in row]
    record.write_text("\n".join([*rows, ""]))


def add_module(project: UserProject) -> None:
    (site(project) / "acme_core" / "deep" / "evil.py").write_text("")


def add_module_and_row(project: UserProject) -> None:
    (site(project) / "acme_evil.py").write_text("")
    with (site(project) / "acme_core-1.0.0.dist-info" / "RECORD").open("a") as record:
        record.write("acme_evil.py,,\n")
    rewrite_record(project)


def add_second(project: UserProject) -> None:
    shutil.copytree(
        site(project) / "acme_core-1.0.0.dist-info", site(project) / "acme_core-0.9.dist-info"
    )


def remove_record(project: UserProject) -> None:
    (site(project) / "acme_core-1.0.0.dist-info" / "RECORD").unlink()


def rewrite_record(project: UserProject) -> None:
    """Make the RECORD agree with what is there, as somebody careful would."""
    from poetry_aegis.signing.record import digest_of

    root = site(project)
    record = root / "acme_core-1.0.0.dist-info" / "RECORD"
    paths = [row.split(",")[0] for row in record.read_text().splitlines()]
    rows = [
        f"{path}," if path.endswith("RECORD") else f"{path},{digest_of(root / path)}"
        for path in paths
    ]
    record.write_text("".join(f"{row},\n" for row in rows))


@pytest.mark.parametrize(
    ("alter", "said"),
    [
        (alter_module, "By its RECORD, altered: acme_core/__init__.py."),
        (alter_module_and_record, "Not as in the signed wheel: acme_core/__init__.py."),
        (alter_tool, "Not as in the signed wheel:"),
        (put_code_into_the_first_line, "Not as in the signed wheel:"),
        (alter_data, "By its RECORD, altered:"),
        (alter_header, "Not as in the signed wheel:"),
        (remove_module, "By its RECORD, missing: acme_core/deep/data.txt."),
        (remove_module_and_row, "Not as in the signed wheel: acme_core/deep/data.txt."),
        (add_module, "By its RECORD, added: acme_core/deep/evil.py."),
        (add_module_and_row, "Not as in the signed wheel: acme_evil.py."),
        (remove_record, "Its RECORD is of no use: it has none."),
    ],
)
def test_whatever_is_altered_in_the_environment_is_found(
    used: UserProject, home: PoetryHome, alter: Callable[[UserProject], None], said: str
) -> None:
    alter(used)
    finding, sentence = verify_installed(home, used)
    assert finding == "altered"
    assert sentence.startswith(said)


def test_a_second_installation_of_the_same_package_is_found(
    used: UserProject, home: PoetryHome
) -> None:
    add_second(used)
    done = home.run("aegis", "verify", "--installed", cwd=used.root)
    assert done.returncode == CODE
    assert "It is installed more than once." in done.stdout


def test_another_version_than_the_locked_one_is_unverifiable(
    used: UserProject, home: PoetryHome
) -> None:
    folder = site(used) / "acme_core-1.0.0.dist-info"
    folder.rename(folder.with_name("acme_core-1.0.1.dist-info"))
    assert verify_installed(home, used) == ("unverifiable", "The lock has 1.0.0 of it.")


def test_what_is_installed_for_editing_is_unverifiable(used: UserProject, home: PoetryHome) -> None:
    url = site(used) / "acme_core-1.0.0.dist-info" / "direct_url.json"
    url.write_text('{"url": "file:///src", "dir_info": {"editable": true}}')
    finding, sentence = verify_installed(home, used)
    assert finding == "unverifiable"
    assert "in place, for editing" in sentence


def test_what_was_built_from_an_sdist_is_unverifiable(used: UserProject, home: PoetryHome) -> None:
    text = used.lock.read_text()
    wheel = next(line for line in text.splitlines() if ".whl" in line)
    used.lock.write_text(text.replace(f"{wheel}\n", ""))
    finding, sentence = verify_installed(home, used)
    assert finding == "unverifiable"
    assert "built on this machine" in sentence


def test_what_is_installed_of_a_key_revoked_since_does_not_verify(
    used: UserProject, home: PoetryHome
) -> None:
    change(used, ADA.trusted(), ADA.trusted(revoked="2020-01-01"))
    assert verify_installed(home, used)[0] == "revoked"


def test_without_an_environment_it_is_said(project: UserProject, home: PoetryHome) -> None:
    done = home.run("aegis", "verify", "--installed", cwd=project.root)
    assert done.returncode == CODE
    assert "The project has no environment" in done.stderr
