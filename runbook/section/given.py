"""What a notebook's variables say of its inputs, and by which way each of them came there."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runbook.history import input_sources
from runbook.inputs import Field

_INJECTED = "# Parameters"
"""First line of the cell that papermill puts its parameters into."""


def given_inputs(fields: Sequence[Field], names: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the inputs that somebody set, and where: what papermill injected, and what differs from its default.

    A cell of parameters that says what the default is says nothing: the tenant's own input then counts.
    """
    injected = _injected(names)
    given = {name: names[name] for name in injected if name in names}
    sources = dict.fromkeys(given, "papermill")
    for field in fields:
        if field.name in names and not _same(names[field.name], field.default):
            given[field.name] = names[field.name]
            sources.setdefault(field.name, "parameters cell")
    if isinstance(given.get("run_dir"), str) and given["run_dir"]:
        said = input_sources(Path(given["run_dir"]))
        sources |= {name: said[name] for name in injected if name in said}
    return given, sources


def _same(value: Any, default: Any) -> bool:
    """Whether a value is the default, and of its sort: 1 is not True, and 15.0 is not 15."""
    return type(value) is type(default) and bool(value == default)


def _injected(names: Mapping[str, Any]) -> list[str]:
    """Names that papermill's injected cell assigns, read from IPython's own list of executed cells."""
    for source in reversed(names.get("In", [])):
        if str(source).startswith(_INJECTED):
            assigned = [node for node in ast.parse(source).body if isinstance(node, ast.Assign)]
            return [target.id for node in assigned for target in node.targets if isinstance(target, ast.Name)]
    return []
