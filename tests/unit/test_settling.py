"""What acts only later, what came about in part, and whose rules came and went between two runs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from runbook import settling, sightings
from runbook.kinds import VALUE_TYPES
from runbook.kinds.transport_rule import _touched
from runbook.plan import Attribute, Observed, Plan, Resource, diff

TOUCHED = "2026-11-25T10:00:00Z"


def plan(kind: str, found: dict[str, Any], wanted: dict[str, Any], touched: str = "") -> Plan:
    attributes = tuple(Attribute(name=name, value=value) for name, value in wanted.items())
    resource = Resource(kind=kind, identity="X", section="s", attributes=attributes, may_create=True)
    observed = Observed(kind=kind, identity="X", presence="present", properties=found, touched=touched)
    return diff([resource], [observed], section="s", scope={}, types=VALUE_TYPES)


@pytest.mark.parametrize(
    ("kind", "touched", "now", "until"),
    [
        ("TransportRule", TOUCHED, "10:00:00", "2026-11-25T10:30:00+00:00"),
        ("TransportRule", TOUCHED, "10:29:59", "2026-11-25T10:30:00+00:00"),
        ("TransportRule", TOUCHED, "10:30:00", ""),
        ("TransportRule", TOUCHED, "09:57:00", "2026-11-25T10:30:00+00:00"),
        ("TransportRule", TOUCHED, "09:00:00", ""),
        ("TransportRule", "", "10:00:00", ""),
        ("QuarantinePolicy", TOUCHED, "10:00:00", ""),
    ],
    ids=["at once", "just before", "just after", "our clock is late", "from the future", "not known", "another kind"],
)
def test_a_rule_is_pending_for_its_window(kind: str, touched: str, now: str, until: str) -> None:
    hour, minute, second = map(int, now.split(":"))
    found = settling.pending(plan(kind, {}, {}, touched), datetime(2026, 11, 25, hour, minute, second, tzinfo=UTC))
    assert [item["until"] for item in found] == ([until] if until else [])


@pytest.mark.parametrize(
    ("said", "touched"),
    [
        ("2026-11-25T10:00:00.0000000Z", TOUCHED),
        ("2026-11-25T10:00:00.1234567Z", TOUCHED),
        ("2026-11-25T12:00:00+02:00", TOUCHED),
        ("2026-11-25T10:00:00", ""),
        ("yesterday", ""),
        (None, ""),
        (5, ""),
    ],
)
def test_the_last_change_is_known_only_with_its_zone(said: Any, touched: str) -> None:
    assert _touched({"WhenChanged": said}) == touched


def checks(**ok: bool) -> list[dict[str, Any]]:
    return [{"kind": "TransportRule", "identity": "X", "name": name, "ok": good} for name, good in ok.items()]


@pytest.mark.parametrize(
    ("read_back", "missing"),
    [
        ({"SetSCL": True, "Mode": False, "Enabled": True}, ["Mode"]),
        ({"SetSCL": True, "Mode": True, "Enabled": True}, None),
        ({"SetSCL": False, "Mode": False, "Enabled": True}, None),
        ({"SetSCL": True, "Mode": True, "Enabled": False}, None),
    ],
    ids=["one of two", "both", "none of them", "another one that was not changed"],
)
def test_partial_is_some_but_not_all_of_what_was_to_change(read_back: dict[str, bool], missing: Any) -> None:
    found = {"SetSCL": 1, "Mode": "Audit", "Enabled": True}
    made = plan("TransportRule", found, {"SetSCL": 5, "Mode": "Enforce", "Enabled": True})
    assert [item["missing"] for item in settling.partial(made, checks(**read_back))] == ([missing] if missing else [])


def result(run: str, *rules: tuple[str, str], own: str = "Ours", tenant: str = "demo", at: str = "1") -> dict[str, Any]:
    section = {
        "seen": [{"kind": "TransportRule", "name": name, "id": guid} for guid, name in rules],
        "plan": {"scope": {"tenant": {"tenant_id": tenant}}, "changes": [{"kind": "TransportRule", "identity": own}]},
    }
    return {"run": run, "tenant": {"name": tenant}, "finished": at, "sections": [section]}


def test_own_rules_are_nobody_elses_and_a_rule_of_ours_that_was_renamed_is_told() -> None:
    before = result("a", ("1", "A"), ("2", "B"), ("9", "Ours"))
    assert sightings.compare(before, result("b", ("1", "A"), ("2", "B"))) == {"added": [], "removed": [], "renamed": []}
    assert sightings.compare(result("a", ("1", "A")), result("b", ("1", "A"), ("9", "OURS")))["added"] == []
    found = sightings.compare(before, result("b", ("1", "A"), ("3", "C"), ("9", "Theirs")))
    assert found == {"added": ["C"], "removed": ["B"], "renamed": [["Ours", "Theirs"]]}
    assert sightings.lines({"run": "a", **found}) == [
        "1 rule added by somebody else since a: 'C'",
        "1 rule removed by somebody else since a: 'B'",
        "1 rule renamed by somebody else since a: 'Ours' to 'Theirs'",
    ]


def test_the_run_before_is_the_newest_of_this_tenant_that_saw_rules(tmp_path: Path) -> None:
    stored = {
        "20261101T000000Z-demo-plan-f": result("", ("1", "old"), at="1"),
        "20261102T000000Z-demo-plan-f": result("", ("1", "A"), at="2"),
        "20261102T000000Z-demo-plan-0": result("", ("1", "B"), at="3"),
        "20261103T000000Z-other-plan-0": result("", ("1", "else"), tenant="other", at="4"),
        "20261104T000000Z-demo-plan-0": result("", at="5"),
        "20261109T000000Z-demo-plan-0": result("", ("1", "later"), at="9"),
    }
    for name, content in stored.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "result.json").write_text(json.dumps(content))
    for name, text in (("20261105T000000Z-demo-plan-0", "{"), ("20261106T000000Z-demo-plan-0", "[]")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "result.json").write_text(text)
    here = tmp_path / "20261108T000000Z-demo-verify-0"
    found = sightings.since(result("", ("1", "A")), here)
    assert found == {"run": "20261102T000000Z-demo-plan-0", "added": [], "removed": [], "renamed": [["B", "A"]]}
    assert sightings.since(result(""), here) is None, "what was not read now says nothing"


def test_a_run_that_is_another_tenants_by_its_folder_is_not_opened(tmp_path: Path) -> None:
    """So that a fleet's tenants do not read each other's results; names that are cut to fit are told apart inside."""
    one, other = ("n" * 40 + end for end in "ab")
    for number, (folder, tenant) in enumerate({"demo": "demo", "other": "demo", one[:40]: other}.items()):
        path = tmp_path / f"2026110{number + 1}T000000Z-{folder}-plan-00000{number}"
        path.mkdir()
        (path / "result.json").write_text(json.dumps(result("", ("1", "A"), tenant=tenant, at="1")))
    now = {tenant: result("", ("1", "A"), tenant=tenant) for tenant in ("demo", one, other)}
    found = {
        tenant: sightings.since(content, tmp_path / f"20261108T000000Z-{tenant[:40]}-verify-00000a")
        for tenant, content in now.items()
    }
    assert [item and item["run"][:8] for item in found.values()] == ["20261101", None, "20261103"]
