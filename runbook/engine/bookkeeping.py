"""Papermill's book-keeping of a notebook's cells, told truthfully."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from papermill.engines import NotebookExecutionManager

from runbook.engine.blotting import blot
from runbook.engine.early import EarlyText
from runbook.notebookformat import new_output
from runbook.runs import write_text

BEHIND_SECONDS = 0.1
"""A run of five sections has 55 such moments; to write at all of them was a twelfth of its cost by a profile."""
_APPLY = "apply"
_CUT_SHORT = frozenset({"KeyboardInterrupt", "CellTimeoutError", "DeadKernelError"})
"""Errors that come over a cell from outside: it did not fail by itself, and did not come to its end."""


class TruthfulManager(NotebookExecutionManager):  # type: ignore[misc]
    """Papermill's book-keeping, except that a cell that never ran is not called completed.

    Papermill marks every cell after a time-out, a dead kernel or an interrupt as completed (measured with
    2.7.0). Here such cells stay ``pending``. Beside that, ``runbook.status`` of a code cell is ``not-run`` until it
    begins, ``started`` while it runs, then ``failed`` or ``interrupted`` or nothing more. The file on disk is written
    before a cell begins that applies, and else at most `BEHIND_SECONDS` after one has begun, so that it says of a run
    that is killed, too, which cell was at work. What a cell had shown by then is in the file when the next has begun.
    """

    part: Callable[[str], None] = staticmethod(lambda name: None)
    """Told the name of a code cell of the kit's own notebooks when it begins."""

    early: EarlyText | None = None
    """What remembers the text of cells, where it is told of every change of them; else all are spelled anew."""

    _written = 0.0

    def save(self, **kwargs: Any) -> None:
        """Nothing between start and end; see `write` and `write_early`."""

    def write(self) -> None:
        """Write the notebook the way papermill does, wherever its output goes."""
        super().save()

    def write_early(self, *, new: bool = False) -> bool:
        """Write a notebook on this machine in one step, unchecked: papermill's own way takes ten times as long.

        It is another spelling of the same notebook, which the next `write` replaces. Returns whether it was written:
        anywhere else, and where nothing stands yet unless it is to be `new`, it is not.
        """
        if not self.output_path or "://" in self.output_path or self.output_path == "-":  # papermill's standard output
            return False
        path = Path(self.output_path)
        if not (path.parent.is_dir() and not path.exists() if new else path.is_file()):
            return False
        write_text(path, (self.early or EarlyText()).text(self.nb))
        self._written = time.monotonic()
        return True

    def until_due(self) -> float:
        """Say in how many seconds the file will be further behind than it may."""
        return self._written + BEHIND_SECONDS - time.monotonic()

    def changed(self, cell: Any) -> None:
        """Note that a cell is not as it was written last."""
        if self.early is not None:
            self.early.changed(cell)

    def notebook_start(self, **kwargs: Any) -> None:
        """Begin: nothing has run. A parameter that looks like a credential is blotted out before the first write."""
        blot(self.nb)
        for cell in self.nb.cells:
            if cell.cell_type == "code":
                _note(cell, "not-run")
        super().notebook_start(**kwargs)
        if not self.write_early(new=True):
            self.write()

    def cell_start(self, cell: Any, cell_index: int | None = None, **kwargs: Any) -> None:
        super().cell_start(cell, cell_index, **kwargs)
        if cell.cell_type == "code":
            self.part(cell.metadata.get("runbook", {}).get("part", ""))
            _note(cell, "started")
            self.changed(cell)
            part = cell.metadata["runbook"].get("part")
            if self.early is None or part == _APPLY or self.until_due() <= 0:
                self.write_early()

    def cell_complete(self, cell: Any, cell_index: int | None = None, **kwargs: Any) -> None:
        """Close a cell. One that a time limit or a dead kernel cut short is failed, and says by what."""
        error = sys.exc_info()[1]  # papermill calls this while the exception is on its way
        if error is not None and cell.metadata.papermill["status"] == self.RUNNING:
            self.cell_exception(cell, cell_index)
            if not any(output.output_type == "error" for output in cell.get("outputs", [])):
                name, text = type(error).__name__, str(error)
                cell.outputs.append(new_output("error", ename=name, evalue=text, traceback=[f"{name}: {text}"]))
        if self.log_output:
            super().cell_complete(cell, cell_index, **kwargs)
        else:
            self._close(cell)
        if cell.cell_type == "code":
            names = {output.ename for output in cell.outputs if output.output_type == "error"}
            failed = cell.metadata.papermill["status"] == self.FAILED
            _note(cell, ("interrupted" if names & _CUT_SHORT else "failed") if failed else None)
        self.changed(cell)

    def _close(self, cell: Any) -> None:
        """Note a cell's end as papermill does, which searches for the format of its own date each time."""
        said, end = cell.metadata.papermill, self.now()
        said["end_time"] = end.isoformat()
        if said.get("start_time"):
            said["duration"] = (end - datetime.fromisoformat(said["start_time"])).total_seconds()
        if said["status"] != self.FAILED:
            said["status"] = self.COMPLETED
        if self.pbar:
            self.pbar.update(1)

    def notebook_complete(self, **kwargs: Any) -> None:
        """End: what has not begun stays ``pending``, and papermill is told that not all is well."""
        self.end_time = self.now()
        papermill = self.nb.metadata.papermill
        papermill["end_time"] = self.end_time.isoformat()
        papermill["duration"] = (self.end_time - self.start_time).total_seconds()
        never_ran = 0
        for cell in self.nb.cells:
            if cell.metadata.papermill["status"] == self.PENDING:
                if cell.cell_type == "code":
                    never_ran += 1
                else:
                    cell.metadata.papermill["status"] = self.COMPLETED
        if never_ran:
            papermill["exception"] = True
        self.complete_pbar()
        self.cleanup_pbar()
        if sys.exc_info()[0] is not None or not self.write_early():  # without an error, papermill writes it once more
            self.write()


def _note(cell: Any, status: str | None) -> None:
    said = cell.metadata.setdefault("runbook", {})
    said.pop("status", None)
    if status is not None:
        said["status"] = status
    elif not said:
        del cell.metadata["runbook"]
