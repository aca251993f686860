"""``poetry aegis client poetry``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import option

from poetry_aegis.commands.base import DRY_RUN, JSON, plain
from poetry_aegis.commands.client_base import CA, REPLACE, URL, USERNAME, ClientCommand
from poetry_aegis.commands.server_base import HOME, PASSWORD_STDIN

if TYPE_CHECKING:
    from cleo.io.inputs.option import Option

    from poetry_aegis.client.poetry import Index
    from poetry_aegis.client.setup import Plan

_PURPOSES = {
    "add_source": "To install from it, add it to a project as a source, once",
    "install_with_poetry": "and then a package of it",
    "publish": "To publish a project",
    "install_with_pip": "To install with pip, which asks for the password",
}


class ClientPoetryCommand(ClientCommand):
    """Makes the index known to Poetry."""

    name = "aegis client poetry"
    description = "Makes the index known to Poetry."
    options: ClassVar[list[Option]] = [
        option("name", description="The repository's name.", flag=False, default="aegis"),
        URL,
        CA,
        USERNAME,
        PASSWORD_STDIN,
        REPLACE,
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
<c1>poetry aegis client setup poetry --undo</c1> takes it all back. A login that Poetry
has of another user is replaced only when you say so; undo brings it back.

<b>Examples:</b>
  <c1>poetry aegis client poetry</c1>
  <c1>poetry aegis client poetry --url https://HOST/ --username ada</c1>
  <c1>poetry aegis client poetry --url https://HOST/ --ca ca.crt --username ada</c1>"""

    def perform(self) -> int:
        """Try the credential, write the configuration, say how to use it."""
        from poetry_aegis.client import authority as trust
        from poetry_aegis.client import poetry as client
        from poetry_aegis.client.abilities import may_upload
        from poetry_aegis.client.setup import DEFAULT_PROFILE, plan_setup, write
        from poetry_aegis.poetry_api import clients

        clients.require_readable()
        target = self.target()
        index = self.index_of(target)
        authority = self.authority_of(target)
        if authority is not None:
            index = trust.with_authority(index)
            self.warn(trust.hidden_by())
        self.warn([*index.warnings, *client.hidden_by()])
        login = self.ask_login(target, index, authority)
        in_keyring = clients.uses_keyring()
        plan = plan_setup(DEFAULT_PROFILE, clients.work(index, login, in_keyring=in_keyring))
        self.show_replaced([plan])
        password_in = None
        if not self.option("dry-run"):
            self.require_writable([plan])
            self.require_agreement([plan])
            trust.keep_authority(index, authority or "")
            write(plan, login)
            password_in = "the keyring" if in_keyring else str(self.config_directory / "auth.toml")
        steps = dict(index.next_steps)
        may = may_upload(index, login, authority)
        if may is False:
            del steps["publish"]
        if self.wants_json:
            self._print_json(index, login.username, password_in, plan, steps)
        else:
            self._tell(index, login.username, password_in)
            self._tell_next(steps, may_publish=may)
        return 0

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
            self.say(f"Poetry knows the index now, in {plain(str(self.config_directory))}:")
            rows.append(("the password is in", password_in))
        self.say_table(rows)

    def _tell_next(self, steps: dict[str, str], *, may_publish: bool | None) -> None:
        for purpose, command in steps.items():
            told = _PURPOSES[purpose]
            if purpose == "publish" and may_publish is None:
                told += ", where this user may"
            self.say(f"\n{told}:\n  <c1>{plain(command)}</c1>")

    def _print_json(
        self,
        index: Index,
        username: str,
        password_in: str | None,
        plan: Plan,
        steps: dict[str, str],
    ) -> None:
        self.print_json(
            {
                "name": index.name,
                "upload_url": index.upload_url,
                "simple_url": index.simple_url,
                "username": username,
                "certificate": None if index.authority is None else str(index.authority),
                "written": password_in is not None,
                "config_file": str(self.config_directory / "config.toml"),
                "password_in": password_in,
                "replaces": [item.username for item in plan.logins],
                "next": steps,
            }
        )
