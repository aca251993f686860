"""Poetry as a client of an index: what it writes, what it knows, and what it is told there."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from poetry.console.commands.command import Command

    from poetry_aegis.client.checks import Check
    from poetry_aegis.client.poetry import Index
    from poetry_aegis.client.setup import Login, Owner, Work


def files() -> list[Path]:
    """Return the files of Poetry's own configuration, which it reads for each command."""
    from poetry_aegis.poetry_api.repositories import config_directory

    return [config_directory() / name for name in ("config.toml", "auth.toml")]


def require_readable(*paths: Path) -> None:
    """Raise `AegisError`, which names the file, where one of *paths*, else of `files`, is broken.

    Raises ``OSError``, too.
    """
    from poetry_aegis.client.edits import named, read
    from poetry_aegis.client.shape import toml

    for path in paths or files():
        with named(path):
            toml(read(path))


def uses_keyring() -> bool:
    """Return whether Poetry keeps passwords in a keyring on this machine."""
    from poetry.config.config import Config
    from poetry.utils.password_manager import PasswordManager

    return bool(PasswordManager(Config.create()).use_keyring)


def keyring_service(name: str) -> str:
    """Return the service under which Poetry keeps the password of the repository *name*."""
    from poetry.utils.password_manager import PoetryKeyring

    return str(PoetryKeyring("poetry-repository").get_entry_name(name))


def work(index: Index, login: Login | None, *, in_keyring: bool) -> Work:
    """Return what makes *index* a repository of Poetry's, with its credential and authority."""
    from poetry_aegis.client.setup import Want, Work
    from poetry_aegis.poetry_api.repositories import config_directory

    settings: dict[tuple[str, ...], Any] = {("repositories", index.name, "url"): index.upload_url}
    if index.authority is not None:
        settings["certificates", index.name, "cert"] = index.authority.as_posix()
    folder = config_directory()
    wants = [
        Want(folder / "config.toml", "toml", lambda content: with_properties(content, settings))
    ]
    if login is not None:
        secret = {} if in_keyring else {"password": login.password}
        credential: dict[tuple[str, ...], Any] = {
            ("http-basic", index.name): {"username": login.username, **secret}
        }
        wants.append(
            Want(
                folder / "auth.toml",
                "credentials",
                lambda content: with_properties(content, credential),
                private=True,
                logins=_logins,
            )
        )
    entries = ((keyring_service(index.name), login.username),) if login and in_keyring else ()
    return Work("poetry", index.name, tuple(wants), entries)


def _logins(content: bytes | None) -> dict[str, Owner]:
    """Return whose logins Poetry's ``auth.toml`` holds, each under the name of its repository."""
    from poetry_aegis.client.setup import owner_of
    from poetry_aegis.client.shape import toml

    known = toml(content).get("http-basic")
    return {
        name: owner_of(str(item.get("username", "")), str(item.get("password", "")))
        for name, item in (known.items() if isinstance(known, dict) else ())
        if isinstance(item, dict)
    }


def with_properties(content: bytes | None, properties: Mapping[tuple[str, ...], Any]) -> bytes:
    """Return *content* of one of Poetry's files with *properties*, as Poetry writes them.

    It is done to a copy that nobody else may read. Raises what tomlkit does for a broken file.
    """
    from poetry.config.file_config_source import FileConfigSource
    from poetry.toml.file import TOMLFile

    with tempfile.TemporaryDirectory(prefix="aegis-") as folder:
        path = Path(folder) / "config.toml"
        if content is not None:
            path.write_bytes(content)
        source = FileConfigSource(TOMLFile(path))
        for keys, value in properties.items():
            if _known(source, keys) != value:
                source.add_property(".".join(keys), value)
        return path.read_bytes() if path.exists() else b""


def _known(source: object, keys: tuple[str, ...]) -> object:
    from poetry.config.config_source import PropertyNotFoundError

    try:
        return source.get_property(".".join(keys))  # type: ignore[attr-defined]
    except PropertyNotFoundError:
        return None


