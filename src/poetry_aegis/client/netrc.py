"""The user's ``.netrc``: where pip and uv get the password from.

Both can use a keyring, too, and neither does by itself: pip wants ``keyring`` in each environment
or on PATH, a setting and the user's name in the address, and then stops to ask where the keyring
is locked; uv wants the same, under other names; in a container or a pipeline there is none.
``.netrc`` both read unasked, on every platform, as do Poetry and curl. Its price is that the
password is on the disk as it is. So the file is made nobody's but the user's, and what belongs in
it is a reader's token rather than a password. An address that holds the password would end up in
lock files, logs and error messages.

An entry is for a host, whatever its port.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from poetry_aegis.client import lines as text
from poetry_aegis.client.edits import read
from poetry_aegis.client.setup import Owner, Want, Work, owner_of
from poetry_aegis.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from poetry_aegis.client.setup import Login

_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\S+')
_PLAIN = re.compile(r"[!$-\[\]-~][!#-\[\]-~]*")  # neither quotes, backslashes nor a leading "#"
_KEYS = {"login", "user", "account", "password"}


def location(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where ``.netrc`` is: where ``NETRC`` says, else in the home.

    On Windows ``_netrc`` is not looked at: uv does not know it.
    """
    named = environment.get("NETRC")
    return Path(named).expanduser() if named else Path.home() / ".netrc"


def work(host: str, login: Login) -> Work:
    """Return what gives *host* its login. Raises `UsageError` for what the file cannot hold."""
    if not re.fullmatch(r"[A-Za-z0-9._-]+", host):
        raise UsageError(
            f"{host!a} cannot be the name of a machine in .netrc.",
            hint="Name the index by a name, or by an address of version 4.",
        )
    path = location()
    known = login_for(read(path), host)
    notes = []
    if known is not None and known[0] == login.username and known[1] != login.password:
        notes.append(f"{path} had another password for {host}; --undo brings it back.")
    if _spelled(login.password) != login.password:
        notes.append(
            "With Python 3.10 pip cannot read this password in .netrc, for it needs quotes there; "
            "a token of the index needs none."
        )

    def change(content: bytes | None) -> bytes:
        return with_login(content, host, login.username, login.password)

    def logins(content: bytes | None) -> dict[str, Owner]:
        found = login_for(content, host)
        return {host: owner_of(*found)} if found else {}

    want = Want(path, "netrc", change, private=True, logins=logins)
    return Work("netrc", host, (want,), notes=tuple(notes))


def with_login(content: bytes | None, host: str, username: str, password: str) -> bytes:
    """Return *content* with the login for *host*, in place of one that it has.

    A new one goes to the top: at the end a macro that is not ended would swallow it. Raises
    `UsageError` for what the file cannot hold.
    """
    found = text.split(content or b"")
    whole = "".join(found)
    entry = f"machine {host} login {_spelled(username)} password {_spelled(password)}"
    entries = [item for item in _entries(whole) if item[0] == host]
    wanted = {"login": username, "password": password}
    if entries and all(wanted.items() <= item[1].items() for item in entries):
        return content or b""
    if not entries:
        return text.join([entry + text.line_end(found), *found])
    for _, _, start, stop in reversed(entries[1:]):
        whole = whole[:start] + whole[stop:]
    _, _, start, stop = entries[0]
    return text.join([whole[:start] + entry + whole[stop:]])


def login_for(content: bytes | None, host: str) -> tuple[str, str] | None:
    """Return the user and password for *host*, ``None`` where there is none."""
    for name, values, _, _ in reversed(list(_entries("".join(text.split(content or b""))))):
        if name == host and values.get("password"):
            return values.get("login", ""), values["password"]
    return None


def oddity(content: bytes | None) -> str:
    """Return what in *content* uv cannot read, though others can; empty where there is nothing."""
    found = content or b""
    if b"\r\n" not in found or not re.search(rb"(?m)^[ \t]*(?:macdef\b|#)", found):
        return ""
    return "has the line ends of Windows beside a macro or comment: save it with those of Unix."


def values(content: bytes) -> dict[str, str]:
    """Return what *content* holds, each value under its host and key."""
    return {
        f"{host}\t{key}": value
        for host, entry, _, _ in _entries("".join(text.split(content)))
        for key, value in {"": "", **entry}.items()
    }


def _entries(whole: str) -> Iterator[tuple[str, dict[str, str], int, int]]:
    """Yield each machine of a file, the ``default`` under an empty name: what it says and where."""
    tokens = list(_tokens(whole))
    place = 0
    while place < len(tokens):
        word, start, stop = tokens[place]
        place += 1
        if word not in {"machine", "default"}:
            continue
        host = ""
        if word == "machine" and place < len(tokens):
            host, _, stop = tokens[place]
            place += 1
        entry: dict[str, str] = {}
        while place + 1 < len(tokens) and tokens[place][0] in _KEYS:
            name = tokens[place][0].replace("user", "login")
            entry[name], _, stop = tokens[place + 1]
            place += 2
        yield host, entry, start, stop


def _tokens(whole: str) -> Iterator[tuple[str, int, int]]:
    """Yield the words of a file with their places, without its comments and macros."""
    blank = re.sub(
        r"(?ms)^[ \t]*macdef\b.*?(?:^[ \t]*\r?$|\Z)", lambda m: re.sub(r"\S", " ", m[0]), whole
    )
    blank = re.sub(r"(?m)^[ \t]*#.*$", lambda found: " " * len(found[0]), blank)
    for found in _TOKEN.finditer(blank):
        yield _unquoted(found[0]), found.start(), found.end()


def _unquoted(word: str) -> str:
    bare = word[1:-1] if len(word) > 1 and word.startswith('"') and word.endswith('"') else word
    return re.sub(r"\\(.)", r"\1", bare)


def _spelled(word: str) -> str:
    """Return *word* so that both pip and uv read it. Raises `UsageError` where there is no way."""
    if not (word.isascii() and word.isprintable()):
        raise UsageError(
            "pip and uv read letters other than ASCII in .netrc in different ways.",
            hint="Use a token of the index as the password; make one with: "
            "poetry aegis server token create",
        )
    if _PLAIN.fullmatch(word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
