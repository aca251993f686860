"""What is installed, read from the RECORDs of a directory; hostile ones, too."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.signing.record import (
    BadRecord,
    Environment,
    Installation,
    all_installed,
    differing,
    digest_of,
    find_installed,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    site = tmp_path / "site"
    site.mkdir()
    return Environment(site, site, tmp_path / "bin", tmp_path)


def install(environment: Environment, name: str, record: str) -> Installation:
    folder = environment.purelib / f"{name}.dist-info"
    folder.mkdir()
    (folder / "RECORD").write_text(record)
    (found,) = find_installed(environment, name.partition("-")[0])
    return found


def test_names_are_compared_in_any_spelling(environment: Environment) -> None:
    install(environment, "Acme_Core-1.0", "")
    (found,) = find_installed(environment, "acme.core")
    assert (found.name, found.version) == ("acme-core", "1.0")
    assert find_installed(environment, "acme") == []


def test_two_names_of_one_directory_are_one(environment: Environment) -> None:
    install(environment, "acme-1.0", "")
    assert len(environment.roots) == 1
    assert len(list(all_installed(environment))) == 1


def test_what_has_no_record_is_found_all_the_same(environment: Environment) -> None:
    (environment.purelib / "acme-1.0-py3.11.egg-info").mkdir()
    (found,) = find_installed(environment, "acme")
    assert found.version == "1.0"
    with pytest.raises(BadRecord, match="it has none"):
        _ = found.rows


@pytest.mark.parametrize(
    "record",
    [
        '"',
        "one\n",
        "acme.py,sha256=x,1\nacme\x00.py\n",
        "\ud800,".encode("utf-8", "surrogatepass").decode("utf-8", "replace") + '"\n',
    ],
)
def test_a_broken_record_is_said_to_be_one(environment: Environment, record: str) -> None:
    installed = install(environment, "acme-1.0", record)
    with pytest.raises(BadRecord):
        _ = installed.rows


def test_files_are_altered_missing_or_as_recorded(environment: Environment) -> None:
    good, bad = environment.purelib / "good.py", environment.purelib / "bad.py"
    good.write_text("good")
    bad.write_text("bad")
    (environment.purelib / "bare.py").write_text("")
    installed = install(
        environment,
        "acme-1.0",
        f"good.py,{digest_of(good)},4\nbad.py,{digest_of(good)},4\ngone.py,{digest_of(good)},4\n"
        "bare.py,,\nacme-1.0.dist-info/RECORD,,\n__pycache__/x.pyc,,\n",
    )
    altered, missing = differing(installed.rows, installed.root)
    assert altered == ["bad.py", "bare.py"], "a module without a hash is nothing to rely on"
    assert missing == ["__pycache__/x.pyc", "gone.py"] or set(missing) == {
        "__pycache__/x.pyc",
        "gone.py",
    }


def test_a_weak_hash_counts_for_nothing(environment: Environment) -> None:
    file = environment.purelib / "acme.py"
    file.write_text("")
    installed = install(environment, "acme-1.0", "acme.py,md5=1B2M2Y8AsgTpgAmY7PhCfg,0\n")
    assert differing(installed.rows, installed.root)[0] == ["acme.py"]


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_strong_hashes_count(environment: Environment, algorithm: str) -> None:
    file = environment.purelib / "acme.py"
    file.write_text("x")
    record = f"acme.py,{digest_of(file, algorithm)},1\n"
    installed = install(environment, "acme-1.0", record)
    assert differing(installed.rows, installed.root) == ([], [])


def test_a_record_that_names_a_pipe_or_a_directory_is_not_read(environment: Environment) -> None:
    os.mkfifo(environment.purelib / "pipe")
    installed = install(environment, "acme-1.0", "pipe,sha256=x,1\n../site,sha256=x,1\n")
    assert differing(installed.rows, installed.root)[0] == []


def test_the_tags_are_those_of_the_wheel(environment: Environment) -> None:
    installed = install(environment, "acme-1.0", "")
    assert installed.tags == frozenset()
    (installed.folder / "WHEEL").write_text(
        "Wheel-Version: 1.0\nTag: py2-none-any\nTag: py3-none-any\n"
    )
    assert installed.tags == {"py2-none-any", "py3-none-any"}
