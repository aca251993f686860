"""A release goes from one real registry to another: `promotion` alone, and the whole command."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import httpx
import pytest
from packaging.version import Version

from poetry_aegis.commands.promote import _carried
from poetry_aegis.commands.promotion_failure import way_out
from poetry_aegis.errors import (
    NotVerified,
    PublishError,
    Unauthorized,
    VerificationFailed,
)
from poetry_aegis.poetry_api import pypi_urls
from poetry_aegis.publish.answers import SIGN
from poetry_aegis.publish.contents import Release
from poetry_aegis.publish.distributions import read_distribution
from poetry_aegis.publish.index import IndexedFile
from poetry_aegis.publish.promotion import Signed, attestations_of, gather
from poetry_aegis.publish.repository import Repository
from poetry_aegis.signatures.attestation import Attestation, parse_provenance
from poetry_aegis.signatures.trust import Trust, TrustedKey
from poetry_aegis.signing.sources import open_source
from tests.support.distributions import make_sdist, make_wheel
from tests.support.faulty import FaultyIndex, Reply
from tests.support.registry import (
    USERS,
    RegistryServer,
    listed_files,
    read,
    running_registry,
    upload,
)
from tests.support.signing import TeamKey, new_key, signed_by
from tests.unit.publish.conftest import IMPATIENT, Recorder, repository_at

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.poetry import PoetryHome

WHEEL, SDIST = "{}-1.0.0-py3-none-any.whl", "{}-1.0.0.tar.gz"


@pytest.fixture(scope="module")
def staging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    with running_registry(tmp_path_factory.mktemp("staging") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    with running_registry(tmp_path_factory.mktemp("production") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def ada() -> TeamKey:
    return new_key("ada")


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Return a project's name that is the test's own, so that tests can share registries."""
    return re.sub("[^a-z0-9]+", "-", str(request.node.name).removeprefix("test_"))[:60].strip("-")


@pytest.fixture
def built(tmp_path: Path, name: str) -> tuple[Path, Path]:
    """Return an sdist and a wheel of version 1.0.0."""
    return make_sdist(tmp_path / "built", name), make_wheel(tmp_path / "built", name)


def put(server: RegistryServer, *files: Path, keys: tuple[TeamKey, ...] = ()) -> None:
    for file in files:
        fields = {"attestations": signed_by(file, *keys)} if keys else {}
        answer = upload(server, file, fields=fields)
        assert answer.status_code == 200, answer.text


def known_as(server: RegistryServer, user: str = "rae", name: str = "staging") -> Repository:
    password = server.users[user][0]
    return repository_at(f"{server.url}/legacy/", name, username=user, password=password)


def release_of(name: str, version: str = "1.0.0") -> Release:
    return Release(name, Version(version))


def fetched(
    server: RegistryServer, name: str, folder: Path, *, user: str = "rae", **how: Any
) -> tuple[Signed, ...]:
    folder.mkdir(exist_ok=True)
    reporter = how.pop("reporter", Recorder())
    with open_source(known_as(server, user), reporter.note, IMPATIENT) as origin:
        return gather(origin, release_of(name), folder, reporter=reporter, **how)


def trust_in(*keys: TeamKey) -> Trust:
    public = {key.name: key.public for key in keys}
    return Trust(
        len(keys),
        {name: TrustedKey(one.keytype, one.scheme, one.public) for name, one in public.items()},
    )


def names(gathered: tuple[Signed, ...]) -> list[str]:
    return [one.distribution.filename for one in gathered]


# What is gathered


def test_the_very_files_of_a_version_come(
    staging: RegistryServer, name: str, built: tuple[Path, Path], tmp_path: Path
) -> None:
    put(staging, *built, make_wheel(tmp_path / "newer", name, "1.0.1"))
    gathered = fetched(staging, name, tmp_path / "folder", jobs=4)
    assert names(gathered) == [path.name for path in built]
    for one, original in zip(gathered, built, strict=True):
        assert one.distribution.path.read_bytes() == original.read_bytes()
        assert one.distribution.path.parent == tmp_path / "folder"
    assert attestations_of(gathered) == {}


