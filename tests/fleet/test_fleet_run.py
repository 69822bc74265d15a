"""Whole fleet runs on simulated tenants: plan, apply, verify, again; failures; approvals; a wrong inventory."""

from __future__ import annotations

from pathlib import Path

import pytest
from fleet.fleets import Fleet, order_faults

from runbook import journal, simulated
from runbook.runs import read_json

NAMES = ("alpha", "beta", "gamma")


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """A new fleet whose plans have been made; it is only copied."""
    made = Fleet(tmp_path_factory.mktemp("planned") / "fleet", NAMES)
    made.folder.mkdir()
    made.make(gamma="inputs: {retention_days: 20}")
    done = made("plan", "fleet.yaml")
    assert done.returncode == 3, done.stderr + done.stdout
    return made


@pytest.fixture
def fleet(planned: Fleet, tmp_path: Path) -> Fleet:
    return planned.copy_to(tmp_path / "fleet")


def test_plans_are_made_and_nothing_is_written(planned: Fleet) -> None:
    rows = planned.rows()
    assert list(rows) == list(NAMES)
    for name, row in rows.items():
        assert (row["status"], row["exit_code"]) == ("changes pending", 3), name
        assert planned.writes(name) == [], name
        assert (planned.runs / row["run"] / "record.html").is_file(), name
        result = read_json(planned.runs / row["run"] / "result.json")
        assert result["fleet"] == planned.newest().name, name
    assert [row["group"] for row in rows.values()] == ["canary", "rest", "rest"]


def test_a_tenant_signs_in_once_for_each_service(planned: Fleet) -> None:
    for name in NAMES:
        asked = [row["path"] for row in simulated.requests_log(planned.far(name)) if "/oauth2/" in row["path"]]
        assert len(asked) == 2, (name, asked)


def test_an_input_of_one_tenant_is_in_its_plan_alone(planned: Fleet) -> None:
    found = {}
    for name, row in planned.rows().items():
        result = read_json(planned.runs / row["run"] / "result.json")
        inputs = {item["name"]: item for section in result["sections"] for item in section["inputs"]}
        found[name] = (inputs["retention_days"]["value"], inputs["retention_days"]["source"])
    assert found["gamma"] == (20, "inventory fleet.yaml, tenant gamma")
    assert found["alpha"][1] == "kit's default"
    assert found["alpha"][0] != 20


def test_approved_plans_are_applied_verified_and_not_applied_twice(fleet: Fleet) -> None:
    approve = fleet.plans_hash()[:12]
    done = fleet("apply", "fleet.yaml", "--approve", approve)
    assert done.returncode == 0, done.stderr + done.stdout
    assert {row["status"] for row in fleet.rows().values()} == {"changed"}
    events = [(entry["event"], entry["data"].get("tenant")) for entry in journal.read(fleet.newest().journal)]
    assert events.index(("tenant-ended", "alpha")) < events.index(("tenant-started", "beta")), "the canary is first"
    assert all(fleet.writes(name) for name in NAMES)

    fleet.forget_logs()
    for command in (("verify",), ("plan",), ("apply", "--approve", approve)):
        done = fleet(command[0], "fleet.yaml", *command[1:])
        assert done.returncode == 0, (command, done.stderr + done.stdout)
        assert {row["status"] for row in fleet.rows().values()} == {"unchanged"}, command
        assert all(fleet.writes(name) == [] for name in NAMES), command


def test_a_tenant_that_drifted_is_named(fleet: Fleet) -> None:
    assert fleet("apply", "fleet.yaml", "--approve", fleet.plans_hash()).returncode == 0
    policy = "HostedContentFilterPolicy"
    simulated.set_property(fleet.far("beta"), policy, "Default", "QuarantineRetentionPeriod", 1)
    done = fleet("verify", "fleet.yaml")
    assert done.returncode == 3, done.stderr + done.stdout
    rows = fleet.rows()
    assert {name: row["status"] for name, row in rows.items()} == {
        "alpha": "unchanged", "beta": "drift", "gamma": "unchanged",
    }  # fmt: skip
    assert sum(item["drift"] for item in rows["beta"]["sections"]) == 1
    assert "beta: drift" in done.stdout
    again = fleet("verify", "fleet.yaml", "--only", "drift", "-q")
    assert list(fleet.rows()) == ["beta"], again.stdout


def test_without_an_approval_nothing_is_begun(fleet: Fleet) -> None:
    before = fleet.newest().name
    for more in ((), ("--approve", "0" * 12)):
        done = fleet("apply", "fleet.yaml", *more)
        assert done.returncode == 4, done.stderr
        assert "approve" in done.stderr
    assert fleet.newest().name == before
    assert all(fleet.writes(name) == [] for name in NAMES)


