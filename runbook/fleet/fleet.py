"""A fleet run from its beginning to its summary: check everything, make the folder, conduct, and write what was found.

What was asked is on disk before the first tenant begins, so that a run whose supervisor was killed can be gone on with
from its folder alone.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

from runbook import __version__, journal, library, tenants
from runbook.errors import ExitCode, InventoryError, PlanRefused, RunbookError, UsageError
from runbook.fleet import rows
from runbook.fleet.approvals import hash_of_plans
from runbook.fleet.conduct import Allowance, Course, Stop, conduct
from runbook.fleet.crew import Crew, Row
from runbook.fleet.folder import FleetFolder
from runbook.fleet.inventory import Inventory, Member
from runbook.fleet.order import Order
from runbook.fleet.progress import Progress, Silent
from runbook.fleet.writing import write_all
from runbook.inputs import RUN_FIELDS, effective
from runbook.journal import Journal
from runbook.library import Document
from runbook.runs import Grant, Hold, read_json, write_json

_SHOWN = 10
"""So many problems of an inventory are told at once."""
_LAST_BREATH_SECONDS = 10.0
_NO_PLAN = "no plan of it is approved"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a fleet run ended."""

    folder: FleetFolder
    summary: Mapping[str, Any]

    @property
    def exit_code(self) -> int:
        return int(self.summary["exit_code"])


def check_inputs(inventory: Inventory, document: Document) -> None:
    """See that every tenant's inputs are allowed, before anything is started for them. Raises InventoryError."""
    fields = [field for field in document.all_fields() if field.name not in RUN_FIELDS]
    problems = []
    for member in inventory.members:
        try:
            effective(fields, member.parameters, {}, sources=member.sources)
        except RunbookError as error:
            problems.append(f"{member.name}: {error.detail}")
    _refuse(inventory, problems)


def check_members(inventory: Inventory) -> None:
    """See that every tenant can be reached as described, and that nobody is there twice. Raises InventoryError."""
    problems = []
    seen: dict[str, str] = {}
    for member in inventory.members:
        try:
            tenants.check(member.name, member.entry)
            directory = tenants.describe(member.name, member.entry).tenant_id.lower()
            if directory in seen:
                problems.append(f"{member.name} and {seen[directory]} are one and the same tenant.")
            seen[directory] = member.name
        except RunbookError as error:
            problems.append(f"{member.name}: {error.detail}")
    _refuse(inventory, problems)


def _refuse(inventory: Inventory, problems: Sequence[str]) -> None:
    if problems:
        more = f"\n    and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        listed = "".join(f"\n    {problem}" for problem in problems[:_SHOWN])
        raise InventoryError(
            f"{inventory.name}: {len(problems)} of {len(inventory.members)} tenants cannot be used.{listed}{more}",
            "Mend these first, or leave them out. Nothing was begun.",
        )


def begin(wish: Wish, document: Document, runs: Path) -> FleetFolder:
    """Make the folder of a fleet run in which nothing has been done yet. Raises UsageError, PlanRefused."""
    _read_allowance(wish.max_failures, wish.mode)
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
        "order": [member.name for member in wish.inventory.members],
        "rings": [
            {"ring": group, "orders": [_order(member, wish, folder, document).as_json() for member in members]}
            for group, members in groups.items()
        ],
    }
    write_json(folder.asked, asked, durable=True)
    Journal(folder.journal).append("fleet-started", **{k: v for k, v in asked.items() if k != "rings"})
    return folder


def _described(member: Member) -> str:
    """Return the tenants file of one tenant; the kit's own demo tenant is described in none."""
    if member.name == tenants.DEMO:
        return "tenants: {}\n"
    entry = member.entry.model_dump(mode="json", exclude_unset=True)
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


def _read_allowance(text: str, mode: str) -> Allowance:
    """A rollout stops at the first failure if nothing else is said; a run that only reads goes on."""
    if text:
        return Allowance.read(text)
    return Allowance(count=0) if mode == "apply" else Allowance()


def go_on(
    folder: FleetFolder, crew: Callable[[], Crew], watch: Progress, *, asked_to_stop: Callable[[], Stop | None]
) -> Outcome:
    """Carry out what is left of a fleet run, and write its summary; for one that has just begun that is all of it.

    Raises UsageError when its supervisor still lives, or its tutorial is another text by now.
    """
    with _alone(folder):
        folder.stop.unlink(missing_ok=True)  # not before: a stop that is meant for another supervisor stays
        asked = what_was_asked(folder)
        _same_text(asked)
        journal.mend(folder.journal)
        course = _course(asked, folder)
        log = Journal(folder.journal)
        if course.kept or any(folder.begun(order.tenant) for _, orders in course.rings for order in orders):
            log.append("fleet-resumed", finished=sorted(course.kept))
        working = crew()
        try:
            found, why = conduct(
                course, working, _Logged(watch, log, course.kept), asked_to_stop=asked_to_stop, finish=folder.finish
            )
        finally:
            working.close()
        return _close(folder, asked, found, why, log)


