"""``poetry aegis client show``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from poetry_aegis.commands.base import JSON, AegisCommand, plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cleo.io.inputs.option import Option

    from poetry_aegis.client.show import Seen, Used

_COLOURS = {
    "answers": "info",
    "unauthorized": "error",
    "untrusted": "error",
    "unreadable": "error",
}


class ClientShowCommand(AegisCommand):
    """Shows which index each client would ask, and whether it answers."""

    name = "aegis client show"
    description = "Shows which index each client uses."
    options: ClassVar[list[Option]] = [JSON]
    help = """\
Reads what Poetry, pip, uv and twine read, the environment and files in
their own order, and shows which index each would ask from this folder. Each
index is then asked for real, with the client's credential and authority.

  answers        the index lets this client in
  unauthorized   it wants a password, or another one (401)
  forbidden      it knows the user, who may not do this (403)
  untrusted      its certificate comes from an authority that is not trusted
  unreachable    nothing answers there
  refuses        it answers with another error
  unreadable     the client's own file is broken, or may not be read

An index that pip or uv asks beside its only one is shown, too: anybody can
put a package of a private name there.

<b>Examples:</b>
  <c1>poetry aegis client show</c1>
  <c1>poetry -C DIRECTORY aegis client show --json</c1>"""

    def perform(self) -> int:
        """Find out, ask, show."""
        from poetry_aegis.client.show import look

        seen = look(list(self._indexes()))
        if self.wants_json:
            self.print_json({"indexes": [_row(item) for item in seen]})
            return 0
        rows = [(item.used.tool, item.used.role, item.used.shown_url) for item in seen]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row, item in zip(rows, seen, strict=True):
            cells = (plain(cell.ljust(width)) for cell, width in zip(row, widths, strict=True))
            status = f" ({item.status})" if item.status and item.state == "refuses" else ""
            colour = _COLOURS.get(item.state, "comment")
            self.say(f"{'  '.join(cells)}  <{colour}>{item.state}</>{status}")
            where = item.used.broken or item.used.where
            self.say(f"{' ' * (widths[0] + 2)}<fg=default;options=dark>{plain(where)}</>")
        return 0

    def _indexes(self) -> Iterator[Used]:
        import os
        from pathlib import Path

        from poetry_aegis import poetry_api
        from poetry_aegis.client.using import pip_uses, twine_uses, uv_uses

        upload, public = poetry_api.pypi_urls()
        yield from self._poetry_uses()
        yield from pip_uses(os.environ, public)
        yield from uv_uses(os.environ, Path.cwd(), public)
        yield from twine_uses(os.environ, upload)

    def _poetry_uses(self) -> Iterator[Used]:
        from poetry_aegis.client.show import Used
        from poetry_aegis.poetry_api import clients

        unread = [used for used in map(_unread, clients.files()) if used]
        if unread:
            yield from unread
            return
        uploads = [{**item, "priority": "upload"} for item in clients.upload_targets()]
        for item in [*clients.install_sources(self), *uploads]:
            login, authority = clients.source_access(self, item["url"])
            yield Used("poetry", item["url"], item["where"], item["priority"], login, authority)


def _unread(path: Path) -> Used | None:
    """Return what to show where Poetry's file *path* cannot be read."""
    from poetry_aegis.client.using import broken
    from poetry_aegis.errors import AegisError
    from poetry_aegis.poetry_api import clients

    try:
        clients.require_readable(path)
    except (AegisError, OSError) as error:
        return broken("poetry", path, error)
    return None


def _row(seen: Seen) -> dict[str, Any]:
    return {
        "tool": seen.used.tool,
        "role": seen.used.role,
        "url": None if seen.used.broken else seen.used.shown_url,
        "where": seen.used.where,
        "certificate": seen.used.authority,
        "state": seen.state,
        "status": seen.status,
        "problem": f"{seen.used.shown_url}: {seen.used.broken}" if seen.used.broken else None,
    }
