"""The system's keyring, where there is one."""

from __future__ import annotations

from poetry_aegis.errors import AegisError


def holds(service: str, username: str) -> bool:
    """Return whether there is an entry already, whatever its password is."""
    return _read(service, username) is not None


def store(service: str, username: str, password: str) -> None:
    """Keep *password*. Raises `AegisError` where the keyring refuses."""
    import keyring
    from keyring.errors import KeyringError

    try:
        keyring.set_password(service, username, password)
    except (KeyringError, RuntimeError) as error:
        raise AegisError(
            f"The keyring does not take the password: {type(error).__name__}.",
            hint="Unlock it, or do without it: poetry config keyring.enabled false",
        ) from None


def keep(service: str, username: str, password: str) -> bool:
    """Keep what an entry holds under a name of ours, before *password* takes its place.

    Returns whether there is something to give back. It stays in the keyring: a file is no place for
    it. Raises `AegisError` where the keyring refuses.
    """
    known = _read(service, username)
    if known is None or known == password or holds(_ours(service), username):
        return False
    store(_ours(service), username, known)
    return True


def give_back(service: str, username: str) -> None:
    """Let an entry hold again what was kept of it. Raises `AegisError` where the keyring refuses.

    Where there is no keyring any more, there is nothing to give back.
    """
    import keyring
    from keyring.errors import KeyringError, NoKeyringError

    try:
        known = keyring.get_password(_ours(service), username)
    except NoKeyringError:
        return
    except (KeyringError, RuntimeError) as error:
        raise AegisError(
            f"The keyring does not give the password back: {type(error).__name__}.",
            hint="Unlock it, and run the command again.",
        ) from None
    if known is not None:
        store(service, username, known)
        drop(_ours(service), username)


def drop(service: str, username: str) -> bool:
    """Remove an entry; return whether there was one that could be removed."""
    import keyring
    from keyring.errors import KeyringError

    try:
        keyring.delete_password(service, username)
    except (KeyringError, RuntimeError):
        return False
    return True


def _ours(service: str) -> str:
    """Return the name under which is kept what *service* had."""
    return f"poetry-aegis: {service} before"


def _read(service: str, username: str) -> str | None:
    """Return what an entry holds, ``None`` where there is none, or it cannot be read."""
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(service, username)
    except (KeyringError, RuntimeError):
        return None
