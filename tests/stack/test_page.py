"""Every command of docs/stack.md is run, in the page's order, and prints what the page says."""

from __future__ import annotations

import secrets
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tomlkit

from tests.docs.pages import ROOT, SHELL, Block, blocks
from tests.docs.terminal import Terminal
from tests.docs.test_blocks import bare, follow, is_run
from tests.stack import page
from tests.stack.stack import NAME
from tests.support.docker import docker, images, remove_project
from tests.support.needs import needs_program
from tests.support.server import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.docs.scenes import Key

EVERY_BLOCK = blocks(ROOT / page.PAGE)
HOSTS = Path("/etc/hosts")
# The ports that the pages show, which may be taken here.
PORTS = {"http": 80, "https": 443, "prometheus": 9090, "grafana": 3000}


@dataclass
class TerminalWithDocker(Terminal):
    """A terminal whose server is a stack on other ports than the page has: *ports*."""

    ports: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        program = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m poetry "$@"\n'
        (self.home / ".local" / "bin" / "poetry").write_text(program)

    @property
    def _addresses_of_services(self) -> dict[str, str]:
        """The addresses here by those on the page."""
        local = {f"127.0.0.1:{PORTS[name]}": f"127.0.0.1:{self.ports[name]}" for name in PORTS}
        return {f"{NAME}/": f"{NAME}:{self.ports['https']}/", **local}

    def here(self, code: str) -> str:
        """Return *code* from the page with the addresses that are so here."""
        for on_page, ours in self._addresses_of_services.items():
            code = code.replace(on_page, ours)
        return super().here(code)

    def shown(self, output: str) -> str:
        """Return what was printed as the page would show it."""
        for on_page, ours in self._addresses_of_services.items():
            output = output.replace(ours, on_page)
        return super().shown(output)


@pytest.fixture
def terminal(tmp_path: Path, wheels: Path) -> Iterator[TerminalWithDocker]:
    for program in ("bash", "curl", "git", "sed"):
        needs_program(program)
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    terminal = TerminalWithDocker(tmp_path / "reader", 8080, 8090, ports=ports)
    project = f"aegis-test-{secrets.token_hex(4)}"
    (terminal.home / "of-the-tests.toml").write_text(of_the_tests(project, ports))
    (terminal.home / "wheels").symlink_to(wheels)
    hosts = HOSTS.read_bytes()
    try:
        yield terminal
    finally:
        HOSTS.write_bytes(hosts)
        remove_project(project)


def of_the_tests(project: str, ports: Mapping[str, int]) -> str:
    """Return what the settings of a stack say here, and not on the page."""
    web = {f"{name}_port": ports[name] for name in ("http", "https")}
    monitoring = {f"{name}_port": ports[name] for name in ("prometheus", "grafana")}
    return tomlkit.dumps(
        {
            "web": {"listen": "127.0.0.1", **web},
            "monitoring": monitoring,
            "images": images(),
            "containers": {"project": project},
        }
    )


def test_the_blocks_of_the_page_do_what_it_says(terminal: TerminalWithDocker) -> None:
    wrong = []
    for block in EVERY_BLOCK:
        if block.key in page.IN_A_CONTAINER:
            trust_in_a_container(terminal, block)
        elif is_run(block, page):
            wrong += [f"{block}\n{complaint}" for complaint in follow(terminal, block, page)]
    assert not wrong, "\n\n".join(wrong)


def trust_in_a_container(terminal: TerminalWithDocker, block: Block) -> None:
    """Do what *block* shows where it changes no more than a container, and ask the server there."""
    asked = terminal.here(f"curl -fsS https://{NAME}/health")
    mounted = f"{terminal.home / 'ca.crt'}:/root/ca.crt:ro"
    options = ("--rm", "--network", "host", "--volume", mounted, "--workdir", "/root")
    script = f"set -e\n! {asked}\n{block.code}\n{asked}\n"
    docker("run", *options, images()["python"], "bash", "-c", script)


@pytest.mark.parametrize(
    "table",
    [page.BLOCKS_THAT_CANNOT_RUN, page.EXIT_CODES, page.BEFORE, page.AFTER],
    ids=["cannot run", "exit codes", "before", "after"],
)
def test_every_block_with_an_entry_in_a_table_stands_on_the_page(table: dict[Key, object]) -> None:
    keys = [block.key for block in EVERY_BLOCK if block.language in SHELL]
    assert {key: keys.count(key) for key in table} == dict.fromkeys(table, 1)


def test_every_line_that_cannot_run_stands_on_the_page() -> None:
    lines = {bare(line) for block in EVERY_BLOCK for line in block.code.splitlines()}
    assert lines >= set(page.LINES_THAT_CANNOT_RUN)
