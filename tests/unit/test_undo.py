"""Taking back and taking up again, over generated tenants: pure values, no far end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook.kinds import BY_TYPE, KINDS, VALUE_TYPES
from runbook.plan import Attribute, Change, Observed, Plan, Resource, diff, plan_from_json, plan_json
from runbook.plan.entries import Op
from runbook.undo import Circumstances, invert, remaining

World = dict[tuple[str, str], dict[str, Any] | None]
"""A tenant: properties by kind and identity; None for a thing that is not there."""

words = st.sampled_from(["Quarantine", "MoveToJmf", "Delete", "AlphaPolicy", "BetaPolicy"])
VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "word": words,
    "host": st.sampled_from(["a.example", "b.example"]),
    "integer": st.integers(min_value=-1, max_value=30),
    "boolean": st.booleans(),
    "set of words": st.lists(words, max_size=3),
    "set of addresses": st.lists(st.sampled_from(["192.0.2.0/24", "198.51.100.7", "203.0.113.0/26"]), max_size=3),
    "list of addresses": st.lists(st.sampled_from(["192.0.2.0/24", "198.51.100.7", "203.0.113.0/26"]), max_size=3),
    "text": words,
    "set of domains": st.lists(st.sampled_from(["*", "smtp:a.example;1", "b.example"]), max_size=3),
    "set of hosts": st.lists(st.sampled_from(["a.example", "[192.0.2.1]"]), max_size=2),
    "date": st.sampled_from([None, "2026-12-31T00:00:00Z", "2027-01-31T00:00:00Z"]),
    "set of texts": st.lists(words, max_size=3),
    "time span": st.sampled_from(["PT4H", "P1D", "7.00:00:00"]),
    "permissions": st.integers(min_value=0, max_value=255),
}
OPS: st.SearchStrategy[Op] = st.sampled_from(["set", "add", "remove"])
NEVER_WRITTEN = {"AlsoSet"}


def value_of(kind: str, name: str) -> st.SearchStrategy[Any]:
    return VALUES.get(VALUE_TYPES[kind][name].name, st.none())


@st.composite
def attribute(draw: st.DrawFn, kind: str, name: str) -> Attribute:
    """Draw a value to set or, of a list, entries that shall be in it or not in it."""
    value = draw(value_of(kind, name))
    return Attribute(name=name, value=value, op=draw(OPS) if isinstance(value, list) else "set")


@st.composite
def tenants(draw: st.DrawFn) -> tuple[list[Resource], World]:
    """Draw what is wanted, and a tenant that holds it, or something else of the same name, or nothing."""
    wanted, world = [], {}
    for kind in draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4)):
        identity = f"{kind.type} {len(wanted)}"
        names = [name for name in kind.types if name not in NEVER_WRITTEN]
        asked = draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
        attributes = tuple(draw(attribute(kind.type, name)) for name in asked)
        there = not kind.creates or draw(st.booleans())
        held = {name: draw(value_of(kind.type, name)) for name in names} if there else None
        world[(kind.type, identity)] = held
        wanted.append(
            Resource(kind=kind.type, identity=identity, section="s", attributes=attributes, may_create=kind.creates)
        )
    return wanted, world


def seen(world: World) -> list[Observed]:
    return [
        Observed(
            kind=kind,
            identity=identity,
            presence="absent" if held is None else "present",
            properties=held or {},
            handle="" if held is None else f"id of {identity}",
        )
        for (kind, identity), held in world.items()
    ]


def planned(wanted: list[Resource], world: World) -> Plan:
    return diff(wanted, seen(world), section="s", scope={"tenant": {"name": "t"}}, types=VALUE_TYPES)


def carried_out(world: World, changes: list[Change]) -> World:
    after = dict(world)
    for change in changes:
        new = {item.attribute: item.after for item in change.differences if item.changed}
        after[change.key] = None if change.action == "delete" else {**(after[change.key] or {}), **new}
    return after


def circumstances(plan: Plan, **more: Any) -> Circumstances:
    keys = {change.key for change in plan.changes}
    usual = {"begun": keys, "unfinished": set(), "halfway": {}, "whole": False}
    return Circumstances(types=VALUE_TYPES, **{**usual, **more})


def canonical(world: World) -> dict[tuple[str, str], Any]:
    """What a reader would compare: canonical values, and nothing of properties that are not set."""
    found = {}
    for key, held in world.items():
        types = VALUE_TYPES[key[0]]
        values = {name: types[name].canonical(value) for name, value in (held or {}).items()}
        found[key] = None if held is None else {name: value for name, value in values.items() if value is not None}
    return found


@given(tenants())
def test_turned_round_twice_it_is_the_plan_itself(case: tuple[list[Resource], World]) -> None:
    plan = planned(*case)
    assert invert(invert(plan)) == plan
    assert invert(plan).hash != plan.hash


@given(tenants())
def test_written_down_and_read_again_it_is_the_same_plan(case: tuple[list[Resource], World]) -> None:
    plan = planned(*case)
    for item in (plan, invert(plan)):
        assert plan_from_json(plan_json(item)) == item


@given(tenants())
def test_nothing_is_left_to_plan_after_it_was_carried_out(case: tuple[list[Resource], World]) -> None:
    wanted, world = case
    after = carried_out(world, list(planned(wanted, world).pending))
    assert planned(wanted, after).is_empty


@given(tenants())
def test_carried_out_and_taken_back_the_tenant_is_what_it_was(case: tuple[list[Resource], World]) -> None:
    wanted, world = case
    plan = planned(wanted, world)
    after = carried_out(world, list(plan.pending))
    back = remaining(invert(plan), seen(after), circumstances(plan))
    assert back.can_apply
    restored = carried_out(after, list(back.pending))
    assert canonical(restored) == canonical(world)
    assert not remaining(invert(plan), seen(restored), circumstances(plan)).pending


@given(tenants(), st.data())
def test_cut_off_anywhere_it_can_be_gone_on_with_or_taken_back(
    case: tuple[list[Resource], World], data: st.DataObject
) -> None:
    wanted, world = case
    plan = planned(wanted, world)
    pending = list(plan.pending)
    done = data.draw(st.integers(min_value=0, max_value=len(pending)))
    cut = carried_out(world, pending[:done])
    begun = {change.key for change in pending[: done + 1]}
    unfinished = {change.key for change in pending[done : done + 1]}
    if done < len(pending) and pending[done].action == "update":  # some of the properties of the next one
        half = pending[done]
        names = data.draw(st.sets(st.sampled_from([item.attribute for item in half.changed])))
        some = [item for item in half.changed if item.attribute in names]
        cut[half.key] = {**(cut[half.key] or {}), **{item.attribute: item.after for item in some}}
    more = {"begun": begun, "unfinished": unfinished}
    onward = remaining(plan, seen(cut), circumstances(plan, whole=True, **more))
    assert onward.can_apply, onward.problems
    finished = carried_out(cut, list(onward.pending))
    assert canonical(finished) == canonical(carried_out(world, pending))
    back = remaining(invert(plan), seen(cut), circumstances(plan, **more))
    assert back.can_apply, back.problems
    assert canonical(carried_out(cut, list(back.pending))) == canonical(world)


@given(tenants(), st.data())
def test_what_somebody_else_set_since_is_named_with_all_three_values_and_left(
    case: tuple[list[Resource], World], data: st.DataObject
) -> None:
    wanted, world = case
    plan = planned(wanted, world)
    changes = [change for change in plan.pending if change.changed]
    if not changes:
        return
    change = data.draw(st.sampled_from(changes))
    item = data.draw(st.sampled_from(change.changed))
    if item.op != "set":
        return  # of a list that keeps its other entries, nothing that others did is in the way
    value_type = VALUE_TYPES[change.kind][item.attribute]
    other = data.draw(value_of(change.kind, item.attribute))
    old = change.observed.get(item.attribute)
    if value_type.canonical(other) in (old, value_type.canonical(item.after)):
        return
    after = carried_out(world, list(plan.pending))
    after[change.key] = {**(after[change.key] or {}), item.attribute: other}
    back = remaining(invert(plan), seen(after), circumstances(plan))
    (problem,) = back.problems
    assert (problem.kind, problem.identity, problem.presence) == (*change.key, "moved")
    assert item.attribute in problem.reason
    made, found = value_type.canonical(item.after), value_type.canonical(other)
    before = f"was {value_type.show(old)}, " if change.action == "update" else ""
    three = f"{item.attribute}: {before}this run set {value_type.show(made)}, now it is {value_type.show(found)}"
    assert problem.reason == three
    rest = remaining(invert(plan), seen(after), circumstances(plan, rest=True))
    assert rest.can_apply
    restored = carried_out(after, list(rest.pending))
    assert (restored[change.key] or {})[item.attribute] == other
    others = {key: value for key, value in canonical(restored).items() if key != change.key}
    assert others == {key: value for key, value in canonical(world).items() if key != change.key}


ENTRIES = [f"192.0.2.{number}" for number in range(8)]
FILTER = ("HostedConnectionFilterPolicy", "Default")
some = st.lists(st.sampled_from(ENTRIES), unique=True)


def filter_of(entries: list[str]) -> World:
    return {FILTER: {"IPAllowList": entries, "IPBlockList": [], "EnableSafeList": False}}


def list_plan(op: Op, named: list[str], entries: list[str]) -> Plan:
    item = Attribute(name="IPAllowList", value=named, op=op)
    resource = Resource(kind=FILTER[0], identity=FILTER[1], section="s", attributes=(item,), may_create=False)
    return planned([resource], filter_of(entries))


def held_now(world: World) -> list[str]:
    return list((world[FILTER] or {})["IPAllowList"])


@given(st.sampled_from(["add", "remove"]), some, some, some, some)
def test_of_a_list_exactly_the_own_entries_are_taken_back(
    op: Op, named: list[str], before: list[str], gained: list[str], lost: list[str]
) -> None:
    plan = list_plan(op, named, before)
    moved = set(named) - set(before) if op == "add" else set(named) & set(before)
    after = held_now(carried_out(filter_of(before), list(plan.pending)))
    assert set(after) == (set(before) | moved if op == "add" else set(before) - moved)
    # Somebody else puts entries in and takes entries out, perhaps some of ours.
    now = [item for item in after if item not in lost] + [item for item in gained if item not in after]
    back = remaining(invert(plan), seen(filter_of(now)), circumstances(plan))
    assert back.can_apply
    restored = held_now(carried_out(filter_of(now), list(back.pending)))
    assert set(restored) == (set(now) - moved if op == "add" else set(now) | moved)
    assert not remaining(invert(plan), seen(filter_of(restored)), circumstances(plan)).pending
    assert all(
        item.expected["IPAllowList"] == canonical(filter_of(restored))[FILTER]["IPAllowList"] for item in back.pending
    )


@given(st.sampled_from(["add", "remove"]), some, some, some)
def test_of_a_list_that_others_changed_too_nothing_is_gone_on_with(
    op: Op, named: list[str], before: list[str], now: list[str]
) -> None:
    plan = list_plan(op, named, before)
    if not plan.pending:
        return
    moved = {entry for item in plan.pending for difference in item.changed for entry in difference.entries}
    onward = remaining(plan, seen(filter_of(now)), circumstances(plan, whole=True, unfinished={FILTER}))
    assert onward.can_apply == (set(now) - moved == set(before) - moved)
    done = remaining(plan, seen(filter_of(before)), circumstances(plan, whole=True))
    assert [item.presence for item in done.problems] == ["moved"]  # the run had done it, now it is undone


def test_another_order_and_spelling_of_a_list_is_the_same_plan() -> None:
    one = list_plan("add", ["192.0.2.9"], ["192.0.2.1", "192.0.2.2"])
    other = list_plan("add", ["192.0.2.9"], ["192.0.2.2/32", "192.0.2.1"])
    assert one.hash == other.hash
    assert one.hash != list_plan("add", ["192.0.2.9"], ["192.0.2.1"]).hash
    assert one.hash != list_plan("add", ["192.0.2.8"], ["192.0.2.1", "192.0.2.2"]).hash
    out = list_plan("remove", ["192.0.2.1"], ["192.0.2.1", "192.0.2.2"])
    assert out.hash == list_plan("remove", ["192.0.2.1"], ["192.0.2.2", "192.0.2.1/32"]).hash
    assert out.hash != list_plan("remove", ["192.0.2.2"], ["192.0.2.1", "192.0.2.2"]).hash


def test_what_is_not_known_is_not_taken_back() -> None:
    change = create("TransportRule", "Rule", SetSCL=5)
    plan = Plan(section="s", scope={}, changes=(change,))
    now = Observed(kind="TransportRule", identity="Rule", presence="unknown", properties={}, reason="HTTP 500")
    for found in ([now], []):
        left = remaining(invert(plan), found, circumstances(plan))
        assert [item.presence for item in left.problems] == ["unknown"]
        assert not left.pending


@pytest.mark.parametrize("unfinished", [True, False])
def test_a_rule_that_is_half_made_is_ours_only_while_its_making_was_not_finished(unfinished: bool) -> None:
    change = create("TransportRule", "Rule", SetSCL=5, Enabled=True)
    plan = Plan(section="s", scope={}, changes=(change,))
    now = present("TransportRule", "Rule", SetSCL=5, Enabled=False)
    more = {"halfway": {"TransportRule": BY_TYPE["TransportRule"].halfway}}
    more["unfinished"] = {change.key} if unfinished else set()
    onward = remaining(plan, [now], circumstances(plan, whole=True, **more))
    back = remaining(invert(plan), [now], circumstances(plan, **more))
    if unfinished:
        assert [(item.action, [d.attribute for d in item.changed]) for item in onward.pending] == [
            ("update", ["Enabled"])
        ]
        assert [item.action for item in back.pending] == ["delete"]
    else:
        assert onward.problems and back.problems


def test_a_thing_that_was_not_begun_is_never_taken_for_ours() -> None:
    change = create("TransportRule", "Rule", SetSCL=5)
    plan = Plan(section="s", scope={}, changes=(change,))
    left = remaining(plan, [present("TransportRule", "Rule", SetSCL=5)], circumstances(plan, begun=set(), whole=True))
    assert [item.reason for item in left.problems] == ["it did not exist, now it does"]


def test_another_thing_of_the_same_name_is_not_written_to() -> None:
    held = {"EndUserQuarantinePermissionsValue": 3, "ESNEnabled": False}
    resource = Resource(
        kind="QuarantinePolicy",
        identity="P",
        section="s",
        attributes=(Attribute(name="ESNEnabled", value=True),),
        may_create=True,
    )
    plan = planned([resource], {("QuarantinePolicy", "P"): held})
    other = Observed(kind="QuarantinePolicy", identity="P", presence="present", properties=held, handle="another")
    left = remaining(plan, [other], circumstances(plan))
    assert [item.reason for item in left.problems] == ["another one of the same name has taken its place"]


def create(kind: str, identity: str, **wanted: Any) -> Change:
    attributes = tuple(Attribute(name=name, value=value) for name, value in wanted.items())
    resource = Resource(kind=kind, identity=identity, section="s", attributes=attributes, may_create=True)
    return planned([resource], {(kind, identity): None}).changes[0]


def present(kind: str, identity: str, **properties: Any) -> Observed:
    return Observed(kind=kind, identity=identity, presence="present", properties=properties, handle="h")


def test_what_was_done_and_put_back_by_somebody_is_not_done_again() -> None:
    held = {"EndUserQuarantinePermissionsValue": 3, "ESNEnabled": False}
    attributes = (Attribute(name="ESNEnabled", value=True),)
    resource = Resource(kind="QuarantinePolicy", identity="P", section="s", attributes=attributes, may_create=True)
    plan = planned([resource], {("QuarantinePolicy", "P"): held})
    now = seen({("QuarantinePolicy", "P"): held})  # as before the run, although the journal says it was changed
    left = remaining(plan, now, circumstances(plan, whole=True))
    assert [item.presence for item in left.problems] == ["moved"]
    gone = remaining(
        Plan(section="s", scope={}, changes=(create("TransportRule", "R", SetSCL=5),)),
        seen({("TransportRule", "R"): None}),
        circumstances(plan, begun={("TransportRule", "R")}, whole=True),
    )
    assert [item.reason for item in gone.problems] == ["this run had made it, now it is gone"]


def test_a_list_that_is_suddenly_empty_does_not_say_that_a_thing_is_gone() -> None:
    change = replace(create("TransportRule", "R", SetSCL=5), listed=3)
    plan = Plan(section="s", scope={}, changes=(change,))
    now = Observed(kind="TransportRule", identity="R", presence="absent", properties={}, listed=0)
    left = remaining(invert(plan), [now], circumstances(plan))
    assert [item.presence for item in left.problems] == ["unknown"]
    some = remaining(invert(plan), [replace(now, listed=2)], circumstances(plan))
    assert [item.reason for item in some.changes] == ["it is gone"]


def test_a_new_thing_of_the_same_name_and_content_is_not_the_runs_own() -> None:
    change = create("TransportRule", "R", SetSCL=5)
    plan = Plan(section="s", scope={}, changes=(change,))
    now = [present("TransportRule", "R", SetSCL=5)]
    left = remaining(invert(plan), now, circumstances(plan, handles={change.key: "another"}))
    assert [item.reason for item in left.problems] == ["another one of the same name has taken its place"]
    assert not remaining(invert(plan), now, circumstances(plan, handles={change.key: "h"})).problems


def test_a_thing_that_somebody_renamed_is_not_gone() -> None:
    change = create("TransportRule", "R", SetSCL=5)
    plan = Plan(section="s", scope={}, changes=(change,))
    rows = ({"Name": "Other", "Guid": "ABC"},)
    now = Observed(kind="TransportRule", identity="R", presence="absent", properties={}, listed=1, beside=rows)
    left = remaining(invert(plan), [now], circumstances(plan, handles={change.key: "abc"}))
    assert [item.reason for item in left.problems] == ["it has another name now, Other; look at it by hand"]
    other = remaining(invert(plan), [now], circumstances(plan, handles={change.key: "def"}))
    assert [item.reason for item in other.changes] == ["it is gone"]
