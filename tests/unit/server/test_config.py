from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poetry_aegis.errors import NoServer, ServerError, SettingsError, UsageError
from poetry_aegis.registry.settings import load_settings as load_registry_settings
from poetry_aegis.server.config import (
    ServerSettings,
    is_loopback,
    load_settings,
    new_settings,
)
from poetry_aegis.server.home import ServerHome
from poetry_aegis.server.template import render_registry_settings, render_settings
from poetry_aegis.settings import read_table
from tests.support.server import EVERY_ADDRESS


def write(home: ServerHome, text: str) -> None:
    home.make_directories()
    home.settings_file.write_text(text, encoding="utf-8")


@given(
    host=st.from_regex(r"[0-9a-z.:-]{1,20}", fullmatch=True),
    port=st.integers(1, 65535),
    anonymous_read=st.booleans(),
    megabytes=st.integers(1, 10**6),
)
def test_what_is_written_is_read_back(
    host: str, port: int, *, anonymous_read: bool, megabytes: int
) -> None:
    import tomlkit

    settings = ServerSettings(
        anonymous_read=anonymous_read, max_upload_size=f"{megabytes}MB", host=host, port=port
    )
    table = tomlkit.parse(render_settings(settings)).unwrap()
    assert read_table(ServerSettings, table, where="server.toml") == settings


def test_every_key_is_explained_in_the_file() -> None:
    text = render_settings(ServerSettings())
    assert text.startswith("#")
    assert text.count("\n#") >= 5


def test_an_empty_file_means_the_defaults(home: ServerHome) -> None:
    write(home, "")
    assert load_settings(home) == ServerSettings()


def test_no_server(home: ServerHome) -> None:
    with pytest.raises(NoServer):
        load_settings(home)


def test_an_unknown_key_is_named_with_its_file_and_the_nearest(home: ServerHome) -> None:
    write(home, "prot = 80\n")
    with pytest.raises(SettingsError) as caught:
        load_settings(home)
    assert "'prot'" in str(caught.value)
    assert str(home.settings_file) in str(caught.value)
    assert "'port'" in caught.value.hint


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('port = "8080"', "port"),
        ("port = true", "port"),
        ("port = 0", "port"),
        ("port = 65536", "port"),
        ("host = 1", "host"),
        ('host = ""', "host"),
        ('host = "a b"', "host"),
        ('anonymous_read = "no"', "anonymous_read"),
        ('driver = "podman"', "driver"),
        ("max_upload_size = 5", "max_upload_size"),
        ('max_upload_size = "5 apples"', "max_upload_size"),
        ('max_upload_size = "0"', "max_upload_size"),
    ],
)
def test_a_wrong_value_is_named_with_its_key_and_file(
    home: ServerHome, line: str, key: str
) -> None:
    write(home, line)
    with pytest.raises(SettingsError) as caught:
        load_settings(home)
    assert key in str(caught.value)
    assert str(home.settings_file) in str(caught.value)


@pytest.mark.parametrize("content", [b"port = \n", b"[[", b"host = \xff", b"\x00"])
def test_a_corrupt_file(home: ServerHome, content: bytes) -> None:
    home.make_directories()
    home.settings_file.write_bytes(content)
    with pytest.raises(ServerError, match=r"server\.toml is not valid TOML") as caught:
        load_settings(home)
    assert caught.value.exit_code == 50
    assert caught.value.hint


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080/"),
        (EVERY_ADDRESS, "http://127.0.0.1:8080/"),
        ("::", "http://[::1]:8080/"),
        ("::1", "http://[::1]:8080/"),
        ("index.example", "http://index.example:8080/"),
    ],
)
def test_the_url_reaches_the_server_from_here(host: str, url: str) -> None:
    assert ServerSettings(host=host).url == url


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        (EVERY_ADDRESS, False),
        ("::", False),
        ("192.0.2.1", False),
        ("localhost.example", False),
    ],
)
def test_beyond_loopback_there_is_a_warning(host: str, *, expected: bool) -> None:
    assert is_loopback(host) is expected
    warned = any("without TLS" in warning for warning in ServerSettings(host=host).warnings)
    assert warned is not expected


def test_port_zero_takes_a_free_one() -> None:
    assert new_settings(host="127.0.0.1", port=0).port > 0
    assert new_settings(host="127.0.0.1", port=8123).port == 8123


@pytest.mark.parametrize(("host", "port"), [("a b", 0), ("127.0.0.1", 70000)])
def test_options_that_make_no_sense(host: str, port: int) -> None:
    with pytest.raises(UsageError):
        new_settings(host=host, port=port)


def test_bytes_of_the_largest_upload(tmp_path: Path) -> None:
    home = ServerHome(tmp_path)
    write(home, 'max_upload_size = "2MiB"\n')
    assert load_settings(home).max_upload_bytes == 2 * 1024 * 1024


def test_one_port_cannot_be_for_two(tmp_path: Path) -> None:
    home = ServerHome(tmp_path)
    write(home, "port = 8123\nmetrics_port = 8123\n")
    with pytest.raises(SettingsError, match="port and metrics_port are both 8123"):
        load_settings(home)


def test_an_upstream_without_an_address_is_warned_of(tmp_path: Path) -> None:
    home = ServerHome(tmp_path)
    write(home, '[upstream]\ndeny = ["acme-*"]\n')
    assert "[upstream] in server.toml has no url" in load_settings(home).warnings[0]
    write(home, '[upstream]\nurl = "https://index.example.com/simple/"\ndeny = ["acme-*"]\n')
    assert load_settings(home).warnings == ()


def test_a_value_of_a_wrong_kind_has_a_way_out(home: ServerHome) -> None:
    write(home, '[web]\nrate = "many"\n')
    with pytest.raises(SettingsError, match="'rate' in web") as caught:
        load_settings(home)
    assert "comments" in caught.value.hint


def test_pypiserver_looks_at_no_signatures(tmp_path: Path) -> None:
    home = ServerHome(tmp_path)
    wanted = '[signatures]\nrequired = "*"\ntrust = "trust.toml"\n'
    write(home, f'driver = "compose"\nengine = "pypiserver"\n{wanted}')
    with pytest.raises(SettingsError, match="pypiserver looks at none"):
        load_settings(home)


def test_somebody_has_to_count_where_signatures_are_wanted(tmp_path: Path) -> None:
    home = ServerHome(tmp_path)
    write(home, '[signatures]\nrequired = ["acme-*"]\n')
    with pytest.raises(SettingsError, match="nobody's signature would count") as caught:
        load_settings(home)
    assert 'trust = "trust.toml"' in caught.value.hint


@pytest.mark.parametrize("named", ["trust.toml", "keys/team.toml", "/etc/aegis/trust.toml"])
def test_the_process_finds_the_trusted_keys_where_the_settings_say(
    tmp_path: Path, named: str
) -> None:
    home = ServerHome(tmp_path)
    home.make_directories()
    write(home, f'[signatures]\nrequired = ["*"]\ntrust = "{named}"\n')

    settings = load_settings(home)
    home.registry_settings.write_text(render_registry_settings(settings))
    found = Path(load_registry_settings(home.registry_settings).signatures.trust)

    assert found == home.trust_file(named)
