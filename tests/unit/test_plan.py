"""The difference between what is wanted and what was found."""

from __future__ import annotations

from typing import Any

from runbook.kinds import VALUE_TYPES
from runbook.plan import Attribute, Observed, Plan, Resource, diff

KIND = "QuarantinePolicy"


def wanted(identity: str = "A", may_create: bool = True, **attributes: Any) -> Resource:
    return Resource(
        kind=KIND,
        identity=identity,
        section="s",
        attributes=tuple(Attribute(name=name, value=value, lines=(7,)) for name, value in attributes.items()),
        may_create=may_create,
    )


def found(identity: str = "A", presence: Any = "present", **properties: Any) -> Observed:
    return Observed(kind=KIND, identity=identity, presence=presence, properties=properties, reason="it is gone")


def plan(resource: Resource, *observed: Observed) -> Plan:
    return diff([resource], observed, section="s", scope={}, types=VALUE_TYPES)


def test_what_is_as_wanted_is_left_alone_and_says_so() -> None:
    change = plan(wanted(ESNEnabled=True), found(ESNEnabled="True")).changes[0]
    assert change.action == "none"
    assert change.reason == "all 1 properties are already as the tutorial asks"


def test_a_difference_is_named_with_its_line() -> None:
    change = plan(
        wanted(ESNEnabled=True, EndUserQuarantinePermissionsValue=7),
        found(ESNEnabled=False, EndUserQuarantinePermissionsValue=7),
    ).changes[0]
    assert change.action == "update"
    assert [(item.attribute, item.before, item.after, item.lines) for item in change.changed] == [
        ("ESNEnabled", False, True, (7,))
    ]


def test_an_absent_thing_is_created_with_all_its_properties() -> None:
    change = plan(wanted(ESNEnabled=False), found(presence="absent")).changes[0]
    assert change.action == "create"
    assert [item.attribute for item in change.changed] == ["ESNEnabled"]


def test_an_absent_thing_that_may_not_be_created_is_a_problem() -> None:
    made = plan(wanted(may_create=False, ESNEnabled=True), found(presence="absent"))
    assert not made.changes
    assert made.problems[0].presence == "absent"
    assert not made.can_apply


def test_unknown_is_never_absent() -> None:
    for observed in ([found(presence="unknown")], []):
        made = plan(wanted(ESNEnabled=True), *observed)
        assert not made.changes
        assert made.problems[0].presence == "unknown"
        assert not made.can_apply
        assert not made.is_empty


def test_a_property_that_is_not_understood_makes_the_thing_unknown() -> None:
    made = plan(wanted(EndUserQuarantinePermissionsValue=7), found(EndUserQuarantinePermissionsValue="[half]"))
    assert made.problems[0].presence == "unknown"
    assert "could not be understood" in made.problems[0].reason


def test_the_same_plan_has_the_same_hash_and_another_has_another() -> None:
    first = plan(wanted(ESNEnabled=True), found(ESNEnabled=False))
    assert first.hash == plan(wanted(ESNEnabled=True), found(ESNEnabled=False)).hash
    assert first.hash != plan(wanted(ESNEnabled=False), found(ESNEnabled=False)).hash
    moved = plan(wanted(ESNEnabled=True), found(ESNEnabled=False, EndUserQuarantinePermissionsValue=1))
    assert first.hash != moved.hash
