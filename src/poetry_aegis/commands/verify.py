"""``poetry aegis verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import argument, option

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.index_base import IndexCommand, count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cleo.io.inputs.argument import Argument
    from cleo.io.inputs.option import Option
    from cleo.ui.progress_bar import ProgressBar

    from poetry_aegis.publish.repository import Repository
    from poetry_aegis.settings import TrustSettings
    from poetry_aegis.signatures.trust import Trust
    from poetry_aegis.signing.findings import Checked


class VerifyCommand(IndexCommand):
    """Checks the hashes and signatures of distributions."""

    name = "aegis verify"
    description = "Checks hashes and signatures."
    arguments: ClassVar[list[Argument]] = [
        argument("what", "NAME, NAME==VERSION, or a FILE.", optional=True, multiple=True)
    ]
    options: ClassVar[list[Option]] = [
        option("lock", None, "Check every private package of poetry.lock."),
        option("installed", None, "Check the private packages that are installed."),
        option("repository", "r", "The index to read from, as Poetry knows it.", flag=False),
        option("jobs", "j", "How many files to check at a time.", flag=False),
        option("no-download", None, "With <c1>--lock</c1>: compare hashes, fetch no files."),
        JSON,
    ]
    help = """\
Each file is checked twice: it has the sha256 that the index and the lock
tell, and those whom the project trusts (<c1>[tool.poetry-aegis.trust]</c1>) have
signed that sha256 under that file name.

<b>What is checked:</b>
  <c1>NAME</c1>             the files of its newest version on the index
  <c1>NAME==VERSION</c1>    the files of that version
  <c1>FILE</c1>             a file here, by the signatures beside it
                   (FILE.publish.attestation), else by those on the
                   index that <c1>-r</c1> names
  <c1>--lock</c1>           each file that poetry.lock pins of packages from
                   private sources, and that no package comes from
                   elsewhere than the project declares
  <c1>--installed</c1>      what the environment has of those packages: against
                   its RECORD, and against the signed wheel

<b>What is found:</b>
  verified      signed by enough of those who are trusted
  unsigned      nobody has signed it
  unknown-key   signed by a key that is not trusted, or not for this project
  too-few       signed by fewer than the threshold
  expired       signed by a key that is not valid today
  revoked       signed by a key that was revoked
  altered       other bytes, another file or another version than was signed
  unavailable   the index did not give the file or its signatures
  unverifiable  built on this machine, or not from the index: nobody signed it
  excused       the project says that it needs no signature

All but the first and the last end the command with exit code 83.

Names are looked for on the index that <c1>PYPI_INDEX_URL</c1> names, if it names one;
a lock and an environment have their own.

