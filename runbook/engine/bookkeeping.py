"""Papermill's book-keeping of a notebook's cells, told truthfully."""

from __future__ import annotations

import sys
from typing import Any

from nbformat.v4 import new_output
from papermill.engines import NotebookExecutionManager


class TruthfulManager(NotebookExecutionManager):  # type: ignore[misc]
    """Papermill's book-keeping, except that a cell that never ran is not called completed.

    Papermill marks every cell after a time-out, a dead kernel or an interrupt as completed (measured with
    2.7.0). Here such cells stay ``pending`` and carry ``runbook.status: not-run``. The file is written when
    a notebook starts and when it ends, not twice a cell.
    """

    def save(self, **kwargs: Any) -> None:
        """Nothing between start and end; see `write`."""

    def write(self) -> None:
        super().save()

    def notebook_start(self, **kwargs: Any) -> None:
        super().notebook_start(**kwargs)
        self.write()

    def cell_complete(self, cell: Any, cell_index: int | None = None, **kwargs: Any) -> None:
        """Close a cell. One that a time limit or a dead kernel cut short is failed, and says by what."""
        error = sys.exc_info()[1]  # papermill calls this while the exception is on its way
        if error is not None and cell.metadata.papermill["status"] == self.RUNNING:
            self.cell_exception(cell, cell_index)
            if not any(output.output_type == "error" for output in cell.get("outputs", [])):
                name, text = type(error).__name__, str(error)
                cell.outputs.append(new_output("error", ename=name, evalue=text, traceback=[f"{name}: {text}"]))
        super().cell_complete(cell, cell_index, **kwargs)

    def notebook_complete(self, **kwargs: Any) -> None:
        self.end_time = self.now()
        papermill = self.nb.metadata.papermill
        papermill["end_time"] = self.end_time.isoformat()
        papermill["duration"] = (self.end_time - self.start_time).total_seconds()
        never_ran = 0
        for cell in self.nb.cells:
            if cell.metadata.papermill["status"] == self.PENDING:
                if cell.cell_type == "code":
                    cell.metadata.setdefault("runbook", {})["status"] = "not-run"
                    never_ran += 1
                else:
                    cell.metadata.papermill["status"] = self.COMPLETED
        if never_ran:
            papermill["exception"] = True
        self.complete_pbar()
        self.cleanup_pbar()
        self.write()
