"""A section of the changelog by a template of the project's own, in Jinja2.

``changelog_template`` in the settings names a file relative to ``pyproject.toml``. It renders what
stands under the title of one version; titles and the file around them are not its business.

::

    {% for section in sections %}
    ### {{ section.heading }}

    {% for entry in section.entries %}
    - {{ entry.description }} ({{ entry.commit }})
    {% endfor %}

    {% endfor %}

Its variables:

- ``version``: the version as PEP 440 spells it; ``Unreleased`` for what is not released.
- ``tag``, ``previous``: the tags of this release and of the one before it; ``none`` where there is
  none.
- ``date``: the day of the release, ISO 8601; ``none`` for what is not released.
- ``url``: the page that compares the two tags; ``none`` where the forge is not known.
- ``sections``: those that have entries, in their order, each with ``heading`` and ``entries``.

An entry has ``type``, ``scope``, ``description``, ``breaking``, ``note`` (what a ``BREAKING
CHANGE:`` footer says), ``sha``, ``author``, ``date``, ``commit``, ``pull`` and ``issues``. The last
three are references with ``name`` and ``url``; printed, they are links where the page is known.
Printed as a whole, ``{{ entry }}`` is the line that would be there without a template. Whatever
comes from a commit is escaped already and can be put into Markdown as it is.

Blocks take their line away with them (``trim_blocks``, ``lstrip_blocks``); an unknown variable is
an error; the sandbox of Jinja2 keeps a template from reaching out of itself.
"""

from __future__ import annotations

from collections.abc import Sized
from typing import TYPE_CHECKING, Any

from poetry_aegis.errors import MissingExtra, SettingsError
from poetry_aegis.extras import adding
from poetry_aegis.release.changelog.pieces import has_titles
from poetry_aegis.release.changelog.text import inside_repository, reason_of

if TYPE_CHECKING:
    from pathlib import Path

    import jinja2
    from jinja2.runtime import Context

    from poetry_aegis.release.changelog.entries import Entry
    from poetry_aegis.settings import Settings

LARGEST_PRODUCT = 100_000


class SectionTemplate:
    """The template in the file *path*. Raises `SettingsError` where it cannot be read."""

    def __init__(self, path: Path, source: str) -> None:
        self._path = path
        self._template = _compile(path, source)

    def render(self, groups: dict[str, list[Entry]], **variables: str | None) -> str:
        """Return the body of a section. Raises `SettingsError` naming the line that failed."""
        sections = [
            {"heading": heading, "entries": entries}
            for heading, entries in groups.items()
            if entries
        ]
        try:
            body = self._template.render(sections=sections, **variables)
        except Exception as error:  # A template may raise whatever Python may.
            raise _failed(self._path, _line_of(error), error) from error
        if has_titles(body):
            raise SettingsError(
                f"{self._path} renders a title of the second level, which would end the section.",
                hint="Start with headings of the third level: ### Added",
            )
        return body


def load_template(root: Path, pyproject: Path, settings: Settings) -> SectionTemplate | None:
    """Return the project's template, ``None`` where the settings name none.

    Raises `SettingsError` and `MissingExtra`.
    """
    if settings.changelog_template is None:
        return None
    key = "changelog_template"
    path = inside_repository(root, pyproject, settings.changelog_template, key=key)
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"The template {path}, which {key} names, cannot be read: {reason_of(error)}",
            hint="It has to be a text file in UTF-8.",
        ) from error
    return SectionTemplate(path, source)


def _compile(path: Path, source: str) -> jinja2.Template:
    try:
        from jinja2 import StrictUndefined, TemplateSyntaxError
        from jinja2.exceptions import SecurityError
        from jinja2.sandbox import ImmutableSandboxedEnvironment
    except ImportError:
        raise MissingExtra(
            "A changelog template needs Jinja2, which is not installed.",
            hint=adding("templates"),
        ) from None

    class Sandbox(ImmutableSandboxedEnvironment):
        """Jinja2's, without what makes a gigabyte out of a line: ``'x' * 1000000000``."""

        intercepted_binops = frozenset({"*", "**"})

        def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
            if operator == "**" or _size(left) * _size(right) > LARGEST_PRODUCT:
                raise SecurityError(f"{operator!r} would make too much of its operands")
            return super().call_binop(context, operator, left, right)

    environment = Sandbox(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    try:
        return environment.from_string(source)
    except TemplateSyntaxError as error:
        raise _failed(path, error.lineno, error) from error


def _size(operand: object) -> float:
    """Return how much *operand* is: a number itself, a text or a list its length."""
    if isinstance(operand, (int, float)):
        return abs(operand)
    return len(operand) if isinstance(operand, Sized) else float("inf")


def _failed(path: Path, line: int | None, error: Exception) -> SettingsError:
    where = f"{path}, line {line}" if line else str(path)
    reason = " ".join(str(error).split()) or type(error).__name__
    return SettingsError(
        f"The changelog template failed in {where}: {reason}",
        hint="Mend the template; nothing was changed.",
    )


def _line_of(error: Exception) -> int | None:
    """Return the line of the template in which *error* was raised."""
    frame: Any = error.__traceback__
    line = None
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == "<template>":
            line = frame.tb_lineno
        frame = frame.tb_next
    return line
