"""Which tenants of an inventory are meant: named ones, groups, the first few, or those that did not end well before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runbook.errors import UsageError
from runbook.fleet import rows
from runbook.fleet.folder import FleetFolder, fleets
from runbook.fleet.inventory import Inventory
from runbook.runs import read_json

ONLY = ("failed", "drift", "pending")
"""What ``--only`` knows: of the last fleet run in the same mode, the tenants that failed in whatever way or were not
begun, those that drifted, those with changes pending."""
_STATUSES: Mapping[str, frozenset[str]] = {
    "failed": frozenset({rows.KILLED, rows.NOT_STARTED, "failed", "interrupted", "unknown", "refused"}),
    "drift": frozenset({"drift"}),
    "pending": frozenset({"changes pending"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What narrows an inventory down; what is empty or None does not count."""

    tenants: Sequence[str] = ()
    groups: Sequence[str] = ()
    only: str | None = None
    limit: int | None = None


def select(inventory: Inventory, wanted: Selection, mode: str, runs: Path) -> Inventory:
    """Return the inventory with the wanted tenants alone. Raises UsageError when a name is not in it, or none is left.

    `mode` is what the fleet is about to do; ``only`` looks at the last fleet run of this inventory in this mode.
    """
    names = [member.name for member in inventory.members]
    for what, given, known in (
        ("tenant", wanted.tenants, names),
        ("group", wanted.groups, [member.group for member in inventory.members]),
    ):
        for name in given:
            if name not in known:
                raise UsageError(f"No {what} of {inventory.name} is named {name!r}.")
    kept = [
        member.name
        for member in inventory.members
        if (not wanted.tenants or member.name in wanted.tenants)
        and (not wanted.groups or member.group in wanted.groups)
    ]
    if wanted.only is not None:
        last = newest_summary(inventory.path, mode, runs)
        if last is None:
            raise UsageError(
                f"There is no earlier fleet run of {inventory.name} in mode {mode} to look at.",
                "Leave --only out the first time.",
            )
        found = {row["tenant"] for row in last["tenants"] if row["status"] in _STATUSES[wanted.only]}
        kept = [name for name in kept if name in found]
    kept = kept[: wanted.limit]
    if not kept:
        raise UsageError("No tenant is left by these options.", f"{inventory.name} has {len(names)} tenants.")
    return inventory.only(kept)


def newest_summary(
    inventory: str, mode: str, runs: Path, *, before: str = "", whole: bool = False
) -> dict[str, Any] | None:
    """Return the summary of the newest fleet run of an inventory, by its whole path, in a mode.

    `before` is the name of a later one. With `whole`, runs over a part of the inventory are passed over, since what
    they leave out has not changed.
    """
    for folder in fleets(runs):
        if f"-{mode}-" not in folder.name or (before and folder.name >= before):
            continue
        found = _summary_of(folder)
        if found is not None and found.get("path") == inventory and not (whole and found.get("part")):
            return found
    return None


def _summary_of(folder: FleetFolder) -> dict[str, Any] | None:
    try:
        found = read_json(folder.summary)
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
