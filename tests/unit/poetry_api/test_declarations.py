"""What a lock may take from where: locks that were rewritten, read by the real Poetry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from packaging.version import Version
from poetry.__version__ import __version__
from poetry.console.application import Application
from poetry.console.commands.about import AboutCommand

from poetry_aegis import errors, poetry_api
from tests.support.guarded import UserProject, enter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from poetry_aegis.signing.findings import LockedPackage

CORP, OTHER = "https://corp.example/simple", "https://other.example/simple"
PUBLIC, NOWHERE = "", "not declared at all"
COMMIT = "0123456789" * 4

PYPROJECT = """\
[project]
name = "user"
version = "1"
requires-python = ">=3.10"
dynamic = ["dependencies"]

[tool.poetry]
package-mode = false

[[tool.poetry.source]]
name = "corp"
url = "https://reader:pass-word@corp.example/simple/"
priority = "explicit"

[[tool.poetry.source]]
name = "other"
url = "https://other.example/simple/"
priority = "{priority}"

"""


def source(kind: str, url: str, **more: str) -> str:
    """Return the table that tells where a lock has a package from."""
    values = {"type": kind, "url": url, **more}
    return "[package.source]\n" + "".join(f'{key} = "{value}"\n' for key, value in values.items())


def index(name: str, url: str) -> str:
    return source("legacy", url, reference=name)


def git(url: str = "https://git.example/acme.git", ref: str = "main", commit: str = COMMIT) -> str:
    return source("git", url, reference=ref, resolved_reference=commit)


WHEEL = "https://files.example/acme-1.0-py3-none-any.whl"
FROM_CORP = index("corp", CORP)

# How the project declares acme, in each of the ways that there are.
PLAIN = '[tool.poetry.dependencies]\nacme = "^1"\n'
IN_CORP = '[tool.poetry.dependencies]\nacme = { version = "^1", source = "corp" }\n'
IN_PUBLIC = '[tool.poetry.dependencies]\nacme = { version = "^1", source = "PyPI" }\n'
GIT = (
    '[tool.poetry.dependencies]\nacme = { git = "https://git.example/acme.git", branch = "main" }\n'
)
GIT_COMMIT = GIT.replace('branch = "main"', f'rev = "{COMMIT}"')
GIT_FOLDER = GIT.replace(" }", ', subdirectory = "py" }')
GIT_REQUIREMENT = '[dependency-groups]\ndev = ["acme @ git+https://git.example/acme.git@main"]\n'
URL = f'[tool.poetry.group.dev.dependencies]\nacme = {{ url = "{WHEEL}" }}\n'
URL_REQUIREMENT = f'[project.optional-dependencies]\nmore = ["acme @ {WHEEL}#sha256={"0" * 64}"]\n'
DIRECTORY = '[tool.poetry.dependencies]\nacme = { path = "../acme", develop = true }\n'
FILE = '[tool.poetry.dependencies]\nacme = { path = "../acme-1.0-py3-none-any.whl" }\n'
ENRICHED = (
    '[dependency-groups]\ndev = ["acme >=1"]\n'
    '[tool.poetry.group.dev.dependencies]\nacme = { source = "corp" }\n'
)
PER_SYSTEM = """\
[tool.poetry.dependencies]
acme = [
    { version = "^1", source = "corp", markers = "sys_platform == 'linux'" },
    { version = "^1", markers = "sys_platform != 'linux'" },
]
"""
IN_EITHER = PER_SYSTEM.replace(
    '{ version = "^1", markers', '{ version = "^1", source = "other", markers'
)
PLAIN_AND_CORP = (
    PLAIN + '[tool.poetry.group.dev.dependencies]\nacme = { version = "*", source = "corp" }\n'
)


READS_GROUPS = pytest.mark.skipif(
    Version(__version__) < Version("2.2"), reason="Poetry reads [dependency-groups] since 2.2"
)


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., LockedPackage]:
    """Return what reads acme of a lock that has it from somewhere."""

    def read(declared: str, where: str, priority: str = "supplemental") -> LockedPackage:
        project = UserProject(tmp_path / "project")
        project.root.mkdir()
        (tmp_path / "acme").mkdir()
        (tmp_path / "acme-1.0-py3-none-any.whl").touch()
        text = PYPROJECT.format(priority=priority) + declared
        if "[project.optional" in declared:
            text = text.replace('dynamic = ["dependencies"]', "dependencies = []")
        (project.root / "pyproject.toml").write_text(text)
        enter(project, monkeypatch)
        project.write_lock("acme", "1.0", {"acme-1.0.tar.gz": f"sha256:{'0' * 64}"})
        lock = project.lock.read_text()
        start, end = lock.index("[package.source]"), lock.index("[metadata]")
        project.lock.write_text(f"{lock[:start]}{where}\n{lock[end:]}")
        (found,) = poetry_api.read_lock(command(), whole=True)
        return found

    return read


def command() -> AboutCommand:
    """Return a command as Poetry would run it where the tests are."""
    made = AboutCommand()
    made.set_application(Application())
    return made


@pytest.mark.parametrize(
    ("declared", "where"),
    [
        (PLAIN, PUBLIC),
        (PLAIN, FROM_CORP),
        (PLAIN, index("Corp", f"{CORP}/")),
        ("", PUBLIC),
        ("", index("other", OTHER)),
        (IN_CORP, FROM_CORP),
        (IN_PUBLIC, PUBLIC),
        (ENRICHED, FROM_CORP),
        (PLAIN_AND_CORP, FROM_CORP),
        (PER_SYSTEM, FROM_CORP),
        (PER_SYSTEM, PUBLIC),
        (IN_EITHER, index("other", OTHER)),
        (GIT, git()),
        (GIT, git(commit="f" * 40)),
        (GIT_COMMIT, git(ref=COMMIT)),
        pytest.param(GIT_REQUIREMENT, git(), marks=READS_GROUPS),
        (GIT_FOLDER, f'{git()}subdirectory = "py"\n'),
        (URL, source("url", WHEEL)),
        (URL_REQUIREMENT, source("url", WHEEL)),
        (DIRECTORY, source("directory", "../acme")),
        (DIRECTORY, source("directory", "../project/../acme")),
        (FILE, source("file", "../acme-1.0-py3-none-any.whl")),
    ],
)
def test_what_comes_from_where_the_project_declares_is_as_it_should(
    locked: Callable[..., LockedPackage], declared: str, where: str
) -> None:
    assert locked(declared, where).objection is None


EVIL = "https://evil.example/acme"


@pytest.mark.parametrize(
    ("declared", "where", "origin"),
    [
        *(
            (declared, where, origin)
            for declared in ("", PLAIN, IN_CORP, GIT)
            for where, origin in [
                (git(f"{EVIL}.git"), f"git {EVIL}.git"),
                (source("url", f"{EVIL}-1.0.tar.gz"), f"the URL {EVIL}-1.0.tar.gz"),
                (source("file", "evil.whl"), "the file evil.whl"),
                (source("directory", "../../evil"), "the directory ../../evil"),
            ]
        ),
        (GIT, git(ref="evil"), "git https://git.example/acme.git"),
        (GIT, f'{git()}subdirectory = "evil"\n', "git https://git.example/acme.git"),
        (GIT_FOLDER, git(), "git https://git.example/acme.git"),
        (GIT_COMMIT, git(ref=COMMIT, commit="f" * 40), "git https://git.example/acme.git"),
        (GIT, source("url", "https://git.example/acme.git"), "the URL"),
        (URL, source("url", f"{WHEEL}?other"), f"the URL {WHEEL}, which"),
        (URL, f'{source("url", WHEEL)}subdirectory = "evil"\n', f"the URL {WHEEL}, which"),
        (DIRECTORY, source("file", "../acme"), "the file ../acme"),
        (FILE, source("directory", "../acme-1.0-py3-none-any.whl"), "the directory"),
        (FILE, source("file", "../acme-1.1-py3-none-any.whl"), "the file"),
    ],
)
def test_what_comes_from_a_place_that_the_project_does_not_declare_is_unverifiable(
    locked: Callable[..., LockedPackage], declared: str, where: str, origin: str
) -> None:
    found = locked(declared, where).objection
    assert found is not None
    assert found.finding == "unverifiable"
    assert found.sentence.startswith(f"It comes from {origin}")
    assert "which this project does not declare" in found.sentence


@pytest.mark.parametrize(
    ("declared", "where", "origin", "wanted"),
    [
        (IN_CORP, PUBLIC, "the public index", f"the source corp ({CORP})."),
        (IN_CORP, index("PyPI", CORP), "the public index", "the source corp"),
        (IN_CORP, index("other", OTHER), f"the source other ({OTHER})", "the source corp"),
        (IN_CORP, index("other", CORP), "the source other", "the source corp"),
        (IN_CORP, index("gone", EVIL), f"the source gone ({EVIL})", "the source corp"),
        (IN_CORP, source("pypi", CORP, reference="other"), "the source other", "corp"),
        (IN_CORP, '[package.source]\nurl = "x"\nreference = "corp"\n', "the public index", "corp"),
        (ENRICHED, PUBLIC, "the public index", "the source corp"),
        (PLAIN_AND_CORP, PUBLIC, "the public index", "the source corp"),
        (
            IN_EITHER,
            PUBLIC,
            "the public index",
            f"the source corp ({CORP}) or the source other ({OTHER}).",
        ),
        (IN_PUBLIC, FROM_CORP, "the source corp", "the public index"),
        (GIT, PUBLIC, "the public index", "git https://git.example/acme.git"),
        (DIRECTORY, FROM_CORP, "the source corp", "the directory ../acme"),
        (URL, PUBLIC, "the public index", f"the URL {WHEEL}"),
    ],
)
def test_what_comes_from_another_index_than_the_project_declares_is_altered(
    locked: Callable[..., LockedPackage], declared: str, where: str, origin: str, wanted: str
) -> None:
    found = locked(declared, where).objection
    assert found is not None
    assert found.finding == "altered"
    before, _, after = found.sentence.partition("; the project wants it from ")
    assert before.startswith(f"The lock has it from {origin}")
    assert wanted in after


@pytest.mark.parametrize("declared", ["", PLAIN])
def test_an_index_that_the_project_does_not_have_is_unavailable(
    locked: Callable[..., LockedPackage], declared: str
) -> None:
    found = locked(declared, index("gone", EVIL)).objection
    assert found is not None
    assert found.finding == "unavailable"
    assert (
        found.sentence == "The lock has it from the source gone, which the project does not have."
    )


def test_the_public_index_is_not_had_where_the_project_does_without_it(
    locked: Callable[..., LockedPackage],
) -> None:
    found = locked(PLAIN, index("PyPI", CORP), priority="primary").objection
    assert found is not None
    assert found.finding == "unavailable"


def test_without_a_source_the_first_index_is_meant_where_there_is_no_public_one(
    locked: Callable[..., LockedPackage],
) -> None:
    found = locked(IN_CORP, PUBLIC, priority="primary").objection
    assert found is not None
    assert found.sentence.startswith("The lock has it from the source other; the project wants")


@pytest.mark.parametrize("declared", ["", PLAIN, IN_CORP])
def test_the_name_of_a_source_with_another_address_is_altered(
    locked: Callable[..., LockedPackage], declared: str
) -> None:
    found = locked(declared, index("corp", EVIL)).objection
    assert found is not None
    assert found.finding == "altered"
    assert EVIL in found.sentence
    assert CORP in found.sentence


@pytest.mark.parametrize(
    ("declared", "where"),
    [
        (IN_CORP, PUBLIC),
        (PLAIN, index("corp", EVIL)),
        (IN_CORP, git("https://reader:pass-word@git.example/acme.git")),
        (PLAIN, source("url", "https://pass-word@files.example/a.whl?token=pass-word#pass-word")),
    ],
)
def test_a_password_is_in_no_sentence(
    locked: Callable[..., LockedPackage], declared: str, where: str
) -> None:
    found = locked(declared, where)
    assert found.objection is not None
    assert "pass-word" not in found.objection.sentence + found.origin


def test_only_what_comes_from_a_private_index_has_a_source(
    locked: Callable[..., LockedPackage],
) -> None:
    found = locked(GIT, git())
    assert (found.source, found.origin) == ("", "git https://git.example/acme.git")


LIBRARIES = {
    # Each needs the other, which must not go on forever.
    "one": '[tool.poetry.dependencies]\ntwo = { path = "../two", develop = true }\n',
    "two": '[tool.poetry.dependencies]\none = { path = "../one" }\n'
    'acme = { path = "../acme", develop = true }\n',
    "three": '[project.optional-dependencies]\nx = ["acme @ git+https://git.example/acme.git@main"]\n'
    '[dependency-groups]\ndev = ["acme @ file:///dev"]\n',
}
NEEDS_LIBRARIES = "[tool.poetry.dependencies]\n" + "".join(
    f'{name} = {{ path = "../libs/{name}" }}\n' for name in ("one", "three", "broken", "missing")
)


@pytest.mark.parametrize(
    ("where", "good"),
    [
        (source("directory", "../libs/acme"), True),
        (source("directory", "../libs/other"), False),
        (source("directory", "/dev"), False),
        (git(), True),
        (git(ref="evil"), False),
        (PUBLIC, True),
    ],
)
def test_what_path_dependencies_need_themselves_is_declared(
    locked: Callable[..., LockedPackage], tmp_path: Path, where: str, good: bool
) -> None:
    for name, needs in LIBRARIES.items():
        (tmp_path / "libs" / name).mkdir(parents=True)
        dynamic = 'dynamic = ["dependencies"]\n' if "tool.poetry" in needs else ""
        (tmp_path / "libs" / name / "pyproject.toml").write_text(
            f'[project]\nname = "{name}"\nversion = "1"\n{dynamic}{needs}'
        )
    (tmp_path / "libs" / "broken").mkdir()
    (tmp_path / "libs" / "broken" / "pyproject.toml").write_text("[project\n")
    assert (locked(NEEDS_LIBRARIES, where).objection is None) == good


def test_what_the_lock_says_that_a_path_dependency_needs_declares_nothing(
    locked: Callable[..., LockedPackage], tmp_path: Path
) -> None:
    needs = '[package.dependencies]\nacme = { git = "https://git.example/acme.git" }\n'
    found = locked('[tool.poetry.dependencies]\none = { path = "../acme" }\n', needs + git())
    assert found.objection is not None


def test_dependencies_that_poetry_cannot_put_together_are_a_sentence(
    locked: Callable[..., LockedPackage],
) -> None:
    clash = (
        f'[project.optional-dependencies]\nmore = ["acme @ {WHEEL}"]\n'
        '[tool.poetry.dependencies]\nacme = { path = "../acme", optional = true }\n'
    )
    with pytest.raises(errors.CorruptProject, match="dependencies"):
        locked(clash, PUBLIC)
