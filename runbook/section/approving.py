"""May this plan be applied? Only the approved plan, on the approved tenant, from the state it was made for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from runbook import following
from runbook.errors import PlanRefused, UnreadableState
from runbook.kinds import BY_TYPE
from runbook.plan import Change, Observed, Plan
from runbook.preflight import lacking, read_holding
from runbook.preflight.needs import of_changes
from runbook.runs import RunFolder, read_json, still_valid
from runbook.values import canonical_properties
from tenantapi import Services

_NOTHING: Mapping[tuple[str, tuple[str, str]], str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Whose word allows a plan, and how it was given."""

    plan_hash: str
    approved_by: str
    how: str


def stored_approval(folder: RunFolder) -> Mapping[str, Any] | None:
    """Return the approval that lies in the run's folder, if one does."""
    return read_json(folder.approval) if folder.approval.is_file() else None


def check(
    plan: Plan,
    approve: str,
    stored: Mapping[str, Any] | None,
    made: Mapping[tuple[str, tuple[str, str]], str] = _NOTHING,
) -> Approval:
    """Return the approval of exactly this plan. Raises PlanRefused saying what differs or is missing.

    `made` are the changes that this run has made already, by section, with what each thing is addressed by.
    """
    check_open_parts(plan)
    check_made(plan)
    if stored is None and approve:
        if len(approve) >= 8 and plan.hash.startswith(approve.lower()):
            return Approval(plan_hash=plan.hash, approved_by="parameter", how="hash given as a parameter")
        raise PlanRefused(
            f"The plan for this section is {plan.hash[:12]}, and {approve[:12]!r} was approved.",
            "Read the plan above; if it is right, approve its hash.",
        )
    if stored is None:
        raise PlanRefused(
            f"Nobody has approved the plan {plan.hash[:12]}.",
            f"Read it, then approve it: set approve to {plan.hash[:12]} and mode to apply.",
        )
    still_valid(stored)
    if approve:
        raise PlanRefused(
            "This run acts on the approved plan in its folder, and a hash was given as well.",
            "Leave the parameter approve empty in such a run.",
        )
    approved = {item["section"]: item for item in stored["sections"]}
    still_listed([plan], approved)
    if following.approved_digest(plan, stored["sections"], made) != _hash(approved, plan.section):
        raise PlanRefused(_moved(plan, approved.get(plan.section)), "Make a new plan, read it, and approve that one.")
    return Approval(plan_hash=plan.hash, approved_by=str(stored["approved_by"]), how="approved plan")


def check_open_parts(plan: Plan) -> None:
    """Raise UnreadableState when a part of a plan is unknown, PlanRefused when one is open or was moved."""
    unknown = [item for item in plan.problems if item.presence == "unknown"]
    if unknown:
        reasons = "; ".join(f"{item.identity}: {item.reason}" for item in unknown)
        raise UnreadableState(f"Not everything could be read: {reasons}", "Nothing was written.")
    if plan.open:
        raise PlanRefused(_problems(plan), "Nothing is written while a part of the plan is open.")


def check_made(plan: Plan) -> None:
    """Raise PlanRefused when something that the plan changes is not there yet."""
    waiting = [change for change in plan.pending if change.awaits]
    if waiting:
        names = "; ".join(f"{BY_TYPE[item.kind].title} {item.identity}: {item.reason}" for item in waiting)
        raise PlanRefused(names, "Apply that section first, or all sections in one run. Nothing was written.")


def _problems(plan: Plan) -> str:
    reasons = [f"{BY_TYPE[item.kind].title} {item.identity}: {item.reason}" for item in plan.open]
    return "\n".join(reasons)


def _moved(plan: Plan, approved: Mapping[str, Any] | None) -> str:
    """Say what is different between the approved plan of a section and the present one."""
    if approved is None:
        return f"The approved plan says nothing about the section {plan.section}."
    before = {(item["kind"], item["identity"]): item for item in approved["changes"]}
    differences = []
    for change in plan.changes:
        old = before.pop(change.key, None)
        if old is None:
            differences.append(f"{change.identity} is not in the approved plan")
            continue
        for name in sorted({*old["observed"], *change.observed}):
            then, now = old["observed"].get(name), change.observed.get(name)
            if then != now:
                differences.append(f"{change.identity}, {name}: was {then!r} when approved, now {now!r}")
        if old["action"] == "create" and change.action != "create":
            differences.append(f"{change.identity} did not exist when approved, now it does")
    differences += [f"{identity} is only in the approved plan" for _, identity in before]
    detail = "; ".join(differences) or "inputs, tutorial text or tenant are not those of the approved plan"
    return f"The tenant or the inputs have changed since the plan was approved: {detail}."


