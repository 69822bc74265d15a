"""What a fleet run is asked to do, and its folder, in which all of it stands before the first tenant begins.

So a run whose supervisor was killed can be gone on with from its folder alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from runbook import __version__, journal, tenants
from runbook.errors import PlanRefused, UsageError
from runbook.fleet.conduct import Allowance
from runbook.fleet.folder import FleetFolder
from runbook.fleet.inventory import Inventory, Member
from runbook.fleet.order import Order
from runbook.journal import Journal
from runbook.library import Document
from runbook.runs import Grant, read_json, write_json
from runbook.tenants.budgets import check_budgets


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a fleet run is asked to do."""

    mode: str
    inventory: Inventory
    grants: Mapping[str, Grant] | None = None
    """Approvals by tenant, in mode apply."""
    max_failures: str = ""
    in_flight: int = 1
    cell_timeout_seconds: float = 900.0
    tenant_seconds: float = 3600.0
    store: str = ""
    budgets: Sequence[str] = ()
    """Limits of calls in place of the client library's own, as `runbook.tenants.budgets` reads them."""


def begin(wish: Wish, document: Document, runs: Path) -> FleetFolder:
    """Make the folder of a fleet run in which nothing has been done yet. Raises UsageError, PlanRefused."""
    allowance_of(wish.max_failures, wish.mode)
    check_budgets(wish.budgets, wish.in_flight)
    if wish.mode == "apply" and not (wish.grants and {m.name for m in wish.inventory.members} & wish.grants.keys()):
        raise PlanRefused(
            "No plan of any of these tenants is approved.",
            "Make the plans, read them, and approve them:\n\n    runbook fleet plan INVENTORY\n",
        )
    folder = FleetFolder.create(wish.mode, runs)
    for member in wish.inventory.members:
        folder.tenants_file(member.name).write_text(_described(member), encoding="utf-8")
    named = {name for member in wish.inventory.members for name in tenants.variables(member.entry)}
    write_json(folder.variables, sorted(named))
    groups = {group: [m for m in wish.inventory.members if m.group == group] for group in wish.inventory.rings}
    asked = {
        "format": 1,
        "fleet": folder.name,
        "kit": __version__,
        "mode": wish.mode,
        "inventory": wish.inventory.name,
        "path": wish.inventory.path,
        "part": wish.inventory.part,
        "inventory_sha256": wish.inventory.sha256,
        "tutorial": document.name,
        "tutorial_sha256": document.compiled.tutorial.sha256,
        "started": journal.now(),
        "max_failures": wish.max_failures,
        "in_flight": wish.in_flight,
        "tenant_seconds": wish.tenant_seconds,
        "budgets": list(wish.budgets),
        "order": [member.name for member in wish.inventory.members],
        "rings": [
            {"ring": group, "orders": [_order(member, wish, folder, document).as_json() for member in members]}
            for group, members in groups.items()
        ],
    }
    # In this order: who finds what was asked for, finds the journal that everything else is noted in.
    Journal(folder.journal).append("fleet-started", **{k: v for k, v in asked.items() if k != "rings"})
    write_json(folder.asked, asked, durable=True)
    return folder


def _described(member: Member) -> str:
    """Return the tenants file of one tenant; the kit's own demo tenant is described in none."""
    if member.name == tenants.DEMO:
        return "tenants: {}\n"
    entry = member.entry.model_dump(mode="json", exclude_unset=True)
    if (path := tenants.relative_certificate(member.entry, Path.cwd(), os.environ)) is not None:
        entry["certificate"] = str(path)
    return yaml.safe_dump({"tenants": {member.name: entry}}, sort_keys=False, allow_unicode=True)


def _order(member: Member, wish: Wish, folder: FleetFolder, document: Document) -> Order:
    grant = (wish.grants or {}).get(member.name)
    return Order(
        fleet=folder.name,
        folder=str(folder.path),
        tenant=member.name,
        group=member.group,
        ring=member.group,
        mode=wish.mode,
        tutorial=document.name,
        # An approved plan was made with its own inputs; nothing may be added to it.
        parameters={} if wish.mode == "apply" else dict(member.parameters),
        sources={} if wish.mode == "apply" else dict(member.sources),
        grant=None if grant is None else _grant(grant),
        cell_timeout_seconds=wish.cell_timeout_seconds,
        store=wish.store,
    )


def _grant(grant: Grant) -> dict[str, str]:
    return {
        "plan": grant.plan,
        "made_by": str(grant.made_by.absolute()),
        "approver": grant.approver,
        "expires": grant.expires or "",
    }


def what_was_asked(folder: FleetFolder) -> dict[str, Any]:
    """Return what a fleet run was asked to do. Raises UsageError when its file is not whole."""
    try:
        asked: dict[str, Any] = read_json(folder.asked)
    except (ValueError, FileNotFoundError):
        raise UsageError(
            f"{folder.asked} is not there or not whole, so nobody can say what this fleet run was to do.",
            "Begin a new one; the tenants' own runs are whole, and can be gone on with by `runbook apply --resume`.",
        ) from None
    return asked


def left_of(folder: FleetFolder, asked: Mapping[str, Any]) -> Inventory:
    """Return who was asked for and has not ended, as the fleet run's own folder describes them."""
    members = [
        Member(
            name=order.tenant,
            group=order.group,
            entry=tenants.entry(order.tenant, folder.tenants_file(order.tenant)),
            parameters=order.parameters,
            sources=order.sources,
        )
        for order in (Order(**values) for ring in asked["rings"] for values in ring["orders"])
        if folder.row(order.tenant) is None and not (asked["mode"] == "apply" and order.grant is None)
    ]
    return Inventory(
        name=asked["inventory"],
        path=asked["path"],
        sha256=asked["inventory_sha256"],
        tutorial=asked["tutorial"],
        members=tuple(members),
        rings=tuple(ring["ring"] for ring in asked["rings"]),
        part=asked["part"],
    )


def allowance_of(text: str, mode: str) -> Allowance:
    """A rollout stops at the first failure if nothing else is said; a run that only reads goes on."""
    if text:
        return Allowance.read(text)
    return Allowance(count=0) if mode == "apply" else Allowance()
