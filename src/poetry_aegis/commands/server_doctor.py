"""``poetry aegis server doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cleo.helpers import option

from poetry_aegis.commands.base import JSON, plain
from poetry_aegis.commands.server_base import HOME, ServerCommand

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cleo.io.inputs.option import Option

    from poetry_aegis.server.doctor.verdicts import Check, Finding

_STYLES = {"ok": "info", "warning": "warning", "problem": "error", "skipped": "comment"}


class ServerDoctorCommand(ServerCommand):
    """Says what is wrong with the server, and what mends it."""

    name = "aegis server doctor"
    description = "Says what is wrong, and what mends it."
    options: ClassVar[list[Option]] = [
        option("fix", description="Mend what can be mended without a risk."),
        option(
            "only",
            description="Make one check alone, by its name; may be repeated.",
            flag=False,
            multiple=True,
        ),
        option("list", description="List the checks and make none."),
        HOME,
        JSON,
    ]
    help = """\
Looks at the server and at the machine around it: settings, ports, Docker and
containers, names, certificates and who trusts them, answers of the running
server, files and their owners, the index, users, tokens, backups, memory, and
variables that lead clients astray. Each check is one line with what was seen.
Without <c1>--fix</c1> nothing of the server is changed.

What <c1>--fix</c1> does: closes files that others can open, makes missing folders,
removes the pid file of a server that was killed and temporary files that were
left over, gives data back to its owner (as root), reindexes projects whose
pages do not agree with their files, makes passwords of the stack that are
missing, and renews a certificate of the local authority. For the rest, the
command that mends it is shown.

With a token of a reader in <c1>AEGIS_READER_TOKEN</c1> it also tries whether a reader
may upload; nothing is uploaded. Checks that could not be made are shown
with <c1>-v</c1>. The exit code is 77 where there is a problem, and 0 where there are
warnings at most.

<b>Examples:</b>
  <c1>poetry aegis server doctor</c1>
  <c1>poetry aegis server doctor --only certificate-expiry --fix</c1>"""

    def perform(self) -> int:
        """Print what was found; a problem decides the exit code."""
        from poetry_aegis.errors import Unwell
        from poetry_aegis.server.doctor.examination import examine, mend, select

        checks = select(self.option("only"))
        if self.option("list"):
            self._list(checks)
            return 0
        from poetry_aegis.server.doctor.context import context_of

        context = context_of(self.home, named=bool(self.option("home")))
        findings = examine(context, checks)
        if self.option("fix"):
            findings = mend(context, findings)
        if self.wants_json:
            self.print_json(_document(findings))
        else:
            self._tell(findings)
        return Unwell.exit_code if _count(findings, "problem") else 0

    def _list(self, checks: Sequence[Check]) -> None:
        if self.wants_json:
            self.print_json({"checks": [{"name": c.name, "title": c.title} for c in checks]})
        else:
            self.say_table([(check.name, check.title) for check in checks])

    def _tell(self, findings: Sequence[Finding]) -> None:
        shown = [
            finding
            for finding in findings
            if finding.verdict.state != "skipped" or self.io.is_verbose() or len(findings) == 1
        ]
        width = max((len(finding.check.name) for finding in shown), default=0) + 2
        for finding in shown:
            self._tell_finding(finding, width)
        self._tell_remedies(findings)
        self.say(f"\n{_summary(findings)}")
        fixable = sum(f.verdict.is_finding and f.verdict.fix is not None for f in findings)
        if fixable and not self.option("fix"):
            command = f"poetry aegis server doctor --fix{plain(self.home_option)}"
            self.say(f"Mend {fixable} of them with: <c1>{command}</c1>")

    def _tell_finding(self, finding: Finding, width: int) -> None:
        """Write a word, a name and the evidence, which goes on below itself on a terminal."""
        state = finding.verdict.state
        text = " ".join(f"{finding.mended} {finding.verdict.evidence}".split())
        name = f"{finding.check.name:<{width}}"
        self.say(f"<{_STYLES[state]}>{state:<9}</>{name}{plain(text)}")

    def _tell_remedies(self, findings: Sequence[Finding]) -> None:
        todo = [finding for finding in findings if finding.verdict.is_finding]
        if todo:
            self.say("\n<b>What to do:</b>")
        for finding in sorted(todo, key=lambda finding: finding.verdict.state != "problem"):
            self.say(f"  {finding.check.name}")
            for line in finding.verdict.remedy.splitlines():
                self.say(f"    <c1>{plain(line)}</c1>")


def _document(findings: Sequence[Finding]) -> dict[str, object]:
    counts = {state: _count(findings, state) for state in _STYLES}
    return {
        "well": not counts["problem"],
        **counts,
        "checks": [finding.to_json() for finding in findings],
    }


def _count(findings: Sequence[Finding], state: str) -> int:
    return sum(finding.verdict.state == state for finding in findings)


def _summary(findings: Sequence[Finding]) -> str:
    from poetry_aegis.server.units import counted

    problems, warnings = _count(findings, "problem"), _count(findings, "warning")
    found = [counted(problems, "problem")] if problems else []
    found += [counted(warnings, "warning")] if warnings else []
    well = f"{_count(findings, 'ok')} well"
    skipped = _count(findings, "skipped")
    also = [f"{skipped} could not be made"] if skipped else []
    return f"{counted(len(findings), 'check')}: {', '.join([*found, well, *also])}."
