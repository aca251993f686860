"""What is said of images that cannot be had or built."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from poetry_aegis.errors import NoDaemon, StackError
from poetry_aegis.server.docker import client
from poetry_aegis.server.docker.images import image_failure, images_of

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = {
    "nginx": "nginx:9",
    "grafana": "mirror.example.com/grafana:1",
    "pypi-server": "poetry-aegis-registry:0123456789ab",
}
REFUSED = 'Get "https://mirror.example.com/v2/": dial tcp 10.0.0.9:443: connect: connection refused'
BROKEN_OFF = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it running?"
COMPOSE_2 = f"""\
 nginx Pulling
 grafana Pulling
 nginx Error {BROKEN_OFF}
 grafana Error {REFUSED}
Error response from daemon: {REFUSED}
"""
COMPOSE_5 = """\
 Image nginx:9 Pulling
 Image nginx:9 Error manifest for nginx:9 not found: manifest unknown
Error response from daemon: manifest for nginx:9 not found: manifest unknown
"""
NO_BASE = """\
#3 [a internal] load metadata for mirror.example.com/python:3
#3 ERROR: failed to do request: dial tcp 10.0.0.9:443: connect: connection refused
------
 > [a internal] load metadata for mirror.example.com/python:3:
------
failed to solve: rpc error: code = Unknown desc = failed to solve with frontend dockerfile.v0
"""
NO_WHEELS = """\
#9 [pypi-server build 5/7] RUN python3 -m venv /opt/registry     && if ls wheels/*.whl
#9 4.211 WARNING: Retrying (Retry(total=4)) after connection broken by NewConnectionError
#9 9.120 ERROR: Could not find a version that satisfies the requirement starlette==1
#9 9.121 ERROR: No matching distribution found for starlette==1
#9 ERROR: process "/bin/sh -c python3 -m venv" did not complete successfully: exit code: 1
failed to solve: process "/bin/sh -c python3 -m venv" did not complete successfully: exit code: 1
"""
NO_SHELL = """\
#5 ERROR: executor failed running [/bin/sh -c python3 -m venv]: exit code: 127
------
 > [a 2/2] RUN python3 -m venv:
0.421 /bin/sh: 1: python3: not found
------
failed to solve: executor failed running [/bin/sh -c python3 -m venv]: exit code: 127
"""


def failure(said: str) -> StackError:
    error = image_failure(said, IMAGES)
    assert error is not None
    return error


def test_the_images_of_a_compose_file(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    assert images_of(file) == {}
    file.write_text(
        "name: aegis\nservices:\n"
        '  pypi-server:\n    <<: *service\n    image: "mine:1"\n    build:\n      context: .\n\n'
        "  nginx:\n    <<: *service\n    image: nginx:9\n"
        "networks:\n  back:\n    internal: true\n"
    )
    assert images_of(file) == {"pypi-server": "mine:1", "nginx": "nginx:9"}


def test_a_pull_that_fails_names_the_image_and_not_one_that_was_broken_off() -> None:
    error = failure(COMPOSE_2)
    assert str(error) == "The image mirror.example.com/grafana:1 of grafana cannot be had."
    assert error.hint.splitlines()[0] == f"Docker says: {REFUSED}"
    assert "[images] in server.toml" in error.hint
    assert "docker load" in error.hint


def test_a_compose_that_names_the_image_instead_of_the_service() -> None:
    error = failure(COMPOSE_5)
    assert str(error) == "The image nginx:9 of nginx cannot be had."
    assert error.hint.startswith("Docker says: manifest for nginx:9 not found")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("manifest for nginx:9 not found: manifest unknown", "nginx:9 of nginx"),
        ("pull access denied for nginx, repository does not exist or may", "nginx:9 of nginx"),
        ('failed to resolve reference "docker.io/library/nginx:9": oh', "nginx:9 of nginx"),
        ("Error: No such image: other:1", "other:1"),
        (" nginx Error\nError response from daemon: toomanyrequests", "nginx:9 of nginx"),
    ],
)
def test_what_else_docker_says_of_an_image(said: str, told: str) -> None:
    assert str(failure(said)) == f"The image {told} cannot be had."


def test_a_service_is_named_where_its_image_is_not_known() -> None:
    error = client.failure_of(["compose", "--file", "x", "pull"], COMPOSE_2)
    assert str(error) == "The image of grafana cannot be had."


def test_a_daemon_that_is_down_is_blamed_nevertheless() -> None:
    for said in (BROKEN_OFF, f" nginx Error {BROKEN_OFF}\n{BROKEN_OFF}"):
        assert isinstance(client.failure_of(["compose", "up"], said, IMAGES), NoDaemon)


def test_what_has_to_do_with_no_image_is_told_as_before() -> None:
    for said in ("no space left on device", " Container aegis-nginx-1 Error dependency failed"):
        assert image_failure(said, IMAGES) is None
    told = client.failure_of(["compose", "logs"], "nginx Error x", IMAGES)
    assert str(told) == "docker compose logs failed: nginx Error x"


def test_a_base_that_cannot_be_had() -> None:
    error = failure(NO_BASE)
    assert str(error).startswith("The image mirror.example.com/python:3, which the registry's is")
    assert error.hint.startswith("Docker says: failed to do request: dial tcp")


def test_a_build_that_lacks_wheels_says_which_and_what_helps() -> None:
    error = failure(NO_WHEELS)
    assert str(error) == (
        "The image of the registry cannot be built: "
        "No matching distribution found for starlette==1."
    )
    for way in ("stack/image/wheels", "README.txt", "PIP_INDEX_URL", "[images]"):
        assert way in error.hint


def test_a_build_that_fails_otherwise_tells_the_last_words_of_its_step() -> None:
    told = "The image of the registry cannot be built: /bin/sh: 1: python3: not found."
    assert str(failure(NO_SHELL)) == told
    assert "no space left" in str(failure("failed to solve: no space left on device\n"))


def test_no_password_of_an_index_is_told() -> None:
    said = "failed to solve: https://me:pa55word@index.example.com/simple/ cannot be reached\n"
    error = failure(said)
    assert "pa55word" not in str(error) + error.hint
