"""The form of each section: filled in, planned, approved, applied, verified; and what it does with wrong values."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from browser.walkthrough import APPLY, APPROVE, LATER, Walkthrough
from conftest import Kit
from playwright.sync_api import expect

from runbook import simulated

CASES: dict[str, Any] = yaml.safe_load(
    (Path(__file__).resolve().parents[1] / "cases" / "browser" / "forms.yaml").read_text(encoding="utf-8")
)
ANTI_SPAM = "04"
DAYS = "Retention days"
Begin = Callable[[str], Walkthrough]


def held(kit: Kit, kind: str, name: str, wanted: str) -> Any:
    """A property of a thing, as the simulated tenant holds it."""
    rows = [row for row in simulated.objects(kit.state)[kind] if name in (row.get("Name"), row.get("domain"))]
    assert len(rows) == 1, f"{len(rows)} of {kind} {name}"
    return rows[0].get(wanted)


@pytest.mark.parametrize("name", CASES)
def test_what_is_filled_in_is_planned_applied_and_verified(
    name: str, begin: Begin, tenant: Kit, request: pytest.FixtureRequest
) -> None:
    case = CASES[name]
    if case.get("set up"):
        request.getfixturevalue("set_up")
    walk = begin(name)
    walk.edit(case["fill"])
    planned = walk.plan()
    for part in case["plan"]:
        assert part in planned, f"{name}: {part}"
    for part in case["never"]:
        assert part not in planned, f"{name}: {part}"
    assert tenant.writes() == [], name
    kind, thing, wanted, value = case["holds"]
    walk.through()
    assert len(tenant.writes()) >= walk.steps().count() > 0, name
    assert held(tenant, kind, thing, wanted) == value, name
    assert "NOT AS ASKED" not in walk.verify(), name
    assert walk.lab.errors() == [], name


def test_each_input_has_a_label_its_present_value_its_unit_and_help(begin: Begin) -> None:
    walk = begin(ANTI_SPAM)
    expect(walk.field(DAYS)).to_be_visible()
    row = walk.row(DAYS)
    expect(row).to_contain_text("now: 15")
    expect(row).to_contain_text("days")
    expect(row).to_contain_text("1 to 30")


def test_99_days_are_refused_and_the_old_value_stays(begin: Begin, tenant: Kit) -> None:
    walk = begin(ANTI_SPAM)
    walk.fill(DAYS, "99")
    expect(walk.error(DAYS)).to_be_visible()
    expect(walk.error(DAYS)).to_have_attribute("role", "alert")
    expect(walk.error(DAYS)).to_contain_text("30")
    assert re.findall(r"(?<!line )\b99\b", walk.plan()) == []
    walk.fill(DAYS, "20")
    expect(walk.error(DAYS)).to_have_count(0)
    assert "20" in walk.plan()
    assert tenant.writes() == []


def test_an_edit_makes_the_plan_and_its_approval_void(begin: Begin, tenant: Kit) -> None:
    walk = begin(ANTI_SPAM)
    walk.approved()
    walk.edit({DAYS: "20"})
    for part in LATER:
        expect(walk.void(part)).to_be_attached()
    expect(walk.button("gate", APPROVE)).to_be_disabled()
    expect(walk.button("apply", APPLY)).to_be_disabled()
    walk.plan()
    expect(walk.button("gate", APPROVE)).to_be_enabled()
    expect(walk.button("apply", APPLY)).to_be_disabled()
    assert tenant.writes() == []


def test_what_was_filled_in_is_there_when_cells_run_again(begin: Begin) -> None:
    walk = begin(ANTI_SPAM)
    walk.edit({DAYS: "20"})
    walk.lab.run("inputs")
    assert walk.value(DAYS) == "20"
    walk.lab.run_all()
    assert walk.value(DAYS) == "20"
    assert "20" in walk.lab.text("plan")
