"""Where mail lands, on the command line: consent where nobody is governed, evidence, and what a run's files say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Kit

from runbook import simulated

CONSENT = "accept_governs_nobody=true"


@pytest.fixture
def on_presets(tmp_path: Path) -> Kit:
    """A kit whose tenant has the Standard preset for everybody, so that Default is in force for nobody."""
    made = Kit(tmp_path)
    simulated.reset(made.state, profile="presets")
    return made


def test_a8_a_change_that_reaches_nobody_wants_consent(on_presets: Kit) -> None:
    kit = on_presets
    asked = kit("plan", "--tenant", "demo")
    assert asked.returncode == 4, asked.stderr
    assert "governs 0 recipients" in asked.stdout and "Standard Preset Security Policy" in asked.stdout
    assert CONSENT in asked.stdout
    refused = kit("apply", "--tenant", "demo", "--approve", kit.result("plan")["plan_hash"])
    assert refused.returncode == 4 and kit.writes() == []
    done = kit.apply("-p", CONSENT)
    assert done.returncode == 0, done.stderr
    governed = kit.result("apply")["outlook"]["governed"]
    counted = {item["level"]: item["recipients"] for item in governed["rows"]}
    assert counted == {"Strict": 2, "Standard": 6, "Default": 0}
    inputs = {item["name"]: item["value"] for item in kit.result("apply")["sections"][3]["inputs"]}
    assert inputs["accept_governs_nobody"] is True, "the decision stands in every record"


def test_a_run_observes_what_it_predicted(kit: Kit) -> None:
    assert kit.apply("-p", "add_second_rule=true").returncode == 0
    result = kit.result("apply")
    rows = result["outlook"]["rows"]
    assert rows and all(row["observed"] and row["observed"]["as_predicted"] for row in rows)
    promised = [row for row in rows if row["promised"]]
    assert {row["disposition"] for row in promised} == {"SUSPICIOUS", "BULK", "SPAM", "SPOOF"}
    assert all(row["kept"] is True and row["observed"]["kept"] is True for row in promised)
    assert any("stands beside what was predicted" in text for text in result["assumptions"])
    assert sum(text.startswith("Simulated tenant:") for text in result["assumptions"]) > 5, (
        "what delivery assumed is told"
    )
    folder = kit.newest("apply") / "outcome"
    assert {path.name for path in folder.iterdir()} == {"before.json", "after.json", "landed.json", "outlook.json"}
    before, after = (json.loads((folder / name).read_text())["parts"] for name in ("before.json", "after.json"))
    rules = [[row["Name"] for row in found["TransportRule"]["rows"]] for found in (before, after)]
    assert "Area 1 User Quarantine Message" not in rules[0] and "Area 1 User Quarantine Message" in rules[1]


def test_a_plan_predicts_and_observes_nothing(kit: Kit) -> None:
    assert kit("plan", "--tenant", "demo").returncode == 3
    result = kit.result("plan")
    assert result["outlook"]["rows"] and not any(row["observed"] for row in result["outlook"]["rows"])
    assert any("was not observed in this run" in text for text in result["assumptions"])
    assert kit.writes() == []


def test_what_a_person_saw_stands_in_the_record(kit: Kit) -> None:
    assert kit.apply().returncode == 0
    (kit.folder / "seen.csv").write_text(
        "disposition,place,by,at\nSUSPICIOUS,inbox,Ann Admin,2026-11-25T09:30:00Z\n", encoding="utf-8"
    )
    assert kit("verify", "--tenant", "demo", "--evidence", "seen.csv").returncode == 0
    rows = kit.result("verify")["outlook"]["rows"]
    seen = next(row["observed"] for row in rows if (row["disposition"], row["case"]) == ("SUSPICIOUS", "gateway"))
    assert "Ann Admin" in seen["by"] and seen["as_predicted"] is False and seen["kept"] is None
    assert seen["text"] == "Junk Email folder or Inbox", "the test message and the person saw different things"
    assert "Ann Admin" in (kit.newest("verify") / "record.html").read_text(encoding="utf-8")


def test_evidence_that_cannot_be_used_makes_no_run(kit: Kit) -> None:
    (kit.folder / "seen.csv").write_text("disposition,place,by,at\nHAM,inbox,Ann,2026-11-25T09:30:00Z\n")
    done = kit("verify", "--tenant", "demo", "--evidence", "seen.csv")
    assert done.returncode == 2 and "line 2, disposition" in done.stderr
    assert not list(kit.runs.glob("*")) if kit.runs.exists() else True


def test_a_rollback_speaks_of_no_promise(kit: Kit) -> None:
    assert kit.apply().returncode == 0
    assert kit("rollback", str(kit.newest("apply"))).returncode == 3
    assert json.loads((kit.newest("rollback-plan") / "result.json").read_text())["outlook"] is None
