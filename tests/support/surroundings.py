"""The environment that the tests are started in, which no test may depend on."""

from __future__ import annotations

import os

from poetry_aegis.release.history.pipelines import BRANCHES, PIPELINES, PULL_REQUESTS, TAGS

# What a pipeline, a person's settings and a person's wish for colour are told by.
NAMES = frozenset(
    (*PIPELINES, *PULL_REQUESTS, *TAGS, *BRANCHES, "PYPI_INDEX_URL", "FORCE_COLOR", "NO_COLOR")
)
PREFIXES = ("AEGIS_", "POETRY_", "GITHUB_", "CI_")


def forget_surroundings() -> None:
    """Make this process, and what it starts, look as if a person had started it, without settings.

    Here questions are asked and bars are drawn; a test of a pipeline says that it is in one.
    """
    for name in list(os.environ):
        if name in NAMES or name.startswith(PREFIXES):
            del os.environ[name]
