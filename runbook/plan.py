"""What is wanted, what was found, and the difference between them. Pure: values in, values out.

The alphabet of changes is ``+ create``, ``~ update``, ``- delete``, ``= none``. A resource whose state
could not be read, or that cannot be brought about, becomes a `Problem`: such a plan can be shown, never applied.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import rfc8785

from runbook import entries as lists
from runbook.entries import Op
from runbook.values import Json, ValueType, canonical_properties

Action = Literal["create", "update", "delete", "none"]
Presence = Literal["present", "absent", "unknown"]
ProblemState = Literal["absent", "unknown", "undecided", "moved", "left"]
"""`left` is left to a person: the text is not understood there. The rest can be approved and carried out without it."""
SYMBOL: Mapping[str, str] = {"create": "+", "update": "~", "delete": "-", "none": "="}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One property that the tutorial asks for."""

    name: str
    value: Any
    """As the service takes it; with `add` and `remove`, the entries that shall be in the list, or not in it."""
    op: Op = "set"
    lines: tuple[int | str, ...] = ()
    """Source lines behind it: of the tutorial itself by number (1-based), of an included file in words."""
    words: str = ""
    """The tutorial's own words for it."""
    note: str = ""
    """What was assumed, or where a computed value came from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One thing as the tutorial declares it."""

    kind: str
    identity: str
    section: str
    attributes: tuple[Attribute, ...]
    may_create: bool
    """False where the tutorial changes something that must be there already."""
    lines: tuple[int | str, ...] = ()
    creates: bool = False
    """True where the tutorial makes something new: what bears its name already may be somebody else's."""
    written_as: str = ""
    """The tutorial's own name for it, where a decision gives it another one."""

    @property
    def key(self) -> tuple[str, str]:
        return (self.kind, self.identity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One thing as it was found: present with its properties, absent, or unknown with the reason."""

    kind: str
    identity: str
    presence: Presence
    properties: Mapping[str, Any]
    """As the service returned them: those that the kind knows (present), else empty."""
    reason: str = ""
    handle: str = ""
    """What a write call addresses it by (an id or a name)."""
    row: Mapping[str, Any] = field(default_factory=dict)
    """The whole object as the service returned it; kept before a first write, compared by nothing."""
    name: str = ""
    """Its name as the service spells it, where it has one."""
    listed: int | None = None
    """How many objects the list held that it was looked for in; None where no list was read."""
    beside: Sequence[Mapping[str, Any]] = ()
    """That whole list, of a kind whose things act on each other."""
    touched: str = ""
    """When it was last changed, by its own word, as ISO text in UTC; empty where that is not known."""

    @property
    def key(self) -> tuple[str, str]:
        return (self.kind, self.identity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One property, before and after, as the service spells it."""

    attribute: str
    before: Any
    after: Any
    lines: tuple[int | str, ...]
    words: str
    note: str
    changed: bool
    op: Op = "set"
    entries: tuple[str, ...] = ()
    """What `add` puts in or `remove` takes out; `before` and `after` are the whole list all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be done to one thing, and why. The reason is for people; nothing branches on it."""

    action: Action
    kind: str
    identity: str
    section: str
    differences: tuple[Difference, ...]
    reason: str
    lines: tuple[int | str, ...]
    observed: Mapping[str, Json]
    """Canonical properties that were found; empty for an absent thing."""
    handle: str = ""
    """What the thing was addressed by when it was found; another thing of the same name has another."""
    expected: Mapping[str, Json]
    """Canonical properties once the change is made, as far as they are known; empty for a deleted thing."""
    listed: int | None = None
    """How many objects the list held that it was looked for in; no part of the plan's hash."""
    notes: tuple[str, ...] = ()
    """What else a person should know of it, such as what is beside it; no part of the plan's hash."""
    touched: str = field(default="", compare=False)
    """When the thing was last changed, by its own word; for a fresh plan alone, it is not stored."""
    awaits: str = ""
    """Section before this one that makes the thing, which is not there yet; such a change is not carried out so."""

    @property
    def key(self) -> tuple[str, str]:
        return (self.kind, self.identity)

    @property
    def changed(self) -> tuple[Difference, ...]:
        return tuple(item for item in self.differences if item.changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a resource cannot be planned: it could not be read, is not there, waits for an answer, or was moved."""

    kind: str
    identity: str
    section: str
    presence: ProblemState
    reason: str
    lines: tuple[int | str, ...] = ()
    other: str = ""
    """Name of somebody else's thing that is in its way; empty where the problem is in the thing itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The ordered changes of one section on one tenant, computed once and applied as they stand."""

    section: str
    scope: Mapping[str, Json]
    """What the plan was made for: tenant, tutorial text, inputs, decisions."""
    changes: tuple[Change, ...]
    problems: tuple[Problem, ...] = ()
    seen: tuple[Mapping[str, str], ...] = field(default=(), compare=False)
    """Kind, name and identifier of everything in the lists that were read; no part of the plan as it is stored."""

    @property
    def pending(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.action != "none")

    @property
    def is_empty(self) -> bool:
        """Nothing for this kit to do, and everything was read; something may be left to a person."""
        return not self.pending and not self.open

    @property
    def open(self) -> tuple[Problem, ...]:
        """What stands in the way of carrying out the rest."""
        return tuple(item for item in self.problems if item.presence != "left")

    @property
    def left(self) -> tuple[Problem, ...]:
        """What is left to a person."""
        return tuple(item for item in self.problems if item.presence == "left")

    @property
    def is_as_asked(self) -> bool:
        """Nothing to do, and everything was read; what somebody else's things do beside it does not count."""
        return not self.pending and all(item.other for item in self.problems)

    @property
    def is_done(self) -> bool:
        """As asked, but for what is left to a person, of which this says nothing."""
        return not self.pending and all(item.other for item in self.open)

    @property
    def can_apply(self) -> bool:
        return not self.open

    @property
    def hash(self) -> str:
        """SHA-256 over the canonical JSON of everything in the plan; see `plan_digest`."""
        return plan_digest(plan_json(self))


def digest(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON (RFC 8785), in hexadecimal."""
    return hashlib.sha256(rfc8785.dumps(value)).hexdigest()


def plan_digest(plan: Mapping[str, Any]) -> str:
    """Return the hash of a plan given as JSON.

    What was found counts in its canonical form alone, so that another spelling of the same thing is the same plan;
    so a list that keeps its other entries counts by what it is expected to be. How many other things were listed
    beside it, and the notes on that, do not count.
    """
    changes = [
        {
            **{k: v for k, v in change.items() if k not in ("listed", "notes")},
            "properties": [{k: v for k, v in item.items() if k not in _spelt(item)} for item in change["properties"]],
        }
        for change in plan["changes"]
    ]
    return digest({**{k: v for k, v in plan.items() if k != "hash"}, "changes": changes})


def _spelt(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the parts of a stored property that are spelt as the service spelt them."""
    found = {"add": ("before", "after"), "remove": ("before", "after", "entries")}
    return found.get(item.get("op", "set"), ("before",))


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


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return the plan as plain JSON: the same plan gives the same bytes once it is made canonical."""
    return {
        "section": plan.section,
        "scope": dict(plan.scope),
        "changes": [_change_json(change) for change in plan.changes],
        "problems": [
            {
                "kind": item.kind,
                "identity": item.identity,
                "presence": item.presence,
                "reason": item.reason,
                "lines": list(item.lines),
                "other": item.other,
            }
            for item in plan.problems
        ],
    }


def _change_json(change: Change) -> dict[str, Any]:
    return {
        "action": change.action,
        "kind": change.kind,
        "identity": change.identity,
        "reason": change.reason,
        "lines": list(change.lines),
        "observed": dict(change.observed),
        "handle": change.handle,
        "expected": dict(change.expected),
        "listed": change.listed,
        "notes": list(change.notes),
        "properties": [
            {
                "name": item.attribute,
                "before": item.before,
                "after": item.after,
                "changed": item.changed,
                "lines": list(item.lines),
                "words": item.words,
                "note": item.note,
                **({"op": item.op, "entries": list(item.entries)} if item.op != "set" else {}),
            }
            for item in change.differences
        ],
        **({"awaits": change.awaits} if change.awaits else {}),
    }


def plan_from_json(stored: Mapping[str, Any]) -> Plan:
    """Return the plan that `plan_json` wrote down. Raises KeyError or TypeError for anything else."""
    return Plan(
        section=stored["section"],
        scope=dict(stored["scope"]),
        changes=tuple(_change_from_json(item, stored["section"]) for item in stored["changes"]),
        problems=tuple(
            Problem(section=stored["section"], **{**item, "lines": tuple(item["lines"])}) for item in stored["problems"]
        ),
    )


def _change_from_json(stored: Mapping[str, Any], section: str) -> Change:
    differences = tuple(
        Difference(
            attribute=item["name"],
            before=item["before"],
            after=item["after"],
            lines=tuple(item["lines"]),
            words=item["words"],
            note=item["note"],
            changed=item["changed"],
            op=item.get("op", "set"),
            entries=tuple(item.get("entries", ())),
        )
        for item in stored["properties"]
    )
    names = ("action", "kind", "identity", "reason", "observed", "handle", "expected", "listed")
    plain = {name: stored[name] for name in names}
    notes = tuple(stored.get("notes", ()))  # older journals have none
    awaits = stored.get("awaits", "")
    lines = tuple(stored["lines"])
    return Change(section=section, differences=differences, lines=lines, notes=notes, awaits=awaits, **plain)
