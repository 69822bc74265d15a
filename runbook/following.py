"""A thing that one section of a text makes or changes, and a later one changes again. Pure: values in, values out.

Before anything is applied, the later section finds the thing absent or as it was; once the earlier one is done it finds
what that has made. Both times it asks for the same, and an approval of the first plan is one of the second exactly as
far as the second differs by what the earlier section was approved to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from runbook import naming
from runbook.compile.result import ResourceDraft
from runbook.inputs import decision_field
from runbook.kinds import BY_TYPE, VALUE_TYPES
from runbook.plan import Change, Difference, Plan, Resource, plan_digest, plan_json

Key = tuple[str, str]


def makers(drafts: Iterable[ResourceDraft], values: Mapping[str, Any]) -> dict[Key, str]:
    """Return the section that creates a thing, for each thing that drafts of other sections create.

    What a decision turns on is created where `values`, the inputs of the section at hand, have that decision.
    """
    renaming = naming.renames(values.get(naming.RENAME))
    return {
        (draft.type, naming.renamed(draft.identity, renaming)): draft.section
        for draft in drafts
        if draft.action == "create"
        and draft.identity is not None
        and (not draft.optional or values.get(decision_field(draft.optional)))
    }


def bounded(wanted: Iterable[Resource]) -> tuple[Resource, ...]:
    """Return the resources so that a text which only changes a thing neither makes it nor asks for more than it says.

    What its kind adds to a thing that is made is left away: whoever made it has decided on that.
    """
    found = []
    for resource in wanted:
        kind = BY_TYPE[resource.kind]
        if not resource.creates and not kind.modifying_makes:
            named = tuple(item for item in resource.attributes if item not in kind.implied)
            resource = replace(resource, attributes=named, may_create=False)
        found.append(resource)
    return tuple(found)


def settle(plan: Plan, wanted: Sequence[Resource], made_by: Mapping[Key, str]) -> Plan:
    """Return the plan with a change that waits, for each thing that is absent and that an earlier section makes."""
    missing = {(item.kind, item.identity) for item in plan.problems if item.presence == "absent"} & made_by.keys()
    if not missing:
        return plan
    known = {change.key: change for change in plan.changes}
    known |= {item.key: _waiting(item, made_by[item.key]) for item in wanted if item.key in missing}
    return replace(
        plan,
        changes=tuple(known[item.key] for item in wanted if item.key in known),
        problems=tuple(item for item in plan.problems if (item.kind, item.identity) not in missing),
    )


def _waiting(resource: Resource, section: str) -> Change:
    types = VALUE_TYPES[resource.kind]
    return Change(
        action="update",
        kind=resource.kind,
        identity=resource.identity,
        section=resource.section,
        differences=tuple(
            Difference(
                attribute=item.name, before=None, after=item.value, lines=item.lines,
                words=item.words, note=item.note, changed=True,
            )
            for item in resource.attributes
        ),
        reason=f"it is not there yet; the section {section!r} makes it",
        lines=resource.lines,
        observed={},
        expected={item.name: types[item.name].canonical(item.value) for item in resource.attributes},
        awaits=section,
    )  # fmt: skip


def approved_digest(plan: Plan, approved: Sequence[Mapping[str, Any]], made: Mapping[tuple[str, Key], str]) -> str:
    """Return the hash of a plan, in which what other sections have brought about stands as it was when approved.

    `approved` are the plans of the sections that were approved together; `made` are the changes that this run has made
    already, by section, with what each thing is addressed by. A change counts in its approved form only if it asks for
    the same, and differs by nothing but what those changes were approved to do.
    """
    sections = {section["section"]: {_key(change): change for change in section["changes"]} for section in approved}
    olds = sections.get(plan.section, {})
    stored = plan_json(plan)
    changes = []
    for now in stored["changes"]:
        earlier = [
            (sections[name][key], handle)
            for (name, key), handle in made.items()
            if key == _key(now) and name != plan.section and key in sections.get(name, {})
        ]
        old = olds.get(_key(now))
        changes.append(old if old is not None and earlier and _has_come_about(old, now, earlier) else now)
    return plan_digest({**stored, "changes": changes})


def _key(change: Mapping[str, Any]) -> Key:
    return change["kind"], change["identity"]


def _has_come_about(
    old: Mapping[str, Any], now: Mapping[str, Any], earlier: Iterable[tuple[Mapping[str, Any], str]]
) -> bool:
    """Whether a change is the approved one, on the thing as the earlier changes were to leave it."""
    found, handle = dict(old["observed"]), old["handle"]
    for change, its_handle in earlier:
        names = [item["name"] for item in change["properties"] if item["changed"]]
        found |= {name: change["expected"].get(name) for name in names}
        handle = handle or its_handle
    if _asks(old) != _asks(now) or now.get("awaits") or now["action"] == "create":
        return False
    if not handle or now["handle"] != handle:
        return False
    if old.get("awaits"):
        return bool(found.items() <= now["observed"].items())
    return bool(now["observed"] == found)


def _asks(change: Mapping[str, Any]) -> list[list[Any]]:
    names = ("name", "after", "words", "note", "lines")
    return [[item[name] for name in names] for item in change["properties"]]
