"""``reindex``, ``import`` and ``prune``: work on a data directory, served at the time or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poetry_aegis.registry.cli.common import (
    HELP,
    TerminalProgress,
    add_data,
    add_json,
    add_settings,
    print_json,
    say,
    settings_of,
)
from poetry_aegis.registry.errors import ImportFailed, UnusableData

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable

    from poetry_aegis.registry.importing.sources import Finding

FINDINGS = 93

_REINDEX_CODES = """\
exit codes:
   0  done; with --check: pages and files agree
  93  with --check: they do not
  97  the data directory cannot be used
"""
_IMPORT_CODES = """\
exit codes:
   0  all is here that the source has
  94  the source cannot be read, or not everything could be taken over
  97  the data directory cannot be used
"""


def add_upkeep(add_parser: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the subcommands to those that *add_parser* makes."""
    _add_reindex(add_parser)
    _add_import(add_parser)
    _add_prune(add_parser)


def _add_reindex(add_parser: Callable[..., argparse.ArgumentParser]) -> None:
    reindex = add_parser(
        "reindex",
        help="bring the pages up to date with the files",
        description="Bring the pages of a data directory up to date with its files.",
        epilog=_REINDEX_CODES,
        formatter_class=HELP,
    )
    add_data(reindex, made=False)
    add_settings(reindex)
    reindex.add_argument("--check", action="store_true", help="only tell what does not match")
    add_json(reindex)
    reindex.add_argument("projects", nargs="*", metavar="PROJECT", help="only these projects")
    reindex.set_defaults(run=_reindex)


def _add_import(add_parser: Callable[..., argparse.ArgumentParser]) -> None:
    take_over = add_parser(
        "import",
        help="take over the files of another index",
        description=(
            "Take over a directory of wheels and sdists, a devpi export, or another index by\n"
            "the URL of its simple API. What is here already is passed over, so that an import\n"
            "that broke off goes on when it is run again."
        ),
        epilog=_IMPORT_CODES,
        formatter_class=HELP,
    )
    add_data(take_over, made=True)
    add_settings(take_over)
    take_over.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PATTERN",
        help="only projects that match, as acme-*; may be repeated",
    )
    take_over.add_argument(
        "--index", metavar="USER/NAME", help="which index of a devpi export to take"
    )
    take_over.add_argument("--dry-run", action="store_true", help="tell what would be done")
    add_json(take_over)
    take_over.add_argument("source", metavar="DIR|URL", help="where the files are")
    take_over.set_defaults(run=_import)


def _add_prune(add_parser: Callable[..., argparse.ArgumentParser]) -> None:
    prune = add_parser(
        "prune",
        help="tell what the retention rules let go, or delete it",
        description="Tell which files the retention rules of the settings let go.",
    )
    add_data(prune, made=False)
    add_settings(prune)
    prune.add_argument("--apply", action="store_true", help="delete them")
    add_json(prune)
    prune.add_argument("projects", nargs="*", metavar="PROJECT", help="only these projects")
    prune.set_defaults(run=_prune)


def _reindex(options: argparse.Namespace) -> int:
    from poetry_aegis.registry.upkeep import upkeep

    _require_data(options)
    signatures = settings_of(options).signatures
    with upkeep(options.data, signatures) as work, TerminalProgress() as progress:
        look = work.check if options.check else work.reindex
        report = look(options.projects, progress.projects)
    if options.json:
        print_json(report.to_json())
    else:
        for kind in ("missing", "extra", "changed", "unreadable", "unverified"):
            for finding in getattr(report, kind):
                say(f"{kind:<12}{finding}")
        say(f"{report.projects} projects, {report.files} files.")
    return FINDINGS if options.check and not report.is_clean else 0


def _import(options: argparse.Namespace) -> int:
    from poetry_aegis.registry.importing.sources import open_source
    from poetry_aegis.registry.upkeep import upkeep

    settings = settings_of(options)
    source = open_source(options.source, options.index)
    with upkeep(options.data, settings.signatures) as work, TerminalProgress() as progress:
        report = work.take_over(
            source,
            only=options.only,
            largest=settings.max_upload_bytes,
            listener=progress,
            dry_run=options.dry_run,
        )
    if options.json:
        print_json(report.to_json())
    else:
        _say_findings("skipped", report.skipped)
        _say_findings("failed", report.failed)
        say(
            f"{len(report.added)} {'to add' if options.dry_run else 'added'}, "
            f"{len(report.present)} here already, "
            f"{len(report.skipped)} skipped, {len(report.failed)} failed."
        )
        if report.unverified:
            say(f"{len(report.unverified)} of them without the signatures that uploads need.")
    return ImportFailed.exit_code if report.failed else 0


def _prune(options: argparse.Namespace) -> int:
    from poetry_aegis.registry.upkeep import upkeep

    _require_data(options)
    rules = settings_of(options).retention
    with upkeep(options.data) as work:
        planned = work.prune(rules, options.projects, apply=options.apply)
    if options.json:
        removals = [removal.to_json() for removal in planned]
        print_json({"applied": options.apply, "removals": removals})
        return 0
    for item in planned:
        say(f"{item.project}/{item.removal.file_name}: {item.removal.reason}")
    say(f"{len(planned)} files {'deleted' if options.apply else 'to delete, with --apply'}.")
    return 0


def _require_data(options: argparse.Namespace) -> None:
    if not options.data.is_dir():
        raise UnusableData(f"There is no data directory {options.data}.")


def _say_findings(kind: str, findings: Iterable[Finding]) -> None:
    for finding in findings:
        say(f"{kind:<12}{finding.what}: {finding.reason}")
