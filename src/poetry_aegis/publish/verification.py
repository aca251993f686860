"""The read-back: an upload counts once the index shows every file with the hash that was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.errors import Forbidden, PublishError, Unauthorized, VerificationFailed
from poetry_aegis.publish.patience import Failure, Patience, persist

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from poetry_aegis.publish.distributions import Distribution
    from poetry_aegis.publish.index import Index, IndexedFile

_LOOK = (
    "Run the same command again: what has arrived is not sent twice. "
    "Without reading the index back: poetry aegis publish --no-verify"
)
_ALTERED = "Do not use that file: it was altered on the way, or the index is out of date."


def read_back(
    index: Index,
    distributions: Sequence[Distribution],
    outdated: Mapping[str, str],
    name: str,
    patience: Patience,
) -> dict[str, IndexedFile]:
    """Return the page of *index*, of repository *name*, once it shows all *distributions*.

    They are of one project. Some indexes show an upload only seconds later, and until then the
    hash of before, which is in *outdated* by file name: for as long as *patience* allows, it is
    read again. Raises `VerificationFailed`, naming the file and both hashes.
    """

    def look() -> dict[str, IndexedFile] | Failure:
        try:
            page = index.once().project_page(distributions[0].name)
            for file in distributions:
                shown = index.once().sha256(page[file.filename]) if file.filename in page else None
                if shown != file.sha256:
                    passing = shown in (None, outdated.get(file.filename))
                    return Failure(_wrong(file, shown, name), repeatable=passing)
        except PublishError as error:
            passing = not isinstance(error, (Unauthorized, Forbidden))
            return Failure(_unreadable(error, name), repeatable=passing)
        return page

    return persist(look, Patience(backoffs=patience.looks), tell=lambda _: None)


def _wrong(file: Distribution, shown: str | None, name: str) -> VerificationFailed:
    if shown is None:
        return VerificationFailed(
            f"{name} took {file.filename}, but its index does not show it.", hint=_LOOK
        )
    return VerificationFailed(
        f"{name} shows {file.filename} with the sha256 {shown}, "
        f"but the one that was sent has {file.sha256}.",
        hint=_ALTERED,
    )


def _unreadable(error: PublishError, name: str) -> VerificationFailed:
    failed = VerificationFailed(f"The upload to {name} is not verified: {error}", hint=_LOOK)
    failed.__cause__ = error
    return failed
