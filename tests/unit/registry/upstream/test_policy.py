from __future__ import annotations

from datetime import datetime, timezone
from itertools import product

import pytest

from poetry_aegis.registry.options import RegistrySettings, UpstreamSettings
from poetry_aegis.registry.upstream.pages import UpstreamFile, UpstreamPage
from poetry_aegis.registry.upstream.policy import Policy, may_look_outside

URL = "https://index.example.com/simple/"


@pytest.mark.parametrize(
    ("is_here", "reserved", "denied", "allowed", "is_plain"), list(product((True, False), repeat=5))
)
def test_a_project_is_looked_up_outside_only_if_nothing_speaks_against_it(
    is_here: bool, reserved: bool, denied: bool, allowed: bool, is_plain: bool
) -> None:
    policy = Policy(
        reserved=("other", "acme-*") if reserved else ("other",),
        deny=("other", "*-tools") if denied else (),
        allow=("other", "acme*") if allowed else ("other",),
    )
    project = "acme-tools" if is_plain else "Acme_Tools"

    looked_up = may_look_outside(project, policy, is_here=is_here)

    nothing_against = not is_here and not reserved and not denied and allowed and is_plain
    assert looked_up is nothing_against


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\0b", "-a", "a--b", "ä", "a" * 201, "a\n"])
def test_what_is_no_project_name_is_never_looked_up(name: str) -> None:
    assert not may_look_outside(name, Policy(), is_here=False)


@pytest.mark.parametrize("pattern", ["acme-*", "Acme_*", "ACME.*", " acme-* "])
def test_patterns_mean_names_however_they_are_spelled(pattern: str) -> None:
    settings = RegistrySettings(reserved=(pattern,), upstream=UpstreamSettings(url=URL))
    policy = Policy.of(settings)

    assert not may_look_outside("acme-tools", policy, is_here=False)
    assert may_look_outside("acmetools", policy, is_here=False)


def test_the_lists_of_the_settings_count() -> None:
    upstream = UpstreamSettings(url=URL, allow=("Good.*",), deny=("good_but-*",))
    policy = Policy.of(RegistrySettings(upstream=upstream))

    assert may_look_outside("good-one", policy, is_here=False)
    assert not may_look_outside("good-but-bad", policy, is_here=False)
    assert not may_look_outside("other", policy, is_here=False)


def test_without_another_index_nothing_is_looked_up() -> None:
    policy = Policy.of(RegistrySettings())

    assert not may_look_outside("demo", policy, is_here=False)


def test_files_that_are_too_young_or_of_unknown_age_are_hidden() -> None:
    times = ["2026-01-01T12:00:00Z", "2026-01-01T12:00:01.5Z", "2025-06-01T00:00:00.123456Z", None]
    files = tuple(
        UpstreamFile(f"demo-{number}.tar.gz", str(number), f"{URL}x", "0" * 64, upload_time=time)
        for number, time in enumerate(times)
    )
    page = UpstreamPage("demo", files)
    now = datetime(2026, 1, 8, 12, tzinfo=timezone.utc)

    assert [file.version for file in Policy(minimum_age=7).shown(page, now).files] == ["0", "2"]
    assert Policy().shown(page, now) is page
