"""What is said of a section's result, in words that both forms share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runbook import views


def problems(item: Mapping[str, Any]) -> list[str]:
    """What could not be planned, and what was in the way when it was read again."""
    planned = (item["plan"] or {"problems": []})["problems"]
    later = [problem for problem in (item["verification"] or {}).get("problems", ()) if problem.get("other")]
    return list(dict.fromkeys(views.problem_lines({"problems": [*planned, *later]})))


def verdict(item: Mapping[str, Any]) -> str:
    """How a section ended."""
    checks = (item["verification"] or {}).get("checks", [])
    good, count = sum(1 for check in checks if check["ok"]), len(checks)
    if item["nothing_to_check"]:
        return "nothing to check by an API"
    if item["verification"] and item["verification"]["ok"]:
        return f"verified, {good} of {count} properties"
    if item["verification"] and not item["error"] and good == count:
        return f"{good} of {count} properties are as the tutorial asks, the rest is left to a person: NOT verified"
    if item["error"] and item["error"]["type"] == "DriftFound":
        return f"NOT as the tutorial asks, {good} of {count} properties are"
    return f"NOT verified ({item['status']})"
