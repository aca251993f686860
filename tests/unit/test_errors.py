from __future__ import annotations

import re
from typing import TYPE_CHECKING

from poetry_aegis import errors

if TYPE_CHECKING:
    from collections.abc import Iterator


def tree(root: type[errors.AegisError]) -> Iterator[type[errors.AegisError]]:
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


def test_the_tree_drawn_in_the_docstring_is_the_tree() -> None:
    drawn = dict(
        re.findall(r"^[ │├└─]*([A-Z]\w+) +(\d+)(?: |$)", errors.__doc__ or "", re.MULTILINE)
    )
    assert {name: int(code) for name, code in drawn.items()} == {
        error.__name__: error.exit_code
        for error in tree(errors.AegisError)
        if error.__module__ == errors.__name__
    }


def test_every_error_has_an_exit_code_of_its_own() -> None:
    codes = [e.exit_code for e in tree(errors.AegisError) if e.__module__ == errors.__name__]
    assert len(codes) == len(set(codes))
    assert all(0 < code < 126 for code in codes)


def test_an_error_as_json_has_all_that_a_machine_needs() -> None:
    assert errors.DirtyTree("Dirty.", hint="git stash").to_json() == {
        "error": "DirtyTree",
        "message": "Dirty.",
        "hint": "git stash",
        "exit_code": 24,
    }
