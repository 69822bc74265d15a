"""Approval: exactly this plan, or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from runbook.errors import PlanRefused, UnreadableState
from runbook.kinds import VALUE_TYPES
from runbook.plan import Attribute, Observed, Plan, Resource, diff, plan_json
from runbook.section.approving import check, unchanged_everywhere

KIND = "QuarantinePolicy"


def plan(
    *,
    found: bool | str = False,
    want: bool = True,
    section: str = "s",
    presence: Any = "present",
    listed: int | None = None,
) -> Plan:
    wanted = Resource(
        kind=KIND,
        identity="A",
        section=section,
        attributes=(Attribute(name="ESNEnabled", value=want),),
        may_create=True,
    )
    properties = {"ESNEnabled": found} if presence == "present" else {}
    observed = Observed(
        kind=KIND, identity="A", presence=presence, properties=properties, reason="no answer", handle="g", listed=listed
    )
    return diff([wanted], [observed], section=section, scope={"inputs": {}}, types=VALUE_TYPES)


def stored(*plans: Plan) -> dict[str, Any]:
    sections = [{"hash": item.hash, **plan_json(item)} for item in plans]
    return {"sections": sections, "approved_by": "somebody", "parameters": {}}


def test_the_hash_of_the_plan_approves_it() -> None:
    made = plan()
    assert check(made, made.hash, None).plan_hash == made.hash
    assert check(made, made.hash[:8].upper(), None).plan_hash == made.hash


@pytest.mark.parametrize("given", ["", "0" * 64, "yes"])
def test_anything_else_does_not(given: str) -> None:
    with pytest.raises(PlanRefused):
        check(plan(), given, None)


def test_a_beginning_of_less_than_eight_digits_is_too_short() -> None:
    made = plan()
    with pytest.raises(PlanRefused):
        check(made, made.hash[:7], None)


def test_a_stored_approval_is_for_exactly_this_plan_of_this_section() -> None:
    made = plan()
    assert check(made, "", stored(made)).approved_by == "somebody"
    for other in (plan(want=False), plan(section="t"), plan(presence="absent")):
        with pytest.raises(PlanRefused):
            check(made, "", stored(other))


def test_a_hash_beside_a_stored_approval_is_refused() -> None:
    made = plan()
    with pytest.raises(PlanRefused, match="as well"):
        check(made, made.hash, stored(made))


def test_a_plan_with_an_unknown_part_cannot_be_approved() -> None:
    made = plan(presence="unknown")
    with pytest.raises(UnreadableState, match="no answer"):
        check(made, made.hash, None)
    with pytest.raises(UnreadableState, match="no answer"):
        check(made, "", stored(made))


def test_another_spelling_of_what_was_found_is_the_same_plan() -> None:
    assert plan(found=False).hash == plan(found="False").hash
    assert plan(found=False).hash != plan(found=True).hash


def test_every_section_must_still_be_as_approved() -> None:
    first, second = plan(section="a"), plan(section="b")
    unchanged_everywhere([first, second], stored(first, second))
    with pytest.raises(PlanRefused, match="ESNEnabled: was False when approved, now True"):
        unchanged_everywhere([first, plan(section="b", found=True)], stored(first, second))
    with pytest.raises(PlanRefused, match="says nothing about the section b"):
        unchanged_everywhere([first, second], stored(first))
    with pytest.raises(UnreadableState, match="no answer"):
        unchanged_everywhere([first, plan(section="b", presence="unknown")], stored(first, second))


def test_how_many_others_were_listed_is_no_part_of_the_hash() -> None:
    assert plan(listed=40).hash == plan(listed=41).hash
    made = plan(presence="absent", listed=41)
    assert check(made, "", stored(plan(presence="absent", listed=40))).plan_hash == made.hash


def test_a_list_that_was_not_empty_and_is_now_is_unknown() -> None:
    approved = stored(plan(presence="absent", listed=40))
    for refuse in (lambda made: check(made, "", approved), lambda made: unchanged_everywhere([made], approved)):
        with pytest.raises(UnreadableState, match="held 40 when the plan was made is empty now"):
            refuse(plan(presence="absent", listed=0))
