"""The files of a pipeline, from the templates, for each kind of server that runs one."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from poetry_aegis.ci import gitlab, pins
from poetry_aegis.ci.project import variable
from poetry_aegis.ci.templating import fill

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from poetry_aegis.ci.pins import Action
    from poetry_aegis.ci.project import PipelineProject

Kind = Literal["github", "gitlab", "gitea", "jenkins", "make"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_VERSION = re.compile(r"\{(?:version|semver)\}")
_TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)


@dataclass(frozen=True)
class Part:
    """What is ours in a file: all of it where it is *whole*, else a marked block of *text*.

    *path* is relative to the repository; *comment* begins a line that nobody executes. *folder* is
    the one of the project, of which the file is not the same for all.
    """

    path: str
    text: str
    whole: bool = True
    comment: str = "#"
    folder: str = ""


def render(kind: Kind, project: PipelineProject) -> tuple[Part, ...]:
    """Return the files that make a pipeline of *kind* for *project*."""
    return _RENDERERS[kind](project)


def _github(project: PipelineProject) -> tuple[Part, ...]:
    return (_actions(project, ".github", pins.GITHUB, _OF_GITHUB),)


def _gitea(project: PipelineProject) -> tuple[Part, ...]:
    return (_actions(project, ".gitea", pins.GITEA, _OF_GITEA),)


def _actions(
    project: PipelineProject, folder: str, actions: Mapping[str, Action], of: Mapping[str, str]
) -> Part:
    branches = [project.branch, *([project.test_branch] if project.test_branch else [])]
    values = {
        **_values(project),
        **of,
        **{name: str(action) for name, action in actions.items()},
        "branches": json.dumps(branches),
        "tags": json.dumps(list(dict.fromkeys(map(_as_pattern, project.tags)))),
    }
    flags = _flags(project)
    values["install_step"] = fill("actions-install.yml", values, flags)
    text = fill("actions.yml", values, flags)
    return Part(f"{folder}/workflows/aegis.yml", text, folder=project.folder)


def _gitlab(project: PipelineProject) -> tuple[Part, ...]:
    values = _values(project) | {
        "gitlab_index": _gitlab_index(project.repository, "PRIVATE_PYPI"),
        "gitlab_test_index": _gitlab_index(project.test_repository, "PRIVATE_TEST_PYPI"),
        "tag_regex": _as_regex(project.tags),
        "robot": "gitlab-ci",
        "robot_email": "gitlab-ci@noreply.invalid",
        "yaml_lock": _in_yaml(f"{project.folder}/poetry.lock".lstrip("/")),
        "yaml_cd": _in_yaml(f"cd {shlex.quote(project.folder)}"),
    }
    text = fill("gitlab.yml", values, _flags(project))
    return (
        Part(gitlab.OURS, text, folder=project.folder),
        Part(gitlab.MAIN, fill("gitlab-include.yml", {"ours": gitlab.OURS}, {}), whole=False),
    )


def _gitlab_index(repository: str, secret: str) -> str:
    return fill("gitlab-index.sh", {"index": variable(repository), "secret": secret}, {})


def _jenkins(project: PipelineProject) -> tuple[Part, ...]:
    values = _values(project) | {
        "groovy_test": _in_groovy(project.test),
        "groovy_folder": _in_groovy(shlex.quote(f"./{project.folder}")),
        "install": _install(project, '"$WORKSPACE_TMP/aegis/bin/python"'),
        "robot": "jenkins",
        "robot_email": "jenkins@noreply.invalid",
    }
    text = fill("jenkins.groovy", values, _flags(project))
    return (Part("Jenkinsfile", text, whole=False, comment="//", folder=project.folder),)


def _make(project: PipelineProject) -> tuple[Part, ...]:
    text = fill("Makefile", {**_values(project), "targets": "@targets@"}, _flags(project))
    targets = " ".join(_TARGET.findall(text))
    path = f"{project.folder}/Makefile".lstrip("/")
    return (Part(path, text.replace("@targets@", targets), whole=False),)


def _values(project: PipelineProject) -> dict[str, str]:
    return {
        "branch": project.branch,
        "test_branch": project.test_branch,
        "repository": project.repository,
        "test_repository": project.test_repository,
        "index": variable(project.repository),
        "test_index": variable(project.test_repository),
        "python": project.python,
        "test": project.test,
        "yaml_folder": _in_yaml(project.folder),
        "all": " --all" if project.several else "",
        "forge": " --forge-release" if project.has_forge else "",
        "install": _install(project, "python"),
    }


def _install(project: PipelineProject, python: str) -> str:
    """Return the lines of shell that install Poetry and the plugin with the program *python*."""
    requirements = " ".join(f'"{requirement}"' for requirement in project.requirements)
    # Where the plugin is there already, this asks no other index for it.
    install = f"{python} -m pip install --disable-pip-version-check {requirements}"
    if not project.plugin_index:
        return install
    scheme, _, place = project.plugin_index.partition("://")
    values = {
        "python_program": python,
        "plugin_scheme": scheme,
        "plugin_place": place,
        "plugin": f"poetry-aegis=={project.tools.plugin}",
    }
    return f"{fill('install-plugin.sh', values, {})}{install}"


def _in_yaml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _in_groovy(text: str) -> str:
    """Return *text* as it stands between three single quotes."""
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _flags(project: PipelineProject) -> dict[str, bool]:
    return {
        "folder": bool(project.folder),
        "is_package": project.is_package,
        "test_index": bool(project.test_branch),
        "reads_index": project.reads_index,
        "no_index": not project.reads_index,
        "plugin_index": bool(project.plugin_index),
        "no_plugin_index": not project.plugin_index,
        "needs_reader": project.needs_reader,
        "signs": project.signs,
        "signs_snapshots": project.signs and bool(project.test_branch),
    }


def tag_glob(template: str) -> str:
    """Return a pattern of GitLab's for protected tags, for those of *template*."""
    return _VERSION.sub("*", _named(template))


def _as_pattern(template: str) -> str:
    """Return a pattern of GitHub's for the tags of *template*: any that a number follows."""
    escaped = re.sub(r"([+!?*\[\]\\])", r"\\\1", _named(template))
    return _VERSION.sub("[0-9]*", escaped)


def _as_regex(templates: tuple[str, ...]) -> str:
    """Return a regular expression of GitLab's for the tags of *templates*."""
    starts = dict.fromkeys(_VERSION.split(_named(template))[0] for template in templates)
    escaped = [re.sub(r"([^A-Za-z0-9_-])", r"\\\1", start) for start in starts]
    return f"/^({'|'.join(escaped)})[0-9]/"


def _named(template: str) -> str:
    """Return *template* as the tags have it: a doubled brace in it is one."""
    return template.replace("{{", "{").replace("}}", "}")


_OF_GITHUB = {
    "runner": "ubuntu-24.04",
    "robot": "github-actions[bot]",
    "robot_email": "41898282+github-actions[bot]@users.noreply.github.com",
}
_OF_GITEA = {
    "runner": "ubuntu-latest",
    "robot": "gitea-actions",
    "robot_email": "gitea-actions@noreply.invalid",
}
_RENDERERS: dict[Kind, Callable[[PipelineProject], tuple[Part, ...]]] = {
    "github": _github,
    "gitlab": _gitlab,
    "gitea": _gitea,
    "jenkins": _jenkins,
    "make": _make,
}
