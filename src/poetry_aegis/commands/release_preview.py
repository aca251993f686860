"""What a release would do, for people: its versions, its steps and its diffs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.commands.base import plain
from poetry_aegis.release.plan import diff

if TYPE_CHECKING:
    from poetry_aegis.commands.base import AegisCommand
    from poetry_aegis.release.engine import Release


def show_plan(command: AegisCommand, release: Release) -> None:
    """Say what *release* would change and do, and that nothing was changed."""
    plan = release.plan
    for package in plan.packages:
        name = f"{plain(package.name)} " if len(plan.packages) > 1 else ""
        if package.version == package.current:
            command.say(
                f"{name}<c2>{package.version}</c2>, as pyproject.toml says, {plain(package.tag)}"
            )
        else:
            command.say(
                f"{name}<c2>{package.current} -> {package.version}</c2> ({package.bump}), "
                f"{plain(package.tag)}"
            )
    if plan.drawing:
        command.say(f"\n{plain(plan.drawing)}")
    say_remarks(command, release)
    command.say("\nWould, in this order:")
    for step in release.steps:
        command.say(f"  - {plain(step.describe())}")
    for change in plan.files:
        command.say()
        lines = diff(change, plan.root).splitlines()
        command.say("\n".join(_coloured(line) for line in lines))
    command.say("\nNothing was changed.")


def say_remarks(command: AegisCommand, release: Release) -> None:
    """Say what was noticed in the planning of *release*."""
    for remark in release.plan.remarks:
        command.warn_of(remark)


def _coloured(line: str) -> str:
    styles = {"+": "fg=green", "-": "fg=red", "@": "fg=cyan"}
    style = "options=bold" if line.startswith(("+++ ", "--- ")) else styles.get(line[:1])
    return f"<{style}>{plain(line)}</>" if style else plain(line)
