"""Which tenants are meant, and which plans are approved: from stored fleet runs, without any tenant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fleet.crews import STATUS, order, row

from runbook.errors import PlanRefused, UsageError
from runbook.fleet import approvals
from runbook.fleet.inventory import Inventory, Member
from runbook.fleet.selecting import Selection, newest_summary, select
from runbook.tenants import TenantEntry

PLANS = {"a": "a" * 64, "b": "b" * 64}


def inventory(*names: str) -> Inventory:
    members = tuple(
        Member(name=name, group=group, entry=TenantEntry(tenant_id="x"), parameters={}, sources={})
        for name, group in (item.split("@") for item in names)
    )
    rings = tuple(dict.fromkeys(member.group for member in members))
    return Inventory(name="fleet.yaml", path="/here/fleet.yaml", sha256="0", tutorial="t", members=members, rings=rings)


ALL = inventory("a@one", "b@two", "c@two", "d@two")


def stored(runs: Path, number: int, mode: str, codes: dict[str, int], **more: Any) -> str:
    """Store a fleet run's summary as it is found later."""
    name = f"20260101T00000{number}Z-{mode}-aaaaa{number}"
    folder = runs / "fleets" / name
    folder.mkdir(parents=True)
    rows = [{**row(order(tenant), code, STATUS[code]), "plan": PLANS.get(tenant, "")} for tenant, code in codes.items()]
    (folder / "fleet.json").write_text("{}")
    summary = {
        "fleet": name,
        "mode": mode,
        "inventory": "fleet.yaml",
        "path": "/here/fleet.yaml",
        "part": False,
        "tenants": rows,
    }
    summary["plans_hash"] = approvals.hash_of_plans(rows) if mode == "plan" else ""
    (folder / "summary.json").write_text(json.dumps({**summary, **more}))
    return str(summary["plans_hash"])


@pytest.mark.parametrize(
    "wanted, names",
    [(Selection(), "abcd"), (Selection(tenants=["c", "a"]), "ac"), (Selection(groups=["two"]), "bcd"),
     (Selection(groups=["two"], limit=2), "bc"), (Selection(only="failed"), "bd"), (Selection(only="drift"), "c"),
     (Selection(only="failed", limit=1), "b")],
)  # fmt: skip
def test_who_is_left(wanted: Selection, names: str, tmp_path: Path) -> None:
    stored(tmp_path, 1, "verify", {"a": 1, "b": 1, "c": 1, "d": 1})
    stored(tmp_path, 2, "verify", {"a": 0, "b": 1, "c": 3, "d": 5})
    stored(tmp_path, 3, "plan", {"a": 1, "b": 0, "c": 0, "d": 0})
    found = select(ALL, wanted, "verify", tmp_path)
    assert [member.name for member in found.members] == list(names)
    assert set(found.rings) == {member.group for member in found.members}


def test_another_inventory_of_the_same_name_and_a_part_of_this_one_are_not_the_last(tmp_path: Path) -> None:
    stored(tmp_path, 1, "verify", {"a": 1})
    stored(tmp_path, 2, "verify", {"b": 1}, part=True)
    stored(tmp_path, 3, "verify", {"c": 1}, path="/there/fleet.yaml")
    found = newest_summary("/here/fleet.yaml", "verify", tmp_path)
    assert found is not None and [row["tenant"] for row in found["tenants"]] == ["b"]
    found = newest_summary("/here/fleet.yaml", "verify", tmp_path, whole=True)
    assert found is not None and [row["tenant"] for row in found["tenants"]] == ["a"]
    assert newest_summary("/here/fleet.yaml", "plan", tmp_path) is None
    assert newest_summary("/here/fleet.yaml", "verify", tmp_path, before=found["fleet"]) is None


@pytest.mark.parametrize(
    "wanted, says",
    [(Selection(tenants=["e"]), "'e'"), (Selection(groups=["three"]), "'three'"), (Selection(only="failed"), "earlier"),
     (Selection(tenants=["a"], groups=["two"]), "No tenant is left")],
)  # fmt: skip
def test_what_cannot_be_meant(wanted: Selection, says: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        select(ALL, wanted, "verify", tmp_path)
    assert says in str(caught.value)


def test_one_hash_approves_every_plan_of_a_fleet_and_no_other(tmp_path: Path) -> None:
    whole = stored(tmp_path, 1, "plan", {"a": 3, "b": 3, "c": 5})
    found = approvals.by_hash(whole[:12], tmp_path)
    assert {tenant: grant.plan for tenant, grant in found.items()} == PLANS


def test_a_summary_that_was_changed_approves_nothing(tmp_path: Path) -> None:
    whole = stored(tmp_path, 1, "plan", {"a": 3, "b": 3})
    path = next(tmp_path.glob("fleets/*/summary.json"))
    path.write_text(path.read_text().replace("b" * 64, "c" * 64))
    with pytest.raises(PlanRefused) as caught:
        approvals.by_hash(whole, tmp_path)
    assert "changed after it was made" in str(caught.value)


@pytest.mark.parametrize("wanted", ["", "abc", "zzzzzzzz", "12345678"])
def test_a_hash_that_nobody_knows(wanted: str, tmp_path: Path) -> None:
    stored(tmp_path, 1, "plan", {"a": 3})
    with pytest.raises(PlanRefused):
        approvals.by_hash(wanted, tmp_path)


NAMED = "approver: Jane\nexpires: 2099-01-01T00:00:00Z\n"


@pytest.mark.parametrize(
    "text, says",
    [(NAMED, "either plan and tenant"), (NAMED + f"plan: {'a' * 64}\n", "either plan and tenant"),
     (NAMED + f"plans: {{a: {'a' * 64}}}\nfleet: {'a' * 64}\n", "either plan and tenant"),
     (NAMED + "plans: {a: abc}\n", "plans.a"), ("plans: {}\n", "approver"), ("[", "not YAML"),
     (f"approver: Jane\nexpires: 2099-01-01T00:00:00\nplans: {{a: {'a' * 64}}}\n", "expires"),
     (NAMED + f"plans: {{a: {'a' * 64}}}\nwho: me\n", "who")],
)  # fmt: skip
def test_an_approval_file_that_cannot_be_used(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "approval.yaml").write_text(text)
    with pytest.raises(UsageError) as caught:
        approvals.by_files([tmp_path / "approval.yaml"], tmp_path)
    assert says in str(caught.value)


def test_two_files_that_approve_different_plans_of_one_tenant(tmp_path: Path) -> None:
    for name, plan in PLANS.items():
        folder = tmp_path / f"run-{name}"
        folder.mkdir()
        (folder / "plan.json").write_text(json.dumps({"hash": plan}, indent=1))
        (tmp_path / f"{name}.yaml").write_text(f"{NAMED}plan: {plan}\ntenant: a\n")
    one = approvals.by_files([tmp_path / "a.yaml"], tmp_path)
    assert one["a"].made_by == tmp_path / "run-a"
    with pytest.raises(PlanRefused) as caught:
        approvals.by_files([tmp_path / "a.yaml", tmp_path / "b.yaml"], tmp_path)
    assert "two approved plans" in str(caught.value)
