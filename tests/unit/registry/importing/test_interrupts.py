from __future__ import annotations

import signal
import threading

import pytest

from poetry_aegis.registry.importing.interrupts import interrupts_held_back


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


def work(reached: list[str], *, interrupts: int, let_it_in: bool = True) -> None:
    with interrupts_held_back() as let_in:
        let_in()
        for number in range(interrupts):
            interrupt()
            reached.append(f"interrupted {number + 1}")
        if let_it_in:
            let_in()
        reached.append("done")


def test_an_interrupt_waits_until_it_is_let_in() -> None:
    reached: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        work(reached, interrupts=1)
    assert reached == ["interrupted 1"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_that_nobody_let_in_is_not_lost() -> None:
    reached: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        work(reached, interrupts=1, let_it_in=False)
    assert reached == ["interrupted 1", "done"]


def test_a_second_interrupt_is_not_held_back() -> None:
    reached: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        work(reached, interrupts=2)
    assert reached == ["interrupted 1"]


def test_without_an_interrupt_nothing_happens() -> None:
    reached: list[str] = []
    work(reached, interrupts=0)
    assert reached == ["done"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_another_thread_and_another_handler_keep_what_they_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[object] = []

    def look() -> None:
        with interrupts_held_back() as let_in:
            let_in()
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts_held_back():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
