"""The pages in a real browser: nothing of others runs, everybody can use them, any size fits."""

from __future__ import annotations

import base64
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.distributions import make_wheel
from tests.support.needs import needs_program
from tests.support.registry import HTTP, PATIENCE, RegistryServer, running_registry, upload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome

ATTACK = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
LONG = "x" * 90
METADATA = """\
Metadata-Version: 2.1
Name: demo-{stem}
Version: {version}
Summary: 한국어 요약 {attack} {long}
Author: {attack}
License: {attack}
Keywords: {attack},{long}
Classifier: Fake :: {attack}
Project-URL: Docs, https://docs.example.com/{long}
Project-URL: Script, javascript:document.title='owned'
Requires-Dist: other >=1 ; python_version < "3.99"
Requires-Dist: zstd ; extra == "fast"
Description-Content-Type: {content_type}

{readme}
"""
MARKDOWN = f"""\
# 소개
{ATTACK}
#### A level is skipped
[run](javascript:alert(1)) ![pixel](https://elsewhere.example/pixel.gif) [empty]() {LONG}

<svg onload="document.title='owned'"></svg><a href="data:text/html,x">data</a>
<p style="position:fixed" onmouseover="document.title='owned'">styled</p>

```python
def greet(name: str = "{LONG}{LONG}") -> None: ...  # a comment
```

| {LONG} | b |
|---|---|
| 1 | 2 |

- [x] done
"""
RST = f"Title\n=====\n\nText {ATTACK}\n\n.. image:: https://elsewhere.example/p.gif\n"
PAGES = ["/", "/?q=demo", "/?q=nothing", "/project/demo-md/", "/project/demo-rst/"]
PAGES += ["/project/demo-text/", "/project/demo-md/1.0/", "/project/missing/", "/audit"]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    folder = tmp_path_factory.mktemp("web")
    with running_registry(folder / "data") as server:
        for stem, content_type, readme in (
            ("md", "text/markdown", MARKDOWN),
            ("rst", "text/x-rst", RST),
            ("text", "text/plain", ATTACK),
        ):
            for version in ("1.0", "2.0"):
                metadata = METADATA.format(
                    stem=stem,
                    version=version,
                    attack=ATTACK,
                    long=LONG,
                    content_type=content_type,
                    readme=readme,
                )
                wheel = make_wheel(folder, f"demo-{stem}", version, metadata=metadata)
                assert upload(server, wheel).status_code == 200
        for name in ("other", *(f"filler-{number}" for number in range(20))):
            assert upload(server, make_wheel(folder, name)).status_code == 200
        HTTP.get(f"{server.url}/simple/", auth=(ATTACK, "guess"))
        HTTP.get(
            f"{server.url}/packages/demo-md/demo_md-2.0-py3-none-any.whl",
            auth=("rae", server.users["rae"][0]),
        )
        yield server


@pytest.fixture(scope="module")
def browser(registry: RegistryServer) -> Iterator[Chrome]:
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = needs_program("chromium", "chromium-browser", "google-chrome")
    for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "disable-gpu"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = Chrome(options, Service(needs_program("chromedriver")))
    try:
        credential = base64.b64encode(f"ada:{registry.users['ada'][0]}".encode()).decode()
        chrome.execute_cdp_cmd("Network.enable", {})
        chrome.execute_cdp_cmd(
            "Network.setExtraHTTPHeaders", {"headers": {"Authorization": f"Basic {credential}"}}
        )
        yield chrome
    finally:
        chrome.quit()


