"""Where a publication's credentials come from, and which of them counts: all that Poetry knows."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import pytest

from tests.support.distributions import make_built_project
from tests.support.faulty import FaultyIndex, Reply, faulty_index
from tests.support.needs import needs_program
from tests.support.registry import basic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.poetry import PoetryHome

Run = subprocess.CompletedProcess[str]
PASSWORD = "correct-horse-battery"
TOKEN = "pypi-AgEIcHlwaS5vcmc-an-api-token"
KEYRING = """\
import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.credentials import SimpleCredential
from keyring.errors import KeyringLocked, PasswordDeleteError

FILE = Path(os.environ["TEST_KEYRING"])


class Keyring(KeyringBackend):
    priority = 1

    def _read(self):
        if FILE.is_dir():
            raise KeyringLocked("locked")
        return json.loads(FILE.read_text()) if FILE.exists() else {}

    def get_password(self, service, username):
        return self._read().get(service, {}).get(username)

    def get_credential(self, service, username):
        for name, password in self._read().get(service, {}).items():
            if username in (None, name):
                return SimpleCredential(name, password)

    def set_password(self, service, username, password):
        kept = self._read()
        kept.setdefault(service, {})[username] = password
        FILE.write_text(json.dumps(kept))

    def delete_password(self, service, username):
        raise PasswordDeleteError("never")
"""


@dataclass(frozen=True)
class Place:
    """A Poetry that knows an index, and all places where a credential for it may be."""

    poetry: PoetryHome
    index: FaultyIndex
    project: Path

    @property
    def keyring(self) -> Path:
        return self.poetry.root / "keyring.json"

    def configure(self, *arguments: str) -> None:
        """Do what a user does with ``poetry config``."""
        run = self.poetry.run("config", *arguments, cwd=self.project)
        assert run.returncode == 0, run.stdout + run.stderr

    def keep(self, name: str, text: str) -> None:
        """Add to a file of Poetry's configuration."""
        folder = self.poetry.root / "config"
        folder.mkdir(exist_ok=True)
        with (folder / name).open("a") as file:
            file.write(text)

    def in_keyring(self, service: str, user: str, password: str) -> None:
        kept = json.loads(self.keyring.read_text()) if self.keyring.exists() else {}
        kept.setdefault(service, {})[user] = password
        self.keyring.write_text(json.dumps(kept))

    def netrc(self, text: str, name: str = ".netrc") -> Path:
        file = self.poetry.root / name
        file.write_text(text)
        file.chmod(0o600)
        return file

    def publish(self, *arguments: str, stdin: str | None = None) -> Run:
        command = ["aegis", "publish", "--skip-build", *arguments, "-vvv"]
        run = self.poetry.run(*command, cwd=self.project, stdin=stdin)
        for secret in (PASSWORD, TOKEN):
            assert secret not in run.stdout + run.stderr
        return run

    def sends(self, *arguments: str, stdin: str | None = None) -> str | None:
        """Publish, and return the one credential that came with all that was asked."""
        run = self.publish(*arguments, stdin=stdin)
        assert run.returncode == 0, run.stdout + run.stderr
        assert set(self.index.files) == {path.name for path in (self.project / "dist").iterdir()}
        (sent,) = authorisations(self.index)
        return sent

    def asks_with(self, *arguments: str, stdin: str | None = None) -> str | None:
        """Begin to publish, and return the credential that the index is read with."""
        run = self.publish("--dry-run", *arguments, stdin=stdin)
        assert run.returncode == 0, run.stdout + run.stderr
        (sent,) = authorisations(self.index)
        return sent


def authorisations(index: FaultyIndex) -> set[str | None]:
    """Return the credentials that came with what was asked and sent."""
    received = [post.headers for post in index.posts] + [headers for _, headers in index.gets]
    return {headers.get("Authorization") for headers in received}