def what_was_asked(folder: FleetFolder) -> dict[str, Any]:
    """Return what a fleet run was asked to do. Raises UsageError when its file is not whole."""
    try:
        asked: dict[str, Any] = read_json(folder.asked)
    except ValueError:
        raise UsageError(
            f"{folder.asked} is not whole, so nobody can say what this fleet run was to do.",
            "Begin a new one; the tenants' own runs are whole, and can be gone on with by `runbook apply --resume`.",
        ) from None
    return asked


@contextlib.contextmanager
def _alone(folder: FleetFolder) -> Iterator[Hold]:
    """Be the only supervisor. Of two that ask in the same moment the lock lets one; what still runs holds the folder.

    A killed supervisor's tenants are given time to write their last words. Raises UsageError.
    """
    deadline = time.monotonic() + _LAST_BREATH_SECONDS
    lock = FileLock(folder.lock, timeout=_LAST_BREATH_SECONDS)
    with contextlib.ExitStack() as held:
        try:
            held.callback(lock.acquire().lock.release)
        except Timeout:
            raise _not_ended(folder) from None
        while folder.is_held():
            if time.monotonic() > deadline:
                raise _not_ended(folder)
            time.sleep(0.1)
        yield held.enter_context(folder.hold())


def _not_ended(folder: FleetFolder) -> UsageError:
    return UsageError(
        f"The fleet run {folder.name} has not ended.",
        f"Wait for it, or stop it:\n\n    runbook fleet stop {folder.name}\n",
    )


def _same_text(asked: Mapping[str, Any]) -> None:
    document = library.load(asked["tutorial"])
    if document.compiled.tutorial.sha256 != asked["tutorial_sha256"]:
        raise UsageError(
            f"The tutorial {asked['tutorial']} is not the text that {asked['fleet']} began with.",
            "Put the former text back to go on, or begin a new fleet run.",
        )


def _course(asked: Mapping[str, Any], folder: FleetFolder) -> Course:
    kept: dict[str, Row] = {}
    rings = []
    for item in asked["rings"]:
        orders = [Order(**values) for values in item["orders"]]
        for order in orders:
            row = folder.row(order.tenant)
            if row is None and asked["mode"] == "apply" and order.grant is None:
                place = rows.Place(tenant=order.tenant, group=order.group, ring=order.ring)
                row = rows.not_started(place, _NO_PLAN)
            if row is not None:
                kept[order.tenant] = row
        rings.append((item["ring"], orders))
    if asked["mode"] != "apply":  # a ring is there to hold a change back; to read, all can begin at once
        rings = [("all", [order for _, orders in rings for order in orders])]
    return Course(
        mode=asked["mode"],
        rings=rings,
        in_flight=asked["in_flight"],
        allowance=_read_allowance(asked["max_failures"], asked["mode"]),
        kept=kept,
    )


class _Logged:
    """Whatever happens goes into the fleet's journal first; whether anybody can be told of it stops no tenant."""

    def __init__(self, watch: Progress, log: Journal, kept: Collection[str]) -> None:
        self._watch, self._log, self._kept = watch, log, kept

    def ring(self, name: str, count: int) -> None:
        self._log.append("ring-started", ring=name, tenants=count)
        with self._heard():
            self._watch.ring(name, count)

    def started(self, tenant: str) -> None:
        self._log.append("tenant-started", tenant=tenant)
        with self._heard():
            self._watch.started(tenant)

    def ended(self, row: Mapping[str, Any]) -> None:
        if row["tenant"] not in self._kept:
            self._log.append("tenant-ended", **{name: row[name] for name in ("tenant", "status", "exit_code", "run")})
        with self._heard():
            self._watch.ended(row)

    def tick(self) -> None:
        with self._heard():
            self._watch.tick()

    def close(self) -> None:
        with self._heard():
            self._watch.close()

    @contextlib.contextmanager
    def _heard(self) -> Iterator[None]:
        """Say no more where nobody is left to hear it: the terminal was closed, or the next command of a pipe ended."""
        try:
            yield
        except OSError:
            self._watch = Silent()


def _close(folder: FleetFolder, asked: Mapping[str, Any], found: Sequence[Row], why: str, log: Journal) -> Outcome:
    by_name = {row["tenant"]: row for row in found}
    ordered = [by_name[name] for name in asked["order"]]
    summary = {
        **rows.summary(
            ordered,
            fleet=folder.name,
            mode=asked["mode"],
            inventory=asked["inventory"],
            tutorial=asked["tutorial"],
            started=asked["started"],
            ended=journal.now(),
            why=why,
        ),
        **{name: asked[name] for name in ("path", "part", "inventory_sha256")},
        "not_stored": [row["tenant"] for row in ordered if row.get("not_stored")],
        "plans_hash": hash_of_plans(ordered) if asked["mode"] == "plan" else "",
    }
    if summary["not_stored"] and summary["exit_code"] in (ExitCode.DONE, ExitCode.CHANGES):
        summary["exit_code"] = ExitCode.FAILED  # the tenants are as they are, and not all that was asked was done
    entry = log.append("fleet-ended", status=summary["status"], exit_code=summary["exit_code"], stopped=why)
    summary["journal"] = {"entries": entry["n"] + 1, "head": entry["hash"]}
    write_all(folder, summary)
    return Outcome(folder=folder, summary=summary)
