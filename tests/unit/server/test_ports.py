from __future__ import annotations

import os
import sys

import pytest

from poetry_aegis.errors import PortInUse, ServerError
from poetry_aegis.server.ports import find_free_port, find_holder, require_free_port
from tests.support.server import EVERY_ADDRESS, busy_port


def test_a_free_port_is_free() -> None:
    port = find_free_port("127.0.0.1")
    require_free_port("127.0.0.1", port, way_out="")
    assert find_holder(port) == ""


@pytest.mark.parametrize("host", ["127.0.0.1", EVERY_ADDRESS])
def test_a_busy_port_is_named_with_the_way_out(host: str) -> None:
    with busy_port() as port, pytest.raises(PortInUse, match=f"Port {port} of {host}") as caught:
        require_free_port(host, port, way_out="Choose another.")
    assert caught.value.hint == "Choose another."


def test_the_holder_is_named() -> None:
    with busy_port() as port:
        holder = find_holder(port)
    expected = f"(pid {os.getpid()})" if sys.platform == "linux" else ""
    assert holder.endswith(expected)


def test_a_host_that_nobody_knows() -> None:
    with pytest.raises(ServerError, match="not known"):
        find_free_port("no-such-host.invalid")


def test_an_address_of_another_machine() -> None:
    with pytest.raises(ServerError, match="may not listen"):
        require_free_port("192.0.2.1", 8080, way_out="")
