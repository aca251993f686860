"""``poetry aegis client setup``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from cleo.helpers import argument, option

from poetry_aegis.commands.base import DRY_RUN, JSON, plain
from poetry_aegis.commands.client_base import CA, NAME, PROFILE, REPLACE, URL, USERNAME
from poetry_aegis.commands.client_report import ALL_TOOLS, TOOLS, Seen
from poetry_aegis.commands.client_undo import SetupUndo
from poetry_aegis.commands.server_base import HOME, PASSWORD_STDIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option

    from poetry_aegis.client.checks import Check
    from poetry_aegis.client.poetry import Index
    from poetry_aegis.client.setup import Login, Plan
    from poetry_aegis.client.target import Target


class ClientSetupCommand(SetupUndo):
    """Sets clients up for the index, or takes it back."""

    name = "aegis client setup"
    description = "Sets clients up for the index."
    arguments: ClassVar[list[Argument]] = [
        argument(
            "tool",
            "poetry, pip, uv, twine, hosts, or all of them.",
            optional=True,
            default=ALL_TOOLS,
        )
    ]
    options: ClassVar[list[Option]] = [
        URL,
        NAME,
        CA,
        USERNAME,
        PASSWORD_STDIN,
        PROFILE,
        REPLACE,
        HOME,
        option("address", description="Where the name in --url leads to, for hosts.", flag=False),
        option("yes", description="Write the hosts file, which is this machine's."),
        option("undo", description="Take back what was set up, to the byte."),
        option("no-check", description="Do not try the clients afterwards."),
        DRY_RUN,
        JSON,
    ]
    help = """\
Writes the index into the user's own configuration of each client: Poetry's
repository and credential, pip's and uv's only index, twine's repository, and
with <c1>--yes</c1> the line in the hosts file. Everything else in the files stays as
it is, and each change is shown as a diff, with its passwords hidden. Then
the client itself is tried.

pip and uv get one index and no second: what is public comes through it, and
a private name is asked for nowhere else. Their password is in <c1>.netrc</c1>, which
only you may read; Poetry and twine use the keyring where there is one. A
password that Poetry knows for the index is used again, else it is asked for.

The index is the one of <c1>--url</c1>, else the one in <c1>PYPI_INDEX_URL</c1>, else that of
the profile, [tool.poetry-aegis.profiles.NAME], else this machine's server.

A login of another user that a client has is replaced only when you say so,
asked on a terminal, or with <c1>--replace-login</c1>.

<c1>--undo</c1> brings each file back as it was. Of a file that was edited since, it
takes out our own lines and says so. Each profile is taken back by itself.

