"""A plan as a pandas DataFrame, for questions of one's own."""

from __future__ import annotations

from typing import Any

from runbook.errors import PlanRefused
from runbook.plan import Plan

COLUMNS = ["kind", "identity", "action", "property", "before", "after", "entries", "changed", "lines"]


def as_frame(plan: Plan | None) -> Any:
    """Return one row a property, with the columns of `COLUMNS`. Raises PlanRefused without a plan."""
    import pandas

    if plan is None:
        raise PlanRefused("There is no plan yet.", "Run the plan's cell first.")
    rows = [
        {
            "kind": change.kind,
            "identity": change.identity,
            "action": change.action,
            "property": item.attribute,
            "before": item.before,
            "after": item.after,
            "entries": list(item.entries),
            "changed": item.changed,
            "lines": list(item.lines),
        }
        for change in plan.changes
        for item in change.differences
    ]
    return pandas.DataFrame(rows, columns=COLUMNS)
