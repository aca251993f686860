"""Repositories, with the credentials and certificates that Poetry has for them."""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from poetry_aegis.errors import (
    NoProject,
    SettingsError,
    UnknownRepository,
)
from poetry_aegis.poetry_api.projects import first_line, locate, table

if TYPE_CHECKING:
    from pathlib import Path

    from poetry.config.config import Config
    from poetry.console.commands.command import Command
    from poetry.utils.authenticator import Authenticator

    from poetry_aegis.publish.repository import Repository

PYPI = "pypi"


def repository_names(command: Command) -> list[str]:
    """Return the names of the repositories that Poetry knows for this project, sorted.

    PyPI, which needs no configuration, is not among them.
    """
    config = _project_config(command)
    return sorted({*config.get("repositories", {}), *config.raw().get("repositories", {})})


def find_repository(command: Command, name: str) -> Repository:
    """Return the repository *name* with the credentials and certificates Poetry has for it.

    Looks where Poetry looks: environment, keyring, ``auth.toml``, ``config.toml``,
    ``poetry.toml`` and the project's sources, and for credentials last in ``.netrc``. Raises
    `UnknownRepository` and `SettingsError`.
    """
    from poetry.utils.authenticator import Authenticator
    from poetry.utils.password_manager import PoetryKeyringError

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
    try:
        if name != PYPI:
            # Poetry itself forgets the credentials of a repository that the environment hides.
            authenticator.add_repository(name, upload_url)
        username, password = _credentials(authenticator, name, upload_url)
        certificates = authenticator.get_certs_for_repository(name)
    except ValueError:
        # Its text quotes the URL, which may hold a password, and so does its trace.
        raise SettingsError(
            "A repository or source of Poetry's has a URL that cannot be read.",
            hint="Look at its configuration: poetry config --list",
        ) from None
    except PoetryKeyringError as error:
        raise SettingsError(
            f"Poetry asks the keyring for the credentials of {name!r}: {first_line(error)}",
            hint="Unlock the keyring. To do without it: POETRY_KEYRING_ENABLED=false",
        ) from error
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


def config_directory() -> Path:
    """Return where Poetry keeps ``config.toml`` and ``auth.toml``."""
    from poetry.locations import CONFIG_DIR

    return CONFIG_DIR


def pypi_urls() -> tuple[str, str]:
    """Return PyPI's upload and index URLs, from the host Poetry itself defaults to."""
    host = urlsplit(_default_url())
    return f"{host.scheme}://upload.{host.netloc}/legacy/", f"{host.scheme}://{host.netloc}/simple/"


def publish_predicate() -> str:
    """Return the predicate type of PEP 740's publish attestation, at the documentation of PyPI."""
    host = urlsplit(_default_url())
    return f"{host.scheme}://docs.{host.netloc}/attestations/publish/v1"


def _default_url() -> str:
    import inspect

    from poetry.repositories.pypi_repository import PyPiRepository

    return str(inspect.signature(PyPiRepository.__init__).parameters["url"].default)


def _project_config(command: Command) -> Config:
    """Return Poetry's configuration for the project: the user's, ``poetry.toml``, its sources.

    Put together as Poetry does when it loads a project. That would take longer, and it refuses to
    where the project is the root of others and no package itself.
    """
    from poetry.config.config import Config

    from poetry_aegis.settings import read_toml

    config = Config.create()
    try:
        pyproject = locate(command)
    except NoProject:
        return config  # As Poetry has it where there is no project.
    beside = pyproject.with_name("poetry.toml")
    if beside.exists():
        config.merge(read_toml(beside))
    known = config.get("repositories", {})
    sources = table(read_toml(pyproject), "tool", "poetry").get("source", [])
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


def _credentials(
    authenticator: Authenticator, name: str, url: str
) -> tuple[str | None, str | None]:
    token = authenticator.get_pypi_token(name)
    if token:
        return "__token__", token
    basic = authenticator.get_http_auth(name)
    if basic and (basic.username or basic.password):
        return basic.username, basic.password
    return (None, None) if "@" in urlsplit(url).netloc else _netrc(url)


def _netrc(url: str) -> tuple[str | None, str | None]:
    """Return what ``.netrc``, or the file that ``NETRC`` names, has for the host of *url*."""
    from requests.utils import get_netrc_auth  # what Poetry itself asks with

    return get_netrc_auth(url) or (None, None)


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
