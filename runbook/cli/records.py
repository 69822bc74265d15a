"""``runbook records``: find the runs, hold them against their manifests, compare two, make a record again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runbook.cli.console import make_console
from runbook.cli.elsewhere import fetch, push
from runbook.cli.filters import filtered, list_filter
from runbook.cli.frames import frame_runs
from runbook.errors import ExitCode, UsageError
from runbook.runs import BESIDE, RunFolder, read_json, runs_directory
from runbook.views import plain

if TYPE_CHECKING:
    from runbook.archive.listing import Row

_RUN = "RUN is a run's folder, its name, or a part of the name that no other run has."


@click.group()
def records() -> None:
    """List, check and compare runs, make a run's record again, keep runs elsewhere."""


records.add_command(push)
records.add_command(fetch)
records.add_command(frame_runs)


_LIST_EPILOG = """\b
Examples:
  runbook records list --tenant demo --mode apply
  runbook records list --on "last tuesday"
  runbook records list --since 7d --status failed --json
  runbook records list --since 2026-11-01 --until yesterday --csv > runs.csv
  runbook records list --from s3://contoso-archive/runs --status failed

\b
A day or a time: 2026-11-24, 2026-11-24T10:30Z, today, yesterday, tuesday (the newest one so far),
"last tuesday" (the newest before today), 36h, 7d, 2w. All are in UTC, as the times of the runs are.
"""


@records.command("list", epilog=_LIST_EPILOG)
@filtered
@click.option("--from", "store", metavar="ADDRESS", help="Only runs that were put to this address; see records push.")
@click.option("--json", "form", flag_value="json", help="Print JSON.")
@click.option("--csv", "form", flag_value="csv", help="Print CSV that a spreadsheet can open without harm.")
def list_runs(form: str | None, store: str | None, **options: str | None) -> None:
    """List the runs, newest first: when, tenant, mode, how it ended, changes, what was verified, where.

    A run that never came to its end, still runs, or was a notebook on its own is listed as unfinished, with the
    time it began.
    """
    from runbook.archive import listing

    wanted = list_filter(options, datetime.now(UTC))
    base, rows = _rows(store, lambda line: click.echo(plain(line), err=True))
    found = listing.select(rows, wanted)
    if form == "json":
        click.echo(json.dumps([row.as_json() for row in found], indent=1))
    elif form == "csv":
        click.echo(listing.csv_text(found), nl=False)
    elif (console := make_console()).tables:
        from runbook.cli.tables.lists import run_parts

        console.show(*run_parts(found, base, console.width))
    else:
        for line in listing.lines(found):
            click.echo(line)


def _rows(address: str | None, complain: Callable[[str], None]) -> tuple[str, Iterator[Row]]:
    """Return where runs are looked for, and what is found there."""
    if address is None:
        from runbook.archive import listing

        return str(runs_directory()), listing.rows(runs_directory(), complain)
    from runbook.archive.store import Store

    store = Store(address)
    return store.address, store.rows(complain)


_INDEX_EPILOG = """\b
Examples:
  runbook records index
  runbook records index --since 7d -o week.html
  runbook records index --mode verify --status drift -o /srv/audit/drift.html

\b
Exit codes: 0 the page was written, 2 no run to show or wrong usage.
"""


@records.command("index", epilog=_INDEX_EPILOG)
@filtered
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Default: index.html in the runs."
)
def index_runs(output: Path | None, **options: str | None) -> None:
    """Write one page over the runs: the newest of each tenant, section by section, and all in three orders.

    The page is a file by itself, without script, and links to the records beside it. Runs that are not finished or
    cannot be read are shown as such. It takes the filters of records list, and prints the page's path.
    """
    from runbook.archive import index, listing
    from runbook.runs import write_text

    base, now = runs_directory(), datetime.now(UTC)
    wanted = list_filter(options, now)
    target = output or base / "index.html"
    rows = list(index.entries(base, target))
    kept = {row.run for row in listing.select((entry.row for entry in rows), wanted)}
    found = [entry for entry in rows if entry.row.run in kept]
    if not found:
        why = "none of its runs fits the filters" if rows else "it has no run"
        raise UsageError(f"There is nothing to show of {base}: {why}.", "See the runs with: runbook records list")
    given = ", ".join(f"{name} {value}" for name, value in options.items() if value is not None)
    chosen = f"Only runs with {given}." if given else ""
    text = index.page(found, made=now, chosen=chosen, complain=lambda line: click.echo(plain(line), err=True))
    try:
        write_text(target, text)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}.") from error
    click.echo(plain(str(target)))


