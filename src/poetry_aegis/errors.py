"""Everything that can go wrong and is worth telling a person about.

Each error says what happened (``str(error)``), what helps (``error.hint``, a sentence or a
command) and ends the process with an exit code of its own:

::

    AegisError                    1
    ├── UsageError                2   options or arguments that do not go together
    ├── MissingExtra              3   an optional part is not installed
    ├── ProjectError             10
    │   ├── NoProject            11   no pyproject.toml here
    │   ├── CorruptProject       12   pyproject.toml cannot be read
    │   ├── NoVersion            13   pyproject.toml has no version
    │   ├── InvalidVersion       14   a version that PEP 440 does not know
    │   └── SettingsError        15   an unknown key or a wrong value in [tool.poetry-aegis]
    ├── GitError                 20   git refused, for a reason that has no class of its own
    │   ├── GitMissing           21   no git on PATH
    │   ├── NoRepository         22   not inside a git repository
    │   ├── NoCommits            23   a repository without a commit
    │   ├── DirtyTree            24   uncommitted changes
    │   ├── DetachedHead         25   no branch to push
    │   ├── NoUpstream           26   no remote to push to, or a branch of another name
    │   ├── PushRejected         27   the remote refused
    │   ├── CommitRefused        28   no identity, or a hook said no
    │   └── IncompleteHistory    29   a shallow or partial clone lacks what decides the version
    ├── ReleaseError             30
    │   ├── TagExists            31   the version is already tagged
    │   ├── VersionNotNewer      32   the version asked for is not newer
    │   ├── UnknownVersion       33   no such release to show
    │   ├── ReleaseInProgress    34   another release is running
    │   ├── UnfinishedRelease    35   a release broke off: finish it or take it back first
    │   ├── NoUnfinishedRelease  36   there is none to finish or to take back
    │   ├── HookFailed           37   a program named in [tool.poetry-aegis.hooks] failed
    │   ├── UnconventionalCommit 38   a commit message that is not a conventional one
    │   └── OutdatedChangelog    39   the changelog does not agree with the history
    ├── PublishError             40
    │   ├── UnknownRepository    41   no such repository in Poetry's configuration
    │   ├── NotAnUploadUrl       42   the address does not take uploads
    │   ├── Unreachable          43   no answer, or a broken one
    │   ├── Unauthorized         44   401: wrong or missing credentials
    │   ├── Forbidden            45   403: the user may not do this
    │   ├── TooLarge             46   413: the file is larger than the server takes
    │   ├── FileConflict         47   another file of the same name is already there
    │   ├── BuildFailed          48   nothing to publish came out of the build
    │   └── VerificationFailed   49   the index does not show what was uploaded
    ├── ServerError              50
    │   ├── NoServer             51   no server in this home
    │   ├── ServerExists         52   a server is already set up in this home
    │   ├── PortInUse            53   another program has the port
    │   ├── NotRunning           54   the server is not running
    │   ├── NotReady             55   the server did not come up
    │   ├── UserError            56   a user that exists, does not exist, or is badly named
    │   ├── UnreadableUsers      57   the users' file cannot be read
    │   ├── IndexMismatch        58   pages and files of the index do not agree
    │   ├── ImportFailed         59   another index could not be taken over, or not all of it
    │   ├── StackError           70   Docker, or what runs in it, for a reason without a class
    │   │   ├── NoDocker         71   there is no docker on PATH
    │   │   ├── NoCompose        72   Docker has no Compose, or only the first one
    │   │   ├── NoDaemon         73   the Docker daemon does not answer
    │   │   └── DockerForbidden  74   this user may not talk to the Docker daemon
    │   ├── CertificateError     75   a certificate or key that cannot be used
    │   ├── BackupError          76   a backup that is cut short, altered, or of a newer version
    │   └── Unwell               77   the doctor found something wrong
    ├── ForgeError               60   GitHub, GitLab or Gitea did not do what was asked
    │   ├── UnknownForge         61   the remote is on no forge that is known
    │   └── NoForgeToken         62   no token, or one that the forge does not take
    └── SigningError             80   signing did not work, for a reason without a class
        ├── NoSigningKey         81   no such key, or none at all
        ├── WrongPassphrase      82   the passphrase does not open the private key
        └── NotVerified          83   a distribution is not what those who are trusted have signed

130 is Ctrl-C. The names and codes are part of the command line's contract.
"""

from __future__ import annotations

from typing import ClassVar


