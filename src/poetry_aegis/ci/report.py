"""What a command tells the pipeline it runs in: annotations, a summary, values for later steps.

GitHub's and Gitea's runners read them in files that variables name, and in lines such as
``::error::TEXT``. GitLab reads a dotenv report, whose file ``AEGIS_DOTENV`` names.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from poetry_aegis import atomic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Level = Literal["error", "warning", "notice"]
DOTENV = "AEGIS_DOTENV"
_OUTPUT = "GITHUB_OUTPUT"
_SUMMARY = "GITHUB_STEP_SUMMARY"
_ACTIONS = "GITHUB_ACTIONS"
_SPECIAL_IN_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~])")


def annotation(
    level: Level, message: str, environ: Mapping[str, str], *, file: str | None = None
) -> str | None:
    """Return the line that makes GitHub show *message*, ``None`` where it runs elsewhere.

    *file* is where it belongs to, relative to the repository.
    """
    if environ.get(_ACTIONS) != "true":
        return None
    where = f" file={_in_property(file)}" if file else ""
    return f"::{level}{where}::{_in_message(message)}"


def write_outputs(values: Mapping[str, str], environ: Mapping[str, str]) -> None:
    """Give *values* to the later steps of a job, and to later jobs of GitLab's as ``AEGIS_NAME``.

    Where no variable asks for them nothing is written. Raises ``OSError``.
    """
    if path := environ.get(_OUTPUT):
        _append(path, "".join(f"{name}={_one_line(value)}\n" for name, value in values.items()))
    if path := environ.get(DOTENV):
        _merge(Path(path), {f"AEGIS_{name.upper()}": _one_line(v) for name, v in values.items()})


def write_summary(
    title: str, rows: Sequence[tuple[str, str]], environ: Mapping[str, str], text: str = ""
) -> None:
    """Add a table of *rows* to the summary of the run, and below it *text*, which is Markdown.

    Raises ``OSError``.
    """
    if path := environ.get(_SUMMARY):
        _append(path, "\n".join(_as_markdown(title, rows, text)) + "\n")


def _as_markdown(title: str, rows: Sequence[tuple[str, str]], text: str) -> Iterator[str]:
    yield f"### {escaped(title)}\n"
    if rows:
        yield "| | |\n| --- | --- |"
        yield from (f"| {escaped(name)} | {escaped(value)} |" for name, value in rows)
        yield ""
    if text:
        yield f"{text.strip()}\n"


def escaped(text: str) -> str:
    """Return *text* so that Markdown shows it as it is, on one line."""
    return _SPECIAL_IN_MARKDOWN.sub(r"\\\1", _one_line(text))


def _in_message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _in_property(text: str) -> str:
    return _in_message(text).replace(":", "%3A").replace(",", "%2C")


def _one_line(text: str) -> str:
    """Return *text* without line ends: they would begin a value, or a row, of their own."""
    return " ".join(text.split())


def _append(path: str, text: str) -> None:
    with Path(path).open("a", encoding="utf-8", newline="\n") as file:
        file.write(text)


def _merge(path: Path, values: Mapping[str, str]) -> None:
    """Set *values* in a dotenv file, which knows neither quotes nor a name given twice."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        lines = []
    kept = [line for line in lines if line.partition("=")[0] not in values]
    text = "\n".join([*kept, *(f"{name}={value}" for name, value in values.items())])
    atomic.write_text(path, f"{text}\n")