def look_at(browser: Chrome, *, width: int = 1200, scheme: str = "light") -> None:
    """Give the window a width and the visitor a taste."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )


@pytest.mark.parametrize("path", PAGES)
def test_nothing_of_others_runs_or_is_loaded(
    browser: Chrome, registry: RegistryServer, path: str
) -> None:
    look_at(browser)
    logged(browser)
    browser.get(registry.url + path)
    loaded: list[str] = browser.execute_script(
        "return performance.getEntriesByType('resource').map(entry => entry.name)"
    )
    complaints = [
        message
        for message in logged(browser)
        if not (path == "/project/missing/" and "404" in message)
    ]

    assert complaints == []  # a violation of the policy would be one
    assert "owned" not in browser.title
    assert loaded
    assert all(address.startswith(f"{registry.url}/static/") for address in loaded)
    assert browser.execute_script("return document.scripts.length") == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_everybody_can_use_the_page(
    browser: Chrome, registry: RegistryServer, path: str, scheme: str
) -> None:
    look_at(browser, scheme=scheme)
    browser.get(registry.url + path)
    browser.execute_script(
        "document.querySelectorAll('details').forEach(each => { each.open = true })"
    )

    assert violations(browser) == []


def test_the_checks_see_what_is_wrong(browser: Chrome, registry: RegistryServer) -> None:
    look_at(browser)
    browser.get(f"{registry.url}/")
    browser.execute_script(
        "document.body.insertAdjacentHTML('beforeend',"
        " '<img src=https://elsewhere.example/x.png style=\"color:red\">')"
    )

    assert any(violation.startswith("image-alt") for violation in violations(browser))
    refused = " ".join(logged(browser))
    assert "img-src" in refused
    assert "style-src" in refused


@pytest.mark.parametrize("path", PAGES)
def test_the_page_fits_the_narrowest_phone(
    browser: Chrome, registry: RegistryServer, path: str
) -> None:
    look_at(browser, width=320)
    browser.get(registry.url + path)
    browser.execute_script(
        "document.querySelectorAll('details').forEach(each => { each.open = true })"
    )

    width = browser.execute_script(
        "return Math.max(document.documentElement.scrollWidth, innerWidth)"
    )
    assert width == 320


def test_keys_lead_to_the_search_and_to_the_versions(
    browser: Chrome, registry: RegistryServer
) -> None:
    look_at(browser)
    browser.get(f"{registry.url}/project/demo-md/")
    order = [press_tab(browser) for _ in range(6)]

    assert order[0] == "Skip to the content"
    assert order.index("q") < order.index("Search") < order.index("2 versions")

    press(browser, " ")
    assert press_tab(browser) == "2.0"
    assert press_tab(browser) == "1.0"
    press(browser, "\ue007")  # enter
    wait_for(browser, f"{registry.url}/project/demo-md/1.0/")


def test_the_search_works_without_scripts(browser: Chrome, registry: RegistryServer) -> None:
    look_at(browser)
    browser.get(f"{registry.url}/project/demo-md/")
    press_tab(browser)
    while press_tab(browser) != "q":
        pass
    press(browser, "요약 rst\ue007")

    wait_for(browser, f"{registry.url}/?q=")
    results = browser.execute_script(
        "return [...document.querySelectorAll('.results h2 a')].map(each => each.textContent)"
    )
    assert results == ["demo-rst"]


def wait_for(browser: Chrome, address: str) -> None:
    """Return when the browser is at an address that begins so."""
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, PATIENCE).until(lambda chrome: chrome.current_url.startswith(address))


def logged(browser: Chrome) -> list[str]:
    """Return what the browser complained of since the last time."""
    entries: list[dict[str, Any]] = browser.execute("getLog", {"type": "browser"})["value"]
    return [str(entry["message"]) for entry in entries]


def violations(browser: Chrome) -> list[str]:
    """Return what axe finds on the page: the rule, and the elements that break it."""
    # It is injected through the debugger: the page itself would not let it in.
    browser.execute_cdp_cmd(
        "Runtime.evaluate",
        {"expression": (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")},
    )
    found: dict[str, Any] = browser.execute_cdp_cmd(
        "Runtime.evaluate",
        {"expression": "axe.run()", "awaitPromise": True, "returnByValue": True},
    )
    return [
        f"{rule['id']}: {node['html'][:200]}"
        for rule in found["result"]["value"]["violations"]
        for node in rule["nodes"]
    ]


def press(browser: Chrome, keys: str) -> None:
    from selenium.webdriver import ActionChains

    ActionChains(browser).send_keys(keys).perform()


def press_tab(browser: Chrome) -> str:
    """Go to the next element, and return its text or, without any, its name."""
    press(browser, "\ue004")
    focused = browser.switch_to.active_element
    return str(focused.get_attribute("name") or focused.text)
