"""``runbook records frame``: all runs, section by section, as a table of pandas or a file that pandas reads."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runbook.cli.filters import filtered, list_filter
from runbook.errors import UsageError
from runbook.runs import runs_directory, write_bytes
from runbook.views import plain

if TYPE_CHECKING:
    import pandas

_EPILOG = """\b
Examples:
  runbook records frame --since 7d
  runbook records frame --mode verify -o nights.parquet
  runbook records frame --status drift -o drift.csv

\b
In Python: from runbook.archive.frame import frame; frame(Path("runs"))
"""


@click.command("frame", epilog=_EPILOG)
@filtered
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="File to write: .parquet, .csv or .pkl. Default: print.",
)
def frame_runs(output: Path | None, **options: str | None) -> None:
    """Make a table of the runs for pandas: a row a run and section, the newest run first.

    Its columns are when, tenant, mode, status (of the run), section, verified, changed, pending, drift (properties that
    are not as asked), run and fleet. A run that never came to its end has one row without a section. It takes the
    filters of records list; a file's path is printed.
    """
    from runbook.archive.frame import frame

    write = None if output is None else _writer(output)
    wanted = list_filter(options, datetime.now(UTC))
    made = frame(runs_directory(), wanted, lambda line: click.echo(plain(line), err=True))
    if output is None or write is None:
        if len(made):
            click.echo(_shown(made).to_string(index=False))
        return
    content = write(made)
    try:
        write_bytes(output, content)
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}.") from error
    click.echo(plain(str(output)))


def _writer(output: Path) -> Callable[[pandas.DataFrame], bytes]:
    """Return what makes the file's content. Raises UsageError for a form that is not known."""
    known = {".parquet": _parquet, ".csv": _csv, ".pkl": _pickle}
    if output.suffix.lower() not in known:
        raise UsageError(
            f"{output} has none of the endings that say how to write it.", f"End it in {', '.join(known)}."
        )
    return known[output.suffix.lower()]


def _shown(made: pandas.DataFrame) -> pandas.DataFrame:
    """Return the frame with every text made harmless for a terminal, and times to the second."""
    texts = {name: made[name].map(plain) for name in made.select_dtypes("str")}
    return made.assign(when=made["when"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"), **texts)


def _csv(made: pandas.DataFrame) -> bytes:
    """Return CSV that a spreadsheet can open without harm, which pandas' own is not."""
    from runbook.archive import spreadsheet

    lines: list[list[Any]] = made.assign(when=made["when"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")).to_numpy().tolist()
    return spreadsheet.text(list(made.columns), lines).encode("utf-8", "backslashreplace")


def _pickle(made: pandas.DataFrame) -> bytes:
    target = BytesIO()
    made.to_pickle(target)
    return target.getvalue()


def _parquet(made: pandas.DataFrame) -> bytes:
    target = BytesIO()
    try:
        made.to_parquet(target, index=False)
    except ImportError:
        raise UsageError(
            "Parquet needs pyarrow, which is not installed.",
            "Install the kit's extra named frame (pip install pyarrow), or write a .csv or .pkl file.",
        ) from None
    return target.getvalue()
