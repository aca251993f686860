"""What the commands about clients share: which index, with which authority, and who logs in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo.helpers import option

from poetry_aegis.commands.base import plain
from poetry_aegis.commands.server_base import ServerCommand

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from poetry_aegis.client.poetry import Index
    from poetry_aegis.client.setup import Login, Plan
    from poetry_aegis.client.target import Target

URL = option("url", description="The index; this machine's server unless given.", flag=False)
NAME = option("name", description="What the clients call it; aegis unless given.", flag=False)
CA = option("ca", description="The authority of its certificate, a PEM file.", flag=False)
USERNAME = option("username", description="Who logs in; else the server's first admin.", flag=False)
REPLACE = option("replace-login", description="Let it replace the login of another user.")
PROFILE = option("profile", description="An index that the project's settings name.", flag=False)


_TRIES = 3  # of a password that is typed


class ClientCommand(ServerCommand):
    """A command about clients of one index."""

    def target(self) -> Target:
        """Return the index that the options, the environment or a profile name.

        Raises `UsageError`, `SettingsError` and `ProjectError`.
        """
        import os

        from poetry_aegis import poetry_api
        from poetry_aegis.client.target import Asked, choose_target, find_profile
        from poetry_aegis.settings import load_settings

        asked = Asked(
            *(self.option(name, default=None) for name in ("url", "name", "username", "ca"))
        )
        profile = self.option("profile", default=None)
        if not profile:
            return choose_target(asked, os.environ)
        project = poetry_api.load_project(self)
        found = find_profile(load_settings(project.pyproject).profiles, profile)
        return choose_target(asked, os.environ, profile, found, project.root)

    def index_of(self, target: Target) -> Index:
        """Return the index of *target*, without its authority. Raises `UsageError`, `NoServer`."""
        from poetry_aegis.client.poetry import make_index

        return make_index(target.name, target.url or self._server_url())

    def authority_of(self, target: Target) -> str | None:
        """Return the authority to verify the server with, in PEM, if it has one of its own."""
        from poetry_aegis.client.authority import read_authority

        if target.ca is not None:
            return read_authority(target.ca)
        if target.url:
            return None
        from poetry_aegis.server.trust import authority_for_clients

        return authority_for_clients(self.home, self.settings)

    def find_login(self, target: Target, index: Index, authority: str | None) -> Login | None:
        """Return who logs in, tried: as asked for, or as Poetry knows it; ``None`` for nobody.

        Nobody has to where the index lets everybody read it, and no user is named. Raises
        `UsageError`, and what `try_login` raises.
        """
        from poetry_aegis.client.setup import Login
        from poetry_aegis.errors import Unauthorized

        known = None if self.option("password-stdin") else self._known_login(target, index)
        if known is not None:
            try:
                return self.try_login(target, index, Login(*known), authority)
            except Unauthorized:
                if not self.io.is_interactive():
                    raise
                self.warn(["The password that is known is not taken any more."])
        if not (known or target.username) and target.url and not self.option("password-stdin"):
            self._require_open(target, index, authority)
            return None
        return self.ask_login(target, index, authority)

    def ask_login(self, target: Target, index: Index, authority: str | None) -> Login:
        """Return who logs in, asked for the password and tried. Raises as `find_login` does.

        On a terminal a password that is wrong is asked for again.
        """
        from poetry_aegis.client.setup import Login
        from poetry_aegis.errors import Unauthorized, UsageError

        username = target.username or self._admin(target)
        from_stdin = bool(self.option("password-stdin"))
        for more in reversed(range(1 if from_stdin else _TRIES)):
            password = self.read_secret(f"Password of {plain(username)}:", from_stdin=from_stdin)
            if not password:
                break
            login = Login(username, password)
            try:
                self.try_login(target, index, login, authority)
            except Unauthorized as error:
                if not more:
                    raise
                self.warn([str(error)])
            else:
                return login
        raise UsageError(
            f"There is no password for {username!r}.",
            hint="Type it on a terminal, or write it to standard input with --password-stdin.",
        )

    def _require_open(self, target: Target, index: Index, authority: str | None) -> None:
        """Raise `UsageError` unless the index lets everybody read it."""
        from poetry_aegis.errors import Unauthorized

        try:
            self.try_login(target, index, None, authority)
        except Unauthorized:
            self._admin(target)  # which says that the user is not named

    def try_login(
        self, target: Target, index: Index, login: Login | None, authority: str | None
    ) -> Login | None:
        """Try the credential; where this machine's server has an unknown name, say what helps."""
        from poetry_aegis.client.poetry import check_credential
        from poetry_aegis.errors import Unreachable
        from poetry_aegis.server.drivers.preflight import name_note

        try:
            check_credential(
                index,
                login.username if login else "",
                login.password if login else "",
                authority=authority,
                is_ours=self._is_ours(target, index),
            )
        except Unreachable as error:
            is_own_stack = not target.url and self.settings.is_stack
            if is_own_stack and (note := name_note(self.settings)):
                error.hint = f"{note}\n{error.hint}"
            raise
        return login

    def require_writable(self, plans: Iterable[Plan]) -> None:
        """Raise `AegisError` before anything is written, where a file is read-only."""
        for edit in (edit for plan in plans for edit in plan.edits):
            edit.require_writable()

    def show_replaced(self, plans: Iterable[Plan]) -> None:
        """Say whose logins *plans* replace, before they do."""
        for plan in plans:
            for item in plan.logins:
                self.say(f"<comment>{plan.tool}: {plain(str(item))}</>")

    def require_agreement(self, plans: Sequence[Plan]) -> None:
        """Ask before logins of other users are replaced. Raises `UsageError` for a no."""
        from poetry_aegis.errors import UsageError

        replaced = [item for plan in plans for item in plan.logins]
        if not replaced or self.option("replace-login"):
            return
        if self.can_ask and self.agrees("Replace what is another user's?"):
            return
        told = ", and ".join(dict.fromkeys(map(str, replaced)))
        raise UsageError(
            f"Nothing was changed: it {told}.",
            hint="Add --replace-login to let it; client setup --undo brings the login back.\n"
            "Or name the one client to set up, such as: poetry aegis client setup pip",
        )

    @property
    def config_directory(self) -> Path:
        """Where Poetry keeps its configuration."""
        from poetry_aegis import poetry_api

        return poetry_api.config_directory()

    def _known_login(self, target: Target, index: Index) -> tuple[str, str] | None:
        from poetry_aegis.poetry_api.clients import known_login

        known = target.login or known_login(self, index.base_url, index.name)
        if known is None or (target.username and known[0] != target.username):
            return None
        return known

    def _is_ours(self, target: Target, index: Index) -> bool:
        """Tell whether *index* is this machine's server, however it was named."""
        from poetry_aegis.client.poetry import make_index
        from poetry_aegis.errors import AegisError

        if not target.url:
            return True
        try:
            return make_index(index.name, self.settings.url).base_url == index.base_url
        except (AegisError, OSError):
            return False

    def _server_url(self) -> str:
        from poetry_aegis.errors import NoServer
        from poetry_aegis.server.config import load_settings

        try:
            return load_settings(self.home).url
        except NoServer as error:
            error.hint = f"Name the index with --url.\n{error.hint}"
            raise

    def _admin(self, target: Target) -> str:
        from poetry_aegis.errors import UsageError
        from poetry_aegis.server.users import first_admin

        admin = None if target.url else first_admin(self.home)
        if admin is None:
            raise UsageError("The user is not named.", hint="Add --username NAME.")
        return admin
