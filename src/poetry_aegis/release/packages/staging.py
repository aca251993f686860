"""A copy of a package to build from, in which path dependencies are version constraints.

Poetry would write a path dependency into the metadata as it is, ``file:///home/...``, and builds
no sdist with a README from outside the package's directory; in the copy both are mended.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import tomlkit

from poetry_aegis.errors import BuildFailed
from poetry_aegis.release.git import GitRepository
from poetry_aegis.release.packages.constraints import without_path_dependencies
from poetry_aegis.release.packages.requirements import table_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from poetry.core.constraints.version import Version


# Where pyproject.toml names a file that is read into the metadata.
METADATA_FILES = (
    ("project", "readme"),
    ("project", "readme", "file"),
    ("project", "license", "file"),
    ("tool", "poetry", "readme"),
)


class Buildable(Protocol):
    """What can be built: something with a ``pyproject.toml`` and its directory."""

    @property
    def pyproject(self) -> Path:
        """The file that describes it."""

    @property
    def root(self) -> Path:
        """The directory of that file."""


@contextlib.contextmanager
def staged(
    package: Buildable, versions: Mapping[str, Version], repository_root: Path
) -> Iterator[Path]:
    """Give the directory to build *package* from: its own where nothing has to be changed.

    A copy holds what git tracks or does not ignore, and what ``include`` in ``[tool.poetry]``
    names; links in it are the files they lead to; it is gone afterwards. *versions* are those of
    all packages by the names of their distributions, as `Wave.versions` gives them.

    Raises `BuildFailed` where the package needs files from outside the repository, and
    `ReleaseError` for a path dependency that leads to no package.
    """
    written = package.pyproject.read_bytes()
    content = without_path_dependencies(written, versions)
    content, outside = _with_files_inside(content, package.root)
    if content == written:
        yield package.root
        return
    with tempfile.TemporaryDirectory(prefix="aegis-build-") as temporary:
        copy = Path(temporary).resolve() / package.root.name
        top = repository_root.resolve()
        _copy(package.root, copy, top)
        for path in _included(package.root, tomlkit.parse(content.decode("utf-8"))):
            _copy(path, copy / path.relative_to(package.root), top)
        for name, source in outside.items():
            _copy(source, copy / name, top)
        (copy / "pyproject.toml").write_bytes(content)
        yield copy


def _copy(source: Path, target: Path, top: Path, within: tuple[Path, ...] = ()) -> None:
    """Copy the file *source*, or what git does not ignore in the directory *source*.

    Raises `BuildFailed` outside of *top*, and for a directory that is copied into itself: *within*
    are those being copied already.
    """
    real = source.resolve()
    if not real.is_relative_to(top):
        raise BuildFailed(
            f"{source} leads out of the repository, to {real}.",
            hint="What is built has to be in the repository; copy it there.",
        )
    if real in within:
        raise BuildFailed(f"The link {source} leads back to a directory that holds it.")
    if real.is_dir():
        for name in _listing(real):
            _copy(real / name, target / name, top, (*within, real))
    elif real.exists():  # What is tracked may have been deleted.
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(real, target)


def _listing(directory: Path) -> list[str]:
    """Return the files under *directory* that git tracks or does not ignore."""
    options = ("--cached", "--others", "--exclude-standard")
    names = GitRepository(directory).run("ls-files", "-z", *options).split("\0")
    return sorted({name for name in names if name})


def _included(root: Path, document: Mapping[str, Any]) -> Iterator[Path]:
    """Return the files that ``include`` names: they are built in though git ignores them."""
    for entry in table_at(document, "tool", "poetry").get("include", ()):
        pattern = entry["path"] if isinstance(entry, dict) else entry
        if _leaves(pattern):
            raise BuildFailed(
                f"{pattern!r} in include of {root / 'pyproject.toml'} leaves the package.",
                hint="Poetry packs only what is in the directory of pyproject.toml.",
            )
        yield from (path for path in root.glob(pattern) if path.is_file())


def _with_files_inside(content: bytes, root: Path) -> tuple[bytes, dict[str, Path]]:
    """Return *content* naming files in the package alone, and what to copy there from where."""
    document = tomlkit.parse(content.decode("utf-8"))
    outside: dict[str, Path] = {}
    for container, key in _metadata_files(document):
        if _leaves(container[key]):
            source = Path(os.path.normpath(root / container[key]))
            if not source.is_file():
                raise BuildFailed(f"{root / 'pyproject.toml'} names {source}, which is no file.")
            name = source.name
            while name in outside or (root / name).exists():
                name = f"_{name}"
            outside[name] = source
            container[key] = name
    return (tomlkit.dumps(document).encode("utf-8") if outside else content), outside


def _metadata_files(document: Any) -> Iterator[tuple[Any, Any]]:
    """Return the containers and keys of all file names in *document*."""
    for *keys, last in METADATA_FILES:
        container = table_at(document, *keys)
        value = container.get(last)
        if isinstance(value, str):
            yield container, last
        elif isinstance(value, list):
            yield from ((value, index) for index in range(len(value)))


def _leaves(path: object) -> bool:
    normal = Path(os.path.normpath(str(path)))
    return normal.is_absolute() or normal.parts[:1] == ("..",)
