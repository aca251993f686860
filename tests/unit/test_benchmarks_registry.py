"""The pure parts of the benchmark of the registry."""

from __future__ import annotations

import math
import socket
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest
from benchmarks.registry.corpus import Size, linked_copy, make_corpus
from benchmarks.registry.counting import counting
from benchmarks.registry.load import JSON_PAGE, Load, middle, parse
from benchmarks.registry.nginx import nginx_command
from benchmarks.registry.report import BEHIND, FLOOR, OURS, Result, markdown, missed

from poetry_aegis.registry.store.store import Store
from tests.support.needs import needs_program

if TYPE_CHECKING:
    from pathlib import Path

PRINTED = """\
Running 1s test @ http://127.0.0.1:8080/simple/
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.41ms    3.03ms  48.56ms   95.62%
  Latency Distribution
     50%  512.00us
     75%    1.02ms
     90%    2.11ms
     99%    1.20s
  6799 requests in 2.05s, 18.58MB read
  Socket errors: connect 1, read 2, write 0, timeout 7
  Non-2xx or 3xx responses: 3
Requests/sec:   3321.33
Transfer/sec:    512.00KB
"""


def test_what_wrk_prints_is_read_in_one_set_of_units() -> None:
    printed = PRINTED.replace("1.20s", "1.20s ")  # wrk fills it up so
    assert parse(printed) == Load(rate=3321.33, p50=0.512, p99=1200.0, megabytes=0.5, failed=6)


def test_what_wrk_does_not_print_is_refused() -> None:
    with pytest.raises(ValueError, match="not what wrk prints"):
        parse("unable to connect to 127.0.0.1:1 Connection refused")


def test_rounds_become_their_medians_and_all_failures() -> None:
    loads = [Load(rate, rate, rate, rate, failed=1) for rate in (1.0, 9.0, 2.0)]

    assert middle(loads) == Load(2.0, 2.0, 2.0, 2.0, failed=3)


def _result(name: str, rate: float, p99: float = 1.0) -> Result:
    return Result(name, "", [0.2], 40.0, {JSON_PAGE: Load(rate, 0.5, p99, 1.0)})


def test_goals_that_are_met_are_not_told_of() -> None:
    results = [
        _result(FLOOR, 60_000),
        _result(BEHIND, 59_000),
        _result(OURS, 12_000),
        _result("peryx 1", 900),
    ]

    assert list(missed(results)) == []


def test_each_goal_that_is_missed_by_far_is_told_of() -> None:
    slow = _result(OURS, 5_000, p99=50.0)
    slow.megabytes, slow.cold_starts = 130.0, [1.0]
    results = [
        _result(FLOOR, 60_000),
        _result(BEHIND, 30_000),
        slow,
        _result("devpi-server 6", 900),
    ]

    told = "\n".join(missed(results))

    for words in ("0.50 of the floor", "5.6 x devpi", "p99 50.0 ms", "130 MB", "1.00 s"):
        assert words in told


def test_what_a_server_has_not_got_is_no_number_in_the_table() -> None:
    results = [_result(OURS, 12_000), Result("other", "nobody asked")]

    table = markdown(results, 40)

    assert "12,000 (0.5 / 1.0)" in table
    assert "nan" not in table
    assert math.isnan(results[1].rate(JSON_PAGE))


def test_the_corpus_is_a_store_that_the_registry_finds_in_order(tmp_path: Path) -> None:
    size = Size(projects=2, versions=2, heavy=2, megabytes=0, large=0)
    corpus = make_corpus(tmp_path / "corpus", size)

    data = linked_copy(corpus, tmp_path / "linked")

    store = Store(data)
    before = {project: store.listing(project) for project in store.projects()}
    for project in before:
        store.reindex(project)
    assert len(before) == 6
    assert {project: store.listing(project) for project in before} == before


def test_the_proxy_counts_what_the_server_sends_and_not_what_it_is_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                assert connection.recv(100) == b"question"
                connection.sendall(b"answer" * 1000)

        thread = threading.Thread(target=answer)
        thread.start()
        with counting(listener.getsockname()[1]) as counter:
            port = int(counter.url.rpartition(":")[2])
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"question")
                received = b"".join(iter(lambda: client.recv(65536), b""))
        thread.join()

    assert received == b"answer" * 1000
    assert counter.served == len(received)


@pytest.mark.parametrize("registry", [None, 9], ids=["floor", "asking the registry"])
def test_nginx_takes_its_configuration(tmp_path: Path, registry: int | None) -> None:
    needs_program("nginx")
    command = nginx_command(tmp_path / "nginx", tmp_path, 8, registry=registry)

    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)

    assert "syntax is ok" in checked.stderr
