"""Which of somebody else's rules are in the way of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from runbook import ruletrace
from runbook.kinds import VALUE_TYPES
from runbook.plan import Attribute, Observed, Plan, Resource, diff, plan_from_json, plan_json

CASES = yaml.safe_load((Path(__file__).parent.parent / "cases" / "ruletrace.yaml").read_text())
TYPE = "TransportRule"
RANGES = ["192.0.2.0/24", "198.51.100.0/24"]
OURS = ruletrace.Ours(name="Ours", ranges=RANGES, scl=5, header="X-Ours", words=["SUSPICIOUS", "BULK"])


@pytest.mark.parametrize("name", CASES)
def test_a_rule_of_somebody_else_is_in_the_way_or_not(name: str) -> None:
    case = CASES[name]
    rows = [{"Name": "Theirs", "State": "Enabled", "Mode": "Enforce", **case["rule"]}]
    if case.get("ours_is_there", True):
        rows.append({"Name": "OURS", "Priority": 5, "State": "Enabled", "SetSCL": -1, "StopRuleProcessing": True})
    found = ruletrace.conflicts(rows, OURS, ["Ours", "Ours too"])
    assert [item.name for item in found] == (["Theirs"] if "in_the_way" in case else [])
    assert all(case["in_the_way"] in item.why for item in found)


def settled(accepted: list[str], *foreign: dict[str, Any]) -> Plan:
    rows = [
        {"Name": f"R{n}", "State": "Enabled", "Mode": "Enforce", "Priority": n, **row} for n, row in enumerate(foreign)
    ]
    names = ("Ours", "Ours too")
    wanted = [
        Resource(
            kind=TYPE,
            identity=name,
            section="s",
            attributes=(Attribute(name="SenderIpRanges", value=RANGES), Attribute(name="SetSCL", value=5)),
            may_create=True,
        )
        for name in names
    ]
    observed = [
        Observed(kind=TYPE, identity=name, presence="absent", properties={}, listed=len(rows), beside=rows)
        for name in names
    ]
    plan = diff(wanted, observed, section="s", scope={}, types=VALUE_TYPES)
    return ruletrace.settle(plan, wanted, observed, accepted)


def test_each_of_our_rules_has_its_problem_with_both_names_and_the_choice() -> None:
    plan = settled([], {"StopRuleProcessing": True})
    assert [(item.identity, item.other, item.presence) for item in plan.problems] == [
        ("Ours", "R0", "undecided"),
        ("Ours too", "R0", "undecided"),
    ]
    assert '-p "accept_rules=R0"' in plan.problems[0].reason
    assert not plan.can_apply


def test_a_rule_that_is_accepted_is_noted_and_another_one_is_still_a_problem() -> None:
    plan = settled(["r0 "], {"StopRuleProcessing": True}, {"SetSCL": -1})
    assert [item.other for item in plan.problems] == ["R1", "R1"]
    assert "accepted by decision: the rule 'R0'" in plan.changes[0].notes[1]


def test_a_new_rule_is_told_its_place_and_a_second_one_the_next() -> None:
    notes = [change.notes for change in settled([], {}, {}).changes]
    assert notes == [("it will be number 3 of 3 rules, the last",), ("it will be number 4 of 4 rules, the last",)]


def test_one_more_foreign_rule_moves_the_place_and_leaves_the_plan_the_same() -> None:
    plan, later = settled([], {}), settled([], {}, {})
    assert plan.changes[0].notes != later.changes[0].notes
    assert plan.hash == later.hash
    assert plan_from_json(plan_json(plan)) == plan
