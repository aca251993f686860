from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

import pytest
from cleo.io.outputs.buffered_output import BufferedOutput

from poetry_aegis.commands.server_progress import UpkeepProgress
from poetry_aegis.errors import ImportFailed, MissingExtra, NoServer, ServerError
from poetry_aegis.registry.store.store import Store
from poetry_aegis.server import upkeep
from poetry_aegis.server.upkeep import ImportOrder

if TYPE_CHECKING:
    from pathlib import Path

    from poetry_aegis.server.home import ServerHome

SILENT = UpkeepProgress(BufferedOutput())


def test_there_has_to_be_a_server(home: ServerHome, tmp_path: Path) -> None:
    with pytest.raises(NoServer):
        upkeep.reindex(home, [], SILENT.projects, check=True)
    with pytest.raises(NoServer):
        upkeep.take_over(home, ImportOrder(str(tmp_path)), SILENT, dry_run=False)
    assert not home.root.exists()


def test_the_errors_of_the_registry_become_ours(set_up: ServerHome, tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="There is no project nobody"):
        upkeep.reindex(set_up, ["nobody"], SILENT.projects, check=False)
    with pytest.raises(ImportFailed, match="neither a directory nor the URL"):
        upkeep.take_over(set_up, ImportOrder(str(tmp_path / "none")), SILENT, dry_run=False)


@pytest.mark.skipif(os.name == "nt", reason="modes of folders mean nothing there")
def test_data_that_cannot_be_used_is_told_of(set_up: ServerHome) -> None:
    (set_up.data / "packages").write_text("not a folder")

    with pytest.raises(ServerError, match="cannot be used") as caught:
        upkeep.reindex(set_up, [], SILENT.projects, check=False)

    assert "as the user that the server runs as" in caught.value.hint


def test_a_full_disk_is_told_of(set_up: ServerHome, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Store, "reindex_all", full)

    with pytest.raises(ServerError, match="There is no space left") as caught:
        upkeep.reindex(set_up, [], SILENT.projects, check=False)

    assert "Make room" in caught.value.hint


def test_a_missing_part_is_named(set_up: ServerHome, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any) -> None:
        raise ModuleNotFoundError("No module named 'mousebender'", name="mousebender")

    monkeypatch.setattr(Store, "check", missing)

    with pytest.raises(MissingExtra, match="mousebender"):
        upkeep.reindex(set_up, [], SILENT.projects, check=True)


def test_a_terminal_gets_a_bar_and_a_log_file_nothing() -> None:
    terminal, log = BufferedOutput(decorated=True), BufferedOutput()
    for output in (terminal, log):
        with UpkeepProgress(output) as progress:
            progress.surveyed(1, 1)
            progress.arrived(1, 4, 2048)
            progress.arrived(4, 4, 4096)

    shown = terminal.fetch()
    assert "1 of 1 pages read" in shown
    assert "4 of 4 files, 4.0 KiB" in shown
    assert log.fetch() == ""
