"""A release laid out before the first write: printable, as JSON, and kept in the journal."""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poetry_aegis.release.git import Upstream
from poetry_aegis.release.steps import FileChange

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from poetry_aegis.release.journal import Step


@dataclass(frozen=True)
class PackagePlan:
    """What one package is released as.

    *name* is what tags call it, *distribution* what an index does. *section* is its new section of
    the changelog, title included; *commits* are the changes it tells of, as JSON; *hooks* are the
    lines of each hook.
    """

    name: str
    distribution: str
    pyproject: Path
    changelog: Path
    current: str
    version: str
    bump: str
    tag: str
    section: str
    prerelease: bool
    commits: tuple[dict[str, Any], ...] = ()
    hooks: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The directory of the package's ``pyproject.toml``."""
        return self.pyproject.parent

    @property
    def notes(self) -> str:
        """The section without its title, as a forge shows it."""
        return self.section.partition("\n")[2].strip("\n")

    def to_json(self) -> dict[str, object]:
        """Return the package's part of the plan as ``--json`` prints it."""
        return {
            "current": self.current,
            "version": self.version,
            "tag": self.tag,
            "bump": self.bump,
            "commits": list(self.commits),
            "changelog": self.section,
        }


@dataclass(frozen=True)
class Plan:
    """What a release will change on top of the commit *head*.

    *branch* is what is checked out (``None``: a detached HEAD in a pipeline), *release_branch* the
    one to make for a pull request. *tagging* tells whether tags are made, *finishing* whether the
    release went through a pull request before, and *checked_out* then the commit that the files are
    of. *dirty* names the files with edits that are not the release's. *versions* are those of all
    packages of the repository after the release, by their distributions' names. *choices* is what
    the caller wants to find again when a release that broke off is resumed, *remarks* what people
    should know.
    """

    root: Path
    head: str
    branch: str | None
    packages: tuple[PackagePlan, ...]
    message: str
    files: tuple[FileChange, ...] = ()
    directories: tuple[Path, ...] = ()
    upstream: Upstream | None = None
    release_branch: str | None = None
    tagging: bool = True
    finishing: bool = False
    checked_out: str | None = None
    sign: bool = False
    forge: bool = False
    remote: str = "origin"
    dirty: frozenset[str] = frozenset()
    versions: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    graph: Mapping[str, Any] | None = None
    drawing: str = ""

    @property
    def first(self) -> PackagePlan:
        """The package, where there is only one."""
        return self.packages[0]

    @property
    def pushes_branch(self) -> bool:
        """Whether a push takes the branch along: what was merged is there already."""
        return not self.finishing

    @property
    def paths(self) -> frozenset[str]:
        """The files that it changes, relative to the repository."""
        return frozenset(change.name_in(self.root) for change in self.files)

    @property
    def branches(self) -> list[str]:
        """The branches that it changes, by their names."""
        return [branch for branch in (self.branch, self.release_branch) if branch]

    def step_name(self, step: str, package: PackagePlan) -> str:
        """Return what *step* is called for *package*: with its name, where there are several."""
        return step if len(self.packages) == 1 else f"{step}:{package.name}"

    @property
    def version(self) -> str:
        """The new version, as PEP 440 spells it; of several packages with their names."""
        if len(self.packages) == 1:
            return self.first.version
        return ", ".join(f"{package.name} {package.version}" for package in self.packages)

    @property
    def tag(self) -> str:
        """The tag, or the tags with commas between."""
        return ", ".join(package.tag for package in self.packages)

    @property
    def section(self) -> str:
        """The new sections of the changelogs."""
        return "\n".join(package.section for package in self.packages)

    def to_json(self, steps: Sequence[Step]) -> dict[str, object]:
        """Return the plan as ``--json`` prints it, with what each of *steps* will do."""
        document: dict[str, object] = {}
        if self.graph is not None:
            document["packages"] = {item.name: item.to_json() for item in self.packages}
            document["graph"] = dict(self.graph)
        else:
            document |= self.first.to_json()
        document["steps"] = [{"name": step.name, "description": step.describe()} for step in steps]
        document["files"] = [
            {"path": change.name_in(self.root), "diff": diff(change, self.root)}
            for change in self.files
        ]
        return document | {"remarks": list(self.remarks)}

    # The journal's form

    def to_record(self) -> dict[str, Any]:
        """Return the plan in values that JSON knows; `from_record` reads it."""
        record: dict[str, Any] = {
            name: getattr(self, name)
            for name in (
                *("head", "checked_out", "branch", "message", "release_branch"),
                *("tagging", "finishing", "sign", "forge", "remote", "drawing"),
            )
        }
        return record | {
            "root": str(self.root),
            "packages": [_package_to_record(package) for package in self.packages],
            "files": [_change_to_record(change) for change in self.files],
            "directories": [str(directory) for directory in self.directories],
            "upstream": asdict(self.upstream) if self.upstream else None,
            "dirty": sorted(self.dirty),
            "versions": dict(self.versions),
            "choices": dict(self.choices),
            "remarks": list(self.remarks),
            "graph": self.graph,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Plan:
        """Return the plan that `to_record` has made *record* of."""
        upstream = record["upstream"]
        return cls(
            **{
                **record,
                "root": Path(record["root"]),
                "packages": tuple(map(_package_from_record, record["packages"])),
                "files": tuple(map(_change_from_record, record["files"])),
                "directories": tuple(map(Path, record["directories"])),
                "upstream": Upstream(**upstream) if upstream else None,
                "dirty": frozenset(record["dirty"]),
                "remarks": tuple(record["remarks"]),
            }
        )


def nothing_to_release(current: str, *, dry_run: bool) -> dict[str, object]:
    """Return the JSON of a release that there is no reason to make."""
    return {
        "current": current,
        "version": None,
        "tag": None,
        "bump": None,
        "commits": [],
        "changelog": "",
        "steps": [],
        "files": [],
        "remarks": [],
        "dry_run": dry_run,
    }


def diff(change: FileChange, root: Path) -> str:
    """Return what *change* does to the text of its file, as a unified diff."""
    from difflib import unified_diff

    name = change.name_in(root)
    before, after = (
        (content or b"").decode("utf-8", errors="replace").splitlines()
        for content in (change.before, change.after)
    )
    old = "/dev/null" if change.before is None else f"a/{name}"
    return "\n".join(unified_diff(before, after, old, f"b/{name}", lineterm="")) + "\n"


def _package_to_record(package: PackagePlan) -> dict[str, Any]:
    paths = {"pyproject": str(package.pyproject), "changelog": str(package.changelog)}
    return asdict(package) | paths


def _package_from_record(record: Mapping[str, Any]) -> PackagePlan:
    paths = {name: Path(record[name]) for name in ("pyproject", "changelog")}
    return PackagePlan(**{**record, **paths, "commits": tuple(record["commits"])})


def _change_to_record(change: FileChange) -> dict[str, Any]:
    def encode(content: bytes | None) -> str | None:
        return None if content is None else base64.b64encode(content).decode("ascii")

    path = str(change.path)
    return {"path": path, "before": encode(change.before), "after": encode(change.after)}


def _change_from_record(record: Mapping[str, Any]) -> FileChange:
    before = record["before"]
    return FileChange(
        Path(record["path"]),
        None if before is None else base64.b64decode(before),
        base64.b64decode(record["after"]),
    )
