from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.registry.state.agents import Agent, parse_agent

PIP = json.dumps(
    {
        "ci": None,
        "cpu": "x86_64",
        "implementation": {"name": "CPython", "version": "3.12.4"},
        "installer": {"name": "pip", "version": "24.0"},
        "openssl_version": "OpenSSL 3.0.2 15 Mar 2022",
        "python": "3.12.4",
        "setuptools_version": "65.5.0",
    },
    separators=(",", ":"),
)


@pytest.mark.parametrize(
    ("text", "agent"),
    [
        (f"pip/24.0 {PIP}", ("pip", "3.12")),
        ('uv/0.5.1 {"installer":{"name":"uv"},"python":"3.13.0"}', ("uv", "3.13")),
        ('uv/0.5.1 {"installer": {"name": "uv"}, "python": "3.10.1"}', ("uv", "3.10")),
        ("poetry/2.1.0 CPython/3.11.4 Linux/6.1.0", ("poetry", "3.11")),
        ("Hatch/1.12.0 CPython/3.11.4", ("hatch", "3.11")),
        ("pdm/2.20.1 PyPy/3.10.14 Darwin/23", ("pdm", "3.10")),
        ("twine/5.1.0 CPython/3.9.19", ("twine", "3.9")),
        ("Python-urllib/3.8", ("urllib", "3.8")),
        ("python-requests/2.32.3", ("requests", "unknown")),
        ("python-httpx/0.28.1", ("httpx", "unknown")),
        ("devpi-server/6.20 (py3.12; linux)", ("devpi", "unknown")),
        ("curl/8.5.0", ("curl", "unknown")),
        ("Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0", ("browser", "unknown")),
        ("pip", ("pip", "unknown")),
        ("pipsqueak/1.0", ("other", "unknown")),
        ("something CPython/3.1234", ("other", "unknown")),
        ("CPython/3.\u0661", ("other", "unknown")),
        ("<script>/1.0", ("other", "unknown")),
        ("", ("unknown", "unknown")),
        ("  ", ("unknown", "unknown")),
    ],
)
def test_a_client_and_its_python_are_recognised(text: str, agent: tuple[str, str]) -> None:
    assert parse_agent(text) == Agent(*agent)


@given(
    st.text()
    | st.builds("{}/{}".format, st.sampled_from(["pip", "uv", "CPython"]), st.text())
    | st.builds('pip/1 {{"python":"{}"}}'.format, st.text())
)
def test_of_anything_else_only_a_few_words_are_taken(text: str) -> None:
    client, python = parse_agent(text)

    assert re.fullmatch("[a-z]{2,13}", client)
    assert python == "unknown" or re.fullmatch(r"[23]\.[0-9]{1,2}", python)


@pytest.mark.parametrize("piece", ['"python":', '"python" ', "[", "CPython/", "a"])
def test_an_endless_agent_is_not_read_to_its_end(piece: str) -> None:
    assert parse_agent(f'{piece * 100_000}"python":"3.12"').python == "unknown"
