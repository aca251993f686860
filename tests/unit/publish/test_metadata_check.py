from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from packaging.metadata import parse_email

from poetry_aegis.errors import BuildFailed
from poetry_aegis.publish.distributions import Distribution, read_distribution
from poetry_aegis.publish.metadata_check import check_metadata, find_flaws
from tests.support.distributions import make_sdist, make_wheel

if TYPE_CHECKING:
    from pathlib import Path

GOOD = "Metadata-Version: 2.4\nName: demo\nVersion: 1.0.0\n"


def flaws(more: str, *, public: bool = True) -> list[str]:
    raw, _ = parse_email(GOOD + more)
    return [flaw.sentence for flaw in find_flaws(raw, public=public)]


def distribution(folder: Path, more: str) -> Distribution:
    return read_distribution(make_wheel(folder, metadata=GOOD + more))


def test_nothing_is_wrong_with_good_metadata() -> None:
    assert (
        flaws(
            "Summary: A demo.\nRequires-Python: >=3.9\nRequires-Dist: httpx (>=0.27)\n"
            "Classifier: Programming Language :: Python :: 3\nLicense-Expression: MIT\n"
            "Description-Content-Type: text/markdown; charset=UTF-8\n\n# A *demo*\n"
        )
        == []
    )


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("Requires-Python: >=x\n", "'>=x' is invalid for 'requires-python'"),
        ("Requires-Dist: a b c\n", "'a b c' is invalid for 'requires-dist'"),
        ("Description-Content-Type: text/word\n\nHello\n", "text/word"),
        ("Classifier: Topic :: Knitting\n", "'Topic :: Knitting' is not known"),
        ("License-Expression: My Own\n", "license-expression"),
        ("Summary: two\n        lines\n", "ummary"),
    ],
)
def test_each_flaw_is_named(more: str, said: str) -> None:
    assert any(said in sentence for sentence in flaws(more)), flaws(more)


def test_the_line_of_a_readme_that_does_not_render_is_named() -> None:
    pytest.importorskip("readme_renderer")
    readme = "Title\n=====\n\nSee :unknown:`this`.\n"
    for kind in ("", "Description-Content-Type: text/x-rst\n"):
        (said,) = flaws(f"{kind}\n{readme}")
        assert "does not render as reStructuredText, line 4: Unknown interpreted text" in said
    assert flaws(f"Description-Content-Type: text/plain\n\n{readme}") == []


def test_private_projects_are_kept_from_the_public_index_alone() -> None:
    private = "Classifier: Private :: Do Not Upload\n"
    assert "keeps the project from the public index" in flaws(private)[0]
    assert flaws(private, public=False) == []


def test_what_only_the_public_index_refuses_is_a_warning_elsewhere(tmp_path: Path) -> None:
    file = distribution(tmp_path, "Classifier: Topic :: Knitting\n")
    assert check_metadata([file], public=False) == [
        "The classifier 'Topic :: Knitting' is not known."
    ]
    with pytest.raises(BuildFailed, match="'Topic :: Knitting' is not known") as caught:
        check_metadata([file], public=True)
    assert "--no-check" in caught.value.hint


@pytest.mark.parametrize("public", [True, False])
def test_what_breaks_an_install_is_refused_everywhere(tmp_path: Path, *, public: bool) -> None:
    with pytest.raises(BuildFailed, match="'>=x' is invalid for 'requires-python'"):
        check_metadata([distribution(tmp_path, "Requires-Python: >=x\n")], public=public)


def test_files_of_one_build_are_told_of_once(tmp_path: Path) -> None:
    metadata = f"{GOOD}Classifier: Topic :: Knitting\n"
    files = [
        read_distribution(make_wheel(tmp_path, metadata=metadata)),
        read_distribution(make_sdist(tmp_path, metadata=metadata)),
    ]
    assert len(check_metadata(files, public=False)) == 1
