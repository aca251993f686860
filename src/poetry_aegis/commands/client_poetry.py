"""``poetry aegis client poetry``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import option

from poetry_aegis.commands.base import DRY_RUN, JSON, plain
from poetry_aegis.commands.server_base import HOME, PASSWORD_STDIN, ServerCommand

if TYPE_CHECKING:
    from pathlib import Path

    from cleo.io.inputs.option import Option

    from poetry_aegis.client.poetry import Index

_PURPOSES = {
    "add_source": "To install from it, add it to a project as a source, once",
    "install_with_poetry": "and then a package of it",
    "publish": "To publish a project",
    "install_with_pip": "To install with pip, which asks for the password",
}


class ClientPoetryCommand(ServerCommand):
    """Makes the index known to Poetry."""

    name = "aegis client poetry"
    description = "Makes the index known to Poetry."
    options: ClassVar[list[Option]] = [
        option("name", description="The repository's name.", flag=False, default="aegis"),
        option("url", description="The index; this machine's server unless given.", flag=False),
        option("ca", description="The authority of its certificate, a PEM file.", flag=False),
        option("username", description="Who logs in; else the server's first admin.", flag=False),
        PASSWORD_STDIN,
        HOME,
        DRY_RUN,
        JSON,
    ]
    help = """\
Writes the index into Poetry's own configuration as a repository, with the
credential, so that Poetry and <c1>poetry aegis publish</c1> find it. The credential
is tried on the server before anything is written, with <c1>--dry-run</c1>, too. The
password is asked for, or read from standard input.

A server with a certificate of its own authority is verified with that: this
machine's server gives it, another one's is given with <c1>--ca</c1>. A copy is kept in
the user's data folder, and Poetry's <c1>certificates</c1> setting names it.

<b>Examples:</b>
  <c1>poetry aegis client poetry</c1>
  <c1>poetry aegis client poetry --url https://HOST/ --username ada</c1>
  <c1>poetry aegis client poetry --url https://HOST/ --ca ca.crt --username ada</c1>"""

    def perform(self) -> int:
        """Try the credential, write the configuration, say how to use it."""
        from poetry_aegis.client import authority as trust
        from poetry_aegis.client import poetry as client

        index = client.make_index(self.option("name"), self.option("url") or self._server_url())
        authority = self._authority()
        if authority is not None:
            index = trust.with_authority(index)
            self.warn(trust.hidden_by())
        username = self.option("username") or self._admin()
        password = self._password(username)
        self.warn([*index.warnings, *client.hidden_by()])
        self._check_credential(index, username, password, authority)
        password_in = None
        if not self.option("dry-run"):
            trust.keep_authority(index, authority or "")
            password_in = self._write(index, username, password)
        if self.wants_json:
            self._print_json(index, username, password_in)
        else:
            self._tell(index, username, password_in)
        return 0

    def _check_credential(
        self, index: Index, username: str, password: str, authority: str | None
    ) -> None:
        """Try the credential; where this machine's server has an unknown name, say what helps."""
        from poetry_aegis.client.poetry import check_credential
        from poetry_aegis.errors import Unreachable
        from poetry_aegis.server.drivers.preflight import name_note

        try:
            check_credential(index, username, password, authority=authority)
        except Unreachable as error:
            is_own_stack = not self.option("url") and self.settings.is_stack
            if is_own_stack and (note := name_note(self.settings)):
                error.hint = f"{note}\n{error.hint}"
            raise

    def _write(self, index: Index, username: str, password: str) -> str:
        """Write Poetry's configuration; return where the password went."""
        from poetry_aegis import poetry_api

        in_keyring = poetry_api.save_repository(
            index.name, index.upload_url, username, password, authority=index.authority
        )
        return "the keyring" if in_keyring else str(self._config_directory / "auth.toml")

    @property
    def _config_directory(self) -> Path:
        from poetry_aegis import poetry_api

        return poetry_api.config_directory()

    def _server_url(self) -> str:
        from poetry_aegis.errors import NoServer
        from poetry_aegis.server.config import load_settings

        try:
            return load_settings(self.home).url
        except NoServer as error:
            error.hint = f"Name the index with --url.\n{error.hint}"
            raise

    def _authority(self) -> str | None:
        """Return the authority to verify the server with, in PEM, if it has one of its own."""
        from pathlib import Path

        from poetry_aegis.client.authority import read_authority

        if self.option("ca"):
            return read_authority(Path(self.option("ca")))
        if self.option("url"):
            return None
        from poetry_aegis.server.trust import authority_for_clients

        return authority_for_clients(self.home, self.settings)

    def _admin(self) -> str:
        from poetry_aegis.errors import UsageError
        from poetry_aegis.server.users import first_admin

        admin = None if self.option("url") else first_admin(self.home)
        if admin is None:
            raise UsageError("The user is not named.", hint="Add --username NAME.")
        return admin

    def _password(self, username: str) -> str:
        from poetry_aegis.errors import UsageError

        password = self.read_secret(
            f"Password of {plain(username)}:", from_stdin=bool(self.option("password-stdin"))
        )
        if not password:
            raise UsageError(
                f"There is no password for {username!r}.",
                hint="Type it on a terminal, or write it to standard input with --password-stdin.",
            )
        return password

    def _tell(self, index: Index, username: str, password_in: str | None) -> None:
        rows = [
            (f"repositories.{index.name}.url", index.upload_url),
            (f"http-basic.{index.name}", f"{username} and the password"),
        ]
        if index.authority is not None:
            rows.append((f"certificates.{index.name}.cert", str(index.authority)))
        if password_in is None:
            self.say("The server accepts the password. Nothing was written; this would be:")
        else:
            self.say(f"Poetry knows the index now, in {plain(str(self._config_directory))}:")
            rows.append(("the password is in", password_in))
        self.say_table(rows)
        for purpose, command in index.next_steps.items():
            self.say(f"\n{_PURPOSES[purpose]}:\n  <c1>{plain(command)}</c1>")

    def _print_json(self, index: Index, username: str, password_in: str | None) -> None:
        self.print_json(
            {
                "name": index.name,
                "upload_url": index.upload_url,
                "simple_url": index.simple_url,
                "username": username,
                "certificate": None if index.authority is None else str(index.authority),
                "written": password_in is not None,
                "config_file": str(self._config_directory / "config.toml"),
                "password_in": password_in,
                "next": index.next_steps,
            }
        )
