"""Signing what is published: the key, asked for before anything is built, and the attestations."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from poetry_aegis.commands.base import plain
from poetry_aegis.commands.repository_choice import is_public
from poetry_aegis.errors import NoSigningKey
from poetry_aegis.publish.distributions import ATTESTATION
from poetry_aegis.publish.withholding import KEY_VARIABLE, has_key, lent
from poetry_aegis.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from poetry_aegis.commands.base import AegisCommand
    from poetry_aegis.commands.publishing import Publishing
    from poetry_aegis.publish.distributions import Distribution
    from poetry_aegis.signing.signers import SigningKey


def require_key(publishing: Publishing) -> None:
    """Open the key that is to sign, where one is: nothing is built that could not be signed.

    A dry run opens none: it says which one would sign. Raises as `open_key`.
    """
    if not publishing.command.option("dry-run", default=False):
        open_key(publishing)
    elif name := key_name(publishing):
        _announce(publishing.command, name)


def open_key(publishing: Publishing) -> SigningKey | None:
    """Return the key that is to sign what is published, ``None`` where nothing is to be signed.

    Its passphrase is asked for once in a run. Raises `SigningError` and `MissingExtra`.
    """
    named = _named(publishing)
    return None if named is None else _open(publishing.command, *named)


def key_name(publishing: Publishing) -> str | None:
    """Return the name of the key that `open_key` would open, with no passphrase.

    Raises `NoSigningKey`, `SigningError` and `MissingExtra`.
    """
    named = _named(publishing)
    if named is None:
        return None
    from poetry_aegis.signing.extra import require_signing
    from poetry_aegis.signing.keystore import locate_store

    require_signing()
    asked, setting = named
    if has_key() and not asked:
        return KEY_VARIABLE
    store = locate_store()
    key = store.choose(asked or setting)
    private = store.private_file(key.name)
    if not key.uri and not private.is_file():
        raise NoSigningKey(
            f"The private part of the key {key.name} is not there: {private}.",
            hint="Bring it back from a copy, or sign with another key: --key NAME",
        )
    return key.name


def sign(
    publishing: Publishing, distributions: Sequence[Distribution], kept_in: Path
) -> dict[str, str]:
    """Sign *distributions*, if that is wanted, and return their attestations by file name.

    What others have signed of the same files, and is kept beside those in *kept_in*, is among
    them, also where nothing is signed now. New ones are kept beside *distributions*. Raises as
    `open_key`.
    """
    key = open_key(publishing)
    if key is None:
        return kept(distributions, kept_in)
    signed = {file.filename: _sign(file, key, kept_in) for file in distributions}
    warn_of_worth(publishing.command, publishing.project.pyproject, distributions, signed)
    return signed


def warn_of_worth(
    command: AegisCommand,
    pyproject: Path,
    distributions: Sequence[Distribution],
    attestations: Mapping[str, str],
) -> None:
    """Warn where what is signed would not be enough for the project's own `verify`, and why.

    Raises `SettingsError` where it cannot be told whom the project trusts.
    """
    from poetry_aegis.signatures.attestation import parse_attestations
    from poetry_aegis.signatures.verdict import Subject, judge
    from poetry_aegis.signing.team import load_trust

    settings = load_settings(pyproject).trust
    trust = load_trust(settings, pyproject)
    if not trust.keys or settings.excuses(distributions[0].name):
        return
    sentences = []
    for file in distributions:
        subject = Subject(file.name, file.filename, file.sha256)
        verdict = judge(subject, parse_attestations(attestations[file.filename]), trust)
        if not verdict.is_good:
            sentences.append(verdict.sentence)
    for sentence in dict.fromkeys(sentences):
        warning = f"Warning: by [tool.poetry-aegis.trust] it does not verify. {sentence}"
        command.say_aside(f"<warning>{plain(warning)}</>")


def kept(distributions: Sequence[Distribution], kept_in: Path) -> dict[str, str]:
    """Return the attestations of *distributions* that are kept in *kept_in*, by file name.

    Raises `SigningError` for what cannot be read.
    """
    found = {}
    for file in distributions:
        if (kept_in / f"{file.filename}{ATTESTATION}").exists():
            from poetry_aegis.signatures.attestation import dump_attestations
            from poetry_aegis.signing.files import attestations_of

            if others := attestations_of(kept_in / file.filename, file.sha256):
                found[file.filename] = dump_attestations(others)
    return found


def takes_signatures(publishing: Publishing, attestations: Mapping[str, str]) -> bool:
    """Return whether the repository takes *attestations*, and say so where it does not."""
    if not attestations or not is_public(publishing.repository):
        return True
    publishing.command.say("<warning>The public index takes no signatures but its own.</>")
    return False


def passphrases(command: AegisCommand, *, from_stdin: bool) -> Callable[[str], str | None]:
    """Return what asks for passphrases, as `key_base.passphrase_from` does."""
    from poetry_aegis.commands.key_base import passphrase_from

    ask = passphrase_from(command, from_stdin=from_stdin)

    def ask_with_secrets(question: str) -> str | None:
        with lent():
            return ask(question)

    return ask_with_secrets


def _sign(file: Distribution, key: SigningKey, kept_in: Path) -> str:
    from poetry_aegis.poetry_api import publish_predicate
    from poetry_aegis.signatures.attestation import dump_attestations
    from poetry_aegis.signing.files import attestations_of, keep_attestations, sign_beside

    if kept_in != file.path.parent:
        others = attestations_of(kept_in / file.filename, file.sha256)
        if others:
            keep_attestations(file.path, others)
    signed = sign_beside(file.path, file.sha256, key, publish_predicate())
    return dump_attestations(signed.attestations)


def _named(publishing: Publishing) -> tuple[str | None, str | None] | None:
    """Return the key that is asked for and the one in the settings; ``None`` to sign nothing."""
    options = publishing.options
    settings = load_settings(publishing.project.pyproject).publish
    if not (options.sign or options.key or settings.sign):
        return None
    return options.key, settings.key


@lru_cache(maxsize=4)
def _announce(command: AegisCommand, name: str) -> None:
    """Say it once in a run, of however many packages."""
    command.say(f"Would be signed with the key <info>{plain(name)}</info>.")


@lru_cache(maxsize=4)
def _open(command: AegisCommand, asked: str | None, setting: str | None) -> SigningKey:
    from poetry_aegis.signing.signers import open_key as open_by_name

    with lent():
        return open_by_name(asked, setting, passphrases(command, from_stdin=False))
