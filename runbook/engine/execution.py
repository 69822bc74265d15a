"""Run a notebook that this kit has just made, as `papermill.execute_notebook` would.

What papermill does beside calling the engine is to read the notebook from a file, to check its form and to check and
write it again at the end, all of it for text that was made a moment before.
Everything else is papermill's own: how parameters are put in, what an engine is, what counts as a failure and how the
notebook shows it. A test holds the outcome of both against each other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from runbook.engine.early import settled
from runbook.engine.manager import RunbookEngine
from runbook.engine.process import Worker
from runbook.notebookformat import nbformat
from runbook.runs import write_text


def execute(
    text: str,
    values: Mapping[str, Any],
    *,
    source: Path,
    output: Path,
    worker: Worker,
    timeout_seconds: float | None = None,
    part: Callable[[str], None] = lambda name: None,
) -> None:
    """Run a notebook of format 4.5, given as text, in a worker, and write it to `output` whatever becomes of its cells.

    `source` is what the notebook says it was made from. Raises PapermillExecutionError when a cell failed.
    """
    from papermill.engines import papermill_engines
    from papermill.execute import prepare_notebook_metadata, raise_for_execution_errors
    from papermill.parameterize import parameterize_notebook

    papermill_engines.register("runbook", RunbookEngine)  # for a checkout that is not installed
    notebook = parameterize_notebook(_as_loaded(text), dict(values), kernel_name="python3", engine_name="runbook")
    notebook = prepare_notebook_metadata(notebook, str(source), str(output))
    notebook = RunbookEngine.execute_notebook(
        notebook,
        "python3",
        output_path=str(output),
        progress_bar=False,
        execution_timeout=timeout_seconds,
        worker=worker,
        part=part,
    )
    raise_for_execution_errors(notebook, str(output))
    write_text(output, settled(notebook))


def _as_loaded(text: str) -> Any:
    """Return a notebook with the metadata that papermill gives to each one that it loads."""
    from papermill.version import version

    notebook = nbformat.from_dict(json.loads(text))
    notebook.metadata.papermill = nbformat.from_dict(
        {"default_parameters": {}, "parameters": {}, "environment_variables": {}, "version": version}
    )
    for cell in notebook.cells:
        cell.source = "".join(cell.source)
        cell.metadata.setdefault("tags", [])
        cell.metadata.setdefault("papermill", nbformat.from_dict({}))
    return notebook
