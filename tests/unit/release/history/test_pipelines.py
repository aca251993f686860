from __future__ import annotations

import pytest

from poetry_aegis.release.history.pipelines import branch_from_pipeline, is_pipeline

GITHUB = {"CI": "true", "GITHUB_ACTIONS": "true"}
GITLAB = {"CI": "true", "GITLAB_CI": "true"}
JENKINS = {"JENKINS_URL": "https://ci.example.com/"}


@pytest.mark.parametrize(
    "environ",
    [
        GITHUB | {"GITHUB_REF": "refs/heads/release/1.x", "GITHUB_HEAD_REF": ""},
        GITLAB | {"CI_COMMIT_BRANCH": "release/1.x"},
        JENKINS | {"BRANCH_NAME": "release/1.x"},
        JENKINS | {"GIT_BRANCH": "origin/release/1.x"},
        {"CI": "true", "BITBUCKET_BRANCH": "release/1.x"},
        {"CI": "true", "CIRCLE_BRANCH": "release/1.x"},
        {"TF_BUILD": "True", "BUILD_SOURCEBRANCH": "refs/heads/release/1.x"},
        {"CI": "true", "DRONE_BRANCH": "release/1.x"},
        {"CI": "woodpecker", "CI_COMMIT_BRANCH": "release/1.x"},
        {"CI": "true", "TRAVIS_BRANCH": "release/1.x", "TRAVIS_PULL_REQUEST": "false"},
        {"CI": "true", "BUILDKITE_BRANCH": "release/1.x", "BUILDKITE_PULL_REQUEST": "false"},
    ],
)
def test_each_pipeline_says_its_branch(environ: dict[str, str]) -> None:
    assert is_pipeline(environ)
    assert branch_from_pipeline(environ) == "release/1.x"


@pytest.mark.parametrize(
    "environ",
    [
        GITHUB | {"GITHUB_REF": "refs/pull/12/merge", "GITHUB_HEAD_REF": "x"},
        GITHUB | {"GITHUB_REF": "refs/tags/v1.0.0"},
        GITLAB | {"CI_MERGE_REQUEST_IID": "12"},
        GITLAB | {"CI_COMMIT_TAG": "v1.0.0"},
        JENKINS | {"BRANCH_NAME": "PR-12", "CHANGE_ID": "12"},
        JENKINS | {"BRANCH_NAME": "v1.0.0", "TAG_NAME": "v1.0.0"},
        {"CI": "true", "BITBUCKET_BRANCH": "x", "BITBUCKET_PR_ID": "12"},
        {"CI": "true", "CIRCLE_BRANCH": "pull/12", "CIRCLE_PULL_REQUEST": "https://x/12"},
        {"TF_BUILD": "True", "BUILD_SOURCEBRANCH": "refs/pull/12/merge"},
        {"CI": "true", "DRONE_BRANCH": "main", "DRONE_PULL_REQUEST": "12"},
        {"CI": "true", "TRAVIS_BRANCH": "main", "TRAVIS_PULL_REQUEST": "12"},
        {"CI": "true", "BUILDKITE_BRANCH": "main", "BUILDKITE_PULL_REQUEST": "12"},
        {"CI": "true"},
    ],
)
def test_a_pull_request_or_a_tag_is_no_branch(environ: dict[str, str]) -> None:
    assert is_pipeline(environ)
    assert branch_from_pipeline(environ) is None


@pytest.mark.parametrize("environ", [{}, {"CI": "false", "BRANCH_NAME": "main"}, {"CI": ""}])
def test_outside_of_a_pipeline_nothing_is_believed(environ: dict[str, str]) -> None:
    assert not is_pipeline(environ)
    assert branch_from_pipeline(environ) is None
