"""`poetry aegis verify` on a real registry: each thing that can be found of a file."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.commands import Result, aegis
from tests.support.distributions import make_sdist, make_wheel
from tests.support.guarded import UserProject, enter, make_user_project
from tests.support.registry import RegistryServer, running_registry, upload
from tests.support.signing import TeamKey, new_key, signed_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

ADA, BOB, EVE = new_key("ada"), new_key("bob"), new_key("eve")
TRUST = "[tool.poetry-aegis.trust]\n"
BOTH = ADA.trusted() + BOB.trusted()
NOT_VERIFIED = 83


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    with running_registry(tmp_path_factory.mktemp("registry") / "data") as server:
        yield server


class Index:
    """A registry, and what a test puts there under a name that no other test has."""

    def __init__(self, server: RegistryServer, folder: Path, name: str) -> None:
        self.server = server
        self.folder = folder
        self.name = name

    def publish(self, version: str = "1.0.0", *keys: TeamKey, sdist: bool = False) -> Path:
        """Publish a version, signed by *keys*, and return its file."""
        make = make_sdist if sdist else make_wheel
        path = make(self.folder, self.name, version)
        fields = {"attestations": signed_by(path, *keys)} if keys else {}
        assert upload(self.server, path, fields=fields).status_code == 200
        return path

    def lock_in(
        self,
        project: UserProject,
        version: str,
        files: Mapping[str, str],
        *,
        source: str = "corp",
        url: str = "",
    ) -> None:
        """Write a lock of *project* that has *version* with the digests of its *files*."""
        here = url or f"{self.server.url}/simple"
        project.write_lock(self.name, version, files, source=source, index=here)

    def stored(self, file: Path) -> Path:
        """Return where the registry keeps *file*."""
        return self.server.data / "packages" / self.name / file.name

    def provenance(self, file: Path) -> Path:
        """Return where the registry keeps what is signed of *file*."""
        return self.stored(file).with_name(f"{file.name}.provenance")

    def change_envelope(self, file: Path, change: Callable[[dict[str, Any]], None]) -> None:
        """Let *change* alter the envelope of what is signed of *file*."""
        document = json.loads(self.provenance(file).read_text())
        change(document["attestation_bundles"][0]["attestations"][0]["envelope"])
        self.provenance(file).write_text(json.dumps(document))


@pytest.fixture
def index(registry: RegistryServer, tmp_path: Path, request: pytest.FixtureRequest) -> Index:
    name = hashlib.sha256(request.node.name.encode()).hexdigest()[:12]
    return Index(registry, tmp_path / "distributions", f"acme-{name}")


@pytest.fixture
def inside(
    registry: RegistryServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., UserProject]:
    """Return what makes a project that trusts somebody, and puts the commands into it."""

    def make(trust: str = TRUST + BOTH, url: str = "") -> UserProject:
        project = make_user_project(tmp_path / "project", url or f"{registry.url}/simple/", trust)
        enter(project, monkeypatch)
        return project

    return make


def findings(result: Result) -> dict[str, str]:
    """Return what was found, by file, or by release where it is about none."""
    files = result.document["files"]
    return {file["file"] or file["project"]: file["finding"] for file in files}


def sentence(result: Result) -> str:
    (file,) = result.document["files"]
    return str(file["sentence"])


# A release on the index


def test_what_is_signed_by_somebody_trusted_is_verified(index: Index, inside: Any) -> None:
    inside()
    wheel, sdist = index.publish("1.0.0", ADA), index.publish("1.0.0", ADA, sdist=True)
    result = aegis("verify", index.name, "--json")
    assert result.code == 0, result.err
    assert result.document["verified"] is True
    assert findings(result) == {wheel.name: "verified", sdist.name: "verified"}
    assert result.document["files"][0]["signers"] == ["ada"]


def test_a_table_says_it_to_people(index: Index, inside: Any) -> None:
    inside()
    wheel = index.publish("1.0.0", ADA)
    told = aegis("verify", f"{index.name}==1.0.0")
    assert told.code == 0
    assert told.out == f"verified  {wheel.name}  Signed by ada.\n\n1 file: 1 verified.\n"
    assert told.err == ""


def test_without_a_version_the_newest_final_one_is_meant(index: Index, inside: Any) -> None:
    inside()
    index.publish("1.0.0")
    final = index.publish("1.10.0", ADA)
    index.publish("2.0.0rc1")
    assert findings(aegis("verify", index.name, "--json")) == {final.name: "verified"}


def test_several_releases_are_verified_at_once(index: Index, inside: Any) -> None:
    inside()
    one, two = index.publish("1.0.0", ADA), index.publish("2.0.0")
    result = aegis(
        *("verify", f"{index.name}==1.0.0", f"{index.name}==2.0", "--jobs", "2", "--json")
    )
    assert result.code == NOT_VERIFIED
    assert findings(result) == {one.name: "verified", two.name: "unsigned"}


GOOD, TWO = "verified", "threshold = 2\n"


@pytest.mark.parametrize(
    ("trust", "signers", "expected"),
    [
        (BOTH, [], ("unsigned", "not signed")),
        (BOTH, [EVE], ("unknown-key", "unknown key")),
        (BOTH, [EVE, ADA], (GOOD, "Signed by ada.")),
        (TWO + BOTH, [ADA, BOB], (GOOD, "Signed by ada, bob.")),
        (TWO + BOTH, [ADA], ("too-few", "2 signatures are wanted")),
        (TWO + BOTH, [ADA, ADA], ("too-few", "2 signatures are wanted")),
        (ADA.trusted(valid_until="2020-01-01"), [ADA], ("expired", "not valid on")),
        (ADA.trusted(valid_from="2999-01-01"), [ADA], ("expired", "not valid on")),
        (ADA.trusted(revoked="2020-01-01", reason='"lost"'), [ADA], ("revoked", "revoked: lost")),
        (ADA.trusted(projects='["other-*"]'), [ADA], ("unknown-key", "not trusted for")),
        (ADA.trusted(projects='["acme-*"]'), [ADA], (GOOD, "Signed by ada.")),
    ],
)
def test_each_state_of_a_signature_is_told_apart(
    index: Index, inside: Any, trust: str, signers: list[TeamKey], expected: tuple[str, str]
) -> None:
    inside(TRUST + trust)
    file = index.publish("1.0.0", *signers)
    result = aegis("verify", index.name, "--json")
    finding, said = expected
    assert findings(result) == {file.name: finding}
    assert said in sentence(result)
    assert result.code == (0 if finding == GOOD else NOT_VERIFIED)


def alter_file(index: Index, file: Path) -> None:
    content = bytearray(index.stored(file).read_bytes())
    content[40] ^= 1
    index.stored(file).write_bytes(content)


def lengthen_file(index: Index, file: Path) -> None:
    index.stored(file).write_bytes(index.stored(file).read_bytes() + b"\n")


def cut_file(index: Index, file: Path) -> None:
    index.stored(file).write_bytes(index.stored(file).read_bytes()[:-1])


def alter_file_and_page(index: Index, file: Path) -> None:
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    alter_file(index, file)
    after = hashlib.sha256(index.stored(file).read_bytes()).hexdigest()
    for page in (index.server.data / "simple" / index.name).iterdir():
        content = page.read_bytes()
        if page.suffix == ".gz":
            altered = gzip.decompress(content).replace(before.encode(), after.encode())
            page.write_bytes(gzip.compress(altered))
        else:
            page.write_bytes(content.replace(before.encode(), after.encode()))


def alter_signature(index: Index, file: Path) -> None:
    def change(envelope: dict[str, Any]) -> None:
        value = bytearray(base64.b64decode(envelope["signature"]))
        value[7] ^= 1
        envelope["signature"] = base64.b64encode(value).decode()

    index.change_envelope(file, change)


def alter_statement(index: Index, file: Path) -> None:
    def change(envelope: dict[str, Any]) -> None:
        statement = base64.b64decode(envelope["statement"]).replace(b"publish/v1", b"publish/v2")
        envelope["statement"] = base64.b64encode(statement).decode()

    index.change_envelope(file, change)


def swap_with_sdist(index: Index, file: Path) -> None:
    other = index.publish("2.0.0", ADA, sdist=True)
    index.provenance(file).write_bytes(index.provenance(other).read_bytes())


def replay_other_version(index: Index, file: Path) -> None:
    older = index.publish("1.0.0", ADA)
    index.provenance(file).write_bytes(index.provenance(older).read_bytes())


def swap_file(index: Index, file: Path) -> None:
    """An older file, with all that is signed of it, under the name of a newer one."""
    older = index.publish("1.0.0", ADA)
    index.stored(file).write_bytes(index.stored(older).read_bytes())
    index.provenance(file).write_bytes(index.provenance(older).read_bytes())


def no_json(index: Index, file: Path) -> None:
    index.provenance(file).write_text("<html>")


def key_twice(index: Index, file: Path) -> None:
    text = index.provenance(file).read_text()
    index.provenance(file).write_text(text.replace("{", '{"version": 1, "version": 1, ', 1))


@pytest.mark.parametrize(
    ("alter", "said"),
    [
        (alter_file, "gives it with the sha256"),
        (lengthen_file, "larger than"),
        (cut_file, "gives it with the sha256"),
        (alter_file_and_page, "about other content"),
        (alter_signature, "was not signed by it"),
        (alter_statement, "was not signed by it"),
        (swap_with_sdist, "about another file"),
        (replay_other_version, "about another file"),
        (swap_file, "corp"),
        (no_json, "cannot be read: they are not JSON"),
        (key_twice, "cannot be read"),
    ],
)
def test_whatever_is_altered_on_the_index_is_found(
    index: Index, inside: Any, alter: Callable[[Index, Path], None], said: str
) -> None:
    inside()
    file = index.publish("2.0.0", ADA)
    alter(index, file)
    result = aegis("verify", f"{index.name}==2.0.0", "--json")
    assert result.code == NOT_VERIFIED
    assert findings(result)[file.name] == "altered"
    (found,) = (one for one in result.document["files"] if one["file"] == file.name)
    assert said in found["sentence"]
    assert found["signers"] == []


def test_signatures_that_the_index_lacks_are_unavailable(index: Index, inside: Any) -> None:
    inside()
    file = index.publish("1.0.0", ADA)
    index.provenance(file).unlink()
    result = aegis("verify", index.name, "--json")
    assert findings(result) == {file.name: "unavailable"}
    assert "lacks" in sentence(result)


def test_an_index_without_the_release_is_told(index: Index, inside: Any) -> None:
    inside()
    index.publish("1.0.0", ADA)
    result = aegis("verify", f"{index.name}==3")
    assert result.code == NOT_VERIFIED
    assert f"corp has no files of {index.name} 3." in result.err
    assert aegis("verify", "acme-nowhere").code == NOT_VERIFIED


def test_a_project_that_trusts_nobody_is_told_how_to(index: Index, inside: Any) -> None:
    inside(TRUST)
    index.publish("1.0.0", ADA)
    result = aegis("verify", index.name)
    assert result.code == NOT_VERIFIED
    assert "trusts no key" in result.err
    assert "poetry aegis key trust" in result.err


# A file at hand


def beside(file: Path, text: str) -> None:
    file.with_name(f"{file.name}.publish.attestation").write_text(text)


def test_a_file_is_verified_by_what_is_signed_beside_it(index: Index, inside: Any) -> None:
    inside()
    file = make_wheel(index.folder, index.name)
    beside(file, signed_by(file, ADA))
    assert findings(aegis("verify", str(file), "--json")) == {file.name: "verified"}
    file.write_bytes(file.read_bytes() + b"\n")
    result = aegis("verify", str(file), "--json")
    assert result.code == NOT_VERIFIED
    assert findings(result) == {file.name: "altered"}
    beside(file, "[]]")
    assert findings(aegis("verify", str(file), "--json")) == {file.name: "altered"}


def test_a_file_is_verified_by_what_the_index_has_of_it(index: Index, inside: Any) -> None:
    inside()
    file = index.publish("1.0.0", ADA)
    assert findings(aegis("verify", str(file), "--json")) == {file.name: "unsigned"}
    named = aegis("verify", str(file), "-r", "corp", "--json")
    assert findings(named) == {file.name: "verified"}
    file.write_bytes(file.read_bytes() + b"\n")
    result = aegis("verify", str(file), "-r", "corp", "--json")
    assert findings(result) == {file.name: "altered"}
    assert "the one here has" in sentence(result)


def test_an_attestation_is_looked_at_with_its_file_and_is_nothing_alone(
    index: Index, inside: Any
) -> None:
    inside()
    file = index.publish("1.0.0", ADA)
    beside(file, signed_by(file, ADA))
    kept = file.with_name(f"{file.name}.publish.attestation")
    assert findings(aegis("verify", str(file), str(kept), "--json")) == {file.name: "verified"}
    alone = aegis("verify", str(kept))
    assert alone.code != 0
    assert "is not the name of a wheel" in alone.err


def test_what_is_no_distribution_is_refused(index: Index, inside: Any) -> None:
    project = inside()
    (project.root / "notes.zip").write_text("")
    assert "not the name of a wheel" in aegis("verify", "./notes.zip").err
    assert aegis("verify", "./missing-1.0.tar.gz").err.startswith("There is no file")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--lock", "--installed"],
        ["acme", "--lock"],
        ["acme", "--no-download"],
        ["--lock", "-r", "corp"],
        ["acme", "--jobs", "0"],
    ],
)
def test_what_does_not_go_together_is_a_usage_error(inside: Any, arguments: list[str]) -> None:
    inside()
    assert aegis("verify", *arguments).code == 2


# The lock


def sha256_of(file: Path) -> str:
    return f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"


def test_every_file_that_the_lock_pins_is_verified(index: Index, inside: Any) -> None:
    project = inside()
    files = [index.publish("1.0.0", ADA), index.publish("1.0.0", BOB, sdist=True)]
    index.lock_in(project, "1.0.0", {file.name: sha256_of(file) for file in files})
    result = aegis("verify", "--lock", "--json")
    assert result.code == 0, result.out
    assert findings(result) == {file.name: "verified" for file in files}


def test_a_lock_with_another_hash_is_altered(index: Index, inside: Any) -> None:
    project = inside()
    file = index.publish("1.0.0", ADA)
    index.lock_in(project, "1.0.0", {file.name: "sha256:" + "0" * 64})
    result = aegis("verify", "--lock", "--json")
    assert result.code == NOT_VERIFIED
    assert findings(result) == {file.name: "altered"}
    assert "0" * 64 in sentence(result)


def test_the_signed_file_of_another_version_is_not_what_is_locked(
    index: Index, inside: Any
) -> None:
    project = inside()
    older = index.publish("1.0.0", ADA)
    index.lock_in(project, "2.0.0", {older.name: sha256_of(older)})
    result = aegis("verify", "--lock", "--no-download", "--json")
    assert findings(result) == {older.name: "altered"}
    assert "as a file of" in sentence(result)


def test_a_weak_hash_in_the_lock_pins_nothing(index: Index, inside: Any) -> None:
    project = inside()
    file = index.publish("1.0.0", ADA)
    digest = hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
    index.lock_in(project, "1.0.0", {file.name: f"md5:{digest}"})
    assert findings(aegis("verify", "--lock", "--json")) == {file.name: "altered"}


def test_a_lock_without_files_pins_nothing(index: Index, inside: Any) -> None:
    project = inside()
    index.publish("1.0.0", ADA)
    index.lock_in(project, "1.0.0", {})
    result = aegis("verify", "--lock", "--json")
    assert result.code == NOT_VERIFIED
    assert findings(result) == {index.name: "altered"}


def test_only_a_download_finds_a_file_that_the_index_altered(index: Index, inside: Any) -> None:
    project = inside()
    file = index.publish("1.0.0", ADA)
    index.lock_in(project, "1.0.0", {file.name: sha256_of(file)})
    alter_file(index, file)
    assert aegis("verify", "--lock", "--no-download").code == 0
    assert findings(aegis("verify", "--lock", "--json")) == {file.name: "altered"}


def test_a_file_that_the_index_does_not_show_any_more_is_unavailable(
    index: Index, inside: Any
) -> None:
    project = inside()
    file = index.publish("1.0.0", ADA)
    index.lock_in(project, "2.0.0", {file.name.replace("1.0.0", "2.0.0"): sha256_of(file)})
    assert set(findings(aegis("verify", "--lock", "--json")).values()) == {"unavailable"}


def test_a_source_that_the_project_does_not_have_is_told(index: Index, inside: Any) -> None:
    project = inside()
    file = index.publish("1.0.0", ADA)
    index.lock_in(project, "1.0.0", {file.name: sha256_of(file)}, source="gone")
    result = aegis("verify", "--lock", "--json")
    assert result.code == NOT_VERIFIED
    assert findings(result) == {index.name: "unavailable"}
    assert "source gone" in sentence(result)


# A lock that was rewritten


def declare(project: UserProject, lines: str) -> None:
    """Let *project* declare its dependencies as *lines*, and use the public index, too."""
    pyproject = project.root / "pyproject.toml"
    text = pyproject.read_text().replace("dependencies = []", 'dynamic = ["dependencies"]')
    text = text.replace("[[tool.poetry.source]]", "[[tool.poetry.source]]\npriority = 'explicit'")
    pyproject.write_text(f"{text}\n[tool.poetry.dependencies]\n{lines}\n")


def rewrite(project: UserProject, source: str) -> None:
    """Let the lock have its package from *source* instead."""
    text = project.lock.read_text()
    start, end = text.index("[package.source]"), text.index("[metadata]")
    project.lock.write_text(f"{text[:start]}{source}\n{text[end:]}")


GIT = '[package.source]\ntype = "git"\nurl = "https://a.example/b.git"\nreference = "main"\n'
ELSEWHERE = {
    "git": GIT,
    "url": '[package.source]\ntype = "url"\nurl = "https://a.example/b-1.tar.gz"\n',
    "file": '[package.source]\ntype = "file"\nurl = "b.whl"\n',
    "directory": '[package.source]\ntype = "directory"\nurl = "vendor"\n',
}
FROM_CORP = '{ version = "*", source = "corp" }'


@pytest.mark.parametrize("excuse", ["", 'unsigned = ["*"]\n', 'projects = ["other-*"]\n'])
@pytest.mark.parametrize("kind", ELSEWHERE)
def test_a_private_package_that_the_lock_takes_from_elsewhere_is_unverifiable(
    index: Index, inside: Any, kind: str, excuse: str
) -> None:
    project = inside(TRUST + excuse + BOTH)
    file = index.publish("1.0.0", ADA)
    declare(project, f"{index.name} = {FROM_CORP}")
    index.lock_in(project, "1.0.0", {file.name: sha256_of(file)})
    rewrite(project, ELSEWHERE[kind])
    result = aegis("verify", "--lock", "--json")
    assert result.code == NOT_VERIFIED
    assert findings(result) == {index.name: "unverifiable"}
    assert "which this project does not declare: it wants it from the source corp" in sentence(
        result
    )


def test_a_package_that_the_lock_has_from_another_index_than_declared_is_altered(
    index: Index, inside: Any
) -> None:
    project = inside()
    file = index.publish("1.0.0", ADA)
    declare(project, f"{index.name} = {FROM_CORP}")
    index.lock_in(project, "1.0.0", {file.name: sha256_of(file)})
    assert aegis("verify", "--lock").code == 0
    rewrite(project, "")
    result = aegis("verify", "--lock", "--json")
    assert result.code == NOT_VERIFIED
    assert findings(result) == {index.name: "altered"}
    assert sentence(result) == (
        "The lock has it from the public index; "
        f"the project wants it from the source corp ({index.server.url}/simple)."
    )


@pytest.mark.parametrize("source", ["", GIT])
def test_what_the_project_names_must_be_signed_wherever_it_comes_from(
    index: Index, inside: Any, source: str
) -> None:
    project = inside(f'{TRUST}projects = ["Acme.*"]\n{BOTH}')
    file = index.publish("1.0.0", ADA)
    declared = '{ git = "https://a.example/b.git", branch = "main" }' if source else '"*"'
    declare(project, f"{index.name} = {declared}")
    index.lock_in(project, "1.0.0", {file.name: sha256_of(file)})
    rewrite(project, source)
    result = aegis("verify", "--lock", "--json")
    assert result.code == NOT_VERIFIED
    assert findings(result) == {index.name: "unverifiable"}
    assert sentence(result).startswith("It must be signed, but comes from")
    pyproject = project.root / "pyproject.toml"
    named = pyproject.read_text()
    pyproject.write_text(named.replace(TRUST, f'{TRUST}unsigned = ["acme-*"]\n'))
    assert findings(aegis("verify", "--lock", "--json")) == {index.name: "excused"}
    pyproject.write_text(named.replace('projects = ["Acme.*"]', ""))
    assert aegis("verify", "--lock", "--json").document == {"verified": True, "files": []}


def test_a_source_that_has_moved_since_is_told(index: Index, inside: Any) -> None:
    """Poetry itself would go by the name alone."""
    project = inside()
    file = index.publish("1.0.0", ADA)
    index.lock_in(project, "1.0.0", {file.name: sha256_of(file)}, url="https://evil.example/simple")
    result = aegis("verify", "--lock", "--json")
    assert findings(result) == {index.name: "altered"}
    assert "https://evil.example/simple" in sentence(result)
    assert index.server.url in sentence(result)


def test_an_index_that_does_not_answer_is_asked_once(
    index: Index, inside: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    project = inside(url="http://127.0.0.1:9/simple/")
    names = [f"{index.name.replace('-', '_')}-1.0.0-py3-none-any.whl", f"{index.name}-1.0.0.tar.gz"]
    pinned = dict.fromkeys(names, "sha256:" + "0" * 64)
    index.lock_in(project, "1.0.0", pinned, url="http://127.0.0.1:9/simple")
    result = aegis("verify", "--lock", "--json", "--jobs", "1")
    assert findings(result) == dict.fromkeys(names, "unavailable")
    assert result.err.count("Trying again") == result.err.count("corp gave no answer")
    assert 1 <= result.err.count("Trying again") <= 4


@pytest.mark.parametrize("excuse", ['unsigned = ["acme-*"]', 'projects = ["other-*"]'])
def test_what_the_project_excuses_is_not_asked_for(index: Index, inside: Any, excuse: str) -> None:
    project = inside(f"{TRUST}{excuse}\n", url="http://127.0.0.1:9/simple/")
    pinned = {"x-1.0.0.tar.gz": "sha256:" + "0" * 64}
    index.lock_in(project, "1.0.0", pinned, url="http://127.0.0.1:9/simple")
    result = aegis("verify", "--lock", "--json")
    assert result.code == 0
    assert findings(result) == {index.name: "excused"}
    assert "1 file: 1 excused." in aegis("verify", "--lock").out


def test_no_lock_an_outdated_and_a_broken_one_are_a_sentence_each(
    index: Index, inside: Any
) -> None:
    project = inside()
    assert "There is no poetry.lock" in aegis("verify", "--lock").err
    index.lock_in(project, "1.0.0", {})
    pyproject = project.root / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('">=3.10"', '">=3.11"'))
    outdated = aegis("verify", "--lock")
    assert outdated.code == NOT_VERIFIED
    assert "poetry.lock is not of this pyproject.toml" in outdated.err
    project.lock.write_text("[[package]\n")
    broken = aegis("verify", "--lock")
    assert broken.code == NOT_VERIFIED
    assert "poetry.lock cannot be read" in broken.err


def test_a_lock_without_a_private_package_has_nothing_to_check(index: Index, inside: Any) -> None:
    project = inside(TRUST)
    index.lock_in(project, "1.0.0", {})
    text = project.lock.read_text()
    project.lock.write_text(
        text[text.index("[metadata]") :].replace("[meta", "package = []\n[meta")
    )
    result = aegis("verify", "--lock")
    assert result.code == 0
    assert "no package from a private source" in result.out
    assert aegis("verify", "--lock", "--json").document == {"verified": True, "files": []}


def test_a_password_is_nowhere_told(index: Index, inside: Any) -> None:
    inside()
    index.publish("1.0.0", ADA)
    result = aegis("verify", index.name, "-vvv")
    assert "reader-secret" not in result.out + result.err
