"""Take a plan back, or take it up again: pure functions over plans and what is found now.

`invert` turns a plan round: what it created is deleted, what it changed gets its old values, in the opposite order.
`remaining` says what is left to do of a plan on a tenant that may be anywhere between its beginning and its end; it
serves a run that was cut off as it serves a rollback. Three values meet there: what was, what the run made of it, and
what is now. A property that is neither the first nor the second is somebody else's, and is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from runbook.plan import Action, Change, Difference, Observed, Plan, Problem
from runbook.plan import entries as lists
from runbook.values import Json, ValueType, canonical_properties

Key = tuple[str, str]
Types = Mapping[str, Mapping[str, ValueType]]
_OPPOSITE: Mapping[Action, Action] = {"create": "delete", "delete": "create", "update": "update", "none": "none"}
_BACK = "takes back: "
_TURNED = "turned"
LEFT = "left as somebody else set it"
"""Note of a property that a rollback leaves, by decision."""


def invert(plan: Plan) -> Plan:
    """Return the plan that takes this one back. Doing it twice gives the plan itself.

    It says what was, not what can be sent; `remaining` makes a plan of it that can be applied.
    """
    scope = {name: value for name, value in plan.scope.items() if name != _TURNED}
    if _TURNED not in plan.scope:
        scope[_TURNED] = True
    return replace(plan, scope=scope, changes=tuple(_inverted(change) for change in reversed(plan.changes)))


def _inverted(change: Change) -> Change:
    turned = change.reason.removeprefix(_BACK) if change.reason.startswith(_BACK) else _BACK + change.reason
    return replace(
        change,
        action=_OPPOSITE[change.action],
        differences=tuple(
            replace(item, before=item.after, after=item.before, op=lists.INVERSE[item.op])
            for item in change.differences
        ),
        reason=turned,
        observed=change.expected,
        expected=change.observed,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What else is known when a plan is taken up: what was begun, and what belongs to the plan."""

    types: Types
    begun: Collection[Key]
    """Changes whose writes may have been sent."""
    unfinished: Collection[Key]
    """Those of them that are not known to have come to their end."""
    halfway: Mapping[str, Mapping[str, Json]]
    """Per kind, properties of a thing that is only half made; they count as ours in an unfinished change."""
    whole: bool
    """True when properties that the plan does not change must be as they were, too."""
    rest: bool = False
    """True to leave what somebody else set, and go on with the rest; a decision that a person took."""
    handles: Mapping[Key, str] = field(default_factory=dict)
    """What the run's own new things were addressed by, where that is known."""
    elsewhere: Mapping[Key, Collection[str]] = field(default_factory=dict)
    """Properties that other sections of the same run set of a thing."""
    own: Collection[Key] = ()
    """Things that the run made which is taken back, so that they go altogether."""
    taken: Collection[Key] = ()
    """Things that this very run has begun to take away: a list that held no more may be empty."""
    stays: Callable[[Change], str] = lambda change: ""
    """Why a change cannot be made at all (a thing that cannot be deleted); empty when it can."""
    unseen: Callable[[Change], str] = lambda change: ""
    """Words for a change that was made and may be invisible yet; empty for one that can be seen by now."""


def remaining(plan: Plan, now: Iterable[Observed], circumstances: Circumstances) -> Plan:
    """Return what is left to do, each change with the state that it starts from.

    What is done already is a change `none`. What somebody else has set meanwhile is a Problem that names all three
    values, unless `rest` is set: then it is left as it is, and the reason says so.
    """
    found = {item.key: item for item in now}
    changes: list[Change] = []
    problems: list[Problem] = []
    for change in plan.changes:
        if change.action == "none" or (change.awaits and _is_back(change)):
            continue  # what waited for its thing until the end was never done
        answer = _left(_in_its_own_words(change), found.get(change.key), circumstances)
        if isinstance(answer, Problem):
            problems.append(answer)
        else:
            changes.append(answer)
    return replace(plan, changes=tuple(changes), problems=(*plan.problems, *problems))


def _in_its_own_words(change: Change) -> Change:
    """On the way back the tutorial's words and notes say nothing of a value: they were about the other one."""
    if not _is_back(change):
        return change
    return replace(change, differences=tuple(replace(item, words="", note="") for item in change.differences))


