"""A registry that looks at signatures itself: what it lets in, what it refuses, what it says."""

from __future__ import annotations

import base64
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from securesystemslib.signer import CryptoSigner

from poetry_aegis.registry.attestations import attestations_in
from poetry_aegis.server.backup.restoring import RestoreOrder, restore
from poetry_aegis.server.backup.taking import Order, take
from poetry_aegis.server.config import load_settings
from poetry_aegis.server.doctor.context import context_of
from poetry_aegis.server.doctor.signatures import look_at_trust
from poetry_aegis.server.drivers.embedded import EmbeddedDriver
from poetry_aegis.server.home import ServerHome
from poetry_aegis.server.upkeep import reindex
from tests.support.attestations import attestation
from tests.support.backups import make_server, unseen
from tests.support.clients import run
from tests.support.distributions import make_sdist, make_wheel
from tests.support.registry import (
    HTTP,
    UNLIMITED_LOGINS,
    USERS,
    RegistryServer,
    listed_files,
    read,
    running_registry,
    upload,
)
from tests.support.server import free_ports
from tests.unit.registry.signed import Person, attested, sha256_of, signed, trust

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

ADA, BOB, EVE = Person("ada"), Person("bob"), Person("eve")
GONE, OLD, YOUNG, LOCAL = Person("gone"), Person("old"), Person("young"), Person("local")
STRANGER = Person("ada")  # the name alone is the same
SETTINGS = f"""
[signatures]
required = ["acme-*", "two-*"]
trust = "trust.toml"
{UNLIMITED_LOGINS}
"""


def day(days: int) -> str:
    return (datetime.now(timezone.utc).date() + timedelta(days=days)).isoformat()


TRUSTED = trust(
    ADA.trusted(),
    BOB.trusted(),
    EVE.trusted(),
    GONE.trusted(f"revoked = {day(-1)}", 'reason = "the laptop was stolen"'),
    OLD.trusted(f"valid_until = {day(-1)}"),
    YOUNG.trusted(f"valid_from = {day(2)}"),
    LOCAL.trusted('projects = ["other-*"]'),
)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    data = tmp_path_factory.mktemp("registry") / "data"
    data.with_name("trust.toml").write_text(TRUSTED)
    with running_registry(data, settings=SETTINGS) as server:
        yield server


@pytest.fixture
def own_registry(tmp_path: Path) -> Iterator[RegistryServer]:
    """Return a registry whose trust a test may change: two of three have to sign."""
    data = tmp_path / "own" / "data"
    data.parent.mkdir()
    of_three = trust(ADA.trusted(), BOB.trusted(), EVE.trusted(), threshold=2)
    data.with_name("trust.toml").write_text(of_three)
    with running_registry(data, settings=SETTINGS) as server:
        yield server


def change_trust(server: RegistryServer, text: str) -> None:
    server.data.with_name("trust.toml").write_text(text)


def stored(server: RegistryServer, project: str) -> list[str]:
    return sorted(path.name for path in (server.data / "packages").glob(f"{project}/*"))


def trail(server: RegistryServer, project: str) -> list[dict[str, Any]]:
    """Return what the audit trail tells of *project*, the newest first."""
    url = f"{server.url}/api/v1/audit?project={project}"
    entries: list[dict[str, Any]] = HTTP.get(url, auth=("ada", server.users["ada"][0])).json()[
        "entries"
    ]
    return entries


def provenance(server: RegistryServer, project: str, file: Path) -> list[Any]:
    content = read(server, f"/packages/{project}/{file.name}.provenance").content
    return [dict(one.document) for one in attestations_in(content)]


def refused(answer: httpx.Response, server: RegistryServer, project: str) -> str:
    """Return the sentence of a refusal, after which nothing of *project* is there."""
    assert answer.status_code == 400, answer.text
    assert listed_files(server, project) == {}
    assert stored(server, project) == []
    assert "already exist" not in answer.text  # Clients would take it for success.
    (entry,) = trail(server, project)
    assert (entry["action"], entry["user"]) == ("upload-refused", "pub")
    assert entry["detail"] == answer.text.strip()
    return answer.text.strip()


