from __future__ import annotations

from pathlib import Path

import pytest

from poetry_aegis.client.target import Asked, Target, choose_target, find_profile
from poetry_aegis.errors import SettingsError, UsageError
from poetry_aegis.settings import ProfileSettings, load_settings

PROD = ProfileSettings(
    "https://prod/", name="corp", username="ada", ca="ca.crt", priority="primary"
)
FOLDER = Path("project")


def test_the_command_line_counts_first_then_the_environment_then_the_profile() -> None:
    environment = {"PYPI_INDEX_URL": "https://environment/"}
    asked = choose_target(Asked(url="https://asked/"), environment, "prod", PROD, FOLDER)
    assert asked == Target("corp", "https://asked/", priority="primary")
    assert choose_target(Asked(), environment, "prod", PROD, FOLDER).url == "https://environment/"
    assert choose_target(Asked(), {"PYPI_INDEX_URL": " "}, "prod", PROD, FOLDER) == Target(
        "corp", "https://prod/", "ada", FOLDER / "ca.crt", "primary"
    )
    assert choose_target(Asked(), {}) == Target("aegis", None)
    assert choose_target(Asked(), {}, "dev", ProfileSettings("https://dev/")).name == "dev"


def test_a_credential_in_the_environment_is_taken_out_of_the_address() -> None:
    target = choose_target(Asked(), {"PYPI_INDEX_URL": "https://ada:s%20t@host:8443/simple/"})
    assert target.url == "https://host:8443/simple/"
    assert target.login == ("ada", "s t")
    assert target.username == "ada"
    assert "s t" not in repr(target)
    named = choose_target(Asked(), {"PYPI_INDEX_URL": "https://ada@host/"})
    assert (named.url, named.login) == ("https://host/", None)
    with pytest.raises(UsageError, match="PYPI_INDEX_URL"):
        choose_target(Asked(), {"PYPI_INDEX_URL": "https://[::1"})


def test_profiles_are_read_from_the_settings(tmp_path: Path) -> None:
    pyproject = tmp_path / "pyproject.toml"
    table = "[tool.poetry-aegis.profiles.prod]\n"
    pyproject.write_text(f'{table}url = "https://prod/"\npriority = "explicit"\n')
    profile = load_settings(pyproject).profiles["prod"]
    assert profile == ProfileSettings("https://prod/", priority="explicit")
    for wrong in ('name = "x"', 'url = "x"\npriority = "best"', 'url = "x"\nuser = "ada"'):
        pyproject.write_text(table + wrong)
        with pytest.raises(SettingsError):
            load_settings(pyproject)


def test_a_profile_that_there_is_not() -> None:
    assert find_profile({"prod": PROD}, "prod") is PROD
    with pytest.raises(SettingsError, match="it has: prod") as caught:
        find_profile({"prod": PROD}, "dev")
    assert "tool.poetry-aegis.profiles" in caught.value.hint
    with pytest.raises(SettingsError):
        find_profile({"../x": PROD}, "../x")
