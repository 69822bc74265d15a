"""Write a run's record from its files; nothing else is asked, so a record can be made again at any time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runbook.journal import JournalError, ending, read
from runbook.notebookformat import nbformat
from runbook.record import page
from runbook.record.exporter import exporter
from runbook.runs import RunFolder, read_json, write_text
from runbook.views import plain


def record_notebook(folder: RunFolder) -> Any:
    """Return one notebook with the code cells of all executed notebooks of a run, in order.

    Instead of a notebook that cannot be read stands a cell that says so.
    """
    cells = []
    for path in sorted((folder.path / "notebooks").glob("[!.]*.ipynb")):
        if path.name.endswith(".source.ipynb"):
            continue  # what a killed run was about to execute
        try:
            notebook = _read(path)
        except (ValueError, OSError, nbformat.ValidationError) as error:
            notebook = _unreadable(type(error).__name__)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.metadata["runbook_notebook"] = path.name
                cell.id = f"{path.stem[:2]}-{cell.id}"[:64]
                cells.append(cell)
    notebook = nbformat.from_dict({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    notebook.cells = cells  # whose form is what it is; nothing here depends on it
    return notebook


def _read(path: Path) -> Any:
    """Read a notebook; one of the present format is not held against it, for what it shows is shown anyhow."""
    notebook = nbformat.reader.reads(path.read_text(encoding="utf-8"))
    present = getattr(notebook, "nbformat", None) == nbformat.current_nbformat
    return notebook if present else nbformat.read(path, as_version=4)


def _unreadable(why: str) -> Any:
    cell = nbformat.v4.new_code_cell("", metadata={"runbook": {"part": "unreadable"}})
    text = f"This notebook cannot be read ({why}). What its cells did is not known from it."
    cell.outputs = [nbformat.v4.new_output("stream", name="stderr", text=text)]
    return nbformat.v4.new_notebook(cells=[cell])


def doubt(folder: RunFolder) -> str:
    """Say why a run's files cannot be believed as they are; empty if the journal is whole and ends as it should."""
    expected = read_json(folder.path / "result.json")["journal"]
    end = ending(folder.journal)
    if end.problem:
        return f"The journal of this run cannot be believed: {end.problem}"
    if (end.entries, end.head) != (expected["entries"], expected["head"]):
        return "The journal of this run does not end as its result says; one of the two was changed afterwards."
    return ""


def _approved(folder: RunFolder) -> dict[str, Any]:
    """Return the inputs' values in the plan that this run was to carry out; none where there is no whole approval."""
    if not folder.approval.is_file():
        return {}
    try:
        approval = read_json(folder.approval)
        inputs = [part["scope"]["inputs"] for part in approval["sections"]]
        return {name: value for part in (approval["parameters"], *inputs) for name, value in part.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _log(folder: RunFolder) -> list[str]:
    """Return a line for each entry of the journal: what is evidence where no executed notebook is kept."""
    try:
        entries = list(read(folder.journal))
    except (JournalError, OSError) as error:
        return [f"The journal cannot be read: {error}"]
    return [plain(f"{entry['n']:3} {entry['at'][11:23]} {entry['event']}{_told(entry['data'])}") for entry in entries]


def _told(data: Mapping[str, Any]) -> str:
    """Name what an entry holds; what is no single value stands in the journal itself."""
    words = [f"{name} {value}" for name, value in data.items() if isinstance(value, str | int | float) and value != ""]
    return f": {', '.join(words)}" if words else ""


def write_record(folder: RunFolder) -> Path:
    """Render ``record.html`` from ``result.json`` and the executed notebooks, and return its path.

    The journal is read and held against the result; the page says so, first of all, if they do not agree.
    """
    result = read_json(folder.path / "result.json")
    content = page.from_result(result, _approved(folder))
    content["doubt"] = doubt(folder)
    names = sorted(path.name for path in folder.path.iterdir())
    content["files"] = [name for name in names if not name.startswith((".", "record.", "manifest."))]
    notebook = record_notebook(folder)
    content["log"] = [] if notebook.cells else _log(folder)
    write_text(folder.record, exporter().record(notebook, content))
    return folder.record