@pytest.fixture
def index() -> Iterator[FaultyIndex]:
    with faulty_index() as running:
        yield running


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with the distributions of its version in dist/."""
    return make_built_project(tmp_path / "project")


@pytest.fixture
def here(
    poetry: PoetryHome, index: FaultyIndex, project: Path, monkeypatch: pytest.MonkeyPatch
) -> Place:
    """Return a place without credentials: a Poetry with a keyring of its own that is empty."""
    monkeypatch.delenv("NETRC", raising=False)
    (poetry.root / "file_keyring.py").write_text(KEYRING)
    poetry.extra_env.update(
        PYTHONPATH=os.pathsep.join([str(poetry.root), os.environ.get("PYTHONPATH", "")]),
        PYTHON_KEYRING_BACKEND="file_keyring.Keyring",
        POETRY_KEYRING_ENABLED="true",
        TEST_KEYRING=str(poetry.root / "keyring.json"),
    )
    place = Place(poetry, index, project)
    place.keep("config.toml", f'[repositories.corp]\nurl = "{index.url}/legacy/"\n')
    return place


# The keyring


def test_a_password_that_poetry_has_put_into_the_keyring_is_sent(here: Place) -> None:
    here.configure("http-basic.corp", "ada", PASSWORD)
    assert json.loads(here.keyring.read_text()) == {"poetry-repository-corp": {"ada": PASSWORD}}
    assert PASSWORD not in (here.poetry.root / "config" / "auth.toml").read_text()
    assert here.sends() == basic("ada", PASSWORD)


def test_a_token_that_poetry_has_put_into_the_keyring_is_sent(here: Place) -> None:
    here.configure("pypi-token.corp", TOKEN)
    assert json.loads(here.keyring.read_text()) == {"poetry-repository-corp": {"__token__": TOKEN}}
    assert not (here.poetry.root / "config" / "auth.toml").exists()
    assert here.sends() == basic("__token__", TOKEN)


@pytest.mark.parametrize("by", ["url", "host"])
def test_what_the_keyring_has_by_the_address_is_sent(here: Place, by: str) -> None:
    url = f"{here.index.url}/legacy/"
    here.in_keyring(url if by == "url" else urlsplit(url).netloc, "ada", PASSWORD)
    assert here.sends() == basic("ada", PASSWORD)


def test_a_keyring_that_is_not_to_be_used_is_not_asked(here: Place) -> None:
    here.in_keyring("poetry-repository-corp", "__token__", TOKEN)
    here.poetry.extra_env["POETRY_KEYRING_ENABLED"] = "false"
    assert here.asks_with() is None


def test_a_keyring_that_is_locked_is_done_without(here: Place) -> None:
    here.keyring.mkdir()
    here.netrc(f"machine 127.0.0.1 login ada password {PASSWORD}\n")
    assert here.sends() == basic("ada", PASSWORD)


def test_a_keyring_that_breaks_is_told_of(here: Place) -> None:
    """Poetry finds that it works, and then it does not."""
    broken = "    def get_password(self, service, username):\n"
    broken += (
        '        if service != "python-poetry-check":\n            raise KeyringLocked("gone")\n'
    )
    backend = here.poetry.root / "file_keyring.py"
    text, *rest = KEYRING.split("    def get_password(self, service, username):\n")
    backend.write_text(text + broken + "".join(rest))
    run = here.publish("--dry-run")
    assert "keyring" in run.stderr.replace("key ring", "keyring")
    assert "looks like a bug" not in run.stderr
    assert run.returncode not in (0, 1)


# Which one counts


def from_a_variable(here: Place) -> str:
    here.poetry.extra_env["POETRY_PYPI_TOKEN_CORP"] = "token-of-a-variable"
    return basic("__token__", "token-of-a-variable")


def from_the_configuration(here: Place) -> str:
    here.keep("auth.toml", '[pypi-token]\ncorp = "token-of-a-file"\n')
    return basic("__token__", "token-of-a-file")


def from_the_keyring(here: Place) -> str:
    here.in_keyring("poetry-repository-corp", "__token__", "token-of-the-keyring")
    return basic("__token__", "token-of-the-keyring")


def user_from_variables(here: Place) -> str:
    here.poetry.extra_env.update(
        POETRY_HTTP_BASIC_CORP_USERNAME="vera", POETRY_HTTP_BASIC_CORP_PASSWORD="of-a-variable"
    )
    return basic("vera", "of-a-variable")


def user_from_the_configuration(here: Place) -> str:
    here.keep("auth.toml", '[http-basic.corp]\nusername = "ada"\npassword = "of-a-file"\n')
    return basic("ada", "of-a-file")


def user_from_the_keyring(here: Place) -> str:
    auth = here.poetry.root / "config" / "auth.toml"
    if not auth.exists() or "http-basic" not in auth.read_text():
        here.keep("auth.toml", '[http-basic.corp]\nusername = "ada"\n')
    here.in_keyring("poetry-repository-corp", "ada", "of-the-keyring")
    return basic("ada", "of-the-keyring")


def user_from_the_keyring_by_address(here: Place) -> str:
    here.in_keyring(f"{here.index.url}/legacy/", "kay", "of-the-address-in-the-keyring")
    return basic("kay", "of-the-address-in-the-keyring")


def user_from_the_address(here: Place) -> str:
    url = here.index.url.replace("://", f"://una:{quote('of/the-url', safe='')}@")
    config = here.poetry.root / "config" / "config.toml"
    config.write_text(f'[repositories.corp]\nurl = "{url}/legacy/"\n')
    return basic("una", "of/the-url")


def user_from_netrc(here: Place) -> str:
    here.netrc("machine 127.0.0.1 login ned password of-netrc\n")
    return basic("ned", "of-netrc")


LADDER: list[Callable[[Place], str]] = [
    from_a_variable,
    from_the_configuration,
    from_the_keyring,
    user_from_variables,
    user_from_the_configuration,
    user_from_the_keyring,
    user_from_the_address,
    user_from_the_keyring_by_address,  # Asked by the very address, with a user that is in it.
    user_from_netrc,
]


@pytest.mark.parametrize("rung", LADDER, ids=lambda rung: rung.__name__.replace("_", " "))
def test_of_all_places_the_first_counts(here: Place, rung: Callable[[Place], str]) -> None:
    places = LADDER[LADDER.index(rung) :]
    expected, *_ = [place(here) for place in places]
    assert here.asks_with() == expected


def test_who_is_named_on_the_command_line_counts_before_all(here: Place) -> None:
    for place in LADDER:
        place(here)
    sent = here.asks_with("-u", "eve", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert sent == basic("eve", PASSWORD)


# Variables


@pytest.mark.parametrize("kind", ["token", "user"])
def test_a_variable_spells_a_name_with_underscores(here: Place, kind: str) -> None:
    here.keep("config.toml", f'[repositories.team-index]\nurl = "{here.index.url}/legacy/"\n')
    if kind == "token":
        here.poetry.extra_env["POETRY_PYPI_TOKEN_TEAM_INDEX"] = TOKEN
    else:
        here.poetry.extra_env.update(
            POETRY_HTTP_BASIC_TEAM_INDEX_USERNAME="ada",
            POETRY_HTTP_BASIC_TEAM_INDEX_PASSWORD=PASSWORD,
        )
    expected = basic("__token__", TOKEN) if kind == "token" else basic("ada", PASSWORD)
    assert here.sends("-r", "team-index") == expected


def test_what_is_for_another_repository_is_not_sent(here: Place) -> None:
    here.keep("config.toml", '[repositories.other]\nurl = "https://other.invalid/legacy/"\n')
    here.poetry.extra_env.update(
        POETRY_PYPI_TOKEN_OTHER=TOKEN,
        POETRY_HTTP_BASIC_OTHER_USERNAME="ada",
        POETRY_HTTP_BASIC_OTHER_PASSWORD=PASSWORD,
    )
    assert here.asks_with("-r", "corp") is None


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"POETRY_PYPI_TOKEN_CORP": TOKEN}, "the token that Poetry has for it"),
        (
            {
                "POETRY_HTTP_BASIC_CORP_USERNAME": "ada",
                "POETRY_HTTP_BASIC_CORP_PASSWORD": PASSWORD,
            },
            "the password of ada",
        ),
        ({}, "Poetry has none for it"),
    ],
    ids=["token", "user", "nobody"],
)
def test_what_is_not_accepted_is_named(here: Place, variables: dict[str, str], told: str) -> None:
    here.poetry.extra_env.update(variables)
    here.index.script(Reply(401))
    run = here.publish("--jobs", "1")
    assert run.returncode == 44, run.stdout + run.stderr
    assert told in run.stderr


# .netrc


def test_each_machine_in_netrc_has_its_own(here: Place) -> None:
    """The same server by two names: a promotion asks each with what is for that name."""
    with faulty_index() as staging:
        for file in (here.project / "dist").iterdir():
            staging.has(file.name, file.read_bytes())
        by_name = staging.url.replace("127.0.0.1", "localhost")
        here.keep("config.toml", f'[repositories.staging]\nurl = "{by_name}/legacy/"\n')
        here.netrc(
            "machine other.invalid\nlogin oda\npassword of-the-other\n\n"
            "machine localhost\nlogin lou\npassword of-localhost\n\n"
            f"machine 127.0.0.1\nlogin ada\npassword {PASSWORD}\n\n"
            "default\nlogin dan\npassword of-all-others\n"
        )
        where = ("--from", "staging", "--to", "corp", "-vvv")
        run = here.poetry.run("aegis", "promote", "demo==1.0.0", *where, cwd=here.project)
        assert run.returncode == 0, run.stdout + run.stderr
        assert authorisations(staging) == {basic("lou", "of-localhost")}
    assert authorisations(here.index) == {basic("ada", PASSWORD)}
    for secret in (PASSWORD, "of-localhost", "of-the-other", "of-all-others"):
        assert secret not in run.stdout + run.stderr


def test_a_machine_that_netrc_does_not_name_has_the_default(here: Place) -> None:
    here.netrc(
        "machine other.invalid login oda password of-the-other\n"
        f"default login ada password {PASSWORD}\n"
    )
    assert here.asks_with() == basic("ada", PASSWORD)


def test_a_machine_that_netrc_does_not_name_has_none(here: Place) -> None:
    here.netrc(f"machine other.invalid login ada password {PASSWORD}\n")
    assert here.asks_with() is None


def test_the_variable_netrc_names_another_file(here: Place) -> None:
    here.netrc("machine 127.0.0.1 login ned password of-the-usual-file\n")
    other = here.netrc(f"machine 127.0.0.1 login ada password {PASSWORD}\n", "another")
    here.poetry.extra_env["NETRC"] = str(other)
    assert here.asks_with() == basic("ada", PASSWORD)


def test_a_netrc_that_cannot_be_read_is_none(here: Place) -> None:
    here.netrc(f"machine 127.0.0.1 login ada pass {PASSWORD}\nnonsense\n")
    here.index.script(Reply(401))
    run = here.publish("--jobs", "1")
    assert run.returncode == 44, run.stdout + run.stderr
    assert "poetry config http-basic.corp" in run.stderr


# Certificates of the client


@dataclass(frozen=True)
class Authority:
    """An authority of a company's own: *ca* is its certificate."""

    folder: Path

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    def issue(self, name: str, more: str = "") -> Path:
        """Return a certificate that it has signed, with the key, in one file."""
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(more or "extendedKeyUsage=clientAuth\n")
        ec = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        self._openssl(f"req {ec} -keyout {name}.key -out {name}.csr -subj /CN={name}")
        self._openssl(
            f"x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
            f"-out {name}.crt -extfile {name}.ext"
        )
        both = self.folder / f"{name}.pem"
        parts = (self.folder / f"{name}.{kind}" for kind in ("key", "crt"))
        both.write_text("".join(part.read_text() for part in parts))
        return both

    def encrypt(self, issued: Path, passphrase: str) -> Path:
        """Return *issued* with its key encrypted."""
        name = issued.stem
        self._openssl(f"ec -in {name}.key -aes256 -passout pass:{passphrase} -out {name}.enc")
        locked = self.folder / f"{name}-locked.pem"
        locked.write_text(
            (self.folder / f"{name}.enc").read_text() + (self.folder / f"{name}.crt").read_text()
        )
        return locked

    def _openssl(self, arguments: str) -> None:
        command = [needs_program("openssl"), *arguments.split()]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)