def test_what_is_not_there_is_said_with_what_is(
    staging: RegistryServer, name: str, tmp_path: Path
) -> None:
    put(staging, make_wheel(tmp_path, name, "0.9.0"), make_wheel(tmp_path, name, "0.10.0"))
    with pytest.raises(PublishError, match=f"staging has no files of {name} 1.0.0") as caught:
        fetched(staging, name, tmp_path / "folder")
    assert caught.value.hint == f"It has of {name}: 0.10.0, 0.9.0."
    with pytest.raises(PublishError, match="nothing to promote") as caught:
        fetched(staging, "of-which-nobody-knows", tmp_path / "folder")
    assert "no version" in caught.value.hint


def test_what_is_yanked_stays_unless_it_is_wanted(
    staging: RegistryServer, name: str, built: tuple[Path, Path], tmp_path: Path
) -> None:
    put(staging, *built)
    yank(staging, name)
    with pytest.raises(PublishError, match="is yanked on staging") as caught:
        fetched(staging, name, tmp_path / "folder")
    assert "--yanked" in caught.value.hint
    assert len(fetched(staging, name, tmp_path / "folder", yanked=True)) == 2


def yank(server: RegistryServer, name: str) -> None:
    url = f"{server.url}/api/v1/projects/{name}/versions/1.0.0/yank"
    answer = httpx.put(url, json={"reason": "bad"}, auth=("pub", USERS["pub"][0]), trust_env=False)
    assert answer.status_code == 200, answer.text


def test_a_file_that_was_altered_on_the_index_is_refused(
    staging: RegistryServer, name: str, built: tuple[Path, Path], tmp_path: Path
) -> None:
    put(staging, *built)
    wheel = alter(staging, name)
    with pytest.raises(VerificationFailed, match=r"shows .* with the sha256") as caught:
        fetched(staging, name, tmp_path / "folder")
    assert hashlib.sha256(wheel.read_bytes()).hexdigest() in str(caught.value)


def alter(server: RegistryServer, name: str, content: str = "") -> Path:
    """Replace the wheel in the registry's own folder, behind its back."""
    stored = next((server.data / "packages" / name).glob("*.whl"))
    package = f"{name.replace('-', '_')}/__init__.py"
    stored.unlink()
    return make_wheel(stored.parent, name, files={package: content})


def test_a_wrong_password_is_said(staging: RegistryServer, name: str, tmp_path: Path) -> None:
    strange = repository_at(f"{staging.url}/legacy/", "staging", username="rae", password="wrong")
    recorder = Recorder()
    with (
        open_source(strange, recorder.note, IMPATIENT) as origin,
        pytest.raises(Unauthorized, match="does not accept the password of rae"),
    ):
        gather(origin, release_of(name), tmp_path, reporter=recorder)


class Liar:
    """An index that says and gives what it is told to."""

    name = "liar"

    def __init__(self, content: bytes, *names: str, sha256: str | None = None) -> None:
        self._content = content
        self._names = names
        self._sha256 = sha256

    def files(self, project: str) -> dict[str, IndexedFile]:
        return {name: IndexedFile(name, "https://x/", self._sha256) for name in self._names}

    def attestations(self, file: IndexedFile) -> tuple[Attestation, ...]:
        raise PublishError("It has none.")

    def sha256(self, file: IndexedFile, keep_in: Path | None = None) -> str:
        assert keep_in is not None
        keep_in.write_bytes(self._content)
        return hashlib.sha256(self._content).hexdigest()


@pytest.mark.parametrize(
    "hostile",
    [
        "demo-1.0.0-py3/../../../stolen-none-any.whl",
        "demo-1.0.0-py3\\..\\stolen-none-any.whl",
        "/demo-1.0.0-py3-none-any.whl",
        "C:demo-1.0.0-py3-none-any.whl",
    ],
)
def test_no_file_leaves_its_folder(hostile: str, tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="nothing to promote"):
        gather(Liar(b"", hostile), release_of("demo"), tmp_path, reporter=Recorder())
    assert list(tmp_path.iterdir()) == []


def test_a_file_must_hold_what_its_name_says(tmp_path: Path) -> None:
    other = make_wheel(tmp_path / "built", "other").read_bytes()
    index = Liar(other, WHEEL.format("demo"))
    with pytest.raises(VerificationFailed, match=r"metadata are of other 1\.0\.0"):
        gather(index, release_of("demo"), tmp_path, reporter=Recorder())
    with pytest.raises(VerificationFailed, match="not a readable archive"):
        gather(Liar(b"PK", *index._names), release_of("demo"), tmp_path, reporter=Recorder())


