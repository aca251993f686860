from __future__ import annotations

import pytest

from poetry_aegis.registry.cli import main


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "required"),
        (["serve"], "--data"),
        (["serve", "--data", "x", "--port", "70000"], "not a port"),
        (["serve", "--data", "x", "--port", "http"], "not a port"),
        (["serve", "--data", "x", "--max-upload-size", "huge"], "not a size"),
    ],
)
def test_wrong_options_are_told_of(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert reason in capsys.readouterr().err


def test_the_help_tells_of_options_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--help"])

    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for word in ("--data", "--host", "--port", "--max-upload-size", "--anonymous-read", "98"):
        assert word in shown


def test_a_missing_part_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: object
) -> None:
    def fail(_options: object) -> None:
        raise ModuleNotFoundError("No module named 'uvicorn'", name="uvicorn")

    monkeypatch.setattr("poetry_aegis.registry.server.serve", fail)

    assert main(["serve", "--data", str(tmp_path)]) == 3
    assert "needs uvicorn" in capsys.readouterr().err
