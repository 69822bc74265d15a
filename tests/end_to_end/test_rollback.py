"""``runbook rollback``: exactly what a run changed, in the safe order, and nothing of anybody else's (case A10)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Kit

from runbook import journal, simulated, tenants
from runbook.tenants import Simulated, TenantEntry

OURS = {
    "TransportRule": {"Area 1 Deliver to Junk Email folder"},
    "QuarantinePolicy": {"UserNotifyUserRelease", "UserNotifyAdminRelease"},
}
# Stamps of ours move with every write; the global policy, once created, stays.
STAMPS = {"WhenChanged", "WhenCreated", "modified_at"}


def foreign_objects(kit: Kit, count: int) -> None:
    """Let somebody else make rules and policies of all sorts, by the vendor's own calls."""
    connection = tenants.open_connection("demo", TenantEntry(simulated=Simulated(state=kit.state)))
    try:
        for number in range(count // 3):
            exchange = connection.services.exchange
            policy = {"Name": f"Foreign quarantine {number}", "EndUserQuarantinePermissionsValue": number % 3}
            exchange.invoke("New-QuarantinePolicy", policy, write=True)
            spam = {"Name": f"Foreign spam {number}", "BulkThreshold": 1 + number % 9}
            exchange.invoke("New-HostedContentFilterPolicy", spam, write=True)
            rule = {"Name": f"Foreign rule {number}", "SetSCL": number % 10, "SenderDomainIs": [f"d{number}.example"]}
            exchange.invoke("New-TransportRule", rule, write=True)
    finally:
        connection.close()


def held(kit: Kit) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return everybody else's objects, byte for byte, and what a rollback has to bring back of the others."""
    foreign: dict[str, Any] = {}
    touched: dict[str, Any] = {}
    for kind, rows in simulated.objects(kit.state).items():
        for row in rows:
            name = str(row.get("Name") or row.get("domain") or row.get("id") or row.get("client_id") or row)
            is_global = kind == "QuarantinePolicy" and "Global" in str(row.get("QuarantinePolicyType", ""))
            if (kind, name) == ("HostedContentFilterPolicy", "Default") or kind == "EmailSecurityDomain":
                kept = {key: value for key, value in row.items() if key not in STAMPS and value is not None}
                touched[f"{kind} {name}"] = kept
            elif not is_global and name not in OURS.get(kind, ()):
                foreign[f"{kind} {name}"] = json.dumps(row, sort_keys=True)
    return foreign, touched


def rollback(kit: Kit, run: Path, *more: str) -> Any:
    planned = kit("rollback", run.name, *more)
    assert planned.returncode == 3, planned.stdout + planned.stderr
    return kit("rollback", run.name, *more, "--approve", kit.result("rollback-plan")["plan_hash"])


def ours(kit: Kit) -> set[str]:
    found = simulated.objects(kit.state)
    return {row["Name"] for kind, names in OURS.items() for row in found[kind] if row["Name"] in names}


@pytest.mark.parametrize("profile", ["new", "busy"])
def test_a10_exact_undo(kit: Kit, profile: str) -> None:
    simulated.reset(kit.state, profile=profile)
    foreign_objects(kit, 30)
    before = held(kit)
    assert kit.apply().returncode == 0
    run = kit.newest("apply")
    assert held(kit)[0] == before[0], "the run itself left everything foreign alone"
    assert held(kit)[1] != before[1] and len(ours(kit)) == 3
    done = rollback(kit, run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert held(kit) == before
    assert ours(kit) == set()
    folder = kit.newest("rollback-apply")
    order = [
        entry["data"]["kind"] for entry in journal.read(folder / "journal.jsonl") if entry["event"] == "change-done"
    ]
    assert order == [
        "TransportRule",
        "HostedContentFilterPolicy",
        "QuarantinePolicy",
        "QuarantinePolicy",
        "EmailSecurityDomain",
        "EmailSecurityDomain",
    ]
    record = (folder / "record.html").read_text()
    assert f"the way back from {run.name}" in record
    assert "as the tutorial asks" not in record


def test_a10_another_administrator_edits_the_default_policy_in_between(kit: Kit) -> None:
    assert kit.apply().returncode == 0
    run = kit.newest("apply")
    simulated.set_property(kit.state, "HostedContentFilterPolicy", "Default", "PhishSpamAction", "Delete")
    simulated.set_property(kit.state, "HostedContentFilterPolicy", "Default", "BulkThreshold", 4)
    writes = len(kit.writes())
    refused = kit("rollback", run.name)
    assert refused.returncode == 4
    assert "PhishSpamAction: was movetojmf, this run set quarantine, now it is delete" in refused.stdout
    assert f"runbook rollback {run.name} --rest" in refused.stdout
    plan_hash = kit.result("rollback-plan")["plan_hash"]
    assert kit("rollback", run.name, "--approve", plan_hash).returncode == 4
    assert len(kit.writes()) == writes
    done = rollback(kit, run, "--rest")
    assert done.returncode == 0, done.stdout + done.stderr
    (policy,) = [p for p in simulated.objects(kit.state)["HostedContentFilterPolicy"] if p["Name"] == "Default"]
    assert (policy["PhishSpamAction"], policy["BulkThreshold"]) == ("Delete", 4), "what somebody else set stays"
    assert policy["HighConfidenceSpamAction"] == "MoveToJmf"
    assert ours(kit) == set()
    assert "left as somebody else set it" in (kit.newest("rollback-apply") / "record.html").read_text()


def test_a_created_thing_that_somebody_else_changed_is_not_deleted(kit: Kit) -> None:
    assert kit.apply().returncode == 0
    run = kit.newest("apply")
    simulated.set_property(kit.state, "TransportRule", "Area 1 Deliver to Junk Email folder", "SetSCL", 6)
    refused = kit("rollback", run.name)
    assert refused.returncode == 4
    assert "SetSCL: this run set 5, now it is 6" in refused.stdout
    assert rollback(kit, run, "--rest").returncode == 0
    assert ours(kit) == {"Area 1 Deliver to Junk Email folder"}


def test_a_tenant_that_moves_after_the_way_back_was_approved_is_left_alone(kit: Kit) -> None:
    assert kit.apply().returncode == 0
    run = kit.newest("apply")
    assert kit("rollback", run.name).returncode == 3
    plan_hash = kit.result("rollback-plan")["plan_hash"]
    simulated.set_property(kit.state, "HostedContentFilterPolicy", "Default", "PhishSpamAction", "Delete")
    writes = len(kit.writes())
    done = kit("rollback", run.name, "--approve", plan_hash)
    assert done.returncode == 4, done.stdout + done.stderr
    assert len(kit.writes()) == writes


def test_a_way_back_is_approved_by_its_own_hash_and_through_its_own_command(kit: Kit) -> None:
    assert kit.apply().returncode == 0
    forward, run = kit.result("apply")["approval"]["plan"], kit.newest("apply")
    assert kit("rollback", run.name).returncode == 3
    back = kit.result("rollback-plan")["plan_hash"]
    writes = len(kit.writes())
    assert kit("rollback", run.name, "--approve", forward).returncode == 4
    assert kit("rollback", run.name, "--rest", "--approve", back).returncode == 4
    assert kit("apply", "--tenant", "demo", "--approve", back).returncode == 4
    assert len(kit.writes()) == writes


def test_it_can_be_taken_back_again_and_there_is_then_nothing_left(kit: Kit) -> None:
    assert kit.apply().returncode == 0
    run = kit.newest("apply")
    assert rollback(kit, run).returncode == 0
    again = kit("rollback", run.name)
    assert again.returncode == 0, again.stdout
    assert "was taken back already" in again.stdout
    # The way back is a run like any other: it can itself be taken back, and the tutorial holds again.
    back = kit.newest("rollback-apply")
    done = rollback(kit, back)
    assert done.returncode == 0, done.stdout + done.stderr
    assert kit("verify", "--tenant", "demo").returncode == 0


def test_what_cannot_be_taken_back_is_named_before_consent(kit: Kit) -> None:
    planned = kit("plan", "--tenant", "demo")
    assert "cannot be undone: the global quarantine policy cannot be removed once it was created" in planned.stdout
    assert "cannot be undone" in (kit.newest("plan") / "record.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nothing-of-this-name"], 2, "There is no run"),
        (["demo-plan"], 2, "has changed nothing"),
        (["demo"], 2, "Name one of them"),
    ],
)
def test_wrong_usage(applied: Kit, arguments: list[str], code: int, words: str) -> None:
    done = applied("rollback", *arguments)
    assert (done.returncode, words in done.stderr) == (code, True), done.stderr
