"""The templates of pipelines. YAML, Groovy and shell use braces and dollars; these use neither."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TEMPLATES = Path(__file__).parent / "templates"
_VALUE = re.compile(r"@([a-z_]+)@")
_BEGIN = re.compile(r"\s*%if (?P<name>[a-z_]+)")
_END = "%end"


def fill(template: str, values: Mapping[str, str], flags: Mapping[str, bool]) -> str:
    """Return the template of that name with ``@value@`` replaced.

    Lines from ``%if flag`` to ``%end`` stay where the flag is set; they do not nest. A value of
    several lines has to stand alone on its line, whose indentation they all get.
    """
    text = (TEMPLATES / template).read_text(encoding="utf-8")
    return "".join(_filled(line, values) for line in _kept(text, flags))


def _kept(text: str, flags: Mapping[str, bool]) -> Iterator[str]:
    keeping = True
    for line in text.splitlines(keepends=True):
        begin = _BEGIN.fullmatch(line.rstrip("\n"))
        if begin:
            keeping = flags[begin["name"]]
        elif line.strip() == _END:
            keeping = True
        elif keeping:
            yield line


def _filled(line: str, values: Mapping[str, str]) -> str:
    alone = _VALUE.fullmatch(line.strip())
    if alone is None:
        return _VALUE.sub(lambda found: values[found[1]], line)
    indentation = line[: len(line) - len(line.lstrip())]
    lines = values[alone[1]].splitlines()
    return "".join(f"{indentation}{text}".rstrip() + "\n" for text in lines)
