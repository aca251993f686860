"""Pain 4: ``--skip-existing`` is gone for private indexes. Here publishing twice just works.

https://github.com/pypa/twine/issues/1265, https://github.com/python-poetry/poetry/issues/10602
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.distributions import make_sdist, make_wheel
from tests.support.registry import listed_files, running_registry

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.poetry import PoetryHome


def test_what_is_there_is_skipped_by_its_hash_and_never_by_its_name_alone(
    poetry: PoetryHome, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    sdist = make_sdist(project / "dist")
    (project / "pyproject.toml").write_text('[project]\nname = "demo"\nversion = "1.0.0"\n')
    with running_registry(tmp_path / "data") as registry:
        poetry.extra_env.update(
            POETRY_REPOSITORIES_CORP_URL=f"{registry.url}/legacy/",
            POETRY_HTTP_BASIC_CORP_USERNAME="pub",
            POETRY_HTTP_BASIC_CORP_PASSWORD=registry.users["pub"][0],
        )

        def publish() -> tuple[int, dict[str, str]]:
            run = poetry.run("aegis", "publish", "--skip-build", "--json", cwd=project)
            told = json.loads(run.stdout)
            return run.returncode, {
                file["filename"]: file["status"] for file in told.get("files", [])
            }

        assert publish() == (0, {sdist.name: "uploaded"})
        wheel = make_wheel(project / "dist")  # A first run may also have got only half through.
        assert publish() == (0, {sdist.name: "skipped", wheel.name: "uploaded"})
        assert publish() == (0, {sdist.name: "skipped", wheel.name: "skipped"})

        before = listed_files(registry, "demo")
        sdist.write_bytes(sdist.read_bytes() + b"\0")
        code, _ = publish()
        assert code == 47
        assert listed_files(registry, "demo") == before
