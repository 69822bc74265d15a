"""How far a run is: a line a section where lines are kept, one that moves and then goes on a terminal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from runbook.views import plain

if TYPE_CHECKING:
    import rich.console
    from rich.progress import Progress

_PARTS = {
    "open": "signing in",
    "inputs": "looking at the inputs",
    "plan": "reading the tenant",
    "gate": "looking for an approval",
    "apply": "carrying out what was approved",
    "verify": "reading everything again",
    "finish": "closing",
}
"""What the parts of a section's notebook do, for a person who waits."""
_KEPT = "manifest "
"""What stays on the screen: hashes that somebody may want to note elsewhere."""

_LAST_MOVE_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a run tells while it goes on."""

    line: Callable[[str], None]
    """A section begins, or the record."""
    part: Callable[[str], None]
    """A part of the section begins."""


NONE = Told(line=lambda text: None, part=lambda name: None)


def lines_to(stream: TextIO) -> Told:
    """Write a line a section, at once."""
    return Told(line=lambda text: print(f"  .. {text}", file=stream, flush=True), part=NONE.part)


@contextmanager
def live_on(console: rich.console.Console) -> Iterator[Told]:
    """Show what is being done and for how long, a line a section. All of it is gone at the end, but for the hashes.

    The thread that moves it begins with the first line, when the run has forked what it forks, and has ended when this
    is left: by an error and by Ctrl-C, too. The cursor is shown again whatever happens.
    """
    shown = _Shown(console)
    try:
        yield Told(line=shown.line, part=shown.part)
    finally:
        shown.close()


class _Shown:
    def __init__(self, console: rich.console.Console) -> None:
        self._console = console
        self._progress: Progress | None = None
        self._last: str = ""
        self._kept: list[str] = []
        self._threads: set[threading.Thread] = set()

    def line(self, text: str) -> None:
        if text.startswith(_KEPT):
            self._kept.append(text)
            return
        progress = self._begun()
        self._settle(progress)
        self._last = plain(text)
        progress.add_task(self._last, total=1)

    def part(self, name: str) -> None:
        if self._progress is not None and name in _PARTS and self._progress.task_ids:
            self._progress.update(self._progress.task_ids[-1], description=f"{self._last}: {_PARTS[name]}")

    def _settle(self, progress: Progress) -> None:
        if progress.task_ids:
            progress.update(progress.task_ids[-1], description=self._last, completed=1)

    def _begun(self) -> Progress:
        if self._progress is None:
            from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

            spinner = "dots" if self._console.encoding.startswith("utf") else "line"
            self._progress = Progress(
                SpinnerColumn(spinner, finished_text=" "),
                TextColumn("{task.description}", markup=False),
                TimeElapsedColumn(),
                console=self._console, transient=True, redirect_stdout=False,
            )  # fmt: skip
            others = set(threading.enumerate())
            self._progress.start()
            self._threads = set(threading.enumerate()) - others
        return self._progress

    def close(self) -> None:
        try:
            if self._progress is not None:
                self._progress.stop()
        finally:  # a second Ctrl-C may come while rich tidies up after the first
            self._console.show_cursor(True)
            for thread in self._threads:  # rich does not wait for it, and the next run may fork only if there is none
                thread.join(_LAST_MOVE_SECONDS)
        for text in self._kept:
            print(f"  .. {text}", file=self._console.file, flush=True)
