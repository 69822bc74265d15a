"""Blot a credential out of the parameters that papermill was given, before the notebook is written anywhere.

Papermill writes parameters into a cell and into the notebook's metadata. With its own engine the file is on disk
before any code of ours runs; with this one it is not.
"""

from __future__ import annotations

import ast
from typing import Any

from runbook.secretlike import MASK, is_secrets_name, kind_of_secret


def blot(notebook: Any) -> list[str]:
    """Replace every parameter whose name or value looks like a credential, and return the names of those.

    What stands in its place is refused by the section's first cell, like the credential itself would be.
    """
    given = notebook.metadata.get("papermill", {}).get("parameters") or {}
    names = [name for name, value in given.items() if is_secrets_name(name) or _is_secret(name, value)]
    for name in names:
        given[name] = MASK
    if names:
        for cell in notebook.cells:
            if "injected-parameters" in cell.metadata.get("tags", []):
                cell.source = _without(cell.source, set(names))
    return names


def _is_secret(name: str, value: object) -> bool:
    return bool(kind_of_secret(value, may_be_hash=name == "approve"))


def _without(source: str, names: set[str]) -> str:
    """Write the assignments to these names anew, with nothing of their values."""
    lines = source.split("\n")
    for node in reversed(ast.parse(source).body):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in names:
            lines[node.lineno - 1 : node.end_lineno] = [f'{node.targets[0].id} = "{MASK}"']
    return "\n".join(lines)
