"""Releases that are signed and published: what they run, what breaks off, what is there then."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.distributions import make_wheel
from tests.support.faulty import FaultyIndex, Reply, faulty_index
from tests.support.git import PYPROJECT, GitProject, make_project
from tests.support.needs import missing, needs_program
from tests.support.registry import HTTP, RegistryServer, listed_files, running_registry, upload
from tests.support.upstream import running_index

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.poetry import PoetryHome

Run = subprocess.CompletedProcess[str]

PASSPHRASE = "open sesame, please"
PASSWORD = "typed-and-kept-nowhere"
FILES = {"demo_pkg-0.1.0-py3-none-any.whl", "demo_pkg-0.1.0.tar.gz"}
OF_A_PIPELINE = ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "GH_TOKEN", "GITHUB_TOKEN", "GITLAB_TOKEN")
SIGNED = '\n[tool.poetry-aegis.publish]\nsign = true\nkey = "release"\n'
DUMP = """\
import json, os, pathlib, sys
(pathlib.Path({folder!r}) / (sys.argv[1:] or ["build"])[0]).write_text(json.dumps(dict(os.environ)))
"""


@pytest.fixture
def index() -> Iterator[FaultyIndex]:
    with faulty_index() as running:
        running.keeps_signatures = True
        yield running


@pytest.fixture
def poetry(poetry: PoetryHome) -> PoetryHome:
    """Return a Poetry whose user has a key, but nothing that opens it."""
    quiet = dict.fromkeys(OF_A_PIPELINE, "")
    return replace(poetry, extra_env={"AEGIS_KEYS_HOME": str(poetry.root / "keys"), **quiet})


@pytest.fixture
def signer(poetry: PoetryHome) -> PoetryHome:
    """Return a Poetry whose user has the key ``release``, and its passphrase in the environment."""
    made = poetry.run(
        *("aegis", "key", "generate", "release", "--passphrase-stdin"),
        cwd=poetry.root,
        stdin=f"{PASSPHRASE}\n",
    )
    assert made.returncode == 0, made.stderr
    return with_environment(poetry, AEGIS_SIGNING_PASSPHRASE=PASSPHRASE)


def with_environment(poetry: PoetryHome, **variables: str) -> PoetryHome:
    return replace(poetry, extra_env=poetry.extra_env | variables)


def to(index: FaultyIndex, poetry: PoetryHome) -> PoetryHome:
    return with_environment(poetry, POETRY_REPOSITORIES_CORP_URL=f"{index.url}/legacy/")


def run(poetry: PoetryHome, project: GitProject, *arguments: str, stdin: str | None = None) -> Run:
    done = poetry.run("aegis", *arguments, cwd=project.root, stdin=stdin)
    told = done.stdout + done.stderr
    assert not any(secret in told for secret in (PASSPHRASE, PASSWORD, "PRIVATE KEY"))
    return done


def succeed(poetry: PoetryHome, project: GitProject, *arguments: str, **more: Any) -> Run:
    done = run(poetry, project, *arguments, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def make_signed_project(root: Path, more: str = "") -> GitProject:
    return make_project(root, pyproject=PYPROJECT + SIGNED + more)


def users(index: FaultyIndex) -> set[str]:
    """Return who has sent the uploads."""
    sent = (post.headers["Authorization"].removeprefix("Basic ") for post in index.posts)
    return {base64.b64decode(pair).decode().partition(":")[0] for pair in sent}


# What it runs


@pytest.fixture
def back_end(tmp_path: Path) -> Iterator[str]:
    """Return the address of an index that has what builds: a build script takes one of its own."""
    wheels = tmp_path / "wheels"
    pip = [sys.executable, "-m", "pip", "download", "-q", "--dest", str(wheels), "poetry-core>=2.0"]
    if subprocess.run(pip, check=False, capture_output=True).returncode:
        missing("needs poetry-core, which cannot be had from an index here")
    with running_index() as local:
        for wheel in wheels.iterdir():
            with zipfile.ZipFile(wheel) as archive:
                name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
                local.publish("poetry-core", wheel, metadata=archive.read(name))
        yield local.simple


def make_curious_project(root: Path, seen: Path, back_end: str) -> GitProject:
    """Return a project whose hooks and build write down what environment they have."""
    seen.mkdir()
    dump = f"'{sys.executable}' curious.py"
    hooks = "\n".join(
        f'{name} = ["{dump} {name}"]'
        for name in ("pre_bump", "pre_commit", "pre_tag", "post_release")
    )
    project = make_signed_project(
        root,
        f'\n[[tool.poetry.source]]\nname = "local"\nurl = "{back_end}"\n'
        f'\n[tool.poetry.build]\nscript = "curious.py"\n\n[tool.poetry-aegis.hooks]\n{hooks}\n',
    )
    project.commit("feat: be curious", **{"curious.py": DUMP.format(folder=str(seen))})
    git_hook = root / ".git" / "hooks" / "pre-commit"
    git_hook.parent.mkdir(exist_ok=True)
    git_hook.write_text(f"#!/bin/sh\nexec {dump} git\n")
    git_hook.chmod(0o755)
    return project


def test_nothing_that_a_release_runs_gets_what_it_signs_with(
    signer: PoetryHome, index: FaultyIndex, tmp_path: Path, back_end: str
) -> None:
    seen = tmp_path / "seen"
    project = make_curious_project(tmp_path / "project", seen, back_end)
    pem = (signer.root / "keys" / "release.key").read_text()
    poetry = with_environment(to(index, signer), AEGIS_SIGNING_KEY=pem, GITHUB_TOKEN="of-the-forge")
    done = succeed(poetry, project, "release", "auto", "--publish", "-r", "corp", "--json")

    environments = {path.name: json.loads(path.read_text()) for path in seen.iterdir()}
    ran = {"pre_bump", "pre_commit", "pre_tag", "post_release", "git", "build"}
    assert environments.keys() == ran
    for name, environment in environments.items():
        assert not {"AEGIS_SIGNING_KEY", "AEGIS_SIGNING_PASSPHRASE"} & environment.keys(), name
        assert not any(PASSPHRASE in value or pem in value for value in environment.values()), name
        # What a hook may well need is there.
        assert environment["GITHUB_TOKEN"] == "of-the-forge"
        assert environment["POETRY_REPOSITORIES_CORP_URL"]
    files = json.loads(done.stdout)["publication"]["files"]
    assert [file["signed"] for file in files] == [True, True]


@pytest.mark.parametrize("command", ["publish", "ci snapshot", "ci tagged"])
def test_nothing_that_a_publication_builds_with_gets_it(
    signer: PoetryHome, index: FaultyIndex, tmp_path: Path, back_end: str, command: str
) -> None:
    seen = tmp_path / "seen"
    project = make_curious_project(tmp_path / "project", seen, back_end)
    if command == "ci tagged":
        project.tag("v0.1.0")
    succeed(to(index, signer), project, *command.split(), "-r", "corp")
    environment = json.loads((seen / "build").read_text())
    assert not {"AEGIS_SIGNING_KEY", "AEGIS_SIGNING_PASSPHRASE"} & environment.keys()
    assert len(index.provenance) == 2


# Without the passphrase


@pytest.mark.parametrize(
    "arguments",
    [
        ("publish", "--sign", "--dry-run"),
        ("publish", "--sign", "--bump", "minor", "--dry-run"),
        ("release", "minor", "--publish", "--dry-run"),
    ],
    ids=" ".join,
)
def test_a_dry_run_says_which_key_would_sign_and_does_not_open_it(
    signer: PoetryHome, index: FaultyIndex, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    locked = to(index, with_environment(signer, AEGIS_SIGNING_PASSPHRASE=""))
    project = make_signed_project(tmp_path / "project")
    done = succeed(locked, project, *arguments)
    assert done.stdout.count("Would be signed with the key release.") == 1
    assert "Nothing was changed." in done.stdout

    (signer.root / "keys" / "release.key").unlink()
    gone = run(locked, project, *arguments)
    assert gone.returncode == 81
    assert "release.key" in gone.stderr


def test_a_dry_run_tells_the_key_in_json_as_the_signing_does(
    signer: PoetryHome, index: FaultyIndex, tmp_path: Path
) -> None:
    project = make_project(tmp_path / "project")
    pem = (signer.root / "keys" / "release.key").read_text()
    poetry = to(index, signer)
    pipeline = with_environment(poetry, AEGIS_SIGNING_KEY=pem)
    unsigned = succeed(poetry, project, "publish", "--dry-run", "--json")
    assert json.loads(unsigned.stdout)["key"] is None
    for who, name in ((poetry, "release"), (pipeline, "AEGIS_SIGNING_KEY")):
        planned = succeed(who, project, "publish", "--sign", "--dry-run", "--json")
        signed = succeed(who, project, "sign", "--json", str(built(project)))
        assert json.loads(planned.stdout)["key"] == json.loads(signed.stdout)["key"] == name


def test_a_dry_run_of_what_is_built_names_the_key_too(
    signer: PoetryHome, index: FaultyIndex, tmp_path: Path
) -> None:
    project = make_signed_project(tmp_path / "project")
    built(project)
    locked = to(index, with_environment(signer, AEGIS_SIGNING_PASSPHRASE=""))
    done = succeed(locked, project, "publish", "--skip-build", "--dry-run")
    assert done.stdout.count("Would be signed with the key release.") == 1
    assert run(locked, project, "publish", "--skip-build").returncode == 82


def built(project: GitProject) -> Path:
    """Return a wheel of the project's."""
    dist = project.root / "dist"
    if not dist.exists():
        command = [sys.executable, "-m", "poetry", "build", "--format", "wheel"]
        subprocess.run(command, cwd=project.root, check=True, capture_output=True)
    return next(dist.glob("*.whl"))


