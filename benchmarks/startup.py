"""What the plugin costs Poetry's start: CPU time with and without it, in interleaved pairs.

Two fresh virtual environments get the same Poetry, one of them the plugin too, installed as a user
installs it. Their runs alternate in random order, so that a machine whose speed drifts slows both.

    python benchmarks/startup.py [--pairs 40] [--poetry 2.5.1] [--instructions]

CPU time is noisy on a shared machine; with ``--instructions`` each command also runs once under
valgrind's callgrind, whose count of instructions is not.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
COMMANDS = (("--version",), ("list",))
SILENT = [
    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
    (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--poetry", default=version("poetry"), help="the version of Poetry")
    parser.add_argument("--instructions", action="store_true", help="count them, with valgrind")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="startup-") as directory:
        root = Path(directory)
        without = install(root / "without", f"poetry=={options.poetry}")
        plugged = install(root / "with", f"poetry=={options.poetry}", f"{REPOSITORY}[registry]")
        print(f"Poetry {options.poetry}, {options.pairs} pairs, CPU ms (min / median)")
        print(f"{'':12}{'without':>16}{'with':>16}{'ratio of minima / median of pairs':>36}")
        for arguments in COMMANDS:
            report(arguments, measure(without, plugged, arguments, options.pairs))
        if options.instructions:
            for arguments in COMMANDS:
                counts = [count_instructions(poetry, arguments) for poetry in (without, plugged)]
                millions = " ".join(f"{count / 1e6:>15,.0f}" for count in counts)
                print(
                    f"{' '.join(arguments):12}{millions} M instructions {counts[1] / counts[0]:.4f}"
                )


def install(venv: Path, *requirements: str) -> Path:
    """Return the Poetry of a new virtual environment with *requirements*."""
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    pip = [str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", *requirements], check=True)
    return venv / "bin" / "poetry"


def measure(
    without: Path, plugged: Path, arguments: tuple[str, ...], pairs: int
) -> list[tuple[float, float]]:
    """Return the CPU milliseconds of *pairs* runs each, the order within a pair being random."""
    cpu_time(without, arguments)
    cpu_time(plugged, arguments)
    times = []
    for _ in range(pairs):
        order = [without, plugged]
        random.shuffle(order)
        measured = {poetry: cpu_time(poetry, arguments) for poetry in order}
        times.append((measured[without], measured[plugged]))
    return times


def cpu_time(poetry: Path, arguments: tuple[str, ...]) -> float:
    """Return the user and system CPU time of one run, in milliseconds."""
    command = [str(poetry), *arguments]
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=SILENT)
    _, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed")
    return (usage.ru_utime + usage.ru_stime) * 1000


def count_instructions(poetry: Path, arguments: tuple[str, ...]) -> int:
    """Return how many instructions one run executes, as valgrind counts them."""
    python = poetry.parent / "python"
    counted = subprocess.run(
        [
            *("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"),
            *(str(python), "-m", "poetry", *arguments),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(counted.stderr.split("Collected :")[1].split()[0])


def report(arguments: tuple[str, ...], times: list[tuple[float, float]]) -> None:
    """Print both ratios: noise only ever adds time, so the one of the minima has the least."""
    without, plugged = zip(*times, strict=True)
    columns = [
        f"{min(column):.0f} / {statistics.median(column):.0f}" for column in (without, plugged)
    ]
    minima = min(plugged) / min(without)
    pairs = statistics.median(b / a for a, b in times)
    print(f"{' '.join(arguments):12}{columns[0]:>16}{columns[1]:>16}{minima:>11.3f} / {pairs:.3f}")


if __name__ == "__main__":
    main()
