"""Users, their passwords, and tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.server.doctor.verdicts import Check, Verdict, has_registry, warn, well, wrong
from poetry_aegis.server.units import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from poetry_aegis.server.doctor.context import Context

GUESSES = ("admin", "password", "changeme", "secret")
MOST_ADMINS = 3  # whose passwords are guessed: each guess is a quarter of a second
SOON = 14  # days


def look_at_users(context: Context) -> Verdict:
    """Look whether the users can be read. Raises `UnreadableUsers`."""
    from poetry_aegis.server.users import list_users

    users = list_users(context.home)
    if users:
        return well(f"{counted(len(users), 'user')} can be read.")
    return wrong("There is no user: nobody can upload.", context.command("user add NAME"))


def look_at_admins(context: Context) -> Verdict:
    """Look whether there is an admin. Raises `UnreadableUsers`."""
    from poetry_aegis.server.users import ADMIN, list_users

    admins = [user.name for user in list_users(context.home) if user.role == ADMIN]
    if admins:
        return well(f"{', '.join(admins[:3])}: admin.")
    return warn("There is no admin.", context.command("user add NAME --role admin"))


def look_at_passwords(context: Context) -> Verdict:
    """Look whether each user has a password that counts, and no admin has one to be guessed."""
    hashes = _hashes(context)
    useless = _without_password(hashes)
    if useless:
        return wrong(
            f"In htpasswd there is no bcrypt hash for {', '.join(useless[:5])}: "
            "they cannot log in.",
            context.command(f"user passwd {useless[0]}"),
        )
    guessed = _guessed(context, hashes)
    if guessed:
        return wrong(
            f"The password of {', '.join(guessed)} can be guessed.",
            context.command(f"user passwd {guessed[0]}"),
        )
    return well("Every user has a password, and none of an admin is easily guessed.")


def _hashes(context: Context) -> Mapping[str, str]:
    from poetry_aegis.registry.people.files import AuthFiles
    from poetry_aegis.server.users import registry_errors

    with registry_errors(context.home):
        return AuthFiles(context.home.auth).read().htpasswd.hashes


def _without_password(hashes: Mapping[str, str]) -> list[str]:
    from poetry_aegis.registry.people.htpasswd import is_bcrypt

    return sorted(name for name, text in hashes.items() if not is_bcrypt(text))


def _guessed(context: Context, hashes: Mapping[str, str]) -> list[str]:
    from poetry_aegis.registry.people.htpasswd import verifies
    from poetry_aegis.server.users import ADMIN, list_users

    admins = [user.name for user in list_users(context.home) if user.role == ADMIN]
    return [
        name
        for name in admins[:MOST_ADMINS]
        if any(verifies(guess, hashes[name]) for guess in dict.fromkeys((name, *GUESSES)))
    ]


def look_at_tokens(context: Context) -> Verdict:
    """Look whether a token has come to its end, or will soon. Raises `UnreadableUsers`."""
    from poetry_aegis.server.users import open_users, registry_errors

    with registry_errors(context.home):
        tokens = open_users(context.home).tokens()
    ends = [(token, token.entry.expires) for token in tokens]
    expired = [token for token, _ in ends if token.expired(context.now)]
    if expired:
        return warn(
            f"Expired: token {', '.join(f'{t.id} of {t.entry.user}' for t in expired[:3])}.",
            context.command(f"token revoke {expired[0].id}"),
        )
    soon = [token for token, end in ends if end is not None and (end - context.now).days < SOON]
    if soon:
        return warn(
            f"Token {soon[0].id} of {soon[0].entry.user} ends on {soon[0].entry.expires:%Y-%m-%d}.",
            context.command(f"token create --user {soon[0].entry.user}"),
        )
    return well(f"{counted(len(tokens), 'token')}, none at its end.")


def _has_users(context: Context) -> bool:
    return context.settings is not None and context.home.auth.is_dir()


def _has_tokens(context: Context) -> bool:
    return has_registry(context) and _has_users(context)


CHECKS = (
    Check("users", "The users can be read", look_at_users, _has_users),
    Check("admin", "There is an admin", look_at_admins, _has_users),
    Check("passwords", "Every password is one", look_at_passwords, _has_users),
    Check("tokens", "No token is at its end", look_at_tokens, _has_tokens),
)
