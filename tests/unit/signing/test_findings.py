from __future__ import annotations

import pytest

from poetry_aegis.signing.findings import (
    EXCUSED,
    UNAVAILABLE,
    VERIFIED,
    Checked,
    LockedFile,
    LockedPackage,
    read_file_name,
)


@pytest.mark.parametrize(
    ("file", "project", "version"),
    [
        ("Acme_Core-1.0-py3-none-any.whl", "acme-core", "1.0"),
        ("acme.core-1.0rc1.tar.gz", "acme-core", "1.0rc1"),
        ("acme-1.0+corp.1-1-cp311-cp311-linux_x86_64.whl", "acme", "1.0+corp.1"),
    ],
)
def test_the_name_of_a_distribution_says_whose_it_is(file: str, project: str, version: str) -> None:
    found = read_file_name(file)
    assert found is not None
    assert (found.project, str(found.version)) == (project, version)


@pytest.mark.parametrize(
    "file",
    ["", "acme", "acme-1.0.exe", "acme-x.tar.gz", "acme-1.0.whl", "-1.0.tar.gz", "../a-1.whl"],
)
def test_any_other_name_says_nothing(file: str) -> None:
    found = read_file_name(file)
    assert found is None or not found.project


def test_a_locked_package_has_files_of_its_own_name_and_version() -> None:
    package = LockedPackage("Acme.Core", "1.0", "corp", ())
    assert package.holds("acme_core-1.0.0-py3-none-any.whl")
    assert package.holds("acme-core-1.0.tar.gz")
    assert not package.holds("acme_core-1.0.1-py3-none-any.whl")
    assert not package.holds("acme-1.0.tar.gz")
    assert not package.holds("sha256:abc")
    assert not LockedPackage("acme", "no version", "corp", ()).holds("acme-1.0.tar.gz")


def test_only_a_sha256_is_one() -> None:
    assert LockedFile("a", "sha256:ABC").sha256 == "abc"
    assert LockedFile("a", "md5:abc").sha256 is None
    assert LockedFile("a", "abc").sha256 is None


@pytest.mark.parametrize(
    ("finding", "good"), [(VERIFIED, True), (EXCUSED, True), (UNAVAILABLE, False)]
)
def test_some_findings_are_good(finding: str, good: bool) -> None:
    assert Checked("acme", "1", None, finding, "").is_good is good


def test_what_an_index_says_does_not_steer_a_terminal() -> None:
    found = Checked("acme", "1", "acme\x1b[2J-1.whl", VERIFIED, "said\x9b\r\n")
    assert found.subject == "acme?[2J-1.whl"
    assert found.said == "said???"
    assert Checked("acme", "1", None, VERIFIED, "").subject == "acme 1"