def test_an_approval_file_covers_the_tenants_that_it_lists(fleet: Fleet) -> None:
    plans = {name: row["plan"] for name, row in fleet.rows().items() if name != "gamma"}
    text = "approver: Jane Doe, change 4711\nexpires: 2099-01-01T00:00:00Z\nplans:\n"
    text += "".join(f"  {name}: {plan}\n" for name, plan in plans.items())
    (fleet.folder / "approval.yaml").write_text(text, encoding="utf-8")
    done = fleet("apply", "fleet.yaml", "--approval", "approval.yaml")
    assert done.returncode == 4, done.stderr + done.stdout
    rows = fleet.rows()
    assert {name: row["status"] for name, row in rows.items()} == {
        "alpha": "changed", "beta": "changed", "gamma": "not started",
    }  # fmt: skip
    assert fleet.writes("gamma") == []
    result = read_json(fleet.runs / rows["alpha"]["run"] / "result.json")
    assert result["approval"]["approved_by"] == "Jane Doe, change 4711"


def test_an_expired_approval_is_none(fleet: Fleet) -> None:
    text = f"approver: Jane\nexpires: 2020-01-01T00:00:00Z\nfleet: {fleet.plans_hash()}\n"
    (fleet.folder / "approval.yaml").write_text(text, encoding="utf-8")
    done = fleet("apply", "fleet.yaml", "--approval", "approval.yaml")
    assert done.returncode == 4, done.stderr + done.stdout
    assert all(fleet.writes(name) == [] for name in NAMES)


def test_a_plan_that_was_changed_on_disk_is_not_applied(fleet: Fleet) -> None:
    row = fleet.rows()["beta"]
    path = fleet.runs / row["run"] / "plan.json"
    path.write_text(path.read_text(encoding="utf-8").replace("retention_days", "retention_dayz"), encoding="utf-8")
    done = fleet("apply", "fleet.yaml", "--approve", fleet.plans_hash(), "--max-failures", "3")
    assert done.returncode == 4, done.stderr + done.stdout
    assert fleet.rows()["beta"]["status"] == "refused"
    assert "changed after it was made" in fleet.rows()["beta"]["reason"]
    assert fleet.writes("beta") == []


def test_the_canary_fails_and_no_other_tenant_is_touched(fleet: Fleet) -> None:
    simulated.set_property(fleet.far("alpha"), "HostedContentFilterPolicy", "Default", "QuarantineRetentionPeriod", 3)
    done = fleet("apply", "fleet.yaml", "--approve", fleet.plans_hash(), "--max-failures", "3")
    assert done.returncode == 4, done.stderr + done.stdout
    rows = fleet.rows()
    assert rows["alpha"]["status"] == "refused"
    assert "moved" in rows["alpha"]["reason"] or "since" in rows["alpha"]["reason"], rows["alpha"]["reason"]
    for name in ("beta", "gamma"):
        assert rows[name]["status"] == "not started"
        assert fleet.writes(name) == []
        assert "alpha" in rows[name]["reason"]


@pytest.mark.parametrize(
    "text, says",
    [("tenants: {alpha: {simulated: {state: far/alpha}}, beta: {simulated: {state: far/alpha}}}", "one and the same"),
     ("inputs: {retention_days: 99}\ntenants: {alpha: {simulated: {state: far/alpha}}}", "retention_days"),
     ("inputs: {colour: red}\ntenants: {alpha: {simulated: {state: far/alpha}}}", "colour"),
     ("tenants: {alpha: {tenant_id: 11111111-2222-4333-8444-555555555555, client_id: {env: NOBODY_SET_THIS}}}",
      "NOBODY_SET_THIS")],
)  # fmt: skip
def test_an_inventory_is_checked_whole_before_anything_begins(text: str, says: str, fleet: Fleet) -> None:
    before = fleet.newest().name
    fleet.inventory.write_text(text, encoding="utf-8")
    done = fleet("plan", "fleet.yaml")
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert fleet.newest().name == before


def test_a_tenant_whose_process_hangs_is_stopped_and_named(fleet: Fleet) -> None:
    server = simulated.start(fleet.far("beta"))
    try:
        order_faults(server.url, {"kind": "timeout-before", "times": None, "seconds": 300, "match": {"path": "/"}})
        done = fleet("verify", "fleet.yaml", "--tenant-timeout", "8")
    finally:
        server.stop()
    rows = fleet.rows()
    assert rows["beta"]["status"] == "interrupted", (rows["beta"], done.stderr)
    assert "longer than it may" in rows["beta"]["reason"]
    assert rows["alpha"]["status"] == rows["gamma"]["status"] == "drift"
    assert (fleet.runs / rows["beta"]["run"] / "record.html").is_file()
