"""Whose word allows a run, how long it holds, and how a run that stopped is gone on with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Kit
from filelock import FileLock

from runbook import journal, simulated
from runbook.archive.check import check


def one_plan(kit: Kit) -> dict[str, Any]:
    return {"plan": kit.result("plan")["plan_hash"], "tenant": "demo"}


def of_many(kit: Kit) -> dict[str, Any]:
    """The same plan in the form for many tenants."""
    return {"plan": None, "tenant": None, "plans": {"demo": one_plan(kit)["plan"].upper(), "other": "0" * 64}}


def approval(kit: Kit, **changed: Any) -> Path:
    content = {
        **one_plan(kit),
        "approver": "Jane Doe, change 4711",
        "expires": (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="seconds"),
    }
    path = kit.folder / "approval.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in {**content, **changed}.items() if v is not None}))
    return path


@pytest.mark.parametrize("form", [one_plan, of_many])
def test_a_file_approves_in_somebodys_name(form: Callable[[Kit], dict[str, Any]], kit: Kit) -> None:
    assert kit("plan", "--tenant", "demo").returncode == 3
    done = kit("apply", "--tenant", "demo", "--approval", str(approval(kit, **form(kit))))
    assert done.returncode == 0, done.stderr
    assert kit.result("apply")["approval"]["approved_by"] == "Jane Doe, change 4711"
    assert "Jane Doe, change 4711" in (kit.newest("apply") / "record.html").read_text()


PAST = "2026-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("changed", "code", "words"),
    [
        ({"expires": PAST}, 4, "expired at 2026-01-01"),
        ({"tenant": "other"}, 4, "is for the tenant 'other', not for 'demo'"),
        ({"plan": "0" * 64}, 4, "No plan in"),
        ({"plan": "12345678"}, 2, "at plan"),
        ({"expires": None}, 2, "at expires"),
        ({"expires": "2026-12-01T00:00:00"}, 2, "at expires"),
        ({"approver": ""}, 2, "at approver"),
        ({"note": "x"}, 2, "at note"),
        ({"plans": {"demo": "0" * 64}}, 2, "either plan and tenant"),
        ({"plan": None, "tenant": None, "plans": {"a": "0" * 64, "b": "0" * 64}}, 4, "'a', 'b', not for 'demo'"),
        ({"plan": None, "tenant": None, "fleet": "0" * 64}, 2, "runbook fleet apply"),
    ],
)
def test_a_file_that_does_not_approve_this(planned: Kit, changed: dict[str, Any], code: int, words: str) -> None:
    done = planned("apply", "--tenant", "demo", "--approval", str(approval(planned, **changed)))
    assert done.returncode == code, done.stderr
    assert words in done.stderr and "Traceback" not in done.stderr
    assert planned.writes() == []
    assert not list(planned.runs.glob("*-apply-*"))


def test_two_runs_never_write_to_one_tenant(planned: Kit) -> None:
    tenant_id = simulated.credentials(planned.state)["tenant_id"]
    path = planned.folder / "state" / "locks" / f"{tenant_id}.lock"
    path.parent.mkdir(parents=True)
    with FileLock(path):
        done = planned("apply", "--tenant", "demo", "--approve", planned.result("plan")["plan_hash"])
    assert done.returncode == 4
    assert "Another run is writing to the tenant 'demo'" in done.stderr
    assert planned.writes() == []


def cut_off(kit: Kit, writes: int) -> Path:
    """Apply on a slow tenant, and kill the run without a warning after some writes."""
    assert kit("plan", "--tenant", "demo").returncode == 3
    command = [sys.executable, "-m", "runbook", "apply", "--tenant", "demo"]
    with simulated.serving(kit.state, latency_ms=100):
        run = subprocess.Popen(
            [*command, "--approve", kit.result("plan")["plan_hash"]],
            env=kit.environment(),
            cwd=kit.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        end = time.monotonic() + 60
        while len(kit.writes()) < writes and time.monotonic() < end:
            time.sleep(0.02)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait(timeout=20)
    return kit.newest("apply")


def test_a_run_that_was_cut_off_is_gone_on_with_and_then_taken_back(kit: Kit) -> None:
    before = {
        kind: [row["Name"] for row in rows if "Name" in row] for kind, rows in simulated.objects(kit.state).items()
    }
    path = cut_off(kit, 4)
    assert "not finished" in (path / "record.html").read_text()
    done = kit("apply", "--resume", path.name)
    assert done.returncode == 0, done.stdout + done.stderr
    entries = list(journal.read(path / "journal.jsonl"))
    assert [entry["event"] for entry in entries].count("run-resumed") == 1
    assert (path / "attempts" / "1" / "record.html").is_file()
    assert check(path).whole
    assert kit("verify", "--tenant", "demo").returncode == 0
    keys = [(e["data"]["kind"], e["data"]["identity"]) for e in entries if e["event"] == "change-done"]
    assert len(keys) == len(set(keys)) == 7
    # A run that has come to its end is not begun again by its old approval.
    count = len(kit.writes())
    assert kit("apply", "--resume", path.name).returncode == 4
    assert len(kit.writes()) == count
    assert len(kit.result("apply")["sections"]) == 5
    assert sum(len(item["made"]) for item in kit.result("apply")["sections"]) == 7
    # What both attempts have changed is taken back.
    assert kit("rollback", path.name).returncode == 3
    done = kit("rollback", path.name, "--approve", kit.result("rollback-plan")["plan_hash"])
    assert done.returncode == 0, done.stdout + done.stderr
    after = {
        kind: [row["Name"] for row in rows if "Name" in row] for kind, rows in simulated.objects(kit.state).items()
    }
    after["QuarantinePolicy"] = [
        "DefaultGlobalPolicy" if name == "DefaultGlobalTag" else name for name in after["QuarantinePolicy"]
    ]
    assert {kind: sorted(names) for kind, names in after.items()} == {k: sorted(v) for k, v in before.items()}


def test_what_somebody_else_wrote_in_between_stops_the_going_on(kit: Kit) -> None:
    path = cut_off(kit, 3)
    simulated.set_property(kit.state, "HostedContentFilterPolicy", "Default", "PhishSpamAction", "Delete")
    count = len(kit.writes())
    done = kit("apply", "--resume", path.name)
    assert done.returncode == 4, done.stdout + done.stderr
    assert "PhishSpamAction" in done.stderr and "now it is delete" in done.stderr
    assert len(kit.writes()) == count


def test_an_approval_that_has_expired_does_not_carry_on(kit: Kit) -> None:
    path = cut_off(kit, 2)
    file = path / "journal.jsonl"
    entries = [entry for entry in journal.read(file)]
    file.unlink()
    for entry in entries:  # the same run, as it would be with an approval that ended meanwhile
        data = dict(entry["data"])
        if entry["event"] == "plan-approved":
            data["approval"] = {**data["approval"], "expires": PAST}
        journal.Journal(file).append(entry["event"], **data)
    count = len(kit.writes())
    done = kit("apply", "--resume", path.name)
    assert done.returncode == 4
    assert "expired at 2026-01-01" in done.stderr
    assert len(kit.writes()) == count


def test_a_torn_last_line_of_the_journal_is_cut_and_said(kit: Kit) -> None:
    path = cut_off(kit, 2)
    with (path / "journal.jsonl").open("ab") as file:
        file.write(b'{"n":99,"torn')
    done = kit("apply", "--resume", path.name)
    assert done.returncode == 0, done.stderr
    resumed = [e["data"] for e in journal.read(path / "journal.jsonl") if e["event"] == "run-resumed"]
    assert resumed == [{"attempt": 2, "torn_bytes": 13}]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--resume", "no-such-run"], "There is no run"),
        (["--resume", "demo-plan"], "Nothing was approved in the run"),
        (["--resume", "demo-plan", "--approve", "12345678"], "it takes no --approve"),
        (["--resume", "demo-plan", "-p", "retention_days=3"], "it takes no -p"),
        (["--approve", "12345678", "--approval", "x.yaml", "--tenant", "demo"], "not both"),
        (["--approve", "12345678"], "Missing option '--tenant'"),
    ],
)
def test_wrong_usage(planned: Kit, arguments: list[str], words: str) -> None:
    done = planned("apply", *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr and "Traceback" not in done.stderr
    assert planned.writes() == []


def test_the_journal_alone_tells_what_was_there(kit: Kit) -> None:
    assert kit.apply().returncode == 0
    (stored,) = [
        e["data"] for e in journal.read(kit.newest("apply") / "journal.jsonl") if e["event"] == "before-first-write"
    ]
    objects = {(item["kind"], item["identity"]): item for item in stored["objects"]}
    assert objects[("TransportRule", "Area 1 Deliver to Junk Email folder")]["presence"] == "absent"
    assert objects[("HostedContentFilterPolicy", "Default")]["row"]["PhishSpamAction"] == "MoveToJmf"
    assert [item["section"] for item in stored["sections"]]
    actions = {c["action"] for item in stored["sections"] for c in item["inverse"]["changes"]}
    assert actions >= {"delete", "update"}
    assert json.dumps(stored).count("AccessToken") == 0
