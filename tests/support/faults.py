"""Kills a release at every point at which something on the disk is about to change.

``python -m tests.support.faults KIND WORLD DIRECTORY SHARD SHARDS`` prints, as JSON, how many
points there are and what was not as it should be. *KIND* is ``killed``, ``torn`` (also amid each
write), ``alone`` (without the processes that it started) or ``mending`` (what mends it). A warm
process is forked for each point, so that none of them pays for Python's start.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poetry_aegis.errors import NoUnfinishedRelease, ReleaseError
from poetry_aegis.release import hooks
from tests.support.worlds import WORLDS, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from poetry_aegis.release.engine import Release
    from poetry_aegis.release.journal import Step

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
# What git is asked and does not change: the world is the same before and after it.
QUESTIONS = {
    *("cat-file", "check-ref-format", "config", "diff-files", "diff-index", "diff-tree"),
    *("for-each-ref", "hash-object", "log", "ls-files", "ls-remote", "ls-tree", "remote"),
    *("rev-parse", "show", "status", "var"),
}


class Killer:
    """Counts what is about to change below *root*; kills this process group at the *last*.

    A file that is about to be opened for writing counts twice with *tears*: as it is, and torn.
    """

    def __init__(self, root: Path, last: int, *, group: bool = True, tears: bool = False) -> None:
        self.count = 0
        self._root = str(root)
        self._last = last
        self._group = group
        self._tears = tears
        self._busy = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._busy or not self._changes(event, arguments):
            return
        self._strike()
        if event == "open" and self._tears:
            self._strike(torn=arguments[0])

    def _changes(self, event: str, arguments: tuple[Any, ...]) -> bool:
        if event == "subprocess.Popen":
            return not QUESTIONS.intersection(map(str, arguments[1]))
        if event == "open":
            path, _, flags = arguments
            return str(path).startswith(self._root) and bool(flags & WRITING)
        if event in {"os.remove", "os.rmdir"}:
            return os.path.lexists(arguments[0])
        return event in CHANGES

    def _strike(self, torn: str | None = None) -> None:
        self.count += 1
        if self.count != self._last:
            return
        self._busy = True
        if torn is not None:
            with Path(torn).open("wb") as file:
                file.write(b"{")
        if self._group:
            os.killpg(0, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class Ground:
    """A world that is spoilt and made good again, as often as is asked for."""

    world: World
    copies: Path
    group: bool = True
    tears: bool = False

    def save(self, name: str) -> None:
        """Keep the world as it is under *name*."""
        shutil.rmtree(self.copies / name, ignore_errors=True)
        shutil.copytree(self.world.root, self.copies / name, symlinks=True)

    def load(self, name: str) -> None:
        """Make the world what it was when it was saved under *name*."""
        shutil.rmtree(self.world.root)
        shutil.copytree(self.copies / name, self.world.root, symlinks=True)

    def killed(self, work: Callable[[], object], last: int) -> bool:
        """Do *work* in a process that is killed at the point *last*; return whether it was."""

        def hunted() -> None:
            sys.addaudithook(self._killer(last))
            work()

        return apart(hunted) == -signal.SIGKILL

    def points(self, work: Callable[[], object]) -> int:
        """Do *work* undisturbed and return at how many points it could be killed."""
        reader, writer = os.pipe()
        process = os.fork()
        if process == 0:
            killer = self._killer(0)
            sys.addaudithook(killer)
            work()
            os.write(writer, str(killer.count).encode())
            os._exit(0)
        os.close(writer)
        with open(reader) as answer:  # noqa: PTH123 - a pipe has no path
            count = int(answer.read())
        os.waitpid(process, 0)
        return count

    def _killer(self, last: int) -> Killer:
        return Killer(self.world.root, last, group=self.group, tears=self.tears)


def apart(work: Callable[[], object]) -> int:
    """Do *work* in a process group of its own, and return how that ended, as `subprocess` does."""
    process = os.fork()
    if process == 0:
        os.setsid()
        _work(work)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def break_off(release: Release, at: str) -> None:
    """Run *release* until the step *at* begins, and leave all as it is then."""

    def stop(step: Step) -> None:
        if step.name == at:
            os.kill(os.getpid(), signal.SIGKILL)

    assert apart(lambda: release.run(stop)) == -signal.SIGKILL


def _work(work: Callable[[], object]) -> None:
    try:
        work()
    except BaseException:  # noqa: BLE001 - the parent only sees the exit code
        import traceback

        traceback.print_exc()
        os._exit(1)
    os._exit(0)


@dataclass
class Hunt:
    """Kills a work at every point of one of *shards*, and mends what is left of the world."""

    ground: Ground
    shard: int
    shards: int

    def __post_init__(self) -> None:
        """Note how the world is at the start, and in the end where nobody disturbs."""
        world = self.world = self.ground.world
        self.ground.save("start")
        self.start = world.state()
        self.release = world.open()
        self.ground.points(self.make)
        self.end = world.state()
        self.ground.load("start")

    def make(self) -> None:
        """Make the release."""
        self.release.run(lambda step: None)

    def resume(self) -> None:
        """Finish it in another process."""
        self.world.reopen().resume(lambda step: None)

    def abort(self) -> None:
        """Take it back in another process."""
        self.world.reopen().abort(lambda step: None)

    def kill(self, work: Callable[[], None]) -> Iterator[int | str]:
        """Yield the number of points of *work*, then what is wrong after a kill at each of them."""
        self.ground.save("before")
        count = self.ground.points(work)
        yield count
        for point in range(1 + self.shard, count + 1, self.shards):
            self.ground.load("before")
            if not self.ground.killed(work, point):
                yield f"{work.__name__} {point}: not killed"
            self.ground.save("killed")
            yield from (f"{work.__name__} {point}: resumed: {wrong}" for wrong in self._resumed())
            self.ground.load("killed")
            yield from (f"{work.__name__} {point}: aborted: {wrong}" for wrong in self._aborted())

    def kill_mending(self) -> Iterator[int | str]:
        """Yield as `kill` does, for the mending of a release that broke off before its push."""
        for work in (self.abort, self.resume):
            self.ground.load("start")
            break_off(self.release, "push")
            yield from self.kill(work)

    def _resumed(self) -> Iterator[str]:
        try:
            self.resume()
        except NoUnfinishedRelease:
            if list(_differences(self.world, self.end)):
                yield from _differences(self.world, self.start)
                self.world.open().run(lambda step: None)
        except Exception as error:  # noqa: BLE001 - that is what is to be told
            yield f"{type(error).__name__}: {error}"
        yield from _differences(self.world, self.end)

    def _aborted(self) -> Iterator[str]:
        seen = self.world.seen()
        try:
            self.abort()
        except NoUnfinishedRelease:
            if not list(_differences(self.world, self.end)):
                return
        except ReleaseError as error:
            if "others may have seen it" not in str(error) or seen == (self.start["remote"], []):
                yield f"refused: {error}"
            yield from self._resumed()
            return
        except Exception as error:  # noqa: BLE001 - that is what is to be told
            yield f"{type(error).__name__}: {error}"
        yield from _differences(self.world, self.start)


def _without_journal(state: dict[str, object], world: World) -> dict[str, object]:
    """Return *state* with the empty journal that a kill may leave where that is all there is."""
    names = state["git"]
    assert isinstance(names, list)
    journal = world.project.root / ".git" / "poetry-aegis"
    return state | {"git": sorted([*names, journal.name]) if journal.exists() else names}


def _differences(world: World, expected: dict[str, object]) -> Iterator[str]:
    expected = _without_journal(expected, world)
    if (world.project.root / ".git" / "poetry-aegis" / "plan.json").exists():
        yield "the journal is open"
    for name, value in world.state().items():
        wanted = expected[name]
        if isinstance(value, dict) and isinstance(wanted, dict):
            keys = {key for key in {*value, *wanted} if value.get(key, "") != wanted.get(key, "")}
            for key in sorted(keys):
                yield f"{name}: {key}: {value.get(key)!r}, not {wanted.get(key)!r}"
        elif value != wanted:
            yield f"{name}: {value!r}, not {wanted!r}"


def main(kind: str, name: str, directory: str, shard: str, shards: str) -> None:
    """Print what came of it."""
    sys.dont_write_bytecode = True
    os.fsync = lambda fd: None  # Nobody cuts the power here.
    hooks.POLL = 0.002
    base = Path(directory).resolve()
    world = WORLDS[name](base / "world")
    ground = Ground(world, base / "copies", group=kind != "alone", tears=kind == "torn")
    hunt = Hunt(ground, int(shard), int(shards))
    results = list(hunt.kill_mending() if kind == "mending" else hunt.kill(hunt.make))
    points = [item for item in results if isinstance(item, int)]
    wrong = [item for item in results if isinstance(item, str)]
    json.dump({"points": points, "wrong": wrong}, sys.stdout, indent=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
