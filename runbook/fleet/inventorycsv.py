"""Read an inventory that is a CSV file.

A line is a tenant: ``tenant``, ``group``, fields of ``tenants.yaml`` (a credential as ``env:NAME`` or ``file:PATH``,
several domains with blanks between them), and any other column is an input.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from runbook.errors import InventoryError

_REFERENCE = re.compile(r"(env|file):(.+)")
_LISTED = ("domains",)


def tenants_of_csv(path: Path, text: str, *, fields: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return the tenants of a CSV file in the words of the YAML form; `fields` are the columns that are no inputs.

    Raises InventoryError that names the file and the line.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    found: dict[str, dict[str, Any]] = {}
    try:
        nameless = _name_columns(path, reader)
        for row in reader:
            if not any(cell and cell.strip() for cell in row.values() if isinstance(cell, str)) and None not in row:
                continue  # spreadsheets leave lines of commas at the end
            name = (row.get("tenant") or "").strip()
            if None in row or None in row.values():
                raise InventoryError(f"{path}, line {reader.line_num}: it has not as many cells as the first line.")
            if lost := next((key for key in nameless if row[key].strip()), None):
                raise InventoryError(f"{path}, line {reader.line_num}: {lost} has no name in the first line.")
            if name in found:
                raise InventoryError(f"{path}, line {reader.line_num}: {name!r} stands there twice.")
            cells = {key: cell.strip() for key, cell in row.items() if key not in ("tenant", *nameless)}
            found[name] = _from_cells(cells, fields)
    except csv.Error as error:
        raise InventoryError(f"{path}, line {reader.line_num}: {error}.") from None
    return found


def _name_columns(path: Path, reader: csv.DictReader[str]) -> list[str]:
    """See that every column has a name of its own, and return those that have none under one that was given them."""
    given = list(reader.fieldnames or ())
    if "tenant" not in given:
        raise InventoryError(
            f"{path} has no column named tenant.",
            "The first line names the columns, with commas between them (no semicolons).",
        )
    names = [name.strip() for name in given]
    for name in filter(None, names):
        if names.count(name) > 1:
            raise InventoryError(f"{path}, line 1: the column {name!r} stands there twice.")
    reader.fieldnames = [name or f"column {number}" for number, name in enumerate(names, start=1)]
    return [name for name in reader.fieldnames if name not in names]


def _from_cells(cells: Mapping[str, str], known: Collection[str]) -> dict[str, Any]:
    """Sort a line's cells into fields of a tenant and inputs; an empty cell says nothing."""
    fields: dict[str, Any] = {}
    inputs: dict[str, str] = {}
    for name, cell in cells.items():
        if not cell:
            continue
        if name not in known or name == "inputs":
            inputs[name] = cell
        elif name in _LISTED:
            fields[name] = re.split(r"[\s;]+", cell)
        elif name == "simulated":
            fields[name] = {"state": cell}
        else:
            reference = _REFERENCE.fullmatch(cell)
            fields[name] = {reference[1]: reference[2]} if reference else cell
    return {**fields, "inputs": inputs}