def test_a_signed_upload_comes_in(registry: RegistryServer, tmp_path: Path) -> None:
    for file in (make_wheel(tmp_path, "acme-good"), make_sdist(tmp_path, "acme-good")):
        answer = upload(registry, file, fields=signed(file, ADA))
        assert answer.status_code == 200, answer.text
        assert provenance(registry, "acme-good", file) == [ADA.signs(file.name, sha256_of(file))]
    entries = trail(registry, "acme-good")
    assert [entry["action"] for entry in entries] == ["upload", "upload"]
    assert entries[0]["detail"] == "Signed by ada."


def test_what_needs_no_signature_comes_in_without(registry: RegistryServer, tmp_path: Path) -> None:
    assert upload(registry, make_wheel(tmp_path, "free")).status_code == 200


def test_an_unsigned_upload_is_refused(registry: RegistryServer, tmp_path: Path) -> None:
    said = refused(upload(registry, make_wheel(tmp_path, "acme-un")), registry, "acme-un")

    assert said == "acme-un 1.0.0 must be signed by 1 of ada, bob, eve. It is not signed."


@pytest.mark.parametrize(
    ("person", "found"),
    [
        (Person("nobody"), "It is signed by an unknown key, '"),
        (STRANGER, "It is signed by an unknown key, '"),
        (GONE, "The key gone was revoked: the laptop was stolen."),
        (OLD, "The key old is not valid on "),
        (YOUNG, "The key young is not valid on "),
        (LOCAL, "The key local is not trusted for acme-key"),
    ],
)
def test_a_key_that_does_not_count_lets_nothing_in(
    own_registry: RegistryServer, tmp_path: Path, person: Person, found: str
) -> None:
    change_trust(own_registry, TRUSTED)
    wheel = make_wheel(tmp_path, "acme-key")

    answer = upload(own_registry, wheel, fields=signed(wheel, person))

    assert found in refused(answer, own_registry, "acme-key")


def test_a_signature_of_another_version_does_not_count(
    registry: RegistryServer, tmp_path: Path
) -> None:
    old = make_wheel(tmp_path, "acme-replay", "1.0")
    new = make_wheel(tmp_path, "acme-replay", "2.0")

    answer = upload(registry, new, fields=signed(old, ADA))

    assert "about another file" in refused(answer, registry, "acme-replay")


def test_a_signature_of_other_content_does_not_count(
    registry: RegistryServer, tmp_path: Path
) -> None:
    meant = make_wheel(tmp_path / "a", "acme-swap")
    swapped = make_wheel(tmp_path / "b", "acme-swap", files={"acme_swap/evil.py": ""})

    answer = upload(registry, swapped, fields=signed(meant, ADA))

    assert "about other content" in refused(answer, registry, "acme-swap")


def altered(document: dict[str, Any], key: str, change: Any) -> dict[str, Any]:
    content = base64.b64decode(document["envelope"][key])
    envelope = document["envelope"] | {key: base64.b64encode(change(content)).decode()}
    return document | {"envelope": envelope}


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("signature", lambda value: bytes([value[0] ^ 1]) + value[1:]),
        ("signature", lambda value: value + b"\0"),
        ("signature", lambda value: value[:-1]),
        ("statement", lambda text: text + b" "),
        ("statement", lambda text: text.replace(b"null", b"{}  ")),
    ],
)
def test_an_altered_envelope_does_not_count(
    own_registry: RegistryServer, tmp_path: Path, key: str, change: Any
) -> None:
    change_trust(own_registry, TRUSTED)
    wheel = make_wheel(tmp_path, "acme-bent")
    bent = altered(ADA.signs(wheel.name, sha256_of(wheel)), key, change)

    said = refused(upload(own_registry, wheel, fields=attested(bent)), own_registry, "acme-bent")

    assert "What bears the name of the key ada was not signed by it" in said