def _left(change: Change, now: Observed | None, circumstances: Circumstances) -> Change | Problem:
    if now is None or now.presence == "unknown":
        return Problem.of(change, "unknown", now.reason if now else "it was not read")
    if now.presence == "absent" and change.action == "update" and change.key in circumstances.own:
        return _done(change, {}, now, "it is gone, with all that was set of it")
    taken = sum(kind == change.kind for kind, _ in circumstances.taken)
    if now.presence == "absent" and now.listed == 0 and (change.listed or 0) > taken:
        return Problem.of(change, "unknown", f"the list of such objects is empty, and held {change.listed} before")
    types = circumstances.types[change.kind]
    try:
        canonical = canonical_properties(now.properties, types, {*change.observed, *change.expected})
    except ValueError as error:
        return Problem.of(change, "unknown", f"the answer could not be understood: {error}")
    if change.awaits:
        if now.presence == "absent":
            return change
        if not now.handle or now.handle != circumstances.handles.get(change.key):
            return Problem.of(change, "moved", "it is there, and this run has not made it")
        change = replace(change, awaits="", handle=now.handle, observed=canonical)
    staying = circumstances.stays(change)
    if staying:
        return _done(change, canonical, now, f"stays as it is: {staying}")
    if change.action == "delete":
        return _left_of_delete(change, now, canonical, circumstances)
    done = change.key in circumstances.begun and change.key not in circumstances.unfinished
    if now.presence == "absent" and circumstances.whole and done:
        return Problem.of(change, "moved", "this run had made it, now it is gone")
    if change.action == "create" and now.presence == "absent":
        return replace(change, handle="", listed=now.listed)
    if now.presence == "absent":
        return Problem.of(change, "moved", "it existed, now it does not")
    if change.action == "create" and change.key not in circumstances.begun:
        return Problem.of(change, "moved", "it did not exist, now it does")
    known = change.handle if change.action == "update" else circumstances.handles.get(change.key, now.handle)
    if now.handle != known:
        return Problem.of(change, "moved", "another one of the same name has taken its place")
    return _left_of_update(change, now, canonical, circumstances)


def _left_of_update(
    change: Change, now: Observed, canonical: Mapping[str, Json], circumstances: Circumstances
) -> Change | Problem:
    """Compare property by property: what is done, what is left, what is somebody else's."""
    types = circumstances.types[change.kind]
    halfway = _halfway(change, circumstances) if change.action == "create" else {}
    reverted = circumstances.whole and change.key in circumstances.begun and change.key not in circumstances.unfinished
    left: list[Difference] = []
    foreign: list[str] = []
    for item in change.differences:
        name, found = item.attribute, canonical.get(item.attribute)
        value_type = types[name]
        wanted = change.expected.get(name)
        if item.op != "set":
            left.append(_left_of_list(item, now.properties.get(name), value_type))
            if circumstances.whole and item.changed:
                foreign += _others(change, item, canonical, value_type, done=reverted)
        elif not item.changed:
            left.append(replace(item, before=now.properties.get(name)))
        elif found == wanted:
            left.append(replace(item, before=now.properties.get(name), changed=False))
        elif not reverted and (found == _start(change, name) or (name in halfway and found == halfway[name])):
            left.append(replace(item, before=now.properties.get(name), after=value_type.send(item.after)))
        elif reverted and found == _start(change, name) and circumstances.unseen(change):
            foreign.append(f"{name}: {circumstances.unseen(change)}")
        else:
            was, made = (wanted, change.observed.get(name)) if _is_back(change) else (change.observed.get(name), wanted)
            former = f"was {value_type.show(was)}, " if change.action == "update" else ""
            foreign.append(f"{name}: {former}{_two(value_type, made, found)}")
            as_is = now.properties.get(name)
            left.append(replace(item, before=as_is, after=as_is, changed=False, note=LEFT))
    if circumstances.whole:
        foreign += _beside(change, canonical, types, circumstances.elsewhere.get(change.key, ()))
    if foreign and not circumstances.rest:
        return Problem.of(change, "moved", "; ".join(foreign))
    note = f"; left as somebody else set it: {'; '.join(foreign)}" if foreign else ""
    open_ = [item.attribute for item in left if item.changed]
    if not open_:
        return _done(change, canonical, now, f"nothing is left to do{note}", tuple(left))
    return replace(
        change,
        action="update",
        differences=tuple(left),
        observed=dict(canonical),
        expected={**canonical, **{item.attribute: _expected(change, item, types) for item in left if item.changed}},
        handle=now.handle,
        listed=now.listed,
        reason=_why(change, open_) + note,
    )


