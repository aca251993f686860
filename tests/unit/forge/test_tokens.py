"""Which forge, which API and which token an environment gives."""

from __future__ import annotations

import pytest

from poetry_aegis.errors import NoForgeToken, UnknownForge
from poetry_aegis.forge.links import Links
from poetry_aegis.forge.releases import find_forge
from poetry_aegis.forge.tokens import find_token

HUB = Links("github", "https://github.com", "acme", "demo")
LAB = Links("gitlab", "https://gitlab.com", "acme", "demo")
TEA = Links("gitea", "https://codeberg.org", "acme", "demo")


@pytest.mark.parametrize(
    ("links", "environ", "headers"),
    [
        (HUB, {"GITHUB_TOKEN": "a"}, {"Authorization": "Bearer a"}),
        (HUB, {"GITHUB_TOKEN": "a", "GH_TOKEN": "b\n"}, {"Authorization": "Bearer b"}),
        (
            HUB,
            {"GITHUB_TOKEN": "a", "GITHUB_SERVER_URL": "https://github.com"},
            {"Authorization": "Bearer a"},
        ),
        (LAB, {"GITLAB_TOKEN": "a", "CI_JOB_TOKEN": "b"}, {"PRIVATE-TOKEN": "a"}),
        (LAB, {"CI_JOB_TOKEN": "b", "CI_SERVER_URL": "https://gitlab.com"}, {"JOB-TOKEN": "b"}),
        (TEA, {"GITEA_TOKEN": "a", "FORGEJO_TOKEN": "b"}, {"Authorization": "token a"}),
        (TEA, {"FORGEJO_TOKEN": "b"}, {"Authorization": "token b"}),
        (
            TEA,
            {"GITHUB_TOKEN": "a", "GITHUB_SERVER_URL": "https://codeberg.org"},
            {"Authorization": "token a"},
        ),
    ],
)
def test_tokens(links: Links, environ: dict[str, str], headers: dict[str, str]) -> None:
    assert find_token(links, environ).headers == headers


@pytest.mark.parametrize(
    ("links", "environ"),
    [
        (HUB, {}),
        (HUB, {"GITHUB_TOKEN": " "}),
        (HUB, {"GITLAB_TOKEN": "a"}),
        # A pipeline's own token is for the pipeline's own forge.
        (HUB, {"GITHUB_TOKEN": "a", "GITHUB_SERVER_URL": "https://github.acme.corp"}),
        (LAB, {"CI_JOB_TOKEN": "a", "CI_SERVER_URL": "https://gitlab.acme.corp"}),
        (LAB, {"CI_JOB_TOKEN": "a"}),
        (TEA, {"GITHUB_TOKEN": "a"}),
        (TEA, {"GITHUB_TOKEN": "a", "GITHUB_SERVER_URL": "https://[x"}),
    ],
)
def test_no_token(links: Links, environ: dict[str, str]) -> None:
    with pytest.raises(NoForgeToken, match="There is no token") as caught:
        find_forge(links, environ)
    assert caught.value.hint


@pytest.mark.parametrize("value", ["s3cr3t\r\nX: y", "s3cr3t é", "s3cr3t x"])
def test_what_cannot_be_a_token_is_not_shown(value: str) -> None:
    with pytest.raises(NoForgeToken) as caught:
        find_token(HUB, {"GITHUB_TOKEN": value})
    assert "s3cr3t" not in f"{caught.value}{caught.value.hint}"


def test_a_token_does_not_show_itself() -> None:
    assert "s3cr3t" not in repr(find_token(HUB, {"GITHUB_TOKEN": "s3cr3t"}))


@pytest.mark.parametrize(
    ("links", "environ", "api"),
    [
        (HUB, {}, "https://api.github.com"),
        (Links("github", "https://a.ghe.com", "o", "r"), {}, "https://api.a.ghe.com"),
        (Links("github", "https://git.acme.corp", "o", "r"), {}, "https://git.acme.corp/api/v3"),
        (
            Links("github", "https://git.acme.corp", "o", "r"),
            {"GITHUB_SERVER_URL": "https://git.acme.corp", "GITHUB_API_URL": "https://x.corp/api/"},
            "https://x.corp/api",
        ),
        (
            HUB,
            {"GH_TOKEN": "b", "GITHUB_SERVER_URL": "https://x", "GITHUB_API_URL": "https://x/api"},
            "https://api.github.com",
        ),
        (LAB, {}, "https://gitlab.com/api/v4"),
        (
            Links("gitlab", "https://acme.corp/gitlab", "o", "r"),
            {
                "CI_SERVER_URL": "https://acme.corp:8443",
                "CI_API_V4_URL": "https://acme.corp:8443/4",
            },
            "https://acme.corp:8443/4",
        ),
        (TEA, {}, "https://codeberg.org/api/v1"),
    ],
)
def test_where_the_api_is(links: Links, environ: dict[str, str], api: str) -> None:
    tokens = {"GITHUB_TOKEN": "a", "GITLAB_TOKEN": "a", "GITEA_TOKEN": "a"}
    assert find_forge(links, tokens | environ).api == api


def test_a_remote_on_no_forge() -> None:
    with pytest.raises(UnknownForge, match="no forge that is known"):
        find_forge(None, {"GITHUB_TOKEN": "a"})
    with pytest.raises(UnknownForge, match="Bitbucket"):
        find_forge(Links("bitbucket", "https://bitbucket.org", "acme", "demo"), {})


def test_files_for_the_public_github_go_to_its_own_upload_host() -> None:
    forge = find_forge(HUB, {"GITHUB_TOKEN": "a"})
    with forge._session() as session:
        assert session.server.owns("https://uploads.github.com/repos/acme/demo/releases/1/assets")
        assert session.server.owns("https://api.github.com/repos/acme/demo")
        for url in (
            "https://github.com/",
            "https://api.github.com.evil.example/",
            "https://api.github.com@evil.example/",
            "http://api.github.com/",
            "https://uploads.github.com:444/",
            "https://[",
        ):
            assert not session.server.owns(url)