# Broken off


def broken_off(poetry: PoetryHome, project: GitProject, index: FaultyIndex) -> Run:
    """Begin a release as ada of which one file arrives."""
    index.script(Reply(stores=True), Reply(403))
    arguments = ("publish", "--bump", "minor", "-u", "ada", "--password-stdin", "-r", "corp")
    done = run(poetry, project, *arguments, "--json", stdin=f"{PASSWORD}\n")
    assert done.returncode == 45, done.stderr
    return done


def test_a_release_as_another_user_is_resumed_as_that_user(
    poetry: PoetryHome, index: FaultyIndex, tmp_path: Path
) -> None:
    project = make_project(tmp_path / "project")
    poetry = with_environment(
        to(index, poetry),
        POETRY_HTTP_BASIC_CORP_USERNAME="poetrys-own",
        POETRY_HTTP_BASIC_CORP_PASSWORD="not-asked-for",
    )
    broken_off(poetry, project, index)
    journal = project.root / ".git" / "poetry-aegis"
    kept = (journal / "plan.json").read_text()
    assert json.loads(kept)["plan"]["choices"]["publish"]["options"]["user"] == "ada"
    assert not any(PASSWORD in path.read_text("latin-1") for path in journal.glob("*.json"))

    posts = len(index.posts)
    refused = run(poetry, project, "release", "--resume")
    assert refused.returncode == 2
    assert "There is no password for ada." in refused.stderr
    assert "poetry aegis release --resume --password-stdin" in refused.stderr
    assert len(index.posts) == posts
    assert run(poetry, project, "release", "--abort").returncode == 2

    succeed(poetry, project, "release", "--resume", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert users(index) == {"ada"}
    assert index.files.keys() == FILES
    assert not journal.exists()


def test_poetry_may_have_been_given_the_password_of_that_user_meanwhile(
    poetry: PoetryHome, index: FaultyIndex, tmp_path: Path
) -> None:
    project = make_project(tmp_path / "project")
    poetry = to(index, poetry)
    broken_off(poetry, project, index)
    poetry = with_environment(
        poetry,
        POETRY_HTTP_BASIC_CORP_USERNAME="ada",
        POETRY_HTTP_BASIC_CORP_PASSWORD=PASSWORD,
    )
    succeed(poetry, project, "release", "--resume")
    assert users(index) == {"ada"}


def test_a_password_that_is_not_wanted_is_refused(
    poetry: PoetryHome, index: FaultyIndex, project: GitProject
) -> None:
    index.script(Reply(stores=True), Reply(403))
    poetry = to(index, poetry)
    assert run(poetry, project, "release", "minor", "--publish").returncode == 45
    done = run(poetry, project, "release", "--resume", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert done.returncode == 2
    assert "begun with no user named" in done.stderr
    fresh = run(poetry, project, "release", "minor", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert "goes with --resume or --abort" in fresh.stderr


def test_what_arrived_is_told_when_a_publication_fails(
    poetry: PoetryHome, index: FaultyIndex, project: GitProject
) -> None:
    index.script(Reply(stores=True), Reply(403))
    poetry = to(index, poetry)
    failed = run(poetry, project, "publish", "--json")
    document = json.loads(failed.stdout)
    assert (failed.returncode, document["exit_code"], document["error"]) == (45, 45, "Forbidden")
    assert (document["repository"], document["version"], document["verified"]) == (
        *("corp", "0.1.0"),
        False,
    )
    assert {file["filename"]: file["status"] for file in document["files"]} == {
        "demo_pkg-0.1.0.tar.gz": "uploaded",
        "demo_pkg-0.1.0-py3-none-any.whl": "failed",
    }
    assert "Of 2 files: 1 uploaded, 1 failed." in failed.stderr

    index.script(Reply(403))
    again = json.loads(run(poetry, project, "publish", "--json").stdout)
    assert [file["status"] for file in again["files"]] == ["skipped", "failed"]


@pytest.mark.parametrize("command", ["release", "publish"])
def test_what_arrived_is_where_it_would_be_if_all_had(
    poetry: PoetryHome, index: FaultyIndex, project: GitProject, command: str
) -> None:
    if command == "publish":
        document = json.loads(broken_off(to(index, poetry), project, index).stdout)
        assert "publication" not in document
    else:
        index.script(Reply(stores=True), Reply(403))
        done = run(to(index, poetry), project, "release", "minor", "--publish", "--json")
        document = json.loads(done.stdout)["publication"]
    assert [file["status"] for file in document["files"]] == ["uploaded", "failed"]


def test_a_pushed_release_that_broke_at_the_upload_is_published_again_signed(
    signer: PoetryHome, index: FaultyIndex, tmp_path: Path
) -> None:
    project = make_signed_project(tmp_path / "project")
    bare = project.add_remote(tmp_path / "origin.git")
    project.commit("feat: more")
    poetry = to(index, signer)
    index.script(Reply(stores=True), Reply(403))
    failed = run(poetry, project, "release", "auto", "--push-tag", "--publish")
    assert failed.returncode == 45, failed.stdout + failed.stderr
    assert "is released all the same" in failed.stderr
    assert bare.tags() == ["v0.1.0"]
    (first,) = index.files
    before = index.files[first], index.provenance[first]

    # By hand, as who has not read what stands there would.
    again = succeed(poetry, project, "publish", "--json")
    files = {file["filename"]: file for file in json.loads(again.stdout)["files"]}
    assert files.keys() == index.files.keys() == index.provenance.keys() == FILES
    assert files[first]["status"] == "skipped"
    assert all(file["signed"] for file in files.values())
    assert (index.files[first], index.provenance[first]) == before

    posts = len(index.posts)
    resumed = succeed(poetry, project, "release", "--resume")
    assert "2 skipped; signed and verified on the index." in resumed.stdout
    assert len(index.posts) == posts
    assert not (project.root / ".git" / "poetry-aegis").exists()


def published_by(poetry: PoetryHome, registry: RegistryServer) -> PoetryHome:
    """Return *poetry* as a publisher of *registry*."""
    return with_environment(
        poetry,
        POETRY_REPOSITORIES_CORP_URL=f"{registry.url}/legacy/",
        POETRY_HTTP_BASIC_CORP_USERNAME="pub",
        POETRY_HTTP_BASIC_CORP_PASSWORD=registry.users["pub"][0],
    )


def test_a_release_of_a_project_that_is_archived_changes_nothing(
    poetry: PoetryHome, tmp_path: Path
) -> None:
    project = make_project(tmp_path / "project")
    bare = project.add_remote(tmp_path / "origin.git")
    project.commit("feat: more")
    before = project.git("rev-parse", "HEAD")
    with running_registry(tmp_path / "registry") as registry:
        upload(registry, make_wheel(tmp_path, "demo-pkg", "0.0.1"))
        admin = ("ada", registry.users["ada"][0])
        where = f"{registry.url}/api/v1/projects/demo-pkg"
        assert HTTP.patch(where, json={"status": "archived"}, auth=admin).status_code == 200
        told = published_by(poetry, registry)
        for command in (("release", "auto", "--push-tag", "--publish"), ("publish",)):
            refused = run(told, project, *command)
            assert refused.returncode == 40, refused.stdout + refused.stderr
            assert "demo-pkg on corp is archived and takes no uploads." in refused.stderr
            assert "poetry aegis project demo-pkg --status active" in refused.stderr
            assert "Building" not in refused.stdout
    assert project.git("rev-parse", "HEAD") == before
    assert not project.git("status", "--porcelain")
    assert not bare.tags()


def test_a_pushed_release_that_has_to_be_signed_says_how_and_goes_on_then(
    signer: PoetryHome, tmp_path: Path
) -> None:
    project = make_project(tmp_path / "project")
    bare = project.add_remote(tmp_path / "origin.git")
    project.commit("feat: more")
    data = tmp_path / "registry" / "data"
    data.parent.mkdir()
    exported = succeed(signer, project, "key", "export", "release").stdout
    data.with_name("trust.toml").write_text(exported)
    settings = '[signatures]\nrequired = ["demo-pkg"]\ntrust = "trust.toml"\n'
    with running_registry(data, settings=settings) as registry:
        poetry = published_by(signer, registry)
        for command in (("auto", "--push-tag", "--publish"), ("--resume",)):
            failed = run(poetry, project, "release", *command)
            assert failed.returncode == 40, failed.stdout + failed.stderr
            assert bare.tags() == ["v0.1.0"]
            sign, _, left = failed.stderr.splitlines()[-3:]
            assert sign.endswith("in dist/: poetry aegis publish --skip-build --sign -r corp")
            assert left.endswith("after that: poetry aegis release --resume")

        way_out = sign.rpartition("poetry aegis ")[2].split()
        assert "2 uploaded" in succeed(poetry, project, *way_out).stdout
        resumed = succeed(poetry, project, *left.rpartition("poetry aegis ")[2].split())
    assert "2 skipped; signed and verified on the index." in resumed.stdout


# From end to end


def test_a_release_is_signed_pushed_published_and_verified(
    signer: PoetryHome, tmp_path: Path
) -> None:
    """Commit and tag by git's key, the distributions by the project's."""
    project = make_signed_project(tmp_path / "project")
    let_git_sign(signer)
    succeed(signer, project, "key", "trust", "release")
    project.commit("feat: trust")
    bare = project.add_remote(tmp_path / "origin.git")
    with running_registry(tmp_path / "registry") as registry:
        poetry = published_by(signer, registry)
        arguments = ("release", "auto", "--push-tag", "--publish", "--sign", "--json")
        released = json.loads(succeed(poetry, project, *arguments).stdout)
        assert listed_files(registry, "demo-pkg").keys() == FILES

        reader = with_environment(
            poetry,
            AEGIS_SIGNING_PASSPHRASE="",
            AEGIS_REPOSITORY="corp",
            POETRY_REPOSITORIES_OTHER_URL="http://127.0.0.1:9/legacy/",
        )
        verified = succeed(reader, project, "verify", "demo-pkg==0.1.0", "--json")
    assert "named in AEGIS_REPOSITORY" in verified.stderr
    publication = released["publication"]
    assert publication["verified"]
    assert [file["signed"] for file in publication["files"]] == [True, True]
    found = json.loads(verified.stdout)
    assert {
        one["file"]: (one["finding"], one["signers"]) for one in found["files"]
    } == dict.fromkeys(FILES, ("verified", ["release"]))
    for kind, name in (("commit", "v0.1.0^{commit}"), ("tag", "v0.1.0")):
        assert "BEGIN SSH SIGNATURE" in bare.git("cat-file", kind, name)


def let_git_sign(poetry: PoetryHome) -> None:
    """Give git a key of its own."""
    program = needs_program("ssh-keygen")
    key = poetry.root / "git-key"
    command = [program, "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    with (poetry.root / "gitconfig").open("a") as settings:
        settings.write(f'[gpg]\n\tformat = ssh\n[user]\n\tsigningkey = "{key}.pub"\n')
