"""``runbook records push`` and ``fetch``: keep finished runs in a bucket, a container or a share, and get them back."""

from __future__ import annotations

from pathlib import Path

import click

from runbook.archive.address import VARIABLE
from runbook.errors import ExitCode, NotStored, NotWhole, UsageError
from runbook.runs import BESIDE, runs_directory
from runbook.views import plain, plain_lines

_ADDRESSES = """\b
Addresses: s3://bucket/prefix, abfs://container/prefix, file:///share/runs. RUNBOOK_STORE names one for
both commands. Credentials come from the environment, never from the address; docs/storage.md says how.
"""

_PUSH_EPILOG = f"""\b
Examples:
  runbook records push 20261123T201500Z-demo-apply-1a2b3c --to s3://contoso-archive/runs
  runbook records push runs/* --to file:///mnt/archive/runs

{_ADDRESSES}
\b
Exit codes: 0 every RUN is there, 2 no such run or wrong usage, 4 a RUN is not whole or something else has
its name there, 5 the address could not be used.
"""


@click.command("push", epilog=_PUSH_EPILOG)
@click.argument("runs", nargs=-1, required=True, metavar="RUN [RUN ...]")
@click.option("--to", "address", metavar="ADDRESS", envvar=VARIABLE, help="Where to put them.")
def push(runs: tuple[str, ...], address: str | None) -> int:
    """Put finished RUNs to an address, each whole or not at all.

    RUN is a run's folder, its name, or a part of the name that no other run has. Only what is not there yet is sent;
    nothing that is there is overwritten. A RUN that is refused is told, and the others are put.
    """
    from runbook.archive.listing import find_run
    from runbook.archive.store import Store

    found = [run for run in runs if Path(run).name not in BESIDE or not Path(run).is_dir()]  # runs/* names it, too
    folders = [find_run(run, runs_directory()) for run in found or runs]
    store = Store(_given(address, "--to"))
    refused = False
    for folder in folders:
        try:
            put = store.put(folder)
        except NotStored as error:
            refused = True
            click.echo(plain_lines(str(error)), err=True)
            continue
        said = f"{put.sent} of {put.files} files sent, {put.size:,} bytes" if put.sent else "was there already"
        click.echo(plain(f"{store.address}/{put.run}: {said}"))
    return ExitCode.REFUSED if refused else ExitCode.DONE


_FETCH_EPILOG = f"""\b
Examples:
  runbook records fetch 1a2b3c --from s3://contoso-archive/runs
  runbook records fetch all --from file:///mnt/archive/runs -o audit

{_ADDRESSES}
\b
Exit codes: 0 every run is in the folder, 1 a run is not what was put there, 2 no such run or wrong usage,
5 the address could not be used.
"""


@click.command("fetch", epilog=_FETCH_EPILOG)
@click.argument("run", metavar="RUN|all")
@click.option("--from", "address", metavar="ADDRESS", envvar=VARIABLE, help="Where they were put.")
@click.option(
    "-o", "--output", metavar="DIR", type=click.Path(path_type=Path), help="Default: where runs are kept here."
)
def fetch(run: str, address: str | None, output: Path | None) -> int:
    """Copy a run, or all runs, from an address into a folder, and print each one's path.

    Each file is held against the run's manifest as it comes; of a run that is not whole nothing is kept. RUN is the
    run's name, or a part of it that no other run there has. What is here already is left as it is.
    """
    from runbook.archive.store import Store

    store = Store(_given(address, "--from"))
    names = store.runs() if run == "all" else [store.find(run)]
    damaged = False
    for name in names:
        try:
            click.echo(plain(str(store.fetch(name, output or runs_directory()))))
        except NotWhole as error:
            damaged = True
            click.echo(plain_lines(str(error)), err=True)
    return ExitCode.FAILED if damaged else ExitCode.DONE


def _given(address: str | None, option: str) -> str:
    if not address:
        raise UsageError(f"No address was given, neither by {option} nor by {VARIABLE}.")
    return address
