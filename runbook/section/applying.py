"""Carry out the approved changes of one section, one after the other, each written down before it is sent."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import tenacity

from runbook.errors import ApplyFailed, UnreadableState
from runbook.journal import Journal, read
from runbook.kinds import BY_TYPE, VALUE_TYPES
from runbook.plan import Attribute, Change, Difference, Observed, Plan, Resource, diff, digest, plan_json
from runbook.section.approving import unmoved
from runbook.section.observing import read_for, read_objects
from runbook.undo import invert
from tenantapi import ApiError, Services
from tenantapi.calls import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a write may take to become visible [ACL: 20 seconds to minutes], and how time is spent."""

    limit_seconds: float = 120.0
    first_seconds: float = 0.5
    most_seconds: float = 10.0
    sleep: Callable[[float], None] = time.sleep

    def poll(self, visible: Callable[[], bool]) -> bool:
        """Ask again, with growing pauses, until `visible` is true; False when the limit has passed."""
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_result(lambda seen: not seen),
            wait=tenacity.wait_exponential(multiplier=self.first_seconds, max=self.most_seconds),
            stop=tenacity.stop_after_delay(self.limit_seconds),
            sleep=self.sleep,
            retry_error_callback=lambda state: False,
        )
        return bool(retrying(visible))

    def __call__(self, what: str, visible: Callable[[], bool]) -> None:
        if not self.poll(visible):
            raise ApplyFailed(
                f"After {self.limit_seconds:g} seconds, {what} could still not be seen.",
                "The service may need longer. Nothing depends on waiting: plan again later and apply the rest.",
            )


