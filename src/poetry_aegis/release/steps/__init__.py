"""The steps of a release, each able to tell whether it is done and to take itself back."""

from poetry_aegis.release.steps.branch import MakeBranch, ReturnToBranch
from poetry_aegis.release.steps.commit import MakeCommit
from poetry_aegis.release.steps.distributions import Build, Publish
from poetry_aegis.release.steps.files import FileChange, WriteFiles
from poetry_aegis.release.steps.forge import PublishOnForge
from poetry_aegis.release.steps.hook import RunHooks
from poetry_aegis.release.steps.push import Push
from poetry_aegis.release.steps.tag import MakeTag

__all__ = [
    "Build",
    "FileChange",
    "MakeBranch",
    "MakeCommit",
    "MakeTag",
    "Publish",
    "PublishOnForge",
    "Push",
    "ReturnToBranch",
    "RunHooks",
    "WriteFiles",
]
