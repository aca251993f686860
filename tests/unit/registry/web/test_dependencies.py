from __future__ import annotations

from poetry_aegis.registry.web.dependencies import Dependency, Group, grouped


def test_requirements_are_grouped_by_extra_with_the_rest_of_their_marker() -> None:
    groups = grouped(
        [
            'Http_Core[tls,socks] >=1,<2,!=1.5; python_version < "3.12"',
            'zstd; extra == "fast"',
            'brotli >=1; extra == "fast" and sys_platform == "linux"',
            'alpha; sys_platform == "win32" and extra == "all"',
            "direct @ https://files.example.com/direct.whl",
        ]
    )

    assert groups == (
        Group(
            "",
            (
                Dependency(
                    "Http_Core[socks, tls]",
                    "http-core",
                    ">=1,!=1.5,<2",
                    'python_version < "3.12"',
                ),
                Dependency("direct", "direct", "@ https://files.example.com/direct.whl", ""),
            ),
        ),
        Group("all", (Dependency("alpha", "alpha", "", 'sys_platform == "win32"'),)),
        Group(
            "fast",
            (
                Dependency("zstd", "zstd", "", ""),
                Dependency("brotli", "brotli", ">=1", 'sys_platform == "linux"'),
            ),
        ),
    )


def test_a_marker_that_would_mean_something_else_without_its_extra_stays_whole() -> None:
    (group,) = grouped(['one; extra == "a" or python_version < "3"'])

    assert group.extra == "a"
    assert group.dependencies[0].marker == 'extra == "a" or python_version < "3"'


def test_what_is_no_requirement_is_shown_as_it_is() -> None:
    (group,) = grouped(["<script>alert(1)</script>"])

    assert group == Group("", (Dependency("<script>alert(1)</script>", "", "", ""),))
