"""``runbook records``: find the runs, and make a record again from a run's files."""

from __future__ import annotations

from pathlib import Path

import click

from runbook.errors import ExitCode, UsageError
from runbook.runs import RunFolder, read_json, runs_directory


@click.group()
def records() -> None:
    """List runs, or make a run's record again."""


@records.command("list", epilog="Example: runbook records list")
@click.option("--tenant", help="Only this tenant's runs.")
def list_runs(tenant: str | None) -> None:
    """List the runs, newest first: when, tenant, mode, how it ended, where."""
    for path in sorted(runs_directory().glob("*/result.json"), reverse=True):
        try:
            result = read_json(path)
            words = (result["finished"][:19], result["tenant"]["name"], result["mode"], result["status"])
        except (ValueError, KeyError, TypeError):
            click.echo(f"{path} is not a run's result; passed over", err=True)
            continue
        if tenant in (None, result["tenant"]["name"]):
            click.echo("  ".join([f"{words[0]}Z", *words[1:], str(path.parent)]))


@records.command("show", epilog="Example: runbook records show runs/20261123T201500Z-demo-apply-1a2b3c")
@click.argument("run", type=click.Path(path_type=Path))
def show(run: Path) -> int:
    """Make the record of RUN (a run's folder) from its files, and print its path.

    A run that was killed has none yet: it gets one that says what is known and what is not.
    """
    folder = run if run.is_dir() else runs_directory() / run
    whole = RunFolder(folder.absolute())
    if not (folder / "result.json").is_file():
        from runbook.unfinished import close_unfinished

        close_unfinished(whole)
    from runbook.record import doubt, write_record

    try:
        click.echo(str(write_record(whole)))
        said = doubt(whole)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"The files of {run} are not whole: {type(error).__name__}: {error}.") from error
    if said:
        click.echo(said, err=True)
    return ExitCode.FAILED if said else ExitCode.DONE
