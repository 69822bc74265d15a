"""What papermill calls: run a notebook's cells in a worker and write down truthfully what became of each.

Papermill imports this module while it is itself being imported (entry points), so papermill is imported here only
inside functions, and the engine is an engine by what it does, not by inheritance.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runbook.engine.early import EarlyText
from runbook.engine.outputs import CellOutputs
from runbook.engine.process import CellTimedOut, Late, Worker, WorkerDied, can_fork
from runbook.notebookformat import new_output


class RunbookEngine:
    """Run a notebook in a forked child; where forking is not safe, papermill's own engine does the same."""

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> str:
        """Return the kernel's name that papermill should use: the given one, or the notebook's."""
        from papermill.engines import Engine

        return str(Engine.nb_kernel_name(nb, name))

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> str:
        """Return the notebook's language, which papermill needs to write parameters."""
        from papermill.engines import Engine

        return str(Engine.nb_language(nb, language))

    @classmethod
    def execute_notebook(
        cls,
        nb: Any,
        kernel_name: str,
        output_path: str | None = None,
        progress_bar: bool | dict[str, Any] = True,
        log_output: bool = False,
        autosave_cell_every: int = 30,
        **kwargs: Any,
    ) -> Any:
        """Run all cells until one fails and return the notebook.

        Keyword arguments beyond papermill's: `worker`, a running Worker to use (its child then serves several
        notebooks); without it one is made for this notebook. `execution_timeout`: seconds per cell. `part`: told the
        name of every code cell that begins.
        """
        from runbook.engine.bookkeeping import TruthfulManager

        manager = TruthfulManager(
            nb,
            output_path=output_path,
            progress_bar=progress_bar,
            log_output=log_output,
            autosave_cell_every=0,
        )
        manager.part = kwargs.pop("part", manager.part)
        manager.notebook_start()
        try:
            cls.execute_managed_notebook(manager, kernel_name, **kwargs)
        finally:
            manager.cleanup_pbar()
            manager.notebook_complete()
        _raise_for_exit(manager)
        return manager.nb

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **kwargs: Any) -> None:
        """Run the cells: in the given worker, in one of our own, or where forking is not safe in a kernel."""
        worker: Worker | None = kwargs.pop("worker", None)
        fork = kwargs.pop("fork", True)
        timeout = kwargs.get("execution_timeout")
        if worker is not None:
            worker.new_notebook()
            _run_cells(nb_man, worker, timeout)
        elif fork and can_fork():
            with Worker(directory=Path.cwd()) as own:
                _run_cells(nb_man, own, timeout)
        else:
            from papermill.engines import NBClientEngine

            from runbook.engine.kernel import kernel_options

            options = {**kernel_options(), **kwargs, "store_widget_state": False}
            NBClientEngine.execute_managed_notebook(nb_man, kernel_name, **options)


def _raise_for_exit(manager: Any) -> None:
    """Raise for a cell that left by ``sys.exit(0)``: papermill calls that a success, though later cells never ran."""
    from papermill.exceptions import PapermillExecutionError

    for index, cell in enumerate(manager.nb.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "error" and output.ename == "SystemExit":
                manager.write()  # papermill does not, after an error of the engine
                raise PapermillExecutionError(
                    index, cell.execution_count, cell.source, output.ename, output.evalue, output.traceback
                )


def _run_cells(manager: Any, worker: Worker, timeout_seconds: float | None) -> None:
    displays: dict[str, list[Any]] = {}
    manager.early = EarlyText()
    manager.nb.metadata["language_info"] = _language_info()
    for index, cell in enumerate(manager.nb.cells):
        manager.cell_start(cell, index)
        ok = True
        try:
            if cell.cell_type == "code" and cell.source.strip():
                ok = _run_cell(manager, cell, worker, displays, timeout_seconds)
        finally:  # what raises here is told by the manager, which sees it
            if not ok:
                manager.cell_exception(cell, index)
            manager.cell_complete(cell, index)
        if displays:
            manager.early.all_changed()
        if not ok:
            return


def _run_cell(manager: Any, cell: Any, worker: Worker, displays: dict[str, list[Any]], timeout: float | None) -> bool:
    outputs = CellOutputs(cell.outputs, displays)
    late = Late(manager.until_due(), manager.write_early)
    try:
        done = worker.run_cell(cell.source, outputs.take, timeout, late)
    except CellTimedOut as error:
        cell.outputs.append(_error("CellTimeoutError", str(error)))
        return False
    except WorkerDied as error:
        cell.outputs.append(_error("DeadKernelError", str(error)))
        return False
    cell.execution_count = done["count"]
    return bool(done["ok"])


def _error(name: str, text: str) -> Any:
    return new_output("error", ename=name, evalue=text, traceback=[f"{name}: {text}"])


def _language_info() -> dict[str, Any]:
    """The same facts that an ipykernel reports about itself."""
    import sys

    return {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
        "version": ".".join(str(part) for part in sys.version_info[:3]),
    }