def test_a_signature_under_another_name_does_not_count(
    own_registry: RegistryServer, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "acme-mask")
    one = ADA.signs(wheel.name, sha256_of(wheel))
    masked = one | {"verification_material": {"public_key": {"hint": BOB.key.id}}}

    answer = upload(own_registry, wheel, fields=attested(one, masked))

    assert "What bears the name of the key bob" in refused(answer, own_registry, "acme-mask")


def test_attestations_of_an_unknown_kind_do_not_count(
    registry: RegistryServer, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "acme-kind")
    theirs = attestation(wheel.name, sha256_of(wheel))

    answer = upload(registry, wheel, fields=attested(theirs))

    assert "in a way that names no key" in refused(answer, registry, "acme-kind")


def test_two_of_three_have_to_sign_and_not_one_of_them_twice(
    own_registry: RegistryServer, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "two-keys")
    once = ADA.signs(wheel.name, sha256_of(wheel))
    again = altered(once, "statement", lambda text: text + b" ")

    for fields in (signed(wheel, ADA), attested(once, once), attested(once, again)):
        answer = upload(own_registry, wheel, fields=fields)
        assert answer.status_code == 400
        assert "two-keys 1.0.0 must be signed by 2 of ada, bob, eve." in answer.text
    assert stored(own_registry, "two-keys") == []

    assert upload(own_registry, wheel, fields=signed(wheel, EVE, ADA)).status_code == 200


def test_where_nobody_has_to_they_sign_one_after_the_other(
    own_registry: RegistryServer, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "slow")
    page = f"/packages/slow/{wheel.name}.provenance"
    answers = [upload(own_registry, wheel, fields=signed(wheel, ADA)).text]
    first = read(own_registry, page)
    answers += [upload(own_registry, wheel, fields=signed(wheel, BOB)).text]
    second = read(own_registry, page, headers={"if-none-match": first.headers["etag"]})
    before = (own_registry.data / "packages" / "slow" / f"{wheel.name}.provenance").stat()
    answers += [upload(own_registry, wheel, fields=signed(wheel, ADA, BOB)).text]
    answers += [upload(own_registry, wheel).text]
    after = (own_registry.data / "packages" / "slow" / f"{wheel.name}.provenance").stat()

    assert [answer.partition(wheel.name)[2].strip() for answer in answers] == [
        ".",
        "is there already, with the same content; its attestations were added.",
        "is there already, with the same content.",
        "is there already, with the same content.",
    ]
    assert second.status_code == 200
    both = [person.signs(wheel.name, sha256_of(wheel)) for person in (ADA, BOB)]
    assert provenance(own_registry, "slow", wheel) == both
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    entries = trail(own_registry, "slow")
    assert [entry["action"] for entry in entries] == ["sign", "upload"]
    assert "Signed by bob alone" in entries[0]["detail"]


def test_a_first_signature_changes_the_page(own_registry: RegistryServer, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "later")
    assert upload(own_registry, wheel).status_code == 200
    pages = [read(own_registry, "/simple/later/", headers={"accept": "text/html"})]

    assert upload(own_registry, wheel, fields=signed(wheel, ADA)).status_code == 200
    pages += [read(own_registry, "/simple/later/", headers={"accept": "text/html"})]

    assert pages[0].headers["etag"] != pages[1].headers["etag"]
    assert ["data-provenance" in page.text for page in pages] == [False, True]


def test_what_is_signed_already_may_be_sent_again_and_signed_by_more(
    own_registry: RegistryServer, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "acme-again")
    assert upload(own_registry, wheel, fields=signed(wheel, ADA, BOB)).status_code == 200

    assert "the same content.\n" in upload(own_registry, wheel).text
    assert "were added" in upload(own_registry, wheel, fields=signed(wheel, EVE)).text

    assert len(provenance(own_registry, "acme-again", wheel)) == 3