def unchanged_everywhere(plans: Sequence[Plan], stored: Mapping[str, Any]) -> None:
    """Before a run's first write: hold freshly made plans of all sections against the approved ones.

    Raises UnreadableState when a part could not be read, PlanRefused naming what moved; then nothing is written,
    neither here nor in a later section.
    """
    approved = {item["section"]: item for item in stored["sections"]}
    unknown = [item for plan in plans for item in plan.problems if item.presence == "unknown"]
    if unknown:
        reasons = "; ".join(f"{item.identity}: {item.reason}" for item in unknown)
        raise UnreadableState(f"Not everything could be read: {reasons}", "Nothing was written.")
    still_listed(plans, approved)
    moved = [_moved(plan, approved.get(plan.section)) for plan in plans if plan.hash != _hash(approved, plan.section)]
    if moved:
        raise PlanRefused(" ".join(moved), "Nothing was written. Make a new plan, read it, and approve that one.")


def still_listed(plans: Sequence[Plan], before: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise UnreadableState when a list that held something before, by section, is now empty.

    That many things do not vanish at once; rather, the answer is not whole. So nothing in it is taken for absent. But a
    list that held no more than what the section was to take away may be empty.
    """
    for plan in plans:
        then = before.get(plan.section, _NONE)["changes"]
        held = {(item["kind"], item["identity"]): item.get("listed") for item in then}
        taken = Counter(item["kind"] for item in then if item["action"] == "delete")
        for change in plan.changes:
            listed = held.get(change.key)
            if listed is not None and listed > taken[change.kind]:
                _not_emptied(change.kind, change.identity, listed, change.listed)


_NONE: Mapping[str, Any] = {"changes": ()}


def _not_emptied(kind: str, identity: str, before: int | None, now: int | None) -> None:
    if before and now == 0:
        raise UnreadableState(
            f"{BY_TYPE[kind].title} {identity}: the list that held {before} when the plan was made is empty now, "
            "which is not believed",
            "Nothing is taken for absent. Look whether they are still there, then plan again.",
        )


def _hash(approved: Mapping[str, Mapping[str, Any]], section: str) -> str:
    return str(approved.get(section, {}).get("hash", ""))


def permitted(services: Services, changes: Sequence[Change]) -> None:
    """Before a run's first write: see that this identity may make every one of these changes.

    A change that is refused half way leaves a tenant that nobody planned. Raises PlanRefused naming what is
    missing, UnreadableState when the services do not tell; whether Cloudflare lets a token write, no reading tells.
    """
    rights = of_changes(changes)
    asked = {right.service for right in rights} - {"Cloudflare"}
    found = lacking((right for right in rights if right.service in asked), read_holding(services, (), asked))
    if not found:
        return
    missing = [item for item in found if item.verdict == "missing"]
    told = missing or found
    names = ", ".join(dict.fromkeys(item.right.name for item in told))
    detail = f"{names}: {told[0].why}."
    if missing:
        raise PlanRefused(
            f"This identity may not do all that the plan needs. {detail}", f"{told[0].remedy} Nothing was written."
        )
    raise UnreadableState(
        f"Whether this identity may do all that the plan needs could not be read. {detail}",
        f"{told[0].remedy} Nothing was written.".strip(),
    )


_NOT_BEGUN = "This change was not begun. Plan again."


def unmoved(change: Change, now: Observed) -> None:
    """Just before a write: raise PlanRefused if the object is no longer what the change was made for.

    Raises UnreadableState if it could not be read.
    """
    if now.presence == "unknown":
        raise UnreadableState(f"{BY_TYPE[now.kind].title} {now.identity}: {now.reason}", _NOT_BEGUN)
    _not_emptied(change.kind, change.identity, change.listed, now.listed)
    problem = _difference(change, now)
    if problem:
        raise PlanRefused(
            f"{BY_TYPE[now.kind].title} {now.identity} has changed since the plan was made: {problem}.",
            "It was left as it is. Make a new plan, read it, and approve that one.",
        )


def _difference(change: Change, now: Observed) -> str:
    if change.action == "create":
        return "" if now.presence == "absent" else "it did not exist, now it does"
    if now.presence == "absent":
        return "it existed, now it does not"
    if now.handle != change.handle:
        return "another one of the same name has taken its place"
    types = BY_TYPE[now.kind].types
    try:
        found = canonical_properties(now.properties, types, change.observed)
    except ValueError as error:
        raise UnreadableState(
            f"{BY_TYPE[now.kind].title} {now.identity}: the answer could not be understood: {error}", _NOT_BEGUN
        ) from error
    return "; ".join(
        f"{name} was {change.observed.get(name)!r}, now {found.get(name)!r}"
        for name in sorted({*found, *change.observed})
        if found.get(name) != change.observed.get(name)
    )
