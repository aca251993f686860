"""What a publication that has failed tells in JSON: the error, and what has become of each file."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from poetry_aegis.errors import AegisError

    Document = dict[str, Any]


def tell_more(error: AegisError, more: Callable[[Document], Document]) -> None:
    """Have *error* print as JSON what *more* makes of its document."""
    before = error.to_json
    error.to_json = lambda: more(before())  # type: ignore[method-assign]


@contextmanager
def telling_more(more: Mapping[str, Any]) -> Iterator[None]:
    """Have an error that is raised within print *more* beside itself as JSON."""
    from poetry_aegis.errors import AegisError

    try:
        yield
    except AegisError as error:
        tell_more(error, lambda document: document | dict(more))
        raise
