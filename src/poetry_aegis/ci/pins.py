"""The actions that workflows use, each by the commit that its version was tagged on.

A tag can be moved to other code, a commit cannot. Each of these was read from the tag of its own
repository.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Action:
    """An action of *repository*; its *version* is only for people."""

    repository: str
    commit: str
    version: str

    def __str__(self) -> str:
        return f"{self.repository}@{self.commit} # {self.version}"


GITHUB = {
    "checkout": Action("actions/checkout", "3d3c42e5aac5ba805825da76410c181273ba90b1", "v7.0.1"),
    "setup_python": Action(
        "actions/setup-python", "5fda3b95a4ea91299a34e894583c3862153e4b97", "v7.0.0"
    ),
    "cache": Action("actions/cache", "27d5ce7f107fe9357f9df03efb73ab90386fccae", "v5.0.5"),
}
# The last ones that ask for Node.js 20: a runner of Gitea's may know no later one.
GITEA = {
    "checkout": Action("actions/checkout", "11d5960a326750d5838078e36cf38b85af677262", "v4.4.0"),
    "setup_python": Action(
        "actions/setup-python", "a26af69be951a213d495a4c3e4e4022e16d87065", "v5.6.0"
    ),
    "cache": Action("actions/cache", "0057852bfaa89a56745cba8c7296529d2fc39830", "v4.3.0"),
}
