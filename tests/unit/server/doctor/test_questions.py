from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from poetry_aegis.server.doctor.questions import Door
from poetry_aegis.server.doctor.verdicts import NoAnswer
from tests.support.server import answering

if TYPE_CHECKING:
    from tests.unit.server.doctor.patients import Patient


def test_an_answer_has_status_and_headers() -> None:
    with answering(429, {"Retry-After": "3"}) as url:
        answer = Door("127.0.0.1", int(url.rpartition(":")[2].strip("/")), "any.name").ask("/x")

    assert (answer.status, answer.headers["retry-after"]) == (429, "3")


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01 what?\r\n\r\n"])
def test_what_does_not_speak_http_gives_no_answer(said: bytes) -> None:
    def hang_up(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.recv(1000)
        connection.sendall(said)
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=hang_up, args=(listener,), daemon=True).start()
        port = listener.getsockname()[1]
        with pytest.raises(NoAnswer, match=str(port)):
            Door("127.0.0.1", port, "any.name").ask("/")


def test_a_certificate_is_verified_by_name(stack: Patient) -> None:
    from dataclasses import replace

    door = stack.context.door
    assert door.ask("/health").status == 200

    with pytest.raises(NoAnswer, match="Hostname mismatch"):
        replace(door, name="other.local").ask("/health")
    with pytest.raises(NoAnswer, match="certificate"):
        replace(door, authority=None).ask("/health")


def test_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with answering(200) as url:
        assert Door("127.0.0.1", int(url.rpartition(":")[2].strip("/")), "n").ask("/").status == 200
