"""What a pipeline has to know of a project, checked: it ends up in YAML, Groovy and shell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from poetry_aegis.errors import SettingsError
from poetry_aegis.settings import PipelineSettings, load_settings, read_toml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from poetry_aegis.settings import Settings

REPOSITORY = "aegis"
TEST_REPOSITORY = "aegis-test"
TABLE = "[tool.poetry-aegis.ci]"
# Of a repository that only variables describe, Poetry knows no other names than these.
_NAME = re.compile(r"[a-z](?:[a-z-]*[a-z])?")
_BRANCH = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?")
_PYTHON = re.compile(r"3\.[0-9]{1,2}")
_PLUGIN_INDEX = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/-]*)?")
# What a workflow, YAML, Groovy or the shell would take for something else, however it is quoted.
_BAD_IN_FOLDER = frozenset('$`\\"')


@dataclass(frozen=True)
class Tools:
    """The versions of Poetry and of this plugin that a pipeline installs."""

    poetry: str
    plugin: str


@dataclass(frozen=True)
class PipelineProject:
    """A project as its pipeline sees it.

    *folder* is where it is in its repository, empty for the top. *test_branch* is empty where there
    is no test index. *tags* are templates of its tags. *several* tells that the repository holds
    several packages, *is_package* that the project is one itself, *reads_index* that the project
    installs from *repository*, *signs* that it signs what it publishes, *has_forge* that there may
    be releases on a forge. *plugin_index* is where the plugin is installed from, empty for the one
    that pip has. *lacks_pytest* tells that the tests would be run with a pytest that nothing
    installs.
    """

    tools: Tools
    branch: str
    test_branch: str
    repository: str
    test_repository: str
    python: str
    test: str
    tags: tuple[str, ...] = ("v{version}",)
    extras: tuple[str, ...] = ()
    folder: str = ""
    several: bool = False
    is_package: bool = True
    reads_index: bool = False
    signs: bool = False
    has_forge: bool = True
    plugin_index: str = ""
    lacks_pytest: bool = False

    @property
    def needs_reader(self) -> bool:
        """Whether a job that does not publish installs something from a private index."""
        return self.reads_index or bool(self.plugin_index)

    @property
    def requirements(self) -> tuple[str, str]:
        """What pip installs: Poetry and the plugin, with the extras that the project needs."""
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        return f"poetry=={self.tools.poetry}", f"poetry-aegis{extras}=={self.tools.plugin}"


def read_project(  # noqa: PLR0913 - and what only the repository around it knows
    pyproject: Path,
    root: Path,
    tools: Tools,
    *,
    tags: tuple[str, ...],
    several: bool = False,
    is_package: bool = True,
) -> PipelineProject:
    """Return what a pipeline has to know of the project *pyproject* in the repository *root*.

    *tags* are the templates of its tags, *several* and *is_package* as in `PipelineProject`.
    Raises `ProjectError`, and `SettingsError` for what a pipeline cannot hold.
    """
    settings = load_settings(pyproject)
    document = read_toml(pyproject)
    repository = settings.ci.repository or settings.repository or REPOSITORY
    project = PipelineProject(
        tools=tools,
        branch=settings.ci.branch,
        test_branch=settings.ci.test_branch,
        repository=repository,
        test_repository=settings.ci.test_repository or TEST_REPOSITORY,
        python=settings.ci.python,
        test=settings.ci.test,
        tags=tags,
        extras=_extras(settings),
        folder=_folder(pyproject.parent, root),
        several=several,
        is_package=is_package,
        reads_index=repository in _source_names(document),
        signs=settings.publish.sign,
        has_forge=settings.forge != "none",
        plugin_index=settings.ci.plugin_index or "",
        lacks_pytest=settings.ci.test == PipelineSettings.test and not _has_pytest(pyproject),
    )
    _require_fit(project)
    _require_python(project, document)
    return project


def variable(name: str) -> str:
    """Return the repository *name* as Poetry spells it in its variables."""
    return name.upper().replace("-", "_")


def _extras(settings: Settings) -> tuple[str, ...]:
    wanted = {
        "signing": settings.publish.sign or settings.trust.guard or bool(settings.trust.keys),
        "templates": settings.changelog_template is not None,
    }
    return tuple(name for name, is_wanted in wanted.items() if is_wanted)


def _source_names(document: Mapping[str, Any]) -> set[str]:
    sources = document.get("tool", {}).get("poetry", {}).get("source", [])
    return {str(source.get("name")) for source in sources if isinstance(source, dict)}


def _folder(directory: Path, root: Path) -> str:
    inside = directory.resolve().relative_to(root.resolve()).as_posix()
    if inside == ".":
        return ""
    if not inside.isprintable() or inside.startswith("-") or _BAD_IN_FOLDER & set(inside):
        raise SettingsError(
            f"No pipeline can be written for the folder {inside!r}.",
            hint="Rename it: letters of all languages, digits and spaces are fine, but none of "
            '$ ` \\ ", no hyphen at its beginning, and nothing that cannot be printed.',
        )
    return inside


def _has_pytest(pyproject: Path) -> bool:
    """Return whether the lock, or the project itself, names pytest or a plugin of it."""
    document = read_toml(pyproject)
    poetry = {"poetry": document.get("tool", {}).get("poetry")}
    declared = [document.get("project"), document.get("dependency-groups"), poetry]
    if any(word.startswith("pytest") for word in _words(declared)):
        return True
    lock = pyproject.with_name("poetry.lock")
    # As a whole it is long, and reading it slow.
    return lock.is_file() and b'\nname = "pytest' in lock.read_bytes()


def _words(value: object) -> Iterator[str]:
    """Yield each key and each text in *value*."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _words(item)
    elif isinstance(value, list):
        for item in value:
            yield from _words(item)
    elif isinstance(value, str):
        yield value


