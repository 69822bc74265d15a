"""Where a command's words go, and in which form: tables for a person at a terminal, plain lines elsewhere, or JSON.

A `Console` is made once by a command and handed down. Whether there is a terminal is asked of each stream on its own,
so that ``runbook plan >plan.txt`` still shows a person how far it is. Nothing here loads rich before it is needed.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

import click

from runbook.cli.progress import NONE, Told, lines_to, live_on
from runbook.views import plain

if TYPE_CHECKING:
    import rich.console

    from runbook.fleet.progress import Clock, Progress

_DUMB = ("dumb", "unknown")
_JSON_HELP = (
    "Print one JSON document and nothing else on standard output. An error is a document, too, and is told on standard "
    "error as ever; exit codes are the same."
)

json_option = click.option("--json", "as_json", is_flag=True, help=_JSON_HELP)
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Print the result only; errors are told all the same.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """How one command speaks. Results go to `out`; progress and errors go to `err`."""

    out: TextIO
    err: TextIO
    tables: bool = False
    """True to show results as tables, in colour or not."""
    live: bool = False
    """True where progress is a line that moves, and not a line a section."""
    colour: bool = False
    quiet: bool = False
    as_json: bool = False
    columns: int | None = None
    """How wide to write; None is as wide as the terminal says that it is."""

    def lines(self, lines: Iterable[str]) -> None:
        """Print lines as they are, whatever the width: a command to be copied stays whole."""
        for line in lines:
            print(line, file=self.out)

    def error(self, text: str) -> None:
        """Tell something that is no part of the result."""
        print(text, file=self.err, flush=True)

    def document(self, content: Any) -> None:
        """Print one JSON document."""
        print(json_text(content), file=self.out)

    def show(self, *parts: rich.console.RenderableType) -> None:
        """Print tables and texts of rich, wrapped to the terminal's width. Nothing in them is taken for markup."""
        console = self._rich(self.out)
        for part in parts:
            console.print(part)

    @property
    def width(self) -> int:
        """How many columns the terminal has."""
        return self._rich(self.out).width

    @contextmanager
    def progress(self) -> Iterator[Told]:
        """Give what a run tells how far it is. When this is left, however, a terminal is whole again."""
        if self.quiet:
            yield NONE
        elif self.live:
            with live_on(self._rich(self.err)) as told:
                yield told
        else:
            yield lines_to(self.err)

    @contextmanager
    def fleet(self, total: int, clock: Clock = time.monotonic) -> Iterator[Progress]:
        """Give what a fleet of so many tenants tells how far it is; as `progress`, but that no thread is begun."""
        from runbook.fleet.progress import Lines, Live, Silent

        shown: Progress
        if self.quiet:
            shown = Silent()
        elif self.live:
            shown = Live(self._rich(self.err), total, clock)
        else:
            shown = Lines(self.err, total, clock)
        try:
            yield shown
        finally:
            shown.close()

    def _rich(self, stream: TextIO) -> rich.console.Console:
        from rich.console import Console as Rich

        return Rich(
            file=stream, force_terminal=True, width=self.columns, no_color=not self.colour,
            markup=False, emoji=False, highlight=False, force_jupyter=False,
        )  # fmt: skip


def make_console(
    *,
    quiet: bool = False,
    as_json: bool = False,
    out: TextIO | None = None,
    err: TextIO | None = None,
    environ: Mapping[str, str] = os.environ,
    columns: int | None = None,
) -> Console:
    """Look at the streams and the environment, and decide once how a command speaks."""
    out, err = out or sys.stdout, err or sys.stderr
    able = environ.get("TERM", "").lower() not in _DUMB
    return Console(
        out=out,
        err=err,
        tables=not as_json and ((able and _is_terminal(out)) or bool(environ.get("FORCE_COLOR"))),
        live=able and _is_terminal(err),
        colour=not environ.get("NO_COLOR"),
        quiet=quiet,
        as_json=as_json,
        columns=columns,
    )


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # it was closed
        return False


def json_text(content: Any) -> str:
    """Write JSON in which every mark that nobody can see is spelt out, so that a terminal may show it."""
    text = json.dumps(content, indent=1, ensure_ascii=False)
    return "".join(char if char == "\n" or plain(char) == char else _spelt_out(char) for char in text)


def _spelt_out(char: str) -> str:
    return json.dumps(char)[1:-1]


def error_document(error: BaseException, exit_code: int) -> dict[str, Any]:
    """Return an error as JSON has it; it says what is told on standard error."""
    parts = {name: str(getattr(error, name, None) or "") for name in ("summary", "detail", "remedy")}
    detail = parts["detail"] or str(getattr(error, "message", None) or error) or "Interrupted."
    return {"error": {"type": type(error).__name__, **parts, "detail": detail}, "exit_code": exit_code}
