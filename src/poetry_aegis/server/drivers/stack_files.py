"""The generated files of a stack, and what a service needs to see that they have changed."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from poetry_aegis import atomic
from poetry_aegis.errors import AegisError, ServerError, StackError
from poetry_aegis.server.certificates import (
    certificate_files,
    check_certificate,
    ensure_certificates,
)
from poetry_aegis.server.drivers.pending import (
    MADE_CERTIFICATE,
    MOUNTED,
    OWN_CERTIFICATE,
    Pending,
    lies_below,
    made_anew,
    paths_of,
)
from poetry_aegis.server.stack.owner import hand_over, owner_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from poetry_aegis.server.config import ServerSettings
    from poetry_aegis.server.home import ServerHome
    from poetry_aegis.server.stack.rendering import Files
    from poetry_aegis.server.stack.settings import WebSettings
    from poetry_aegis.server.stack.writing import Change

EDITED = "edited by hand"
BUILT = "stack/image"  # what an image is built of
ALWAYS_MADE = ("tls", "logs/nginx")
OWNED = ("data", "tls", "nginx_logs")  # what the services write, or read as themselves


@dataclass(frozen=True)
class StackFiles:
    """What is generated for the stack in *home* from *settings*."""

    home: ServerHome
    settings: ServerSettings

    def plan(self) -> tuple[Change, ...]:
        """Return how the files on disk differ from what the settings say."""
        from poetry_aegis.server.stack.writing import compare

        return tuple(compare(self.home, self._render()))

    def write(self, changes: Sequence[Change]) -> None:
        """Write *changes*, and what else a start needs: folders, passwords, certificates.

        What services have yet to see of it is remembered. Raises `ServerError` and its kinds.
        """
        from poetry_aegis.server.stack.secrets import ensure_secrets
        from poetry_aegis.server.stack.writing import write

        owner = owner_of(self.settings.containers)
        try:
            Pending(self.home).remember(self._folders_made_anew(changes))
            self._make_directories()
            ensure_secrets(self.home)
            self._ensure_certificate()
            Pending(self.home).remember(paths_of(changes))
            write(self.home, changes, owner, self._render())
            for name in OWNED:
                hand_over(getattr(self.home, name), owner)
        except OSError as error:
            raise ServerError(
                f"{error.filename or self.home.root} cannot be written: {error.strerror}.",
                hint="Nothing was started. Is there space, and is the folder yours?",
            ) from error

    def _render(self) -> Files:
        from poetry_aegis.server.stack.rendering import render

        return render(self.home, self.settings, owner_of(self.settings.containers))

    def _folders_made_anew(self, changes: Sequence[Change]) -> list[str]:
        """Return what to remember of the mounted folders that are not there and will be made."""
        written = [change.path for change in changes if change.after is not None]
        missing = [folder for folder in MOUNTED if not (self.home.root / folder).exists()]
        return [
            made_anew(folder)
            for folder in missing
            if folder in ALWAYS_MADE or any(lies_below(path, folder) for path in written)
        ]

    def _ensure_certificate(self) -> None:
        """Make or look at the certificate, and remember where it is another one than before."""
        web = self.settings.web
        seen = self.home.lock_file.with_name("certificate")
        state = ensure_certificates(self.home, web)
        content, _ = certificate_files(self.home, web)
        digest = sha256(content.read_bytes()).hexdigest()
        before = seen.read_text() if seen.exists() else ""
        if digest != before:
            path = OWN_CERTIFICATE if state.is_own else MADE_CERTIFICATE
            Pending(self.home).remember([path])
            atomic.write_text(seen, digest, mode=0o600)

    def _make_directories(self) -> None:
        self.home.make_directories()
        for folder in (self.home.tls, self.home.nginx_logs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def require_unedited(changes: Iterable[Change]) -> None:
    """Raise `StackError` where a generated file was edited by hand, and would be overwritten."""
    edited = [str(change.path) for change in changes if change.kind == EDITED]
    if edited:
        raise StackError(
            f"{edited[0]} was edited by hand, and would be written anew from server.toml.",
            hint="See what would be lost with: poetry aegis server apply --dry-run\n"
            "Write it anew with: poetry aegis server apply --yes",
        )


def need_a_build(changes: Iterable[Change]) -> bool:
    """Return whether *changes* touch what an image is built of."""
    return any(lies_below(path, BUILT) for path in paths_of(changes))


def certificate_days(home: ServerHome, web: WebSettings) -> int | None:
    """Return for how many days the certificate is good; ``None`` where none can be used."""
    with contextlib.suppress(AegisError):
        return check_certificate(home, web).days_left
    return None
