"""The difference between what is wanted and what was found, as a plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from runbook.plan import entries as lists
from runbook.plan.model import (
    Action,
    Attribute,
    Change,
    Difference,
    Observed,
    Problem,
    ProblemState,
    Resource,
)
from runbook.plan.plan import Plan
from runbook.values import Json, ValueType, canonical_properties


def diff(
    wanted: Sequence[Resource],
    observed: Iterable[Observed],
    *,
    section: str,
    scope: Mapping[str, Json],
    types: Mapping[str, Mapping[str, ValueType]],
) -> Plan:
    """Compare every wanted property with what was found and return the plan, in the order of `wanted`.

    `types` gives, per kind, the sort of value of each property. A property that cannot be understood
    makes its resource unknown. Equal arguments give equal plans.
    """
    found = {item.key: item for item in observed}
    changes: list[Change] = []
    problems: list[Problem] = []
    for resource in wanted:
        answer = _compare(resource, found.get(resource.key), types[resource.kind])
        if isinstance(answer, Problem):
            problems.append(answer)
        else:
            changes.append(answer)
    return Plan(section=section, scope=scope, changes=tuple(changes), problems=tuple(problems))


def _compare(resource: Resource, observed: Observed | None, types: Mapping[str, ValueType]) -> Change | Problem:
    if observed is None:
        return _problem(resource, "unknown", "it was not read")
    if observed.presence == "unknown":
        return _problem(resource, "unknown", observed.reason)
    if observed.presence == "absent" and not resource.may_create:
        return _problem(resource, "absent", observed.reason or "it does not exist, and the tutorial does not create it")
    try:
        canonical = canonical_properties(observed.properties, types, [item.name for item in resource.attributes])
    except ValueError as error:
        return _problem(resource, "unknown", f"the answer could not be understood: {error}")
    differences = tuple(_difference(item, observed, canonical, types[item.name]) for item in resource.attributes)
    asked = {item.attribute: types[item.attribute].canonical(item.after) for item in differences}
    action = _action(observed, differences)
    return Change(
        action=action,
        kind=resource.kind,
        identity=resource.identity,
        section=resource.section,
        differences=differences,
        reason=_reason(action, observed, differences),
        lines=resource.lines,
        observed=canonical,
        handle=observed.handle,
        expected={**canonical, **asked},
        listed=observed.listed,
        touched=observed.touched,
    )


def unread(resource: Resource, action: Action, *, handle: str = "") -> Change:
    """Return the change that makes a thing, or sets every property that is wanted of it, of which nothing was read.

    It is for paper. A thing that is made is asked for what a plan asks of an absent one. Of a list that is added to or
    taken from, the change has all the named entries, and the whole list that comes of it is not known.
    """
    return Change(
        action=action,
        kind=resource.kind,
        identity=resource.identity,
        section=resource.section,
        differences=tuple(_all_of(item, action) for item in resource.attributes),
        reason="nothing was read",
        lines=resource.lines,
        observed={},
        handle=handle,
        expected={},
    )


def _all_of(wanted: Attribute, action: Action) -> Difference:
    keeps_others = action != "create" and wanted.op != "set"
    return Difference(
        attribute=wanted.name,
        before=None,
        after=[] if wanted.op == "remove" else wanted.value,
        lines=wanted.lines,
        words=wanted.words,
        note=wanted.note,
        changed=True,
        op=wanted.op if keeps_others else "set",
        entries=tuple(wanted.value) if keeps_others else (),
    )


def _difference(
    wanted: Attribute, observed: Observed, canonical: Mapping[str, Json], value_type: ValueType
) -> Difference:
    absent = observed.presence == "absent"
    before = None if absent else observed.properties.get(wanted.name)
    whole = Difference(
        attribute=wanted.name,
        before=before,
        after=[] if wanted.op == "remove" else wanted.value,
        lines=wanted.lines,
        words=wanted.words,
        note=wanted.note,
        changed=absent or canonical.get(wanted.name) != value_type.canonical(wanted.value),
    )
    if wanted.op == "set" or absent:
        return whole
    entries = lists.moved(value_type, wanted.op, before, wanted.value)
    after = lists.after(value_type, wanted.op, before, entries)
    return replace(whole, after=after, changed=bool(entries), op=wanted.op, entries=entries)


def _action(observed: Observed, differences: Sequence[Difference]) -> Action:
    if observed.presence == "absent":
        return "create"
    return "update" if any(item.changed for item in differences) else "none"


def _reason(action: Action, observed: Observed, differences: Sequence[Difference]) -> str:
    if action == "create":
        return observed.reason or "it does not exist yet"
    if action == "none":
        return f"all {len(differences)} properties are already as the tutorial asks"
    names = ", ".join(item.attribute for item in differences if item.changed)
    return f"not as the tutorial asks: {names}"


def _problem(resource: Resource, presence: ProblemState, reason: str) -> Problem:
    return Problem(
        kind=resource.kind,
        identity=resource.identity,
        section=resource.section,
        presence=presence,
        reason=reason,
        lines=resource.lines,
    )