def test_an_index_without_hashes_is_noted(tmp_path: Path, recorder: Recorder) -> None:
    wheel = make_wheel(tmp_path / "built").read_bytes()
    index = Liar(wheel, WHEEL.format("demo"))
    gathered = gather(index, release_of("demo"), tmp_path, reporter=recorder)
    assert gathered[0].distribution.sha256 == hashlib.sha256(wheel).hexdigest()
    assert recorder.notes[0] == f"liar does not tell the sha256 of {WHEEL.format('demo')}."
    assert "left behind: It has none." in recorder.notes[1]


# Signatures


def test_what_is_signed_comes_along(
    staging: RegistryServer, name: str, built: tuple[Path, Path], tmp_path: Path, ada: TeamKey
) -> None:
    bob = new_key("bob")
    put(staging, *built, keys=(ada, bob))
    gathered = fetched(staging, name, tmp_path / "folder", trust=trust_in(ada, bob))
    assert [one.signers for one in gathered] == [("ada", "bob")] * 2
    assert set(attestations_of(gathered)) == {path.name for path in built}
    assert len(json.loads(attestations_of(gathered)[built[0].name])) == 2


def test_what_strangers_signed_stays_behind(
    staging: RegistryServer, name: str, built: tuple[Path, Path], tmp_path: Path, ada: TeamKey
) -> None:
    """An index that wants signatures of its own people alone would not take it."""
    put(staging, *built, keys=(ada, new_key("eve")))
    heard = Recorder()
    gathered = fetched(staging, name, tmp_path / "folder", trust=trust_in(ada), reporter=heard)
    for one in gathered:
        (kept,) = one.attestations
        assert kept.is_signed_by(ada.public)
    assert heard.notes == [
        f"1 of 2 signatures of {path.name} stay behind: they count for nothing here."
        for path in built
    ]


def test_a_file_without_the_wanted_signatures_stops_it(
    staging: RegistryServer, name: str, built: tuple[Path, Path], tmp_path: Path, ada: TeamKey
) -> None:
    sdist, wheel = built
    put(staging, sdist, keys=(ada,))
    put(staging, wheel)
    with pytest.raises(NotVerified, match=r"\.whl does not verify\. It is not signed\.") as caught:
        fetched(staging, name, tmp_path / "folder", trust=trust_in(ada))
    assert "--no-verify" in caught.value.hint
    assert_at_its_tag(caught.value.hint, "1.0.0")
    with pytest.raises(NotVerified, match="unknown key"):
        fetched(staging, name, tmp_path / "folder", trust=trust_in(new_key("eve")))
    assert len(fetched(staging, name, tmp_path / "folder", trust=None)) == 2


# The command


@dataclass(frozen=True)
class Team:
    """A Poetry that knows both registries: one to read from, the other to publish to."""

    poetry: PoetryHome
    staging: RegistryServer
    production: RegistryServer
    folder: Path

    def promote(self, release: str, *more: str) -> subprocess.CompletedProcess[str]:
        where = ("--from", "staging", "--to", "production")
        return self.run(release, *where, *more)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        run = self.poetry.run("aegis", "promote", *arguments, cwd=self.folder)
        for password, _ in USERS.values():
            assert password not in run.stdout + run.stderr
        return run

    def trusts(self, key: TeamKey) -> None:
        """Make the folder a project that wants a signature of *key*."""
        (self.folder / "pyproject.toml").write_text(
            f'[project]\nname = "consumer"\nversion = "1"\n{key.trusted()}'
        )


@pytest.fixture
def team(
    poetry: PoetryHome, staging: RegistryServer, production: RegistryServer, tmp_path: Path
) -> Team:
    for name, server, user in (("STAGING", staging, "rae"), ("PRODUCTION", production, "pub")):
        variables = {
            f"POETRY_REPOSITORIES_{name}_URL": f"{server.url}/legacy/",
            f"POETRY_HTTP_BASIC_{name}_USERNAME": user,
            f"POETRY_HTTP_BASIC_{name}_PASSWORD": server.users[user][0],
        }
        poetry.extra_env.update(variables)
    return Team(poetry, staging, production, tmp_path)


def hashes(server: RegistryServer, name: str) -> dict[str, str]:
    return {file: shown["hashes"]["sha256"] for file, shown in listed_files(server, name).items()}