def known_login(command: Command, base_url: str, name: str) -> tuple[str, str] | None:
    """Return the user and password that Poetry has for the repository *name*, if it is this one.

    A repository of that name at another address has another password, which is told to nobody.
    """
    from poetry_aegis.errors import AegisError
    from poetry_aegis.poetry_api.repositories import find_repository
    from poetry_aegis.publish.named_index import shares_origin

    try:
        found = find_repository(command, name)
    except AegisError:
        return None
    known, asked = (f"{urlsplit(url).path.rstrip('/')}/" for url in (found.upload_url, base_url))
    if not shares_origin(found.upload_url, base_url) or not known.startswith(asked):
        return None
    return (found.username, found.password) if found.username and found.password else None


def check(index: Index) -> Check:
    """Let Poetry's own requests ask *index* for a project that nobody has."""
    from poetry_aegis.client.checks import PROBE, Check

    answer = asks(f"{index.simple_url}{PROBE}/")
    if answer in {200, 404}:
        return Check("poetry", "works", f"poetry reaches {index.base_url} and is let in.")
    if answer == "TLS":
        return Check(
            "poetry", "fails", f"poetry does not trust the certificate of {index.base_url}"
        )
    return Check(
        "poetry",
        "fails",
        f"poetry gets no answer that it can use from {index.base_url} ({answer}).",
    )


def asks(url: str) -> int | str:
    """Return the status with which Poetry's own requests are answered, or what came instead."""
    import requests
    from poetry.config.config import Config
    from poetry.console.exceptions import PoetryRuntimeError
    from poetry.utils.authenticator import Authenticator

    authenticator = Authenticator(Config.create(reload=True))
    try:
        return int(authenticator.get(url, raise_for_status=False).status_code)
    except (requests.RequestException, PoetryRuntimeError, OSError) as error:
        return _failure(error)


def _failure(error: BaseException) -> str:
    causes = []
    cause: BaseException | None = error
    while cause is not None:
        causes.append(str(cause))
        cause = cause.__cause__ or cause.__context__
    return "TLS" if "CERTIFICATE_VERIFY_FAILED" in " ".join(causes) else "unreachable"


def install_sources(command: Command) -> list[dict[str, str]]:
    """Return the sources that Poetry installs from here: name, URL, priority, and where from.

    The public index is among them where Poetry adds it by itself.
    """
    from poetry_aegis.errors import NoProject
    from poetry_aegis.poetry_api.projects import locate, table
    from poetry_aegis.poetry_api.repositories import pypi_urls
    from poetry_aegis.settings import read_toml

    public = {"name": "PyPI", "url": pypi_urls()[1], "priority": "primary", "where": "built in"}
    try:
        pyproject = locate(command)
    except NoProject:
        return [public]
    sources = table(read_toml(pyproject), "tool", "poetry").get("source", [])
    found = [
        {
            "name": str(item.get("name", "")),
            "url": str(item.get("url") or public["url"]),
            "priority": str(item.get("priority", "primary")).lower(),
            "where": str(pyproject),
        }
        for item in sources
    ]
    if not any(item["priority"] == "primary" for item in found):
        found.insert(0, public)
    return found


def upload_targets() -> list[dict[str, str]]:
    """Return the repositories that Poetry is configured to upload to: name, URL, where from."""
    from poetry.config.config import Config

    path = files()[0]
    known = Config.create().raw().get("repositories", {})
    return [
        {"name": name, "url": str(item["url"]), "where": f"-r {name}, {path}"}
        for name, item in known.items()
        if isinstance(item, dict) and item.get("url")
    ]


def source_access(command: Command, url: str) -> tuple[tuple[str, str] | None, str | None]:
    """Return the login that Poetry uses for *url*, and the file of the authority it verifies with.

    ``None`` stands for no login, and for the authorities that all trust.
    """
    from poetry.utils.authenticator import Authenticator

    from poetry_aegis.poetry_api.repositories import _project_config

    authenticator = Authenticator(_project_config(command))
    credential = authenticator.get_credentials_for_url(url)
    certificates = authenticator.get_certs_for_url(url)
    login = None
    if credential.username or credential.password:
        login = (credential.username or "", credential.password or "")
    return login, str(certificates.cert) if certificates.cert else None
