"""Which forge a remote is on, and where the project's pages are."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.errors import SettingsError
from poetry_aegis.forge.remote import find_links


@pytest.mark.parametrize(
    ("remote", "kind", "web"),
    [
        ("git@github.com:acme/demo.git", "github", "https://github.com/acme/demo"),
        ("github.com:acme/demo", "github", "https://github.com/acme/demo"),
        ("https://github.com/acme/demo", "github", "https://github.com/acme/demo"),
        ("https://GitHub.com/acme/demo.git/", "github", "https://github.com/acme/demo"),
        ("http://github.com/acme/demo", "github", "https://github.com/acme/demo"),
        ("https://me:hunter2@github.com/acme/demo", "github", "https://github.com/acme/demo"),
        ("git+ssh://git@github.com/acme/demo.git", "github", "https://github.com/acme/demo"),
        ("ssh://git@ssh.github.com:443/acme/demo", "github", "https://github.com/acme/demo"),
        ("git://github.com/acme/demo.js.git", "github", "https://github.com/acme/demo.js"),
        ("https://acme.ghe.com/acme/demo", "github", "https://acme.ghe.com/acme/demo"),
        ("git@gitlab.com:a/b/c/demo.git", "gitlab", "https://gitlab.com/a/b/c/demo"),
        (
            "ssh://git@gitlab.acme.corp:2222/group/sub/demo.git",
            "gitlab",
            "https://gitlab.acme.corp/group/sub/demo",
        ),
        (
            "https://gitlab.acme.corp:8443/group/demo.git",
            "gitlab",
            "https://gitlab.acme.corp:8443/group/demo",
        ),
        (
            "https://gitlab.acme.corp:443/group/demo.git",
            "gitlab",
            "https://gitlab.acme.corp/group/demo",
        ),
        ("http://gitea.lan:3000/acme/demo.git", "gitea", "http://gitea.lan:3000/acme/demo"),
        ("http://forgejo.lan/git/acme/demo.git", "gitea", "http://forgejo.lan/git/acme/demo"),
        ("git@codeberg.org:acme/demo.git", "gitea", "https://codeberg.org/acme/demo"),
        ("git@bitbucket.org:acme/demo.git", "bitbucket", "https://bitbucket.org/acme/demo"),
        (
            "ssh://git@bitbucket.acme.corp:7999/PROJ/demo.git",
            "bitbucket",
            "https://bitbucket.acme.corp/projects/PROJ/repos/demo",
        ),
        (
            "https://bitbucket.acme.corp/scm/PROJ/demo.git",
            "bitbucket",
            "https://bitbucket.acme.corp/projects/PROJ/repos/demo",
        ),
        (
            "https://bitbucket.acme.corp/scm/~ada/demo.git",
            "bitbucket",
            "https://bitbucket.acme.corp/users/ada/repos/demo",
        ),
    ],
)
def test_the_spellings_of_remotes(remote: str, kind: str, web: str) -> None:
    links = find_links(remote)
    assert links is not None
    assert (links.kind, links.web) == (kind, web)
    assert "hunter2" not in repr(links)


@pytest.mark.parametrize(
    "remote",
    [
        "",
        "/srv/git/demo.git",
        "../github.com/acme/demo",
        "./github.com:acme/demo",
        "C:/github.com/acme/demo",
        r"C:\github.com\acme\demo",
        "file:///srv/github.com/acme/demo",
        "ext::ssh git@github.com acme/demo",
        "https://github.com",
        "https://github.com/acme",
        "https://github.com/acme/.git",
        "https://github.com/acme/../demo",
        "https://github.com/acme/demo\n[x](http://evil)",
        "https://github.com:port/acme/demo",
        "https://github.com/acme/demo?x=y",
        "https://[github.com/acme/demo",
        "https://git hub.com/acme/demo",
        "ftp://github.com/acme/demo",
        "git@unknown.example:acme/demo.git",
    ],
)
def test_what_is_on_no_forge_that_is_known(remote: str) -> None:
    assert find_links(remote) is None


def test_the_settings_name_a_forge_whose_host_does_not_tell() -> None:
    remote = "ssh://git@code.acme.corp:2222/acme/demo.git"
    assert find_links(remote) is None
    links = find_links(remote, "gitea")
    assert links is not None
    assert (links.kind, links.web) == ("gitea", "https://code.acme.corp/acme/demo")
    assert find_links("git@github.com:acme/demo.git", "none") is None


@pytest.mark.parametrize(
    ("remote", "web_url", "web"),
    [
        (
            "git@work-alias:acme/demo.git",
            "https://gitlab.acme.corp/",
            "https://gitlab.acme.corp/acme/demo",
        ),
        (
            "git@10.0.0.7:acme/sub/demo.git",
            "https://acme.corp/gitlab",
            "https://acme.corp/gitlab/acme/sub/demo",
        ),
        (
            "https://acme.corp/gitlab/acme/sub/demo.git",
            "https://acme.corp/gitlab",
            "https://acme.corp/gitlab/acme/sub/demo",
        ),
        (
            "git@10.0.0.7:acme/demo.git",
            "http://code.lan:3000/acme/demo",
            "http://code.lan:3000/acme/demo",
        ),
    ],
)
def test_a_web_address_of_its_own(remote: str, web_url: str, web: str) -> None:
    links = find_links(remote, "gitlab", web_url)
    assert links is not None
    assert links.web == web


def test_the_project_is_told_from_the_path_before_it() -> None:
    links = find_links("https://acme.corp/gitlab/a/b/demo", "gitlab", "https://acme.corp/gitlab")
    assert links is not None
    assert (links.base, links.project) == ("https://acme.corp/gitlab", "a/b/demo")
    links = find_links("https://acme.corp/git/acme/demo", "gitea")
    assert links is not None
    assert (links.base, links.project) == ("https://acme.corp/git", "acme/demo")


def test_the_web_address_tells_the_kind() -> None:
    links = find_links("git@work:acme/demo.git", web_url="https://codeberg.org")
    assert links is not None
    assert links.kind == "gitea"


@pytest.mark.parametrize("web_url", ["", "gitlab", "ssh://h/x", "https://u:hunter2@[x/"])
def test_a_web_address_that_is_none(web_url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        find_links("git@github.com:acme/demo.git", web_url=web_url)
    assert "hunter2" not in f"{caught.value}{caught.value.hint}"


@given(st.text(), st.sampled_from(["auto", "github", "gitlab", "gitea", "bitbucket"]))
def test_any_text_is_a_forge_or_is_not(text: str, kind: str) -> None:
    for remote in (text, f"https://github.com/{text}", f"git@gitlab.com:{text}", f"https://{text}"):
        links = find_links(remote, kind)  # type: ignore[arg-type]  # pytest gives a str
        if links is not None:
            assert_is_plain(links.web)


@given(st.text())
def test_a_page_is_safe_wherever_it_is_written(text: str) -> None:
    for remote in ("git@github.com:a/b", "git@gitlab.com:a/b", "git@bitbucket.acme.corp:a/b"):
        links = find_links(remote)
        assert links is not None
        for page in (
            links.commit(text),
            links.compare(text, text),
            links.tag(text),
            links.issue(text),
            links.pull(text),
        ):
            assert page.startswith(links.web)
            assert_is_plain(page)


def assert_is_plain(page: str) -> None:
    assert page.isascii()
    assert page.isprintable()
    assert not set(page) & set(" <>()[]\"'`\\*|")
    assert urlsplit(page).username is None