def test_promote_copies_files_and_signatures_outside_of_a_project(
    team: Team,
    name: str,
    built: tuple[Path, Path],
    tmp_path: Path,
    ada: TeamKey,
) -> None:
    put(team.staging, *built, keys=(ada,))
    tried = team.promote(f"{name}==1.0.0", "--dry-run", "--json")
    assert tried.returncode == 0, tried.stderr
    assert [file["status"] for file in json.loads(tried.stdout)["files"]] == ["upload", "upload"]
    assert hashes(team.production, name) == {}

    done = team.promote(f"{name}==1.0.0", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert f"Promoted {name} 1.0.0: 2 uploaded; verified on the index." in done.stdout
    assert hashes(team.production, name) == hashes(team.staging, name)
    shown = listed_files(team.production, name)[built[1].name]
    path = urljoin(f"/simple/{name}/", shown["provenance"])
    provenance = parse_provenance(read(team.production, path).text)
    assert [one.is_signed_by(ada.public) for one in provenance] == [True]

    again = team.promote(f"{name}==1.0.0")
    assert again.returncode == 0, again.stderr
    assert "production already has all of" in again.stdout


def test_promote_verifies_as_the_project_wants_it(
    team: Team,
    name: str,
    built: tuple[Path, Path],
    tmp_path: Path,
    ada: TeamKey,
) -> None:
    put(team.staging, *built)
    team.trusts(ada)
    refused = team.promote(f"{name}==1.0.0")
    assert refused.returncode == NotVerified.exit_code
    assert "does not verify. It is not signed." in refused.stderr
    assert hashes(team.production, name) == {}

    put(team.staging, *built, keys=(ada,))
    done = team.promote(f"{name}==1.0.0", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["from"] == "staging"
    assert document["signers"] == {path.name: ["ada"] for path in built}
    assert document["verified"]


def test_promote_ends_at_a_file_that_is_larger_than_was_told(
    team: Team, name: str, built: tuple[Path, Path]
) -> None:
    put(team.staging, *built)
    alter(team.staging, name, "".join(f"x{number} = {number}\n" for number in range(999)))
    refused = team.promote(f"{name}==1.0.0")
    assert refused.returncode == VerificationFailed.exit_code
    assert f"A file of {name} 1.0.0 on staging is not what its index shows" in refused.stderr
    assert hashes(team.production, name) == {}


def test_promote_without_a_look_at_signatures(
    team: Team,
    name: str,
    built: tuple[Path, Path],
    tmp_path: Path,
    ada: TeamKey,
) -> None:
    put(team.staging, *built)
    team.trusts(ada)
    done = team.promote(f"{name}==1.0.0", "--no-verify")
    assert done.returncode == 0, done.stderr
    assert "2 uploaded; not verified." in done.stdout
    assert hashes(team.production, name) == hashes(team.staging, name)


def test_promote_replaces_nothing(
    team: Team,
    name: str,
    built: tuple[Path, Path],
    tmp_path: Path,
) -> None:
    other = make_wheel(tmp_path / "other", name, files={"x.py": "1"})
    put(team.staging, *built)
    put(team.production, other)
    before = hashes(team.production, name)
    assert team.promote(f"{name}==1.0.0", "--dry-run").returncode == 47
    refused = team.promote(f"{name}==1.0.0")
    assert refused.returncode == 47
    assert before[other.name] in refused.stderr
    assert hashes(team.staging, name)[other.name] in refused.stderr
    assert "promote that" in refused.stderr
    assert hashes(team.production, name) == before, "the sdist was not sent either"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["demo==1.0.0", "--from", "staging"], "from one repository to another"),
        (["demo==1.0.0", "--from", "staging", "--to", "staging"], "from one repository to another"),
        (["demo", "--from", "staging", "--to", "production"], "Which version of demo?"),
        (["demo==1", "--from", "staging", "--to", "production", "--jobs", "0"], "1 to 32"),
    ],
)
def test_promote_is_told_what_it_needs(
    team: Team, tmp_path: Path, arguments: list[str], said: str
) -> None:
    run = team.run(*arguments)
    assert run.returncode == 2
    assert said in run.stderr