def _find(run: str) -> Path:
    from runbook.archive.listing import find_run

    return find_run(run, runs_directory())


def _result(folder: Path) -> Any:
    if not (folder / "result.json").is_file():
        raise UsageError(f"{folder} is not the folder of a finished run.", "See them with: runbook records list")
    try:
        return read_json(folder / "result.json")
    except (OSError, ValueError, RecursionError) as error:
        raise _not_whole(folder, error) from error


def _not_whole(folder: Path, error: Exception) -> UsageError:
    return UsageError(f"The files of {folder} are not whole: {type(error).__name__}: {error}.")


@records.command("show", epilog="Example: runbook records show 20261123T201500Z-demo-apply-1a2b3c")
@click.argument("run")
def show(run: str) -> int:
    """Make the record of RUN from its files, and print its path.

    A run that was killed has none yet: it gets one that says what is known and what is not. RUN is a run's folder, its
    name, or a part of the name that no other run has.
    """
    folder = _find(run)
    whole = RunFolder(folder.absolute())
    if not (folder / "result.json").is_file():
        from runbook.unfinished import close_unfinished

        close_unfinished(whole)
    _result(folder)
    from runbook.record import doubt, write_record

    before = whole.record.read_bytes() if whole.record.is_file() else None
    try:
        click.echo(str(write_record(whole)))
        said = doubt(whole)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _not_whole(folder, error) from error
    if before is not None and before != whole.record.read_bytes():
        click.echo("The page is not, byte for byte, the one that was there; records check will say so.", err=True)
    if said:
        click.echo(plain(said), err=True)
    return ExitCode.FAILED if said else ExitCode.DONE


_CHECK_EPILOG = """\b
Examples:
  runbook records check 20261123T201500Z-demo-apply-1a2b3c
  runbook records check runs/*
  runbook records check 1a2b3c --head 86df54233a58d50e8a4f58723a687dc5
  runbook records check 1a2b3c --public-key archive.pem.pub --json

\b
Exit codes: 0 whole, 1 not whole, 2 no such run or wrong usage.
"""


