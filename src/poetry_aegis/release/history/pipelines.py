"""What a CI pipeline says of itself in its environment, for git there knows no branch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PIPELINES = ("CI", "TF_BUILD", "JENKINS_URL", "GITHUB_ACTIONS", "GITLAB_CI")
# A pull request's own variables: what is checked out then is no branch to release from.
PULL_REQUESTS = (
    "GITHUB_HEAD_REF",  # GitHub, Gitea and Forgejo Actions
    "CI_MERGE_REQUEST_IID",  # GitLab CI
    "CHANGE_ID",  # Jenkins
    "BITBUCKET_PR_ID",
    "CIRCLE_PULL_REQUEST",
    "SYSTEM_PULLREQUEST_PULLREQUESTID",  # Azure Pipelines
    "DRONE_PULL_REQUEST",
    "CI_COMMIT_PULL_REQUEST",  # Woodpecker
    "TRAVIS_PULL_REQUEST",
    "BUILDKITE_PULL_REQUEST",
)
# Where each names the tag that it runs for.
TAGS = (
    "CI_COMMIT_TAG",
    "TAG_NAME",
    "BITBUCKET_TAG",
    "CIRCLE_TAG",
    "DRONE_TAG",
    "TRAVIS_TAG",
    "BUILDKITE_TAG",
)
BRANCHES = (
    "GITHUB_REF",
    "CI_COMMIT_BRANCH",  # GitLab CI, Woodpecker
    "BRANCH_NAME",  # Jenkins, for a job of several branches
    "GIT_BRANCH",  # Jenkins, for others
    "BITBUCKET_BRANCH",
    "CIRCLE_BRANCH",
    "BUILD_SOURCEBRANCH",
    "DRONE_BRANCH",
    "TRAVIS_BRANCH",
    "BUILDKITE_BRANCH",
)
NOTHING = ("", "false", "0")


def is_pipeline(environ: Mapping[str, str]) -> bool:
    """Return whether *environ* is that of a CI pipeline."""
    return any(_says(environ, name) for name in PIPELINES)


def is_pull_request(environ: Mapping[str, str]) -> bool:
    """Return whether *environ* is that of a pipeline for a pull request."""
    told = any(_says(environ, name) for name in PULL_REQUESTS)
    return is_pipeline(environ) and (told or environ.get("GITHUB_REF", "").startswith("refs/pull/"))


def branch_from_pipeline(environ: Mapping[str, str]) -> str | None:
    """Return the branch that a pipeline runs for.

    ``None`` outside of one, for a pull request and for a tag.
    """
    if not is_pipeline(environ) or any(_says(environ, name) for name in (*PULL_REQUESTS, *TAGS)):
        return None
    told = next((environ[name] for name in BRANCHES if _says(environ, name)), "")
    branch = told.removeprefix("refs/heads/").removeprefix("origin/")
    return None if not branch or branch.startswith("refs/") else branch


def _says(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "").strip().lower() not in NOTHING
