"""The pages over HTTP: who sees what, where it is, and what it says."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.registry.people.users import Users
from tests.support.distributions import make_sdist, make_wheel
from tests.support.registry import (
    CHEAP_ROUNDS,
    HTTP,
    USERS,
    RegistryServer,
    read,
    running_registry,
    upload,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
ATTACK = "<script>alert('x')</script>"
METADATA = """\
Metadata-Version: 2.1
Name: Demo.Tool
Version: {version}
Summary: Tools & more {attack}
Author: {attack}
Classifier: Fake :: {attack}
Keywords: {attack}
License: {attack}
Project-URL: {attack}, https://docs.example.com/?a=1&b="2
Project-URL: Script, javascript:alert(1)
Requires-Dist: here >=1
Requires-Dist: elsewhere
Requires-Dist: zstd; extra == "fast"
Description-Content-Type: text/markdown

# Read me

Some *words* {attack} and 한글.
"""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    folder = tmp_path_factory.mktemp("web")
    with running_registry(folder / "data") as server:
        HTTP.get(f"{server.url}/simple/", auth=("<b>mallory</b>", "guess"))
        for version in ("1.0", "2.0", "3.0rc1"):
            metadata = METADATA.format(version=version, attack=ATTACK)
            wheel = make_wheel(folder, "demo-tool", version, metadata=metadata)
            assert upload(server, wheel).status_code == 200
        assert upload(server, make_sdist(folder, "demo-tool", "2.0")).status_code == 200
        for number in range(24):
            wheel = make_wheel(folder, "here" if number == 0 else f"other-{number:02}")
            assert upload(server, wheel).status_code == 200
        yield server


def page(server: RegistryServer, path: str, user: str | None = "rae") -> httpx.Response:
    return read(server, path, user=user, headers=BROWSER)


def test_the_search_shows_projects_a_page_at_a_time(registry: RegistryServer) -> None:
    first, second = page(registry, "/").text, page(registry, "/?page=2").text

    assert first.count("<li>") == 20
    assert second.count("<li>") == 5
    assert "25 projects" in first
    assert 'rel="next"' in first
    assert 'rel="next"' not in second
    assert "no page 9" in page(registry, "/?page=9").text


def test_a_search_finds_and_keeps_what_was_asked_for(registry: RegistryServer) -> None:
    answer = page(registry, f"/?q={ATTACK}+tools+DEMO")

    assert answer.text.count("<li>") == 1
    assert 'href="./project/demo-tool/">demo-tool</a> <span class="version">2.0<' in answer.text
    assert f'value="{html.escape(ATTACK)} tools DEMO"'.replace("&#x27;", "&#39;") in answer.text
    assert "No project has all of these words" in page(registry, "/?q=nothing+so").text


def test_a_project_page_tells_of_the_latest_release(registry: RegistryServer) -> None:
    text = page(registry, "/project/demo-tool/").text

    assert '<bdi>Demo.Tool</bdi> <span class="version">2.0</span>' in text
    assert "<em>words</em>" in text
    assert "3 versions" in text
    simple = f"{registry.url}/simple/"
    assert f"pip install --index-url {simple} demo-tool<" in text
    assert f"uv add --index aegis={simple} demo-tool<" in text
    assert f"poetry source add --priority=explicit aegis {simple}\n" in text
    assert '<a href="../../project/here/">here</a> <span class="muted">&gt;=1</span>' in text
    assert "<bdi>elsewhere</bdi>" in text
    assert "Extra <code>fast</code>" in text
    for file in ("demo_tool-2.0-py3-none-any.whl", "demo_tool-2.0.tar.gz"):
        assert f'href="../../packages/demo-tool/{file}"' in text
        assert read(registry, f"/packages/demo-tool/{file}").status_code == 200
    assert re.search(r"<code>[0-9a-f]{64}</code>", text)


def test_a_version_has_a_page_of_its_own(registry: RegistryServer) -> None:
    text = page(registry, "/project/demo-tool/1/").text  # the same version as 1.0 (PEP 440)

    assert "demo_tool-1.0-py3-none-any.whl" in text
    assert "demo_tool-2.0" not in text
    assert "demo-tool==1.0<" in text
    assert "Go to the latest version" in text


@pytest.mark.parametrize("path", ["/", "/project/demo-tool/", "/?q=" + ATTACK, "/audit"])
def test_nothing_of_others_is_markup(registry: RegistryServer, path: str) -> None:
    text = page(registry, path, user="ada").text

    assert "<script" not in text
    assert "javascript:" not in text
    assert "onerror" not in text


def test_pages_are_strict_and_kept_privately(registry: RegistryServer) -> None:
    answer = page(registry, "/project/demo-tool/")
    policy = answer.headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in answer.headers
    again = read(
        registry,
        "/project/demo-tool/",
        headers={**BROWSER, "if-none-match": answer.headers["etag"]},
    )
    assert (again.status_code, again.content) == (304, b"")
    assert not re.search(r'(?:src|href)="(?:https?:)?//(?!docs\.example\.com)', answer.text)
    assert " style=" not in answer.text


def test_what_pages_load_is_kept_for_good_and_needs_no_user(registry: RegistryServer) -> None:
    (style,) = re.findall(r'rel="stylesheet" href="\./([^"]+)"', page(registry, "/").text)
    answer = read(registry, f"/{style}", user=None)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]
    assert read(registry, "/static/aegis.css", user=None).status_code == 404
    assert read(registry, "/static/..%2fviews.py", user=None).status_code == 404


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/project/demo-tool", "/project/demo-tool/"),
        ("/project/Demo_Tool/", "/project/demo-tool/"),
        ("/project/Demo.Tool", "/project/demo-tool/"),
        ("/project/demo-tool/2.0", "/project/demo-tool/2.0/"),
        ("/project/Demo--Tool/2.0/", "/project/demo-tool/2.0/"),
    ],
)
def test_other_spellings_lead_to_the_page(registry: RegistryServer, path: str, target: str) -> None:
    answer = page(registry, path)

    assert answer.status_code == 301
    assert answer.next_request is not None
    assert answer.next_request.url.path == target


@pytest.mark.parametrize(
    "path", ["/project/missing/", "/project/demo-tool/9.9/", "/project/demo-tool/x/", "/project/-/"]
)
def test_what_is_not_there_is_404_as_a_page(registry: RegistryServer, path: str) -> None:
    answer = page(registry, path)

    assert answer.status_code == 404
    assert "<h1>Not Found</h1>" in answer.text
    plain = read(registry, path)
    assert plain.status_code == 404
    assert "<" not in plain.text


def test_pages_need_the_credentials_that_reads_need(registry: RegistryServer) -> None:
    for path in ("/", "/?q=demo", "/project/demo-tool/", "/project/missing/", "/audit"):
        answer = page(registry, path, user=None)
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"].startswith("Basic ")
        assert "demo-tool" not in answer.text
    assert read(registry, "/", user=None).text.startswith("A private Python package index")


def test_the_audit_trail_is_for_admins(registry: RegistryServer) -> None:
    assert page(registry, "/audit", user="pub").status_code == 403
    assert "Audit trail</a>" not in page(registry, "/", user="pub").text
    assert "Audit trail</a>" in page(registry, "/", user="ada").text


def test_the_audit_trail_is_filtered_and_paged(registry: RegistryServer) -> None:
    some = page(registry, "/audit?project=demo-tool&user=pub&action=upload", user="ada").text
    failed = page(registry, "/audit?action=login-failed", user="ada").text

    assert some.count("<tr>") == 1 + 4
    assert 'value="demo-tool"' in some
    assert "<option selected>upload</option>" in some
    assert "&lt;b&gt;mallory&lt;/b&gt;" in failed
    assert page(registry, "/audit?project=Demo.Tool", user="ada").text.count("<tr>") > 1
    assert page(registry, "/audit?project=a%20b", user="ada").status_code == 404
    assert "No event fits" in page(registry, "/audit?user=nobody", user="ada").text
    assert page(registry, "/audit?before=99999999999999999999&x=%00", user="ada").status_code == 200


def test_states_are_told(tmp_path: Path) -> None:
    with running_registry(tmp_path / "data") as server:
        empty = page(server, "/").text
        assert f"twine upload --repository-url {server.url}/legacy/ dist/*" in empty

        for version in ("1.0", "2.0"):
            upload(server, make_wheel(tmp_path, "demo", version))
        change(server, "PUT", "/files/demo-2.0-py3-none-any.whl/yank", {"reason": "broken <b>"})
        assert ">1.0</span></h1>" in page(server, "/project/demo/").text
        yanked = page(server, "/project/demo/2.0/").text
        assert "This version is yanked." in yanked
        assert "broken &lt;b&gt;" in yanked

        change(server, "PATCH", "", {"status": "archived", "reason": "Use demo-next."})
        archived = page(server, "/project/demo/").text
        assert "This project is archived." in archived
        assert "Use demo-next." in archived

        change(server, "PATCH", "", {"status": "quarantined", "reason": "Malware."})
        withheld = page(server, "/project/demo/").text
        assert "Malware." in withheld
        assert "demo-1.0" not in withheld
        assert "pip install" not in withheld
        assert "demo-1.0" not in page(server, "/project/demo/1.0/").text
        assert "quarantined</span>" in page(server, "/").text


def test_what_a_user_may_not_know_of_is_nowhere(tmp_path: Path) -> None:
    users = Users(tmp_path / "data" / "auth", rounds=CHEAP_ROUNDS)
    users.add("rae", USERS["rae"][0], "reader", reads=["team-*"])
    with running_registry(tmp_path / "data") as server:
        for name in ("team-tool", "secret-tool"):
            wheel = make_wheel(tmp_path, name, requires=["secret-tool"])
            assert upload(server, wheel).status_code == 200

        assert "secret" not in page(server, "/").text
        assert "1 project," in page(server, "/").text
        assert "secret-tool</a>" not in page(server, "/project/team-tool/").text
        hidden, missing = page(server, "/project/secret-tool/"), page(server, "/project/none-tool/")
        assert hidden.status_code == missing.status_code == 404
        assert hidden.text.replace("secret-tool", "none-tool") == missing.text


def change(server: RegistryServer, method: str, path: str, document: dict[str, str]) -> None:
    answer = HTTP.request(
        method,
        f"{server.url}/api/v1/projects/demo{path}",
        json=document,
        auth=("ada", server.users["ada"][0]),
    )
    assert answer.is_success, answer.text