@records.command("check", epilog=_CHECK_EPILOG)
@click.argument("runs", nargs=-1, required=True, metavar="RUN [RUN ...]")
@click.option("--head", metavar="HASH", help="Hash of manifest or journal that was noted elsewhere; 16 digits or more.")
@click.option("--public-key", type=click.Path(path_type=Path), help="PEM file: RUN must be signed by this key.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check_runs(runs: tuple[str, ...], head: str | None, public_key: Path | None, as_json: bool) -> int:
    """Say of each RUN whether its files are those that were there when it ended.

    RUN is a run's folder, its name, or a part of the name that no other run has. Finds changed, missing, added and
    renamed files, a cut journal, a changed manifest. Reads files only: no network, and nothing is written.
    """
    import re

    from runbook.archive import signature
    from runbook.archive.check import check

    if head is not None and not re.fullmatch(r"[0-9a-fA-F]{16,64}", head.strip()):
        raise UsageError(f"{head!r} is no hash of 16 to 64 hexadecimal digits.")
    found = [run for run in runs if Path(run).name not in BESIDE or not Path(run).is_dir()]  # runs/* names it, too
    folders = [_find(run) for run in found or runs]
    if head is not None and len(folders) > 1:
        raise UsageError("--head is the hash of one run; give one RUN.")
    key = None if public_key is None else signature.public_key(public_key)
    try:
        reports = [check(folder, noted=head or "", key=key) for folder in folders]
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be read: {error.strerror}.") from error
    if as_json:
        click.echo(json.dumps([report.as_json() for report in reports], indent=1))
    else:
        for report in reports:
            _show_report(report)
    return ExitCode.DONE if all(report.whole for report in reports) else ExitCode.FAILED


def _show_report(report: Any) -> None:
    count = len(report.findings)
    verdict = "whole" if report.whole else f"NOT whole, {count} finding{'s' if count != 1 else ''}"
    said = [f"{report.folder}: {verdict}"]
    said += [f"  {item.path}: {item.what}" for item in report.findings]
    said.append(f"  {report.files} files, manifest {report.manifest or 'missing or not readable'}")
    if report.journal is not None:
        said.append(f"  journal of {report.journal.entries} entries, last hash {report.journal.head}")
    said += [f"  {note}" for note in report.notes]
    for line in said:
        click.echo(plain(line))


_DIFF_EPILOG = """\b
Examples:
  runbook records diff 20261123T201500Z-demo-plan-1a2b3c 20261124T201500Z-demo-verify-4d5e6f
  runbook records diff 1a2b3c 4d5e6f --json
  runbook records diff 1a2b3c 4d5e6f --csv > changed.csv

\b
Exit codes: 0 the same, 3 different, 2 no such run or wrong usage.
"""


@records.command("diff", epilog=_DIFF_EPILOG)
@click.argument("a")
@click.argument("b")
@click.option("--json", "form", flag_value="json", help="Print JSON.")
@click.option("--csv", "form", flag_value="csv", help="Print CSV that a spreadsheet can open without harm.")
def diff_runs(a: str, b: str, form: str | None) -> int:
    """Compare two runs by section, step and property: what A says, and what B says instead.

    A and B are runs' folders, names, or parts of a name that no other run has. Times, names and hashes of the runs
    are not compared. It is said if the files of a run are not those that were there when it ended.
    """
    from runbook.archive import compare
    from runbook.archive.check import check

    folders = [_find(a), _find(b)]
    results = [_result(folder) for folder in folders]
    try:
        found = compare.diff(results[0], results[1])
        shown = list(compare.lines(found))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"One of the two runs has a result that is not whole: {type(error).__name__}: {error}."
        ) from error
    for folder in folders:
        if not check(folder).whole:
            click.echo(plain(f"{folder} is not whole; see: runbook records check {folder}"), err=True)
    if form == "csv":
        click.echo(compare.csv_text(found), nl=False)
    elif form == "json":
        names = {side: folder.resolve().name for side, folder in zip("ab", folders, strict=True)}
        click.echo(json.dumps({**names, "differences": [item.as_json() for item in found]}, indent=1))
    else:
        for side, folder in zip("AB", folders, strict=True):
            click.echo(plain(f"{side}: {folder}"))
        for line in shown or ["No difference."]:
            click.echo(plain(line))
    return ExitCode.CHANGES if found else ExitCode.DONE


_KEYGEN_EPILOG = """\b
Example:
  runbook records keygen ~/.config/runbook/archive.pem
  export RUNBOOK_SIGNING_KEY=~/.config/runbook/archive.pem
"""


@records.command("keygen", epilog=_KEYGEN_EPILOG)
@click.argument("path", type=click.Path(path_type=Path))
def keygen(path: Path) -> None:
    """Make a pair of Ed25519 keys: PATH, the private one, for its owner alone, and PATH.pub for everybody.

    Nothing is overwritten. Runs are signed when RUNBOOK_SIGNING_KEY names PATH.
    """
    from runbook.archive import signature

    beside, mark = signature.make_pair(path)
    click.echo(plain(f"private key: {path}  (keep it out of every archive)"))
    click.echo(plain(f"public key:  {beside}  (give it to whoever checks)"))
    click.echo(f"fingerprint: {mark}")
