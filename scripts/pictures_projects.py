"""The projects that the pictures show: a table, and the files that are made of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PYPROJECT = """\
[project]
name = "{name}"
version = "{version}"
description = "{summary}"
readme = "README.md"
requires-python = ">=3.10"
license = "MIT"
authors = [{{ name = "Ada Lovelace" }}, {{ name = "Grace Hopper" }}]
{more}
[build-system]
requires = ["poetry-core>=2.0,<3"]
build-backend = "poetry.core.masonry.api"

[tool.poetry]
packages = [{{ include = "{package}", from = "src" }}]
"""
GREETER = """\
keywords = ["greetings", "templates"]
dependencies = ["acme-i18n (>=1.4,<2)", "jinja2 (>=3.1)", "tzdata ; sys_platform == 'win32'"]

[project.optional-dependencies]
voice = ["acme-speech (>=0.9)"]

[project.urls]
Documentation = "https://docs.example.com/acme-greeter/"
Source = "https://git.example.com/acme/greeter"
Issues = "https://git.example.com/acme/greeter/issues"
"""
README = """\
# acme-greeter

Greets **people, teams and whole buildings**, in the language and at the time of day of whoever is
greeted. Used by the reception desks and the intranet.

## Quick start

```python
from acme_greeter import Greeter

greeter = Greeter(language="ko", timezone="Asia/Seoul")
print(greeter.greet("Ada"))            # 안녕하세요, Ada 님.
print(greeter.greet_all(["Ada", "Grace"]))
```

## Languages

| Language | Formal | Informal |
| --- | --- | --- |
| English | Good morning, Ada. | Hi Ada! |
| 한국어 | 안녕하세요, Ada 님. | 안녕, Ada! |
| Svenska | God morgon, Ada. | Hej Ada! |

A language of your own is a file of templates: see `Greeter.templates`.
"""
DAYS = 30
# Downloads on the working days among them, today's last: a release came in the third week.
DOWNLOADS = (
    *(34, 41, 38, 45, 36, 43, 44, 47, 52, 49, 50, 38, 44, 55, 58),
    *(71, 96, 83, 77, 67, 78, 74, 69, 72, 66, 59, 65, 61, 64, 57),
)
WEEKEND = 9  # one in so many is then


@dataclass(frozen=True)
class Project:
    """A project of the index. *signed* is a version; *yanked* maps versions to reasons.

    *status* is one, and what tells its reason.
    """

    name: str
    summary: str
    versions: tuple[str, ...]
    more: str = ""
    readme: str = ""
    signed: str = ""
    yanked: Mapping[str, str] = field(default_factory=dict)
    status: tuple[str, ...] = ()

    @property
    def package(self) -> str:
        """What it is imported as."""
        return self.name.replace("-", "_")

    def files(self, version: str) -> dict[str, str]:
        """Return the files of a *version*: names to texts."""
        return {
            "pyproject.toml": PYPROJECT.format(
                name=self.name,
                version=version,
                summary=self.summary,
                package=self.package,
                more=self.more,
            ),
            "README.md": self.readme or f"# {self.name}\n\n{self.summary}\n",
            f"src/{self.package}/__init__.py": f'__version__ = "{version}"\n',
        }


ACME_GREETER = Project(
    "acme-greeter",
    "Greets people in their language, at their time of day",
    ("1.0.0", "1.1.0", "1.1.1", "1.2.0"),
    more=GREETER,
    readme=README,
    signed="1.2.0",
    yanked={"1.1.0": "greets everybody good night"},
)
# The last is the newest, and the first in the list of projects.
PROJECTS = (
    Project(
        "acme-soap",
        "The old SOAP bridge to the mainframe",
        ("4.7.2",),
        status=("deprecated", "--reason", "Use acme-http."),
    ),
    Project("hangul-tools", "한글 자모를 나누고 합치며, 초성으로 낱말을 찾습니다", ("0.6.0",)),
    Project("acme-speech", "Reads text aloud, offline, in eleven languages", ("0.9.1",)),
    Project("acme-i18n", "Translations, plurals and number formats of our products", ("1.4.0",)),
    ACME_GREETER,
    Project(
        "acme-http", "A thin, retrying HTTP client for services behind the gateway", ("2.3.1",)
    ),
)


def web_log() -> str:
    """Return what a web server has logged: the downloads of acme-greeter in the last weeks."""
    return "".join(f"{json.dumps(line)}\n" for line in _downloads())


def _downloads() -> Iterator[dict[str, str]]:
    now = datetime.now(timezone.utc)
    for back, count in zip(range(DAYS - 1, -1, -1), DOWNLOADS, strict=True):
        day = now - timedelta(days=back)
        line = {
            "time": day.isoformat(),
            "method": "GET",
            "uri": "/packages/acme-greeter/acme_greeter-1.1.1-py3-none-any.whl",
            "status": "200",
            "bytes": "4096",
            "user_agent": "pip/25.1",
        }
        yield from [line] * (count if day.isoweekday() < 6 else count // WEEKEND)
