"""What to do about an object that has the name of something the tutorial creates. Pure: a plan in, a plan out.

A thing that is right but switched off is drift, and mended. One with other content may be somebody else's: it is
shown, and nothing is written over it until a recorded decision says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from runbook import naming
from runbook.kinds import BY_TYPE
from runbook.plan import Change, Difference, Observed, Plan, Problem, Resource


def settle(plan: Plan, wanted: Sequence[Resource], observed: Iterable[Observed], adopted: Iterable[str]) -> Plan:
    """Return the plan with a Problem for each thing whose name is taken and about which nothing was decided.

    The change itself stays, so that every difference is still shown. `adopted` are the names to be taken over.
    """
    created = {resource.key: resource for resource in wanted if resource.creates}
    spelt = {item.key: item.name for item in observed}
    adopted = tuple(adopted)
    changes: list[Change] = []
    problems: list[Problem] = []
    for change in plan.changes:
        resource = created.get(change.key)
        if resource is None:
            changes.append(change)
            continue
        reason = change.reason
        if change.action == "update":
            reason, open_question = _judge(change, resource, spelt.get(change.key) or change.identity, adopted)
            if open_question:
                problems.append(Problem.of(change, "undecided", open_question))
        changes.append(replace(change, reason=reason + _named(resource)))
    return replace(plan, changes=tuple(changes), problems=(*plan.problems, *problems))


def _judge(change: Change, resource: Resource, name: str, adopted: Sequence[str]) -> tuple[str, str]:
    """Return the change's reason, and what has to be decided first (empty where nothing has)."""
    kind = BY_TYPE[change.kind]
    content = [item for item in change.changed if item.attribute not in kind.switches]
    if not content:
        names = ", ".join(item.attribute for item in change.changed)
        return f"its content is as the tutorial asks, but it is not effective at all times: {names}", ""
    adopt = f'adopt it (-p "{naming.ADOPT}={change.identity}")'
    written_as = resource.written_as or change.identity
    rename = f'create the tutorial\'s own under another name (-p "{naming.RENAME}={written_as}=NEW NAME")'
    leave = "or leave it: nothing is written then"
    beyond = [item for item in content if item.attribute in kind.not_taken_away]
    if beyond:
        told = f"this kit does not take that away, so it cannot be adopted. Decide: {rename}, {leave}"
    elif naming.is_adopted(change.identity, adopted):
        return f"adopted by decision; {change.reason}", ""
    else:
        told = f"it may be somebody else's. Decide: {adopt}, {rename}, {leave}"
    return change.reason, f"there is one named {name!r} with other content ({_differs(change, content)}); {told}"


def _differs(change: Change, differences: Iterable[Difference]) -> str:
    types = BY_TYPE[change.kind].types
    return "; ".join(
        f"{item.attribute} is {types[item.attribute].show(item.before)}, not {types[item.attribute].show(item.after)}"
        for item in differences
    )


def _named(resource: Resource) -> str:
    return f" (renamed by decision; the tutorial names it {resource.written_as!r})" if resource.written_as else ""