@pytest.mark.parametrize(
    "reply",
    [Reply(503), Reply(500, stores=True), Reply(cut_after=500), Reply(stores=True, silent=True)],
    ids=["not there for a moment", "stored, then an error", "cut off", "stored, then silence"],
)
def test_promote_arrives_once(
    team: Team, name: str, built: tuple[Path, Path], index: FaultyIndex, reply: Reply
) -> None:
    put(team.staging, *built)
    team.poetry.extra_env["POETRY_REPOSITORIES_PRODUCTION_URL"] = f"{index.url}/legacy/"
    index.script(reply)
    done = team.promote(f"{name}==1.0.0", "--jobs", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert index.files == {path.name: path.read_bytes() for path in built}
    assert index.attempts == (2 if reply.stores else 3)


def test_promote_that_fails_tells_what_arrived_and_names_itself(
    team: Team, name: str, built: tuple[Path, Path], index: FaultyIndex
) -> None:
    put(team.staging, *built)
    team.poetry.extra_env["POETRY_REPOSITORIES_PRODUCTION_URL"] = f"{index.url}/legacy/"
    index.script(Reply(stores=True), Reply(403))
    refused = team.promote(f"{name}==1.0.0", "--json")
    assert refused.returncode == 45
    document = json.loads(refused.stdout)
    assert [file["status"] for file in document["files"]] == ["uploaded", "failed"]
    assert "Of 2 files: 1 uploaded, 1 failed." in refused.stderr

    # What is read is no index, so nobody can tell what arrives.
    index.page_replies.extend([Reply(200, "no index")] * 30)
    unreadable = team.promote(f"{name}==1.0.0")
    assert unreadable.returncode == 49
    assert "poetry aegis promote --no-verify" in unreadable.stderr
    assert "publish --no-verify" not in unreadable.stderr


@pytest.mark.parametrize(
    ("hint", "wanted"),
    [
        (
            "Run it again. Without reading the index back: poetry aegis publish --no-verify",
            "Run it again. Without reading the index back: poetry aegis promote --no-verify",
        ),
        ("Mend it.\nWhere it is mistaken: poetry aegis publish --no-check", "Mend it."),
        ("Wait.", "Wait."),
        ("", ""),
    ],
)
def test_a_way_out_is_one_of_a_promotion(hint: str, wanted: str) -> None:
    assert way_out(hint, release_of("demo"), "staging") == wanted


def test_what_the_target_wants_signed_is_signed_where_it_is() -> None:
    said = way_out(SIGN, release_of("demo", "0.1.3"), "staging")
    assert "with a key that the server trusts" in said
    assert_at_its_tag(said, "0.1.3")


def assert_at_its_tag(hint: str, version: str) -> None:
    """Assert that *version* is checked out before it is signed: else another one would be."""
    switch, signing = (
        f"git switch --detach v{version}\n",
        "publish --skip-build --sign -r staging",
    )
    assert 0 < hint.find(switch) < hint.find(signing), hint


def test_promote_finds_a_wrong_password_before_it_downloads(
    team: Team, name: str, built: tuple[Path, Path]
) -> None:
    put(team.staging, *built)
    team.poetry.extra_env["POETRY_HTTP_BASIC_PRODUCTION_PASSWORD"] = "mistaken-for-it"
    refused = team.promote(f"{name}==1.0.0")
    assert refused.returncode == Unauthorized.exit_code
    assert "production does not accept the password of pub" in refused.stderr
    got = [line["path"] for line in team.staging.log_lines() if "path" in line]
    assert not [path for path in got if name.replace("-", "_") in path]


def test_what_is_signed_does_not_go_to_the_public_index(
    built: tuple[Path, Path], recorder: Recorder, ada: TeamKey
) -> None:
    signed = Signed(read_distribution(built[1]), (ada.sign_file(built[1]),))
    upload_url, index_url = pypi_urls()
    public = Repository("pypi", upload_url, index_url)
    assert _carried((signed,), public, recorder) == {}
    assert "what is signed stays behind" in recorder.notes[0]
    private = repository_at("https://pkg.example/legacy/")
    assert list(_carried((signed,), private, recorder)) == [built[1].name]


def test_promote_of_what_is_nowhere_is_a_sentence(team: Team, tmp_path: Path) -> None:
    run = team.promote("of-which-nobody-knows==1.0.0")
    assert run.returncode == 40
    assert "there is nothing to promote" in run.stderr