def _left_of_list(item: Difference, now: Any, value_type: ValueType) -> Difference:
    """Of a list that keeps its other entries: those of ours that are still to be put in or taken out."""
    open_ = lists.moved(value_type, item.op, now, item.entries)
    after = lists.after(value_type, item.op, now, open_)
    return replace(item, before=now, after=after, entries=open_, changed=bool(open_))


def _others(
    change: Change, item: Difference, canonical: Mapping[str, Json], value_type: ValueType, *, done: bool
) -> list[str]:
    """What somebody else did to a list since the plan: to entries that are not ours, or to ours once done."""
    name = item.attribute
    then, now = (
        lists.after(value_type, "remove", where.get(name), item.entries) for where in (change.observed, canonical)
    )
    found = []
    if value_type.canonical(then) != value_type.canonical(now):
        found.append(f"{name}, entries beside ours: were {value_type.show(then)}, now {value_type.show(now)}")
    again = lists.moved(value_type, item.op, canonical.get(name), item.entries)
    if done and again:
        found.append(f"{name}: somebody else has undone what this run did to {value_type.show(list(again))}")
    return found


def _expected(change: Change, item: Difference, types: Mapping[str, ValueType]) -> Json:
    return change.expected.get(item.attribute) if item.op == "set" else types[item.attribute].canonical(item.after)


def _is_back(change: Change) -> bool:
    return change.reason.startswith(_BACK)


def _why(change: Change, names: Sequence[str]) -> str:
    if not _is_back(change):
        return f"left to do: {', '.join(names)}"
    return f"the run changed {', '.join(names)}" if names else "the run created it"


def _halfway(change: Change, circumstances: Circumstances) -> Mapping[str, Json]:
    return circumstances.halfway.get(change.kind, {}) if change.key in circumstances.unfinished else {}


def _start(change: Change, name: str) -> Json:
    """The value that a property had before this plan; a created thing had none, which no found value equals."""
    return change.observed.get(name) if change.action == "update" else _NOTHING


_NOTHING: Json = {"no": "value"}


def _beside(
    change: Change, canonical: Mapping[str, Json], types: Mapping[str, ValueType], elsewhere: Collection[str]
) -> list[str]:
    """Properties that no section of the run changes, and that are not as they were when the plan was made."""
    if change.action == "create":
        return []
    changed = {item.attribute for item in change.changed}
    names = sorted({*canonical, *change.observed} - changed - set(elsewhere))
    return [
        f"{name} was {types[name].show(change.observed.get(name))}, now {types[name].show(canonical.get(name))}"
        for name in names
        if canonical.get(name) != change.observed.get(name)
    ]


def _left_of_delete(
    change: Change, now: Observed, canonical: Mapping[str, Json], circumstances: Circumstances
) -> Change | Problem:
    """A thing that the run made is deleted only while it is what the run made of it."""
    if now.presence == "absent":
        made = circumstances.handles.get(change.key, "").lower()
        renamed = [row for row in now.beside if made and str(row.get("Guid", "")).lower() == made]
        if renamed:
            return Problem.of(change, "moved", f"it has another name now, {renamed[0].get('Name')}; look at it by hand")
        return _done(change, {}, now, "it is gone")
    if now.handle != circumstances.handles.get(change.key, now.handle):
        return Problem.of(change, "moved", "another one of the same name has taken its place")
    types = circumstances.types[change.kind]
    halfway, elsewhere = _halfway(change, circumstances), circumstances.elsewhere.get(change.key, ())
    foreign = [
        f"{name}: {_two(types[name], made, canonical.get(name))}"
        for name, made in change.observed.items()
        if canonical.get(name) != made
        and name not in elsewhere
        and not (name in halfway and canonical.get(name) == halfway[name])
    ]
    if foreign and not circumstances.rest:
        return Problem.of(change, "moved", "; ".join(foreign))
    if foreign:
        return _done(change, canonical, now, f"left, for somebody else has changed it: {'; '.join(foreign)}")
    return replace(change, observed=dict(canonical), handle=now.handle, listed=now.listed, reason=_why(change, ()))


def _two(value_type: ValueType, made: Json, found: Json) -> str:
    return f"this run set {value_type.show(made)}, now it is {value_type.show(found)}"


def _done(
    change: Change, canonical: Mapping[str, Json], now: Observed, reason: str, differences: tuple[Difference, ...] = ()
) -> Change:
    return replace(
        change,
        action="none",
        differences=differences,
        observed=dict(canonical),
        expected=dict(canonical),
        handle=now.handle,
        listed=now.listed,
        reason=reason,
    )
