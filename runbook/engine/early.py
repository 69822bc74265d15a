"""The text of a notebook while it runs."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

from runbook.notebookformat import nbformat
from runbook.runs import json_text


class EarlyText:
    """Spell a notebook out again and again, of which one cell has changed since the last time.

    It is another spelling of the same notebook than papermill's, on few lines; what is kept of a cell is its text.
    """

    def __init__(self) -> None:
        self._kept: dict[int, str] = {}

    def changed(self, cell: Any) -> None:
        """Spell this cell anew the next time."""
        self._kept.pop(id(cell), None)

    def all_changed(self) -> None:
        """Spell every cell anew the next time: one that ran later may have changed what an earlier one displays."""
        self._kept.clear()

    def text(self, notebook: Any) -> str:
        """Return the notebook's text; cells of which nobody said that they changed are as they were."""
        cells = ",\n".join(self._cell(cell) for cell in notebook.cells)
        rest = spelled({name: value for name, value in notebook.items() if name != "cells"})
        return f'{{"cells":[\n{cells}\n],\n{rest[1:]}\n'

    def _cell(self, cell: Any) -> str:
        kept = self._kept.get(id(cell))
        if kept is None:
            kept = self._kept[id(cell)] = spelled(cell)
        return kept


def settled(notebook: Any) -> str:
    """Return the text of a notebook as nbformat writes it, byte for byte, without its check of the form."""
    whole = _as_written(nbformat.from_dict(json.loads(spelled(notebook))))
    return json_text(json.loads(json.dumps(whole, sort_keys=True))).removesuffix("\n")


def _as_written(notebook: Any) -> Any:
    """Split texts into lines, and leave out what is never in a file."""
    return nbformat.v4.rwbase.strip_transient(nbformat.v4.rwbase.split_lines(notebook))


def spelled(value: Any) -> str:
    """Return a value as JSON, whatever it holds: cells of others put into notebooks what pydantic refuses."""
    try:
        return to_json(value).decode()
    except PydanticSerializationError:
        return json.dumps(value, ensure_ascii=False)