def test_strangers_cannot_fill_the_places_of_those_who_have_to_sign(
    own_registry: RegistryServer, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "acme-full")
    stranger = Person("stranger")
    beside = upload(own_registry, wheel, fields=signed(wheel, ADA, BOB, stranger))
    assert stored(own_registry, "acme-full") == []
    assert upload(own_registry, wheel, fields=signed(wheel, ADA, BOB)).status_code == 200
    before = provenance(own_registry, "acme-full", wheel)

    masked = stranger.signs(wheel.name, sha256_of(wheel))
    masked["verification_material"] = {"public_key": {"hint": EVE.key.id}}
    theirs = attestation(wheel.name, sha256_of(wheel))
    answers = [beside, upload(own_registry, wheel, fields=signed(wheel, stranger))]
    answers += [upload(own_registry, wheel, fields=attested(one)) for one in (masked, theirs)]

    assert [answer.status_code for answer in answers] == [400] * 4
    unknown = (
        f"An attestation of {wheel.name} is by the key '{stranger.key.id[:16]}', which is unknown "
        "here, and is not taken for acme-full. Leave it out, or let the operator of this registry "
        "trust the key."
    )
    assert [answer.text.strip() for answer in answers[:2]] == [unknown] * 2
    assert "bears the name of the key" in answers[2].text
    assert "names no key" in answers[3].text
    assert provenance(own_registry, "acme-full", wheel) == before
    refusals = [entry for entry in trail(own_registry, "acme-full") if entry["detail"] == unknown]
    assert [entry["action"] for entry in refusals] == ["upload-refused"] * 2

    assert "were added" in upload(own_registry, wheel, fields=signed(wheel, EVE)).text
    for _ in range(2):
        answer = upload(own_registry, wheel, fields=signed(wheel, ADA, BOB, EVE))
        assert (answer.status_code, "the same content.\n" in answer.text) == (200, True)


def test_who_is_trusted_finds_a_place_where_strangers_were_first(
    own_registry: RegistryServer, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "taken")
    squat = Person("squat").signs(wheel.name, sha256_of(wheel))
    squat["verification_material"] = {"public_key": {"hint": BOB.key.id}}
    strangers = [Person(f"p{number}").signs(wheel.name, sha256_of(wheel)) for number in range(15)]
    full = attested(*strangers, squat)
    assert upload(own_registry, wheel, fields=full).status_code == 200
    assert upload(own_registry, wheel, fields=signed(wheel, Person("late"))).status_code == 400

    assert "were added" in upload(own_registry, wheel, fields=signed(wheel, ADA, BOB)).text

    assert len(provenance(own_registry, "taken", wheel)) == 16
    assert "<bdi>signed by ada, bob</bdi>" in web_page(own_registry, "taken")


def test_one_key_fills_two_places_however_often_it_signs(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "often")
    ecdsa = Person("ecdsa", CryptoSigner.generate_ecdsa())
    with running_registry(tmp_path / "data") as server:
        for _ in range(18):
            fields = signed(wheel, ecdsa)
            assert upload(server, wheel, fields=fields).status_code == 200
        assert "the same content.\n" in upload(server, wheel, fields=fields).text
        assert len(provenance(server, "often", wheel)) == 2
        (ours, _) = provenance(server, "often", wheel)
        assert ours["verification_material"]["public_key"]["hint"] == ecdsa.key.id


