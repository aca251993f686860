"""What the registry's image is built of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import tomlkit
from packaging.requirements import Requirement

from poetry_aegis.registry.version import version
from poetry_aegis.server.config import ServerSettings
from poetry_aegis.server.docker.services import VERSION_LABEL
from poetry_aegis.server.stack.image import image_context, image_name
from poetry_aegis.server.stack.settings import ImageSettings

PLAIN = ServerSettings(driver="compose")
PROJECT = Path(__file__).parents[4] / "pyproject.toml"


def unpack(folder: Path) -> Path:
    for path, content in image_context().items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return folder / "src"


def run(source: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_context_has_the_registry_and_nothing_else_of_the_project(tmp_path: Path) -> None:
    paths = set(image_context())
    assert {"Dockerfile", "requirements.txt", "wheels/README.txt"} <= paths
    top = {path.split("/")[2] for path in paths if path.startswith("src/poetry_aegis/")}
    assert top == {"__init__.py", "atomic.py", "tables.py", "registry", "signatures"}
    assert "src/poetry_aegis/registry/web/templates/base.html" in paths
    assert not any("__pycache__" in path or "/." in path for path in paths)


def test_the_copy_runs_by_itself_and_knows_its_version(tmp_path: Path) -> None:
    source = unpack(tmp_path)
    assert "serve" in run(source, "-m", "poetry_aegis.registry", "--help")
    script = (
        "import json, poetry_aegis, poetry_aegis.registry.http.assembly\n"
        "import poetry_aegis.registry.signers, poetry_aegis.registry.web.signatures\n"
        "from poetry_aegis.registry.version import version\n"
        "print(json.dumps([poetry_aegis.__file__, version()]))"
    )
    place, known = json.loads(run(source, "-c", script))
    assert Path(place).is_relative_to(tmp_path)
    assert known == version()


def test_every_requirement_of_the_registry_is_pinned_to_a_version_that_fits() -> None:
    pinned = pins()
    extras = tomlkit.parse(PROJECT.read_text(encoding="utf-8")).unwrap()["project"]
    wanted = [
        Requirement(text)
        for extra in ("registry", "cluster")
        for text in extras["optional-dependencies"].get(extra, ())
    ]
    for requirement in wanted:
        found = [pin for pin in pinned if pin.name == requirement.name.lower()]
        assert found, f"{requirement.name} is not in requirements.txt"
        for pin in found:
            (exact,) = pin.specifier
            assert exact.operator == "=="
            assert requirement.specifier.contains(exact.version), pin


def test_docker_can_tell_the_version_of_the_image() -> None:
    dockerfile = image_context()["Dockerfile"].decode()
    assert f'LABEL {VERSION_LABEL}="{version()}"\n' in dockerfile.rpartition("\nFROM ")[2]
    assert "@VERSION@" not in dockerfile


def test_the_requirements_name_no_index() -> None:
    text = image_context()["requirements.txt"].decode()
    assert "://" not in text
    assert not any(line.startswith("-") for line in text.splitlines())
    assert len({str(pin) for pin in pins()}) > 15


def test_the_image_is_named_for_the_very_code() -> None:
    name = image_name(PLAIN)
    assert name.startswith("poetry-aegis-registry:")
    assert len(name.partition(":")[2]) == 12
    assert name == image_name(replace(PLAIN, anonymous_read=True))
    assert name != image_name(replace(PLAIN, images=ImageSettings(python="mirror/python:3.12")))


def test_an_image_that_is_named_is_taken() -> None:
    settings = replace(PLAIN, images=ImageSettings(registry="mirror/a:1", pypiserver="mirror/b:2"))
    assert image_name(settings) == "mirror/a:1"
    assert image_name(replace(settings, engine="pypiserver")) == "mirror/b:2"


def pins() -> list[Requirement]:
    lines = image_context()["requirements.txt"].decode().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]