class Recorder:
    """Tells the journal of every call: a write before it is sent, and every answer."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def __call__(self, call: Call) -> None:
        if call.phase == "sent" and not call.write:
            return
        self._journal.append(
            "call",
            phase=call.phase,
            service=call.service,
            operation=call.operation,
            write=call.write,
            status=call.status,
            request_id=call.request_id,
            error=call.error,
        )


def store_before(services: Services, plans: Sequence[Plan], journal: Journal) -> None:
    """Before a first write: put the plans, their inverses and the objects as they are into the journal.

    A change that stands there already is not stored again: what was there first is what a rollback goes back to. One
    that waited for its thing to be made is, once that is there.
    """
    stored = {
        (item["section"], change["kind"], change["identity"])
        for entry in read(journal.path)
        if entry["event"] == "before-first-write"
        for item in entry["data"]["sections"]
        for change in item["plan"]["changes"]
        if change["action"] != "none" and not change.get("awaits")
    }
    fresh = (
        replace(plan, changes=tuple(c for c in plan.pending if (plan.section, *c.key) not in stored)) for plan in plans
    )
    new = [plan for plan in fresh if plan.changes]
    if not new:
        return
    found = read_objects(services, [change.key for plan in new for change in plan.pending])
    journal.append(
        "before-first-write",
        sections=[
            {"section": plan.section, "plan": plan_json(plan), "inverse": plan_json(invert(plan))} for plan in new
        ],
        objects=[
            {
                "kind": item.kind,
                "identity": item.identity,
                "presence": item.presence,
                "handle": item.handle,
                "row": _storable(item.row),
            }
            for item in found
        ],
    )


def _storable(row: Mapping[str, Any]) -> Any:
    """An object as the journal can hold it: what has no canonical JSON (a huge number) is kept as a text."""
    try:
        digest(dict(row))
    except (ValueError, TypeError):
        return json.dumps(dict(row), default=str)
    return dict(row)


def apply_changes(
    services: Services,
    plan: Plan,
    journal: Journal,
    patience: Patience,
    note: Callable[[Change, str, str], None],
) -> None:
    """Carry out the plan's pending changes in order; `note` is told the status of each.

    Each thing is read again just before its write. Raises PlanRefused if it moved, UnreadableState if it could not be
    read, ApplyFailed if a call failed; changes after that one are not begun.
    """
    for change in plan.pending:
        observed = read_for(services, [change])[0]
        unmoved(change, observed)
        journal.append("change-started", **_entry(change))
        note(change, "running", "")
        try:
            _write(services, change, observed, journal, patience)
        except (ApiError, ApplyFailed) as error:
            failure = _failure(change, error)
            journal.append("change-failed", **_named(change), error=failure.detail)
            note(change, "unknown" if _is_ambiguous(error) else "failed", failure.detail)
            raise failure from error
        except BaseException as error:  # Ctrl-C, a time limit, a fault of ours: what was sent may have taken effect
            journal.append("change-interrupted", **_named(change), by=type(error).__name__)
            note(change, "interrupted", _MAYBE)
            raise
        made = {"kind": change.kind, "identity": change.identity, "action": change.action, "section": change.section}
        journal.append("change-done", **made, handle=_handle(services, change))
        note(change, "changed", "")


def _named(change: Change) -> dict[str, str]:
    return {"kind": change.kind, "identity": change.identity, "section": change.section}


def note_settled(journal: Journal, changes: Sequence[Change]) -> None:
    """Note that changes of an earlier attempt took effect: the tenant shows it, although no answer was heard."""
    for change in changes:
        made = {"kind": change.kind, "identity": change.identity, "action": change.action, "section": change.section}
        journal.append("change-done", **made, handle=change.handle, settled=True)


def _handle(services: Services, change: Change) -> str:
    """What a thing is addressed by, so that another one of its name is never taken for it; empty if not seen."""
    if change.action != "create":
        return change.handle if change.action == "update" else ""
    try:
        return read_objects(services, [change.key])[0].handle
    except UnreadableState:
        return ""


_MAYBE = "Whether the change took effect is not known."


def _is_ambiguous(error: ApiError | ApplyFailed) -> bool:
    return isinstance(error, ApiError) and error.ambiguous


def _write(services: Services, change: Change, observed: Observed, journal: Journal, patience: Patience) -> None:
    """Write one change. When an answer is lost, look; go on only if what is there can be nothing but our own half.

    A change of several calls ends with switching a rule on or off. So when all else is as wanted, the rule was ours
    to finish; anything else might be somebody else's doing, and is left alone.
    """
    try:
        BY_TYPE[change.kind].write(services, change, observed, patience)
    except ApiError as error:
        if not error.ambiguous:
            raise
        if change.action == "delete":
            is_gone = patience.poll(lambda: read_objects(services, [change.key])[0].presence == "absent")
            journal.append("settled-by-reading", kind=change.kind, identity=change.identity, gone=is_gone)
            if not is_gone:
                raise
            return
        left = _left_to_do(services, change, patience)
        names = None if left is None else [item.attribute for item in left.changed]
        journal.append("settled-by-reading", kind=change.kind, identity=change.identity, left=names)
        if left is None or left.action == "create" or names not in ([], ["Enabled"]):
            raise
        if names:
            seen = read_for(services, [change])[0]
            BY_TYPE[change.kind].write(services, left, seen, patience)


def _left_to_do(services: Services, change: Change, patience: Patience) -> Change | None:
    """Read, for a bounded time, until the thing has moved from where it was, and compare it with what was wanted.

    Returns None when it has not moved or cannot be read.
    """
    wanted = Resource(
        kind=change.kind,
        identity=change.identity,
        section=change.section,
        attributes=tuple(_wish(item) for item in change.differences),
        may_create=True,
    )
    seen: list[Change] = []

    def moved() -> bool:
        observed = read_for(services, [change])
        fresh = diff([wanted], observed, section=change.section, scope={}, types=VALUE_TYPES)
        seen[:] = [item for item in fresh.changes if (item.action, item.observed) != (change.action, change.observed)]
        return bool(seen)

    try:
        patience.poll(moved)
    except UnreadableState:
        return None
    return seen[0] if seen else None


def _wish(item: Difference) -> Attribute:
    value = item.after if item.op == "set" else item.entries
    return Attribute(name=item.attribute, value=value, op=item.op)


def _entry(change: Change) -> Mapping[str, Any]:
    return {
        "kind": change.kind,
        "identity": change.identity,
        "action": change.action,
        "section": change.section,
        "before": dict(change.observed),
        "after": {item.attribute: item.after for item in change.changed},
    }


def _failure(change: Change, error: ApiError | ApplyFailed) -> ApplyFailed:
    if isinstance(error, ApplyFailed):
        return error
    title = BY_TYPE[change.kind].title
    detail = f"{title} {change.identity}: {error.summary}: {error.detail}"
    if error.ambiguous:
        detail += f"\n{_MAYBE}"
    return ApplyFailed(detail, error.remedy or "Plan again to see what is left to do.")