def make_authority(folder: Path) -> Authority:
    authority = Authority(folder)
    ec = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    authority._openssl(f"req -x509 {ec} -keyout ca.key -out ca.pem -days 2 -subj /CN={folder.name}")
    return authority


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("company"))


@pytest.fixture(scope="module")
def served(company: Authority) -> Path:
    """Return the certificate of a server of this machine."""
    return company.issue("server", "subjectAltName=IP:127.0.0.1\n")


@pytest.fixture(scope="module")
def shown(company: Authority) -> Path:
    """Return a certificate for a client."""
    return company.issue("ada")


@pytest.fixture
def strict(here: Place, company: Authority, served: Path) -> Iterator[Place]:
    """Return a place whose index wants a certificate of the company's from whoever asks."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(company.ca))
    context.load_cert_chain(served)
    context.verify_mode = ssl.CERT_REQUIRED
    with faulty_index(context) as index:
        config = here.poetry.root / "config" / "config.toml"
        config.write_text(f'[repositories.corp]\nurl = "{index.url}/legacy/"\n')
        yield Place(here.poetry, index, here.project)


def test_a_certificate_that_poetry_was_told_of_is_shown(
    strict: Place, company: Authority, shown: Path
) -> None:
    strict.configure("certificates.corp.cert", str(company.ca))
    strict.configure("certificates.corp.client-cert", str(shown))
    assert strict.sends() is None


def test_a_certificate_may_be_named_by_a_variable_and_goes_with_a_password(
    strict: Place, company: Authority, shown: Path
) -> None:
    strict.poetry.extra_env.update(
        POETRY_CERTIFICATES_CORP_CERT=str(company.ca),
        POETRY_CERTIFICATES_CORP_CLIENT_CERT=str(shown),
        POETRY_HTTP_BASIC_CORP_USERNAME="ada",
        POETRY_HTTP_BASIC_CORP_PASSWORD=PASSWORD,
    )
    assert strict.sends() == basic("ada", PASSWORD)


@pytest.mark.parametrize("whose", ["nobody", "another authority"])
def test_without_the_right_certificate_nothing_arrives(
    strict: Place, company: Authority, whose: str, tmp_path: Path
) -> None:
    strict.configure("certificates.corp.cert", str(company.ca))
    if whose != "nobody":
        (tmp_path / "other").mkdir()
        foreign = make_authority(tmp_path / "other").issue("eve")
        strict.configure("certificates.corp.client-cert", str(foreign))
    run = strict.publish()
    assert run.returncode == 43, run.stdout + run.stderr
    wanted = "corp wants a client certificate." if whose == "nobody" else "corp gave no answer"
    assert wanted in run.stderr
    assert strict.index.gets == []


@pytest.mark.parametrize("wrong", ["missing", "no certificate", "encrypted"])
def test_a_certificate_that_cannot_be_used_is_named(
    strict: Place, company: Authority, shown: Path, wrong: str, tmp_path: Path
) -> None:
    file = tmp_path / "client.pem"
    if wrong == "no certificate":
        file.write_text("hello\n")
    elif wrong == "encrypted":
        file = company.encrypt(shown, PASSWORD)
    strict.configure("certificates.corp.cert", str(company.ca))
    strict.configure("certificates.corp.client-cert", str(file))
    run = strict.publish()
    assert run.returncode == 40, run.stdout + run.stderr
    assert f"{file}, cannot be used" in " ".join(run.stderr.split())
    assert "certificates.corp.client-cert" in run.stderr
    assert strict.index.connections == 0


def test_a_promotion_shows_it_to_the_index_that_wants_it(
    strict: Place, company: Authority, shown: Path
) -> None:
    for file in (strict.project / "dist").iterdir():
        strict.index.has(file.name, file.read_bytes())
    strict.configure("certificates.corp.cert", str(company.ca))
    strict.configure("certificates.corp.client-cert", str(shown))
    with faulty_index() as production:
        strict.keep("config.toml", f'[repositories.out]\nurl = "{production.url}/legacy/"\n')
        where = ("--from", "corp", "--to", "out")
        run = strict.poetry.run("aegis", "promote", "demo==1.0.0", *where, cwd=strict.project)
        assert run.returncode == 0, run.stdout + run.stderr
        assert production.files == strict.index.files
