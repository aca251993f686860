"""The only module that touches Poetry's internals.

Poetry promises no stable API to plugins. What the plugin needs of it is gathered here and handed on
as the plugin's own values, so that a change in Poetry is one change here.
"""

from __future__ import annotations

import contextlib
import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from poetry_aegis.errors import (
    BuildFailed,
    CorruptProject,
    NoProject,
    SettingsError,
    UnknownRepository,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cleo.io.io import IO
    from cleo.io.outputs.output import Output
    from poetry.config.config import Config
    from poetry.console.commands.build import BuildCommand
    from poetry.console.commands.command import Command
    from poetry.utils.authenticator import Authenticator

    from poetry_aegis.publish.repository import Repository

PYPI = "pypi"


@dataclass(frozen=True)
class Project:
    """A project as its ``pyproject.toml`` names it. Both paths are absolute."""

    name: str
    pyproject: Path

    @property
    def root(self) -> Path:
        """The directory of ``pyproject.toml``."""
        return self.pyproject.parent


def load_project(command: Command) -> Project:
    """Return the project that *command* is about, with ``-C`` and ``-P`` obeyed.

    Reads ``pyproject.toml`` itself: Poetry refuses to load a project without a version, which is
    just what some commands have to explain. What needs no name is called as its directory. Raises
    `NoProject` and `CorruptProject`.
    """
    from poetry_aegis.settings import read_toml

    pyproject = _locate(command)
    document = read_toml(pyproject)
    name = _table(document, "project").get("name") or _table(document, "tool", "poetry").get("name")
    package_mode = _table(document, "tool", "poetry").get("package-mode") is not False
    if _lists_packages(document) or not package_mode:
        name = name or pyproject.parent.name
    if not isinstance(name, str) or not name.strip():
        raise CorruptProject(
            f"{pyproject} names no package.", hint='Add name = "..." to its [project] table.'
        )
    return Project(name=name, pyproject=pyproject)


def _locate(command: Command) -> Path:
    from poetry.factory import Factory

    directory = command.get_application().project_directory
    # `-C` is obeyed by changing the directory, after which a relative path would mislead.
    start = directory if directory.is_absolute() else Path.cwd()
    try:
        return Factory.locate(start).resolve()
    except RuntimeError:
        raise NoProject(
            f"There is no pyproject.toml in {start} or above it.",
            hint="Run the command inside a project, or name one: poetry -C DIRECTORY aegis ...",
        ) from None


def _lists_packages(document: Mapping[str, Any]) -> bool:
    """Return whether the project is the root of others, and may be no package itself."""
    return bool(_table(document, "tool", "poetry-aegis").keys() & {"packages", "discover"})


def reload_project(command: Command) -> None:
    """Make Poetry forget the project it has read: its version has changed on disk."""
    command.reset_poetry()


def build(command: Command, project: Project, output: Path, messages: Output) -> None:
    """Build the sdist and the wheel of *project* into *output* through Poetry's own command.

    Running the command, not its builder, lets other plugins that hook builds do their part; the
    environment is Poetry's own, so that no virtual environment is made. What the build prints goes
    to *messages*. Raises `BuildFailed`.
    """
    from cleo.io.inputs.argv_input import ArgvInput
    from cleo.io.io import IO
    from poetry.factory import Factory
    from poetry.utils.env import EnvManager

    application = command.get_application()
    poetry_build = cast("BuildCommand", application.find("build"))
    poetry_build.set_env(EnvManager.get_system_env(naive=True))
    tokens = ["poetry", "build", "--output", str(output)]
    io = IO(ArgvInput(tokens), messages, command.io.error_output)
    interrupts = _noting_interrupts(poetry_build)
    try:
        with _working_directory(project.root), _logging_to(io):
            # Fresh, because the version may have changed, and from an absolute path, because
            # after a relative `-C` poetry-core looks for the packages of a src/ layout twice.
            poetry_build.set_poetry(Factory().create_poetry(project.root, io=io))
            # The same call that cleo's Command.call makes, which takes only a string to parse.
            code = application._run_command(poetry_build, io)  # noqa: SLF001
    except Exception as error:
        raise BuildFailed(
            f"The build of {project.name} failed: {_first_line(error)}",
            hint="See all of it with: poetry build -v",
        ) from error
    finally:
        application.reset_poetry()
    if interrupts:
        raise interrupts[0]
    if code:
        raise BuildFailed(
            f"The build of {project.name} failed with exit code {code}.",
            hint="Try it alone with: poetry build",
        )


def content_hash(pyproject: Path, content: bytes) -> str:
    """Return Poetry's hash of the dependencies in *content*, a ``pyproject.toml``'s.

    It is what ``poetry.lock`` beside *pyproject* is compared with.
    """
    import tomlkit
    from poetry.packages.locker import Locker

    document = tomlkit.parse(content.decode("utf-8")).unwrap()
    locker = Locker(pyproject.with_name("poetry.lock"), document)
    return locker._get_content_hash()  # noqa: SLF001 - there is no other way to it


def _noting_interrupts(command: Command) -> list[KeyboardInterrupt]:
    """Return a list that gets the Ctrl-C that ends *command*: cleo makes it an exit code of 1."""
    handle = command.handle
    interrupts: list[KeyboardInterrupt] = []

    def handle_and_note() -> int:
        try:
            return handle()
        except KeyboardInterrupt as interrupt:
            interrupts.append(interrupt)
            raise

    command.handle = handle_and_note  # type: ignore[method-assign]
    return interrupts


def repository_names(command: Command) -> list[str]:
    """Return the names of the repositories that Poetry knows for this project, sorted.

    PyPI, which needs no configuration, is not among them.
    """
    config = _project_config(command)
    return sorted({*config.get("repositories", {}), *config.raw().get("repositories", {})})


def find_repository(command: Command, name: str) -> Repository:
    """Return the repository *name* with the credentials and certificates Poetry has for it.

    Looks where Poetry looks: environment, keyring, ``auth.toml``, ``config.toml``,
    ``poetry.toml`` and the project's sources. Raises `UnknownRepository` and `SettingsError`.
    """
    from poetry.utils.authenticator import Authenticator

    from poetry_aegis.publish import repository as repositories

    config = _project_config(command)
    authenticator = Authenticator(config, command.io)
    if name == PYPI:
        upload_url, index_url = pypi_urls()
        notes: tuple[str, ...] = ()
    else:
        upload_url = _configured_url(command, config, name)
        index_url = repositories.index_url_of(upload_url)
        notes = _notes_on_hidden(config, name)
        # Poetry itself forgets the credentials of a repository that the environment hides.
        authenticator.add_repository(name, upload_url)
    username, password = _credentials(authenticator, name)
    certificates = authenticator.get_certs_for_repository(name)
    return repositories.Repository(
        name=name,
        upload_url=upload_url,
        index_url=index_url,
        username=username,
        password=password,
        verify=_trust(name, certificates.cert, verify=certificates.verify),
        client_cert=certificates.client_cert,
        notes=notes,
    )


def save_repository(
    name: str, url: str, username: str, password: str, *, authority: Path | None = None
) -> bool:
    """Write a repository and its credentials as ``poetry config`` does.

    *authority* is the file of the certificate that the repository's is verified with.

    Returns True where the password went into a keyring, False where it is in ``auth.toml``.
    """
    from poetry.config.config import Config
    from poetry.utils.password_manager import PasswordManager

    config_directory().mkdir(parents=True, exist_ok=True)
    config = Config.create()
    config.config_source.add_property(f"repositories.{name}.url", url)
    if authority is not None:
        config.config_source.add_property(f"certificates.{name}.cert", authority.as_posix())
    passwords = PasswordManager(config)
    passwords.set_http_password(name, username, password)
    Config.create(reload=True)
    return bool(passwords.use_keyring)


def config_directory() -> Path:
    """Return where Poetry keeps ``config.toml`` and ``auth.toml``."""
    from poetry.locations import CONFIG_DIR

    return CONFIG_DIR


def pypi_urls() -> tuple[str, str]:
    """Return PyPI's upload and index URLs, from the host Poetry itself defaults to."""
    import inspect

    from poetry.repositories.pypi_repository import PyPiRepository

    default = inspect.signature(PyPiRepository.__init__).parameters["url"].default
    host = urlsplit(default)
    return f"{host.scheme}://upload.{host.netloc}/legacy/", f"{host.scheme}://{host.netloc}/simple/"


def _project_config(command: Command) -> Config:
    from poetry.config.config import Config

    from poetry_aegis.settings import read_toml

    try:
        return command.poetry.config
    except RuntimeError as error:
        try:
            root = _locate(command)
        except NoProject:
            return Config.create()  # As Poetry has it where there is no project.
        if _lists_packages(read_toml(root)):
            return _config_of_root(root)
        raise CorruptProject(
            f"Poetry cannot load the project: {_first_line(error)}", hint="Run: poetry check"
        ) from error
    except ValueError:
        # Its text quotes the URL, which may hold a password, and so does its trace.
        raise SettingsError(
            "A repository or source of Poetry's has a URL that cannot be read.",
            hint="Look at its configuration: poetry config --list",
        ) from None


def _config_of_root(root: Path) -> Config:
    """Return the configuration for *root*, which Poetry refuses to load where it is no package.

    As Poetry does it: the user's, ``poetry.toml`` beside it, then the sources in it.
    """
    from poetry.config.config import Config

    from poetry_aegis.settings import read_toml

    config = Config.create()
    beside = root.with_name("poetry.toml")
    if beside.exists():
        config.merge(read_toml(beside))
    known = config.get("repositories", {})
    sources = _table(read_toml(root), "tool", "poetry").get("source", [])
    named = {
        item["name"]: {"url": item["url"]}
        for item in sources
        if item.get("name") and item.get("url")
    }
    config.merge({"repositories": named | known})
    return config


def _configured_url(command: Command, config: Config, name: str) -> str:
    url = config.get(f"repositories.{name}.url")
    if url is None:  # A name with a dot in it is found only this way.
        url = (config.raw().get("repositories", {}).get(name) or {}).get("url")
    if not isinstance(url, str):
        known = ", ".join(repository_names(command)) or "none"
        raise UnknownRepository(
            f"Poetry has no repository {name!r}; it knows: {known}.",
            hint=f"Add it with: poetry config repositories.{name} URL",
        )
    return url


def _notes_on_hidden(config: Config, name: str) -> tuple[str, ...]:
    """Warn where one environment variable makes Poetry forget every configured repository."""
    if name in config.get("repositories", {}):
        return ()
    hiding = sorted(name for name in os.environ if name.startswith("POETRY_REPOSITORIES_"))
    if not hiding:
        return ()
    note = (
        f"{hiding[0]} hides every configured repository from Poetry itself; "
        f"repository {name!r} was read from its configuration all the same."
    )
    return (note,)


def _credentials(authenticator: Authenticator, name: str) -> tuple[str | None, str | None]:
    token = authenticator.get_pypi_token(name)
    if token:
        return "__token__", token
    basic = authenticator.get_http_auth(name)
    return (basic.username, basic.password) if basic else (None, None)


def _trust(name: str, certificate: Path | None, *, verify: bool) -> ssl.SSLContext | bool:
    if certificate is None:
        return verify
    try:
        return ssl.create_default_context(cafile=str(certificate))
    except OSError as error:
        raise SettingsError(
            f"The certificate of repository {name!r}, {certificate}, cannot be read.",
            hint=f"Mend it with: poetry config certificates.{name}.cert FILE",
        ) from error


def _table(document: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


@contextlib.contextmanager
def _logging_to(io: IO) -> Iterator[None]:
    """Send what Poetry's builders log to *io*; Poetry binds it to the first command's output."""
    import logging

    from poetry.console.logging.io_handler import IOHandler

    handlers = [item for item in logging.getLogger().handlers if isinstance(item, IOHandler)]
    before = [handler._io for handler in handlers]  # noqa: SLF001 - there is no other way in
    for handler in handlers:
        handler._io = io  # noqa: SLF001
    try:
        yield
    finally:
        for handler, usual in zip(handlers, before, strict=True):
            handler._io = usual  # noqa: SLF001


@contextlib.contextmanager
def _working_directory(path: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(path)
    try:
        yield
    finally:
        os.chdir(before)
