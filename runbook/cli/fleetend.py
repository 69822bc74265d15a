"""What the command line says at the end of a fleet run, and when that is shown again."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from runbook.cli.console import Console

_REASONS, _NAMED = 20, 6
"""So many reasons, and tenants of each, are printed."""


def tell_end(summary: Mapping[str, Any], page: Path, console: Console) -> None:
    """Print how a fleet run ended, the tenants that need a person, and the commands that go on from there."""
    if console.as_json:
        console.document(summary)
        return
    lines = [f"{summary['fleet']}: {summary['status']}"]
    lines += [f"{count:6} {status}" for status, count in summary["counts"].items()]
    if summary["stopped"]:
        lines.append(f"Stopped early: {summary['stopped']}.")
    lines += _what_needs_a_person(summary)
    if summary["not_stored"]:
        first = next(row for row in summary["tenants"] if row.get("not_stored"))
        lines.append(f"Records that were not put to the store: {len(summary['not_stored'])}. {first['not_stored']}")
    if summary.get("to_go_on"):
        seen = ", once somebody has seen why these failed" if "--max-failures" in summary["to_go_on"] else ""
        lines += ["", f"To go on with those that are left{seen}:", "", f"    {summary['to_go_on']}", ""]
    if summary["plans_hash"]:
        inventory = shlex.quote(os.path.relpath(summary["path"]))
        command = f"    runbook fleet apply {inventory} --approve {summary['plans_hash'][:12]}"
        lines += ["", "To carry out exactly these plans:", "", command, ""]
    lines.append(f"page: {page}")
    console.lines(lines)


def _what_needs_a_person(summary: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each reason, the worst first, with the tenants that it holds for."""
    from runbook.fleet.rows import GOOD, badness
    from runbook.views import plain

    bad = sorted((row for row in summary["tenants"] if row["status"] not in GOOD), key=badness)
    groups: dict[tuple[str, str], list[str]] = {}
    for row in bad:
        groups.setdefault((row["status"], row["reason"]), []).append(row["tenant"])
    for (status, reason), names in list(groups.items())[:_REASONS]:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        yield plain(f"  {', '.join(names[:_NAMED])}{more}: {status}: {reason}")
    if len(groups) > _REASONS:
        yield f"  and {len(groups) - _REASONS} other reasons; the page has them all"