<b>Examples:</b>
  <c1>poetry aegis client setup</c1>
  <c1>poetry aegis client setup pip --url https://HOST/ --ca ca.crt --username ada</c1>
  <c1>poetry aegis client setup all --profile prod --dry-run</c1>
  <c1>poetry aegis client setup uv --undo</c1>"""

    def perform(self) -> int:
        """Set up, or take back, and show what was done."""
        tools = self._tools()
        if self.option("undo"):
            return self.undo(tools)
        from poetry_aegis.client import authority as trust
        from poetry_aegis.client.abilities import may_upload
        from poetry_aegis.poetry_api import clients

        if set(tools) - {"hosts"}:
            clients.require_readable()
        target = self.target()
        index = self.index_of(target)
        authority = self.authority_of(target)
        if authority is not None:
            index = trust.with_authority(index)
        self._warn_of(tools, index)
        login = None
        if set(tools) - {"hosts"}:
            login = self.find_login(target, index, authority)
        plans = list(self._plans(tools, target, index, login))
        self._carry_out(plans, login, index, authority or "")
        if self.option("dry-run"):
            return self.tell(plans, index, Seen())
        seen = Seen(
            self._check(plans, index),
            self._remarks(plans, index, login),
            may_upload(index, login, authority) if "poetry" in tools else None,
        )
        return self.tell(plans, index, seen)

    def _tools(self) -> tuple[str, ...]:
        from poetry_aegis.errors import UsageError

        asked = self.argument("tool")
        if asked not in {*TOOLS, ALL_TOOLS}:
            raise UsageError(
                f"{asked[:80]!a} is no client that can be set up.",
                hint=f"One of: {', '.join([*TOOLS, ALL_TOOLS])}.",
            )
        return TOOLS if asked == ALL_TOOLS else (asked,)

    # Set up

    def _warn_of(self, tools: tuple[str, ...], index: Index) -> None:
        from poetry_aegis.client import authority as trust
        from poetry_aegis.client import poetry as client

        self.warn(index.warnings)
        if "poetry" in tools:
            self.warn([*client.hidden_by(), *(trust.hidden_by() if index.authority else ())])

    def _plans(
        self, tools: tuple[str, ...], target: Target, index: Index, login: Login | None
    ) -> Iterator[Plan]:
        """Yield what is to be done, each client after the other."""
        from poetry_aegis.client import pip, setup, twine, undoing, uv
        from poetry_aegis.poetry_api import clients

        in_keyring = bool({"poetry", "twine"} & set(tools)) and clients.uses_keyring()
        works = {
            "poetry": lambda: clients.work(index, login, in_keyring=in_keyring),
            "pip": lambda: pip.work(index),
            "uv": lambda: uv.work(index),
            "twine": lambda: twine.work(index, login, in_keyring=in_keyring),
        }
        for tool in tools:
            if tool in works:
                yield setup.plan_setup(self.profile, works[tool]())
        if login is not None and set(tools) & set(undoing.READERS_OF_NETRC):
            yield setup.plan_setup(self.profile, self._netrc(index, login))
        if "hosts" in tools:
            yield from self._hosts(target, index)

    def _netrc(self, index: Index, login: Login) -> Any:
        from urllib.parse import urlsplit

        from poetry_aegis.client import netrc

        return netrc.work(urlsplit(index.base_url).hostname or "", login)

    def _hosts(self, target: Target, index: Index) -> Iterator[Plan]:
        """Yield what writes the hosts file, where that was asked for; else print its line."""
        from poetry_aegis.client import hosts, setup
        from poetry_aegis.errors import UsageError

        if self.argument("tool") == ALL_TOOLS and not self.option("address"):
            return  # Nobody has said that the name leads nowhere.
        host, address = self._named_host(index)
        hosts.require_name(host)
        if target.url and not self.option("address"):
            raise UsageError(
                f"It is not known where {host} is.", hint="Name its address with --address."
            )
        line = hosts.line(address, host)
        if self.option("yes") or self.option("dry-run"):
            yield setup.plan_setup(self.profile, hosts.work(address, host, index.name))
        else:
            self.say(f"The line for {plain(str(hosts.location()))}:\n  {plain(line)}")
            self.say("Nothing is written there without --yes, and an administrator's rights.\n")

    def _named_host(self, index: Index) -> tuple[str, str]:
        from urllib.parse import urlsplit

        host = urlsplit(index.base_url).hostname or ""
        return host, self.option("address") or "127.0.0.1"

    def _carry_out(self, plans: list[Plan], login: Login | None, index: Index, ca: str) -> None:
        """Show *plans*, ask where others' logins go, and write. *ca* is the authority, in PEM."""
        from functools import partial

        from poetry_aegis.client import authority as trust
        from poetry_aegis.client.setup import write

        for plan in plans:
            self.show(plan)
        if self.option("dry-run"):
            return
        self.require_writable(plans)
        self.require_agreement(plans)
        trust.keep_authority(index, ca)
        for plan in plans:
            self.attempt(plan, partial(write, plan, login))

    def _check(self, plans: list[Plan], index: Index) -> list[Check]:
        """Return what the clients make of it, asked side by side."""
        if self.option("no-check"):
            return []
        from concurrent.futures import ThreadPoolExecutor

        from poetry_aegis.client import checks, uv
        from poetry_aegis.poetry_api.clients import check

        environment = uv.certificate_environment(index.authority) if index.authority else {}
        known = {
            "poetry": lambda: check(index),
            "pip": lambda: checks.check_pip(index),
            "uv": lambda: checks.check_uv(index, environment),
            "twine": lambda: checks.check_twine(index),
            "hosts": lambda: checks.check_hosts(*self._named_host(index)),
        }
        with ThreadPoolExecutor() as pool:
            running = [pool.submit(known[plan.tool]) for plan in plans if plan.tool in known]
        return [item.result() for item in running]

    def _remarks(self, plans: list[Plan], index: Index, login: Login | None) -> tuple[str, ...]:
        """Return what to know of an index that pip and uv ask alone."""
        from poetry_aegis.client.abilities import about_public, shows_public
        from poetry_aegis.client.undoing import READERS_OF_NETRC

        if self.option("no-check") or not {p.tool for p in plans} & set(READERS_OF_NETRC):
            return ()
        who = (login.username, login.password) if login else None
        ca = str(index.authority) if index.authority else None
        return about_public(index, shows=shows_public(index, who, ca))
