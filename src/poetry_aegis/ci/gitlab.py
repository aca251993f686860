"""What a ``.gitlab-ci.yml`` of the project's own has already: an include, and stages.

There is no parser of YAML here. The two keys are read as people write them; what is written in
another way is left to GitLab to judge.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from poetry_aegis.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAIN = ".gitlab-ci.yml"
OURS = ".gitlab/aegis.yml"
STAGES = ("test", "deploy")
_COMMENT = re.compile(r"(?:^|\s)#.*")
# What else an include can name: a file of the same path in another project is not ours.
_ELSEWHERE = re.compile(r"\b(?:file|project|ref|remote|template|component)\s*:\s*[^,}\n]+")
_WORD = re.compile(r"[^\s,\[\]{}'\"]+")
_PLAIN = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class _Section:
    """The lines of a key at the top, without comments: the key is on the line *number*."""

    number: int
    value: str
    lines: tuple[str, ...]

    @property
    def first(self) -> str:
        """The first of the lines below the key."""
        return self.lines[0] if self.lines else ""


def is_included(text: str) -> bool:
    """Return whether an include of its own in *text* names our file."""
    section = _section(text, "include")
    return section is not None and any(map(_is_ours, _local_files(section)))


def require_no_include(text: str) -> None:
    """Raise `SettingsError`, which says what to add where, if *text* has an include."""
    section = _section(text, "include")
    if section is None:
        return
    here = f"line {section.number} of {MAIN}"
    if section.first.lstrip().startswith("-"):
        indentation = section.first[: len(section.first) - len(section.first.lstrip())]
        what = f"Add this line below {here}, and run the command again:\n"
        what += f"{indentation}- local: {OURS}"
    else:
        what = f"Write this in its place, from {here} on, and run the command again:\n"
        what += "\n".join(["include:", *_as_list(section), f"  - local: {OURS}"])
    raise SettingsError(f"{MAIN} has an include already, and there can be only one.", hint=what)


def require_none_beside(text: str) -> None:
    """Raise `SettingsError` if *text*, all but our block, has an include: GitLab takes one."""
    if _section(text, "include"):
        raise SettingsError(
            f"{MAIN} has an include beside the marked block, and there can be only one.",
            hint="Take the marked block out, and run the command again: it says which line to add.",
        )


def require_stages(text: str) -> None:
    """Raise `SettingsError` if *text* has stages, and not those that our jobs are in."""
    section = _section(text, "stages")
    stages = _items(section) if section else None
    if section is None or stages is None:
        return
    wanted = _with_ours(stages)
    if wanted != stages:
        listed = ", ".join(
            stage if _PLAIN.fullmatch(stage) else json.dumps(stage) for stage in wanted
        )
        raise SettingsError(
            f"{MAIN} has stages of its own, and the jobs of the pipeline are in "
            f"{' and then '.join(STAGES)}.",
            hint=f"Write on line {section.number}, in place of those: stages: [{listed}]",
        )


def _section(text: str, key: str) -> _Section | None:
    lines = [_COMMENT.sub("", line).rstrip() for line in text.splitlines()]
    for number, line in enumerate(lines, 1):
        begun = re.fullmatch(rf"['\"]?{key}['\"]?\s*:(?:\s+(?P<value>.*))?", line)
        if begun:
            return _Section(number, begun["value"] or "", tuple(_below(lines[number:])))
    return None


def _below(lines: Sequence[str]) -> Iterator[str]:
    """Yield those of *lines* that belong to the key above them, without empty ones."""
    for line in lines:
        # The items of a list, and the bracket that closes one, may stand at the very left.
        if line and line[0] not in " \t-]}":
            return
        if line:
            yield line


def _local_files(section: _Section) -> Iterator[str]:
    """Yield each path that an include has of this repository."""
    deeper: int | None = None
    for line in (section.value, *section.lines):
        indentation = len(line) - len(line.lstrip())
        if deeper is not None and indentation >= deeper:
            continue
        # Below "file:" there may be a list of files in another project.
        deeper = line.index("file") if re.search(r"\bfile\s*:$", line) else None
        for word in _WORD.findall(_ELSEWHERE.sub("", line)):
            yield word.lstrip("/")


def _is_ours(path: str) -> bool:
    return path == OURS or ("*" in path and path.count("/") == 1 and fnmatchcase(OURS, path))


def _as_list(section: _Section) -> Iterator[str]:
    """Yield what an include that is no list has, as the items of one."""
    value = section.value
    if value.startswith("["):
        whole = "".join([value, *map(str.strip, section.lines)]).strip("[] ,")
        # A comma within braces does not part two items.
        items = re.findall(r"\{[^}]*\}|[^,{}\s][^,{}]*", whole)
        yield from (f"  - {item.strip()}" for item in items)
    elif value:
        yield f"  - {value}"
    else:
        indentation = len(section.first) - len(section.first.lstrip())
        for number, line in enumerate(section.lines):
            yield f"  {'- ' if number == 0 else '  '}{line[indentation:]}"


def _items(section: _Section) -> list[str] | None:
    """Return the items of a list of words, ``None`` for what is no such list."""
    whole = "\n".join((section.value, *section.lines)).strip()
    if re.search(r"[!*&{}|>]", whole):
        return None  # References and the like, which only GitLab can follow.
    inside = whole.strip("[]").replace("\n", ",") if whole.startswith("[") else whole
    parts = (
        inside.split(",")
        if whole.startswith("[")
        else re.split(r"^\s*-\s*", inside, flags=re.MULTILINE)
    )
    return [word for part in parts if (word := part.strip().strip("'\""))]


def _with_ours(stages: Sequence[str]) -> list[str]:
    """Return *stages* with ours, in their order."""
    before, after = STAGES
    if before in stages and after in stages and stages.index(before) < stages.index(after):
        return list(stages)
    wanted = [stage for stage in stages if stage != before] if after in stages else list(stages)
    if before not in wanted:
        wanted.insert(wanted.index(after) if after in wanted else len(wanted), before)
    return wanted if after in wanted else [*wanted, after]
