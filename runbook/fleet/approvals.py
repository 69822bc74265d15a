"""Which tenant's plan is approved, by whom and until when: looked up once for a whole fleet.

A fleet's plans have one hash over all of them, which approves every plan in it and nothing else. Or a file approves, in
somebody's name (`runbook.approvalfile`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from runbook.approvalfile import read_approval_file
from runbook.errors import PlanRefused
from runbook.fleet.folder import FleetFolder, fleets
from runbook.plan import digest
from runbook.runs import Grant, person, read_json

_HOW = "Make the plans and read them, then approve the hash that is printed:\n\n    runbook fleet plan INVENTORY\n"
_FIRST = re.compile(rb'\s*\{\s*"hash"\s*:\s*"([0-9a-f]{64})"')


def hash_of_plans(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the one hash over all plans of a fleet; empty where there is none."""
    plans = {row["tenant"]: row["plan"] for row in rows if row.get("plan")}
    return digest(plans) if plans else ""


def by_hash(wanted: str, runs: Path) -> dict[str, Grant]:
    """Return what the hash of a fleet's plans approves, in the name of whoever runs this. Raises PlanRefused.

    It may be shortened to 8 digits or more if the plans of one fleet only begin so.
    """
    return _of_fleet(wanted, runs, approver=person(), expires=None)


def by_files(paths: Sequence[Path], runs: Path) -> dict[str, Grant]:
    """Return what approval files approve. Raises UsageError for a file that cannot be used, PlanRefused for a hash
    that nobody knows and for a tenant that two of them name with different plans."""
    found: dict[str, Grant] = {}
    for path in paths:
        for tenant, grant in _by_file(path, runs).items():
            if tenant in found and found[tenant].plan != grant.plan:
                raise PlanRefused(f"The tenant {tenant!r} has two approved plans, the second in {path}.", _HOW)
            found[tenant] = grant
    return found


def _by_file(path: Path, runs: Path) -> dict[str, Grant]:
    given = read_approval_file(path)
    expires = given.expires.isoformat()
    if given.fleet is not None:
        return _of_fleet(given.fleet, runs, approver=given.approver, expires=expires)
    wanted = given.by_tenant
    made_by = dict(_known_plans(runs))
    for tenant, plan in wanted.items():
        if plan not in made_by:
            raise PlanRefused(f"No run in {runs} has the plan {plan[:12]} that {path} approves for {tenant!r}.", _HOW)
    return {
        tenant: Grant(plan=plan, made_by=made_by[plan], approver=given.approver, expires=expires)
        for tenant, plan in wanted.items()
    }


def _of_fleet(wanted: str, runs: Path, *, approver: str, expires: str | None) -> dict[str, Grant]:
    wanted = wanted.strip().lower()
    if len(wanted) < 8 or not re.fullmatch(r"[0-9a-f]+", wanted):
        raise PlanRefused(f"{wanted!r} is not the hash of a fleet's plans.", _HOW)
    found: dict[str, dict[str, Any]] = {}
    for folder in fleets(runs):
        summary = _summary(folder) if "-plan-" in folder.name else {}
        if str(summary.get("plans_hash", "")).startswith(wanted):
            found.setdefault(summary["plans_hash"], summary)
    if len(found) != 1:
        count = "No fleet" if not found else f"{len(found)} fleets"
        raise PlanRefused(f"{count} in {runs} has plans whose hash begins {wanted}.", _HOW)
    (summary,) = found.values()
    if hash_of_plans(summary["tenants"]) != summary["plans_hash"]:
        raise PlanRefused(f"The summary of {summary['fleet']} was changed after it was made.", _HOW)
    return {
        row["tenant"]: Grant(plan=row["plan"], made_by=runs / row["run"], approver=approver, expires=expires)
        for row in summary["tenants"]
        if row.get("plan")
    }


def _summary(folder: FleetFolder) -> dict[str, Any]:
    try:
        found = read_json(folder.summary)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _known_plans(runs: Path) -> Iterator[tuple[str, Path]]:
    """Yield the hash of every stored plan with its run; only the beginning of each file is read."""
    for path in sorted(runs.glob("*/plan.json")):
        with path.open("rb") as file:
            first = _FIRST.match(file.read(200))
        if first:
            yield first[1].decode(), path.parent