class AegisError(Exception):
    """The root: an error with a sentence for the user, a way out and an exit code."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def to_json(self) -> dict[str, object]:
        """Return the error as ``--json`` prints it."""
        return {
            "error": type(self).__name__,
            "message": str(self),
            "hint": self.hint,
            "exit_code": self.exit_code,
        }


class UsageError(AegisError):
    """Options or arguments that cannot be read, or do not go together."""

    exit_code = 2


class MissingExtra(AegisError):
    """An optional part of the plugin is not installed."""

    exit_code = 3


class ProjectError(AegisError):
    """Something about ``pyproject.toml``."""

    exit_code = 10


class NoProject(ProjectError):
    """No ``pyproject.toml`` here or above."""

    exit_code = 11


class CorruptProject(ProjectError):
    """``pyproject.toml`` cannot be read."""

    exit_code = 12


class NoVersion(ProjectError):
    """``pyproject.toml`` names no version."""

    exit_code = 13


class InvalidVersion(ProjectError):
    """A version that PEP 440 does not know."""

    exit_code = 14


class SettingsError(ProjectError):
    """An unknown key or a wrong value in the settings."""

    exit_code = 15


class GitError(AegisError):
    """Git refused, for a reason that has no class of its own."""

    exit_code = 20


class GitMissing(GitError):
    """There is no git on PATH."""

    exit_code = 21


class NoRepository(GitError):
    """The project is not inside a git repository."""

    exit_code = 22


class NoCommits(GitError):
    """The repository has no commit yet."""

    exit_code = 23


class DirtyTree(GitError):
    """There are uncommitted changes."""

    exit_code = 24


class DetachedHead(GitError):
    """No branch is checked out, so there is none to push."""

    exit_code = 25


class NoUpstream(GitError):
    """There is no remote to push to, or the branch tracks one of another name."""

    exit_code = 26


class PushRejected(GitError):
    """The remote refused the push."""

    exit_code = 27


class CommitRefused(GitError):
    """Git made no commit or tag: no identity, no signing key, or a hook said no."""

    exit_code = 28


class IncompleteHistory(GitError):
    """A shallow or partial clone, whose missing commits may decide the version."""

    exit_code = 29


class ReleaseError(AegisError):
    """A release that cannot be made."""

    exit_code = 30


class TagExists(ReleaseError):
    """The version is already tagged."""

    exit_code = 31


class VersionNotNewer(ReleaseError):
    """The version asked for is not newer than the current one."""

    exit_code = 32


class UnknownVersion(ReleaseError):
    """There is no such release."""

    exit_code = 33


class ReleaseInProgress(ReleaseError):
    """Another release of this repository is running."""

    exit_code = 34


class UnfinishedRelease(ReleaseError):
    """A release broke off; it has to be finished or taken back first."""

    exit_code = 35


class NoUnfinishedRelease(ReleaseError):
    """There is no release to finish or to take back."""

    exit_code = 36


class HookFailed(ReleaseError):
    """A program that the settings name as a hook failed, or cannot be found."""

    exit_code = 37


class UnconventionalCommit(ReleaseError):
    """A commit message that is not a conventional one."""

    exit_code = 38


class OutdatedChangelog(ReleaseError):
    """The changelog does not agree with the history."""

    exit_code = 39


class PublishError(AegisError):
    """An upload that did not work, for a reason that has no class of its own.

    *is_passing* where the server said that the same may work later.
    """

    exit_code = 40
    is_passing = False


class UnknownRepository(PublishError):
    """Poetry's configuration knows no such repository."""

    exit_code = 41


class NotAnUploadUrl(PublishError):
    """The address answers, but does not take uploads."""

    exit_code = 42


class Unreachable(PublishError):
    """No answer, or a broken one."""

    exit_code = 43


class Unauthorized(PublishError):
    """401: the credentials are wrong or missing."""

    exit_code = 44


class Forbidden(PublishError):
    """403: the user is known and may not do this."""

    exit_code = 45


class TooLarge(PublishError):
    """413: the file is larger than the server takes."""

    exit_code = 46


class FileConflict(PublishError):
    """Another file of the same name is already on the index."""

    exit_code = 47


class BuildFailed(PublishError):
    """The build gave nothing that can be published."""

    exit_code = 48


class VerificationFailed(PublishError):
    """The index does not show what was uploaded."""

    exit_code = 49


class ServerError(AegisError):
    """Something about an installation of the index server."""

    exit_code = 50


class NoServer(ServerError):
    """There is no server in this home."""

    exit_code = 51


class ServerExists(ServerError):
    """A server is already set up in this home."""

    exit_code = 52


class PortInUse(ServerError):
    """Another program has the port."""

    exit_code = 53


class NotRunning(ServerError):
    """The server is not running."""

    exit_code = 54


class NotReady(ServerError):
    """The server did not come up."""

    exit_code = 55


class UserError(ServerError):
    """A user that exists already, does not exist, or cannot be named so."""

    exit_code = 56


class UnreadableUsers(ServerError):
    """The users' file cannot be read."""

    exit_code = 57


class IndexMismatch(ServerError):
    """Pages and files of the index do not agree."""

    exit_code = 58


class ImportFailed(ServerError):
    """Another index could not be taken over, or not all of it."""

    exit_code = 59


class StackError(ServerError):
    """Docker, or what runs in it, failed for a reason that has no class of its own."""

    exit_code = 70


class NoDocker(StackError):
    """There is no docker on PATH."""

    exit_code = 71


class NoCompose(StackError):
    """Docker has no Compose plugin, or only the first Compose is there."""

    exit_code = 72


class NoDaemon(StackError):
    """The Docker daemon does not answer."""

    exit_code = 73


class DockerForbidden(StackError):
    """This user may not talk to the Docker daemon."""

    exit_code = 74


class CertificateError(ServerError):
    """A certificate or key that cannot be read, do not belong together, or are out of date."""

    exit_code = 75


class BackupError(ServerError):
    """A backup that is cut short, altered, or of a newer version."""

    exit_code = 76


class Unwell(ServerError):
    """The doctor found something wrong."""

    exit_code = 77


class ForgeError(AegisError):
    """A forge (GitHub, GitLab, Gitea, Forgejo) did not do what was asked."""

    exit_code = 60


class UnknownForge(ForgeError):
    """The remote is on no forge that is known."""

    exit_code = 61


class NoForgeToken(ForgeError):
    """There is no token for the forge, or it does not take the one there is."""

    exit_code = 62


class SigningError(AegisError):
    """Something about keys or signatures, for a reason that has no class of its own."""

    exit_code = 80


class NoSigningKey(SigningError):
    """There is no such key, or none at all."""

    exit_code = 81


class WrongPassphrase(SigningError):
    """The passphrase does not open the private key, or there is none to open it with."""

    exit_code = 82


class NotVerified(SigningError):
    """A distribution is not what those who are trusted have signed."""

    exit_code = 83
