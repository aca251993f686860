"""The system's keyring, where there is one."""

from __future__ import annotations

from poetry_aegis.errors import AegisError


def holds(service: str, username: str) -> bool:
    """Return whether there is an entry already, whatever its password is."""
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(service, username) is not None
    except (KeyringError, RuntimeError):
        return False


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


def drop(service: str, username: str) -> bool:
    """Remove an entry; return whether there was one that could be removed."""
    import keyring
    from keyring.errors import KeyringError

    try:
        keyring.delete_password(service, username)
    except (KeyringError, RuntimeError):
        return False
    return True