<b>Examples:</b>
  <c1>poetry aegis verify --lock</c1>
  <c1>poetry aegis verify demo==1.4.0 -r aegis</c1>
  <c1>poetry aegis verify dist/demo-1.4.0-py3-none-any.whl</c1>"""

    def perform(self) -> int:
        """Check what is named, and tell of it; what does not verify decides the exit code."""
        from poetry_aegis.errors import NotVerified

        self._check_usage()
        found = self._find()
        if self.wants_json:
            self.print_json(_document(found))
        else:
            self._tell(found)
        return 0 if all(one.is_good for one in found) else NotVerified.exit_code

    def _check_usage(self) -> None:
        from poetry_aegis.errors import UsageError

        ways = [bool(self.argument("what")), self.option("lock"), self.option("installed")]
        if sum(ways) != 1:
            raise UsageError(
                "One thing is verified at a time: names and files, --lock, or --installed.",
                hint="For example: poetry aegis verify --lock",
            )
        if self.option("no-download") and not self.option("lock"):
            raise UsageError("--no-download goes with --lock: all else is about the files.")
        if self.option("repository") and not self.argument("what"):
            raise UsageError("-r goes with names and files: a lock names its sources itself.")

    def _find(self) -> list[Checked]:
        from poetry_aegis import poetry_api
        from poetry_aegis.settings import load_settings
        from poetry_aegis.signing.team import load_trust

        project = poetry_api.load_project(self)
        settings = load_settings(project.pyproject)
        trust = load_trust(settings.trust, project.pyproject)
        jobs = self.read_jobs() or settings.publish.jobs
        if self.argument("what"):
            return self._named(trust, jobs)
        return self._private(settings.trust, trust, jobs)

    def _private(self, settings: TrustSettings, trust: Trust, jobs: int) -> list[Checked]:
        """Return what is found of the private packages of the lock, or of the environment."""
        from contextlib import closing

        from poetry_aegis import poetry_api
        from poetry_aegis.signing.checking import require_keys
        from poetry_aegis.signing.installed import check_installed
        from poetry_aegis.signing.locked import Manner, check_lock, in_question

        locked = poetry_api.read_lock(self, whole=self.option("lock"))
        packages = in_question(locked, settings.projects)
        with closing(_Bar(self)) as bar:
            manner = Manner(trust, settings.excuses, jobs, self._warn, bar.advance)
            wanted = [package for package in packages if manner.judges(package)]
            if wanted:
                require_keys(trust)
            sources = poetry_api.sources_of(self, wanted)
            if self.option("lock"):
                download = not self.option("no-download")
                return check_lock(packages, sources, manner, download=download)
            if not packages:
                return []
            return check_installed(packages, sources, poetry_api.find_environment(self), manner)

    def _named(self, trust: Trust, jobs: int) -> list[Checked]:
        """Return what is found of the files and releases that are named."""
        from contextlib import closing
        from pathlib import Path

        from poetry_aegis.publish.contents import parse_release
        from poetry_aegis.publish.distributions import without_attestations
        from poetry_aegis.signing.checking import require_keys
        from poetry_aegis.signing.releases import check_file, check_releases
        from poetry_aegis.signing.sources import open_source

        require_keys(trust)
        given = without_attestations(self.argument("what"))
        paths = [Path(text) for text in given if _is_file(text)]
        names = [parse_release(text) for text in given if not _is_file(text)]
        if not names and not self.option("repository"):
            return [check_file(path, trust, None) for path in paths]
        with open_source(self._index(), self._warn) as source, closing(_Bar(self)) as bar:
            found = [check_file(path, trust, source) for path in paths]
            return found + check_releases(names, source, trust, jobs, bar.advance)

    def _index(self) -> Repository:
        repository = self._repository()
        for note in repository.notes:
            self._warn(note)
        return repository

    def _tell(self, found: Sequence[Checked]) -> None:
        if not found:
            self.say(self._nothing())
            return
        subjects = max(len(one.subject) for one in found) + 2
        findings = max(len(one.finding) for one in found) + 2
        for one in found:
            style = "success" if one.is_good else "error"
            margin = " " * (subjects - len(one.subject))
            self.say(
                f"<{style}>{one.finding:<{findings}}</>{plain(one.subject)}{margin}"
                f"{plain(one.said)}"
            )
        style = "success" if all(one.is_good for one in found) else "error"
        self.say(f"\n<{style}>{_summary(found)}</>")

    def _nothing(self) -> str:
        if self.option("lock"):
            return "poetry.lock has no package from a private source, so there is nothing to check."
        return "No private package of poetry.lock is installed, so there is nothing to check."


class _Bar:
    """A bar of the files that are checked, where the messages go to a terminal; to be closed."""

    def __init__(self, command: VerifyCommand) -> None:
        self._output = command.messages
        self._bar: ProgressBar | None = None

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.clear()

    def advance(self, done: int, total: int) -> None:
        """Show that *done* files are checked of a *total*."""
        if not self._output.is_decorated():
            return
        if self._bar is None:
            from cleo.ui.progress_bar import ProgressBar

            self._bar = ProgressBar(self._output, max=total)
            self._bar.set_format("  Checking %current%/%max% %bar%")
            self._bar.start()
        self._bar.set_progress(done)


def _is_file(text: str) -> bool:
    """Tell whether *text* names a file, and not a project."""
    import os
    from pathlib import Path

    return (
        text.endswith((".whl", ".tar.gz", ".zip"))
        or any(separator in text for separator in (os.sep, os.altsep) if separator)
        or Path(text).is_file()
    )


def _summary(found: Sequence[Checked]) -> str:
    findings = [one.finding for one in found]
    counts = [f"{findings.count(finding)} {finding}" for finding in dict.fromkeys(findings)]
    return f"{count(len(found), 'file')}: {', '.join(counts)}."


def _document(found: Sequence[Checked]) -> dict[str, object]:
    return {
        "verified": all(one.is_good for one in found),
        "files": [one.to_json() for one in found],
    }
