"""Others leave a changelog alone that lacks their marker, or put a second section above its title.

Here a release is told of in whatever file there is, once, and nothing of the file is lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.release.changelog.notes import find_notes, write_notes
from poetry_aegis.settings import Settings

if TYPE_CHECKING:
    from tests.support.git import GitProject


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "# Changelog\n",
        "words without a title\n",
        "# Changelog\n\n## [0.1.0] - 2025-12-01\n\n- first\n",
        "Changes\n=======\n\n0.1.0 (2025-12-01)\n------------------\n\n- first\n",
        "# v0.1.0\r\n\r\n* first\r\n",
    ],
)
def test_the_release_is_told_of_once_and_nothing_is_lost(
    project: GitProject, text: str | None
) -> None:
    if text is not None:
        project.changelog.write_bytes(text.encode())
    project.tag("v0.1.0")
    project.commit("feat: add parties")
    project.tag("v0.2.0")
    for _ in range(2):
        write_notes(find_notes(project.pyproject, Settings(), "0.2.0"))
    after = project.changelog.read_bytes().decode()
    assert after.count("## [0.2.0]") == 1
    assert after.count("add parties") == 1
    assert set((text or "").split()) <= set(after.split())
    if text and text.startswith("# Changelog"):
        assert after.startswith("# Changelog\n\n## [0.2.0]")