def _require_fit(project: PipelineProject) -> None:
    _require("branch", project.branch, _BRANCH, "the name of a branch")
    if project.test_branch:
        _require("test_branch", project.test_branch, _BRANCH, "the name of a branch")
    lower = "a name of lower-case letters and hyphens, the only ones that variables can give"
    _require("repository", project.repository, _NAME, lower)
    _require("test_repository", project.test_repository, _NAME, lower)
    _require("python", project.python, _PYTHON, 'a version of Python such as "3.13"')
    if project.repository == project.test_repository:
        raise SettingsError(
            f"{project.repository} is both the index and the test index.",
            hint=f'Name another one in {TABLE}: test_repository = "{TEST_REPOSITORY}"',
        )
    if project.branch == project.test_branch:
        raise SettingsError(
            f"{project.branch} is both the branch of releases and the one of tests.",
            hint=f'Without a test index, write in {TABLE}: test_branch = ""',
        )
    if project.plugin_index and not _PLUGIN_INDEX.fullmatch(project.plugin_index):
        raise SettingsError(
            f"The setting plugin_index in {TABLE} is not the address of an index.",
            hint="It looks like https://pypi.example.com/simple/, without a password: that is a "
            "secret of the pipeline.",
        )
    if not (project.test.strip() and project.test.isprintable()):
        raise SettingsError(f"The setting test in {TABLE} has to be a command on one line.")


def _require(key: str, value: str, pattern: re.Pattern[str], what: str) -> None:
    if not pattern.fullmatch(value):
        raise SettingsError(
            f"{value!r} is not {what}.", hint=f'Write another one in {TABLE}: {key} = "..."'
        )


def _require_python(project: PipelineProject, document: Mapping[str, Any]) -> None:
    """Raise `SettingsError` where the project does not run on the pipeline's Python."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    wanted = document.get("project", {}).get("requires-python", "")
    try:
        allowed = SpecifierSet(wanted if isinstance(wanted, str) else "")
    except InvalidSpecifier:
        return  # Poetry says so better.
    # The last patch of it counts: which one a pipeline gets is not known here.
    if not any(allowed.contains(f"{project.python}.{patch}") for patch in (0, 99)):
        raise SettingsError(
            f"The pipeline's Python is {project.python}, and the project wants {wanted}.",
            hint=f'Name one that fits in {TABLE}: python = "..."',
        )
