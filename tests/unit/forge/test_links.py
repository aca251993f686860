"""The pages of each forge, as their own web interfaces address them."""

from __future__ import annotations

import pytest

from poetry_aegis.forge.links import Links


@pytest.mark.parametrize(
    ("links", "pages"),
    [
        (
            Links("github", "https://github.com", "acme", "demo"),
            [
                "https://github.com/acme/demo/commit/abc",
                "https://github.com/acme/demo/compare/v1...v2",
                "https://github.com/acme/demo/releases/tag/v2",
                "https://github.com/acme/demo/issues/7",
                "https://github.com/acme/demo/pull/8",
            ],
        ),
        (
            Links("gitlab", "https://gitlab.com", "acme/sub", "demo"),
            [
                "https://gitlab.com/acme/sub/demo/-/commit/abc",
                "https://gitlab.com/acme/sub/demo/-/compare/v1...v2",
                "https://gitlab.com/acme/sub/demo/-/tags/v2",
                "https://gitlab.com/acme/sub/demo/-/issues/7",
                "https://gitlab.com/acme/sub/demo/-/merge_requests/8",
            ],
        ),
        (
            Links("gitea", "https://codeberg.org", "acme", "demo"),
            [
                "https://codeberg.org/acme/demo/commit/abc",
                "https://codeberg.org/acme/demo/compare/v1...v2",
                "https://codeberg.org/acme/demo/releases/tag/v2",
                "https://codeberg.org/acme/demo/issues/7",
                "https://codeberg.org/acme/demo/pulls/8",
            ],
        ),
        (
            Links("bitbucket", "https://bitbucket.org", "acme", "demo"),
            [
                "https://bitbucket.org/acme/demo/commits/abc",
                "https://bitbucket.org/acme/demo/branches/compare/v2%0Dv1",
                "https://bitbucket.org/acme/demo/commits/tag/v2",
                "https://bitbucket.org/acme/demo/issues/7",
                "https://bitbucket.org/acme/demo/pull-requests/8",
            ],
        ),
        (
            Links("bitbucket", "https://git.acme.corp", "PROJ", "demo"),
            [
                "https://git.acme.corp/projects/PROJ/repos/demo/commits/abc",
                (
                    "https://git.acme.corp/projects/PROJ/repos/demo/compare/commits"
                    "?sourceBranch=refs/tags/v2&targetBranch=refs/tags/v1"
                ),
                "https://git.acme.corp/projects/PROJ/repos/demo/browse?at=refs/tags/v2",
                "https://git.acme.corp/projects/PROJ/repos/demo/pull-requests/7",
                "https://git.acme.corp/projects/PROJ/repos/demo/pull-requests/8",
            ],
        ),
    ],
)
def test_pages(links: Links, pages: list[str]) -> None:
    assert [
        links.commit("abc"),
        links.compare("v1", "v2"),
        links.tag("v2"),
        links.issue(7),
        links.pull("8"),
    ] == pages


def test_a_tag_with_a_package_in_its_name() -> None:
    links = Links("github", "https://github.com", "acme", "demo")
    assert links.tag("pkg/v1+local") == "https://github.com/acme/demo/releases/tag/pkg/v1%2Blocal"


def test_a_name_that_is_not_utf_8_is_written_as_its_bytes() -> None:
    links = Links("github", "https://github.com", "acme", "demo")
    name = b"v1-\xff".decode("utf-8", "surrogateescape")
    assert links.tag(name).endswith("/v1-%FF")
