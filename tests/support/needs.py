"""What a test needs of the machine: without it the test skips, or fails where all must run."""

from __future__ import annotations

import os
import shutil

import pytest

ALL_MUST_RUN = "TEST_EVERYTHING"


def needs_program(*names: str) -> str:
    """Return the path of the first of the programs *names* that is installed.

    Without any, the test that asks skips with a reason. Where the environment says that everything
    must be tested, it fails: a skipped test is none.
    """
    for name in names:
        if path := shutil.which(name):
            return path
    return missing(f"needs {' or '.join(names)}, which is not installed")


def missing(reason: str) -> str:
    """Skip the test for *reason*, or fail where all must run."""
    if os.environ.get(ALL_MUST_RUN):
        pytest.fail(f"{ALL_MUST_RUN} is set, and this test {reason}.")
    pytest.skip(reason)