def test_many_sign_at_the_same_time_and_none_is_lost(
    own_registry: RegistryServer, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "crowd")
    crowd = [Person(f"p{number}") for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(
            pool.map(lambda one: upload(own_registry, wheel, fields=signed(wheel, one)), crowd)
        )

    assert {answer.status_code for answer in answers} == {200}
    found = provenance(own_registry, "crowd", wheel)
    keys = [one["verification_material"]["public_key"]["hint"] for one in found]
    assert sorted(keys) == sorted(person.key.id for person in crowd)


def test_overwriting_needs_signatures_of_its_own(
    own_registry: RegistryServer, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "acme-over")
    assert upload(own_registry, wheel, fields=signed(wheel, ADA, BOB)).status_code == 200
    old = signed(wheel, ADA, BOB)
    new = make_wheel(tmp_path, "acme-over", files={"acme_over/x.py": ""})
    overwrite = {"aegis-overwrite": "true"}

    for fields in (None, old, signed(new, ADA)):
        answer = upload(own_registry, new, user="ada", fields=fields, headers=overwrite)
        assert answer.status_code == 400, answer.text
    assert provenance(own_registry, "acme-over", wheel) == json.loads(old["attestations"] or "")

    answer = upload(own_registry, new, user="ada", fields=signed(new, BOB, EVE), headers=overwrite)
    assert answer.status_code == 200, answer.text
    assert provenance(own_registry, "acme-over", new) == [
        person.signs(new.name, sha256_of(new)) for person in (BOB, EVE)
    ]


def test_a_change_of_trust_counts_at_once(own_registry: RegistryServer, tmp_path: Path) -> None:
    first, second = (make_wheel(tmp_path, "acme-trust", version) for version in ("1.0", "2.0"))
    assert upload(own_registry, first, fields=signed(first, ADA)).status_code == 400

    change_trust(own_registry, trust(ADA.trusted()))
    assert upload(own_registry, first, fields=signed(first, ADA)).status_code == 200

    change_trust(own_registry, trust(ADA.trusted(f"revoked = {day(0)}"), BOB.trusted()))
    answer = upload(own_registry, second, fields=signed(second, ADA))
    assert answer.status_code == 400
    assert "The key ada was revoked" in answer.text


def test_with_a_trust_that_cannot_be_read_all_is_read_and_nothing_let_in(
    own_registry: RegistryServer, tmp_path: Path
) -> None:
    wheel, new = (make_wheel(tmp_path, "acme-blind", version) for version in ("1.0", "2.0"))
    assert upload(own_registry, wheel, fields=signed(wheel, ADA, BOB)).status_code == 200

    change_trust(own_registry, "threshold = 0")

    answer = upload(own_registry, new, fields=signed(new, ADA, BOB))
    assert answer.status_code == 503
    assert answer.text.startswith("Uploads to acme-blind must be signed, and this registry cannot")
    assert str(tmp_path) not in answer.text
    assert stored(own_registry, "acme-blind") == [
        wheel.name, f"{wheel.name}.metadata", f"{wheel.name}.provenance"
    ]  # fmt: skip
    assert upload(own_registry, make_wheel(tmp_path, "free")).status_code == 200
    assert read(own_registry, f"/packages/acme-blind/{wheel.name}").content == wheel.read_bytes()
    assert "signed" in web_page(own_registry, "acme-blind")
    log = "\n".join(json.dumps(line) for line in own_registry.log_lines())
    assert log.count("What has to be signed is not taken.") == 1

    change_trust(own_registry, trust(ADA.trusted()))
    assert upload(own_registry, new, fields=signed(new, ADA)).status_code == 200


def test_it_starts_without_its_trust(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "acme-none")
    with running_registry(tmp_path / "data", settings=SETTINGS) as server:
        assert upload(server, wheel, fields=signed(wheel, ADA)).status_code == 503
        (tmp_path / "trust.toml").write_text(trust(ADA.trusted()))
        assert upload(server, wheel, fields=signed(wheel, ADA)).status_code == 200


def web_page(server: RegistryServer, project: str) -> str:
    return read(server, f"/project/{project}/", headers={"accept": "text/html"}).text


def test_the_page_of_a_project_says_who_signed(
    own_registry: RegistryServer, tmp_path: Path
) -> None:
    wheel, sdist = make_wheel(tmp_path, "shown"), make_sdist(tmp_path, "shown")
    assert upload(own_registry, wheel, fields=signed(wheel, ADA, BOB)).status_code == 200
    assert upload(own_registry, sdist, fields=signed(sdist, BOB)).status_code == 200

    text = web_page(own_registry, "shown")

    assert ">verified</a>" in text
    assert "<bdi>signed by ada, bob</bdi>" in text
    assert ">not verified</a>" in text
    assert "<bdi>Signed by bob alone; 2 signatures are wanted.</bdi>" in text


def test_the_page_shows_nothing_of_a_key_as_markup(
    own_registry: RegistryServer, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, "hostile")
    document = ADA.signs(wheel.name, sha256_of(wheel))
    document["verification_material"] = {"public_key": {"hint": "<script>alert(1)</script>"}}
    assert upload(own_registry, wheel, fields=attested(document)).status_code == 200

    text = web_page(own_registry, "hostile")

    assert "unknown key" in text
    assert "<script" not in text


def test_without_a_trust_of_its_own_the_page_names_keys(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "plain")
    with running_registry(tmp_path / "data") as server:
        assert upload(server, wheel, fields=signed(wheel, ADA, BOB)).status_code == 200
        text = web_page(server, "plain")

    assert ">signed</a>" in text
    assert f"by key {ADA.key.id[:16]}, {BOB.key.id[:16]}" in text


def test_twine_and_uv_bring_signatures_and_show_what_is_wanted(
    own_registry: RegistryServer, tmp_path: Path
) -> None:
    change_trust(own_registry, trust(ADA.trusted()))
    url = f"{own_registry.url}/legacy/"
    password = own_registry.users["pub"][0]
    twine = (sys.executable, "-m", "twine", "upload", "--non-interactive", "--verbose")
    uv = (sys.executable, "-m", "uv", "publish", "--trusted-publishing", "never")
    env = {
        "TWINE_REPOSITORY_URL": url, "TWINE_USERNAME": "pub", "TWINE_PASSWORD": password,
        "UV_PUBLISH_URL": url, "UV_PUBLISH_USERNAME": "pub", "UV_PUBLISH_PASSWORD": password,
    }  # fmt: skip
    for name, command, option in (("twine", twine, ("--attestations",)), ("uv", uv, ())):
        wheel = make_wheel(tmp_path / name, f"acme-{name}")
        bare = run(*command, wheel, home=tmp_path, env=env)
        assert bare.returncode != 0
        assert "must be signed by ada" in bare.stdout, bare.stdout

        beside = wheel.with_name(f"{wheel.name}.publish.attestation")
        beside.write_text(json.dumps(ADA.signs(wheel.name, sha256_of(wheel))))
        done = run(*command, *option, wheel, beside, home=tmp_path, env=env)

        assert done.returncode == 0, done.stdout
        assert ">verified</a>" in web_page(own_registry, f"acme-{name}")


def test_what_becomes_of_uploads_is_counted(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    (tmp_path / "trust.toml").write_text(trust(ADA.trusted(), BOB.trusted()))
    first, second = (make_wheel(tmp_path, "acme-count", version) for version in ("1.0", "2.0"))
    with running_registry(
        tmp_path / "data", settings=f"metrics_port = {port}\n{SETTINGS}"
    ) as server:
        for people in ((), (EVE,), (ADA,), (BOB,), ()):
            upload(server, first, fields=signed(first, *people) if people else None)
        (tmp_path / "trust.toml").unlink()
        upload(server, second, fields=signed(second, ADA))
        lines = HTTP.get(f"http://127.0.0.1:{port}/metrics").text.splitlines()

    counted = [line.split('"') for line in lines if line.startswith("aegis_uploads_total")]
    assert {outcome: float(count[1:]) for _, outcome, count in counted} == {
        "created": 1, "unchanged": 1, "signed": 1, "overwritten": 0, "refused": 2, "failed": 1,
    }  # fmt: skip


def test_a_server_looks_at_signatures_as_its_settings_say(tmp_path: Path) -> None:
    home = make_server(tmp_path / "home", tmp_path / "dist", projects=0)
    with home.settings_file.open("a") as settings:
        settings.write('[signatures]\nrequired = ["*"]\ntrust = "trust.toml"\n')
    home.trust_file().write_text(trust(ADA.trusted()))
    wheel = make_wheel(tmp_path, "acme-home")
    driver = EmbeddedDriver(home, load_settings(home))
    started = driver.start()
    try:
        auth = ("pub", USERS["pub"][0])
        answers = [post(started.url, wheel, auth, signed(wheel, one)) for one in (BOB, ADA)]
        home.trust_file().write_text(trust(BOB.trusted()))
        assert driver.plan() == ()  # It is read without a restart.
        other = make_wheel(tmp_path, "acme-home", "2.0")
        answers += [post(started.url, other, auth, signed(other, one)) for one in (ADA, BOB)]
    finally:
        driver.stop()

    assert [answer.status_code for answer in answers] == [400, 200, 400, 200]


def post(
    url: str, wheel: Path, auth: tuple[str, str], fields: dict[str, str | None]
) -> httpx.Response:
    name, version = wheel.name.split("-")[:2]
    form = {":action": "file_upload", "name": name, "version": version, **fields}
    content = {"content": (wheel.name, wheel.read_bytes())}
    return HTTP.post(f"{url}legacy/", data=form, files=content, auth=auth)


def test_reindexing_and_a_backup_keep_what_was_signed(tmp_path: Path) -> None:
    home = make_server(tmp_path / "home", tmp_path / "dist", projects=1)
    (tmp_path / "signed").mkdir()
    wheel = make_wheel(tmp_path / "signed", "keeps")
    with running_registry(home.data) as server:
        assert upload(server, wheel, fields=signed(wheel, ADA, BOB)).status_code == 200
        before = provenance(server, "keeps", wheel)
        assert len(before) == 2
    (home.data / "simple" / "keeps" / "index.json").unlink()

    reindex(home, [], lambda _done, _all: None, check=False)
    archive = take(home, load_settings(home), Order(), unseen).archive
    other = ServerHome(tmp_path / "other")
    restore(other, RestoreOrder(archive), unseen)

    for place in (home, other):
        with running_registry(place.data) as server:
            assert provenance(server, "keeps", wheel) == before
            assert "provenance" in listed_files(server, "keeps")[wheel.name]


def test_the_doctor_names_files_that_came_in_unsigned(tmp_path: Path) -> None:
    home = make_server(tmp_path / "home", tmp_path / "dist", projects=3)
    with home.settings_file.open("a") as settings:
        settings.write('[signatures]\nrequired = ["demo0", "demo1"]\ntrust = "trust.toml"\n')
    home.trust_file().write_text(trust(ADA.trusted()))
    sdist, wheel = sorted((tmp_path / "dist").glob("demo0-*"), key=lambda path: path.suffix)
    with running_registry(home.data) as server:
        for file in (sdist, wheel):
            assert upload(server, file, fields=signed(file, ADA)).status_code == 200

    found = look_at_trust(context_of(home, named=False))

    assert found.state == "warning"
    assert found.evidence == (
        "Without the signatures that their uploads would need: 2 files "
        "(demo1/demo1-1.0-py3-none-any.whl, demo1/demo1-1.0.tar.gz)."
    )
    assert "poetry aegis publish --skip-build --sign" in found.remedy

    home.trust_file().write_text(trust(BOB.trusted(f"valid_until = {day(3)}")))
    found = look_at_trust(context_of(home, named=False))
    assert found.evidence.startswith(f"Key bob ends on {day(3)}. Without the signatures ")
    assert "4 files (" in found.evidence
    assert "and 1 more" in found.evidence
