from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.server.usage import Usage, last_backup, measure

if TYPE_CHECKING:
    from pathlib import Path


def test_projects_distributions_and_bytes(tmp_path: Path) -> None:
    for name, size in {
        "packages/a/a-1.0-py3-none-any.whl": 10,
        "packages/a/a-1.0-py3-none-any.whl.metadata": 3,
        "packages/a/a-1.0.tar.gz": 20,
        "packages/a/.tmp-x.whl": 1,
        "packages/b/b-1.0.tar.gz": 5,
        "packages/Bad_Name/bad_name-1.0.tar.gz": 0,
        "packages/b/below/b-2.0.tar.gz": 0,
        "packages/a/a-1.0.zip": 0,
        "packages-old/c/c-1.0.tar.gz": 7,
        "simple/a/index.html.gz": 2,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
    (tmp_path / "packages" / "empty").mkdir()
    assert measure(tmp_path) == Usage(projects=2, files=3, disk_bytes=48)


def test_nothing_there(tmp_path: Path) -> None:
    assert measure(tmp_path / "missing") == Usage(0, 0, 0)
    assert last_backup(tmp_path / "missing") is None
