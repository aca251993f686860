"""The secrets for signing: out of the environment, and back for whom they are meant."""

from __future__ import annotations

import os

import pytest

from poetry_aegis.publish.withholding import (
    KEY_VARIABLE,
    PASSPHRASE_VARIABLE,
    has_key,
    lent,
    withheld,
)
from poetry_aegis.signing import signers


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "a key")
    monkeypatch.delenv(PASSPHRASE_VARIABLE, raising=False)


def test_the_names_are_those_that_are_read() -> None:
    assert signers.KEY_VARIABLE == KEY_VARIABLE
    assert signers.PASSPHRASE_VARIABLE == PASSPHRASE_VARIABLE


def test_they_are_lent_within_and_back_afterwards() -> None:
    with withheld():
        assert KEY_VARIABLE not in os.environ
        assert has_key()
        with lent():
            with lent():
                assert os.environ[KEY_VARIABLE] == "a key"
            assert os.environ[KEY_VARIABLE] == "a key"
            assert PASSPHRASE_VARIABLE not in os.environ
        assert KEY_VARIABLE not in os.environ
    assert os.environ[KEY_VARIABLE] == "a key"


def test_a_failure_leaves_them_as_they_were() -> None:
    with pytest.raises(KeyError), withheld(), lent():
        raise KeyError
    assert os.environ[KEY_VARIABLE] == "a key"
    with lent():  # Nothing is kept of them.
        os.environ.pop(KEY_VARIABLE)
        assert not has_key()


def test_without_any_nothing_is_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE)
    with withheld(), lent():
        assert not has_key()
        assert KEY_VARIABLE not in os.environ
    assert KEY_VARIABLE not in os.environ
