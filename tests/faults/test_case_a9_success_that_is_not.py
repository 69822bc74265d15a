"""Acceptance case A9: the service says yes, and it is not so, or not yet, or only half."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from conftest import Kit
from faults.far_end import FarEnd, altering, serving

from runbook import journal, simulated

POLICY = "configure-anti-spam-policies"
WAIT = {"RUNBOOK_WAIT_SECONDS": "1"}


@pytest.fixture
def far(kit: Kit) -> Iterator[FarEnd]:
    with serving(kit) as made:
        yield made


def section(far: FarEnd, name: str) -> dict[str, Any]:
    return next(item for item in far.kit.result("apply")["sections"] if item["section"] == name)


def wrong(far: FarEnd, name: str) -> list[str]:
    return sorted(item["name"] for item in section(far, name)["verification"]["checks"] if not item["ok"])


def test_a9a_a_set_that_keeps_the_old_value_has_failed(far: FarEnd) -> None:
    far.fault(kind="ignored", match={"cmdlet": "Set-HostedContentFilterPolicy"})
    assert far.plan().returncode == 3
    done = far.apply(**WAIT)
    assert done.returncode == 1, "what was asked for is not there"
    assert "Configure anti-spam policies: 1 changed, NOT as the tutorial asks" in done.stdout
    result = section(far, POLICY)
    assert result["status"] == "failed"
    assert result["verification"]["ok"] is False
    assert "PhishSpamAction" in wrong(far, POLICY)
    assert "New-TransportRule" not in far.writes(), "nothing is begun after it"


def test_a9b_a_value_that_comes_late_passes_after_a_wait_that_is_recorded(far: FarEnd) -> None:
    old: list[dict[str, Any]] = []
    late: list[int] = []

    def slowly(cmdlet: str, answer: dict[str, Any]) -> dict[str, Any] | None:
        if cmdlet != "Get-HostedContentFilterPolicy":
            return None
        if "Set-HostedContentFilterPolicy" not in far.writes():
            old[:] = [answer]
            return None
        late.append(1)
        return old[0] if len(late) <= 3 else None

    with altering(far, slowly) as address:
        far.through(address)
        assert far.kit("plan", "--tenant", "between").returncode == 3
        done = far.apply("between")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(late) >= 4
    assert section(far, POLICY)["verification"]["waited_seconds"] > 0
    entries = journal.read(far.kit.newest("apply") / "journal.jsonl")
    waits = {item["data"]["section"]: item["data"]["waited_seconds"] for item in entries if item["event"] == "verified"}
    assert waits[POLICY] > 0
    assert waits["configure-domains"] == 0


@pytest.mark.parametrize("kind", ["timeout-after", "drop-after"])
@pytest.mark.parametrize("cmdlet", ["New-QuarantinePolicy", "New-TransportRule"])
def test_a9c_a_lost_answer_is_resolved_by_reading(far: FarEnd, cmdlet: str, kind: str) -> None:
    far.fault(kind=kind, match={"cmdlet": cmdlet}, seconds=0.2)
    assert far.plan().returncode == 3
    done = far.apply()
    assert done.returncode == 0, done.stderr
    counts = {"New-QuarantinePolicy": 3, "New-TransportRule": 1}
    assert {name: far.writes().count(name) for name in counts} == counts, "no duplicate create"
    assert "settled-by-reading" in [entry["event"] for entry in journal.read(far.kit.newest("apply") / "journal.jsonl")]


def test_a9d_one_of_two_properties_is_partial_and_the_other_named(far: FarEnd) -> None:
    assert far.plan().returncode == 3
    assert far.apply().returncode == 0
    far.admin(
        "Set-HostedContentFilterPolicy", Identity="Default", SpamAction="Quarantine", QuarantineRetentionPeriod=20
    )
    far.fault(kind="partial", match={"cmdlet": "Set-HostedContentFilterPolicy"})
    assert far.plan().returncode == 3
    done = far.apply(**WAIT)
    assert done.returncode == 1
    held = far.held("HostedContentFilterPolicy", "Default")
    assert (held["SpamAction"], held["QuarantineRetentionPeriod"]) == ("MoveToJmf", 20)
    assert wrong(far, POLICY) == ["QuarantineRetentionPeriod"]
    assert "QuarantineRetentionPeriod (line 99 of the tutorial): found 20, wanted 15" in done.stdout
    assert "7 of 8 properties" in done.stdout
    said = "Anti-spam policy Default: partial, 1 of 2 changed properties read back, not QuarantineRetentionPeriod"
    assert said in done.stdout
    assert said in (far.kit.newest("apply") / "record.html").read_text()


def test_a9_nothing_is_called_verified_before_it_was_read_back(far: FarEnd) -> None:
    """Every read after the write fails: the change was made, and no page says that it is as asked."""
    assert far.plan().returncode == 3
    before = [row["cmdlet"] for row in simulated.requests_log(far.kit.state)].count("Get-HostedContentFilterPolicy")
    assert before == 2, "for where mail lands, and for the section"
    far.forget()
    # In an apply it is read for where mail lands, all sections are planned anew, the things as they are stored before
    # the run's first write, the section makes its own plan, and the policy is read just before its write; the sixth is
    # the verification's.
    far.fault(kind="status", status=403, match={"cmdlet": "Get-HostedContentFilterPolicy"}, at=6, times=None)
    done = far.apply(**WAIT)
    asked = [row["cmdlet"] for row in simulated.requests_log(far.kit.state)]
    asked = [cmdlet for cmdlet in asked if str(cmdlet).endswith("-HostedContentFilterPolicy")]
    read, write = "Get-HostedContentFilterPolicy", "Set-HostedContentFilterPolicy"
    assert asked[:6] == [read] * 5 + [write], "every read before the write went through"
    assert set(asked[6:]) == {read}, "and those after it were tried"
    assert done.returncode == 5, done.stdout + done.stderr
    assert "Configure anti-spam policies: 1 changed, NOT verified" in done.stdout
    result = section(far, POLICY)
    assert result["verification"] is None
    assert result["status"] == "unknown"


def test_a9_propagation_is_pending_until_the_window_is_over(far: FarEnd) -> None:
    """For 30 minutes after the rule's own WhenChanged; the settings are verified all the same."""
    assert far.plan().returncode == 3
    applied = far.apply()
    assert applied.returncode == 0
    rule = "Transport rule Area 1 Deliver to Junk Email folder"
    changed = datetime.fromisoformat(far.held("TransportRule", rule.removeprefix("Transport rule "))["WhenChanged"])
    until = (changed + timedelta(minutes=30)).strftime("%H:%M")
    said = f"{rule}: propagation pending, it may take until {until} UTC to act everywhere"
    assert f"  {said}\n" in applied.stdout
    assert said in (far.kit.newest("apply") / "record.html").read_text()
    verification = section(far, "create-transport-rules")["verification"]
    assert verification["ok"] is True
    assert [item["kind"] for item in verification["pending"]] == ["TransportRule"]
    seen = far.kit("verify", "--tenant", "demo")
    assert (seen.returncode, said in seen.stdout) == (0, True)

    earlier = (changed - timedelta(minutes=31)).strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
    name = rule.removeprefix("Transport rule ")
    simulated.set_property(far.kit.state, "TransportRule", name, "WhenChanged", earlier)
    later = far.kit("verify", "--tenant", "demo")
    assert (later.returncode, "propagation pending" in later.stdout) == (0, False)
    assert "propagation pending" not in (far.kit.newest("verify") / "record.html").read_text()
