"""Acceptance case A5: the right content, switched off. Drift, mended by the smallest call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Kit
from faults.far_end import FarEnd, serving

NAME = "Area 1 Deliver to Junk Email folder"


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarEnd]:
    """A tenant that is set up; each case mends what it broke."""
    with serving(Kit(tmp_path_factory.mktemp("a5"))) as made:
        assert made.plan().returncode == 3
        assert made.apply().returncode == 0
        yield made


def test_a5_the_rule_is_created_disabled_read_back_then_enabled(far: FarEnd) -> None:
    from runbook import simulated

    calls = [row["cmdlet"] for row in simulated.requests_log(far.kit.state) if row["cmdlet"]]
    made = calls.index("New-TransportRule")
    assert calls[made : made + 3] == ["New-TransportRule", "Get-TransportRule", "Enable-TransportRule"]


CASES = {
    "disabled": ("Disable-TransportRule", {}, "Enabled", "Enable-TransportRule"),
    "in audit mode": ("Set-TransportRule", {"Mode": "Audit"}, "Mode", "Set-TransportRule"),
    "expired": ("Set-TransportRule", {"ExpiryDate": "2026-01-31T00:00:00Z"}, "ExpiryDate", "Set-TransportRule"),
    "not begun": ("Set-TransportRule", {"ActivationDate": "2036-01-31T00:00Z"}, "ActivationDate", "Set-TransportRule"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a5_a_right_rule_that_is(far: FarEnd, case: str) -> None:
    cmdlet, settings, name, mends = CASES[case]
    before = far.held("TransportRule", NAME)
    far.admin(cmdlet, Identity=NAME, **settings)
    drift = far.kit("verify", "--tenant", "demo")
    assert drift.returncode == 3
    lines = [line for line in drift.stdout.splitlines() if f"{NAME}, " in line]
    assert len(lines) == 1, drift.stdout
    assert f"{NAME}, {name}" in lines[0]
    planned = far.plan()
    assert planned.returncode == 3, "somebody's switch is no reason to ask whose rule it is"
    assert f"its content is as the tutorial asks, but it is not effective at all times: {name}" in planned.stdout
    assert [[item["name"] for item in change["properties"] if item["changed"]] for change in far.changes()] == [[name]]
    assert far.apply().returncode == 0
    assert far.writes() == [mends]
    assert settled(far.held("TransportRule", NAME)) == settled(before)


def settled(rule: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in rule.items() if name != "WhenChanged" and value is not None}


def test_a5_null_that_is_refused_is_a_failure_with_the_way_by_hand(far: FarEnd) -> None:
    far.admin("Set-TransportRule", Identity=NAME, ExpiryDate="2026-01-31T00:00:00Z")
    far.switch(null_clears="refuse")
    planned = far.plan()
    assert f"by hand: Set-TransportRule -Identity '{NAME}' -ExpiryDate $null" in planned.stdout
    done = far.apply()
    assert done.returncode == 1
    assert "ExpiryDate" in done.stderr
    assert far.held("TransportRule", NAME)["ExpiryDate"], "nothing was cleared, and nothing else was done"
    far.switch(null_clears="yes")
    far.admin("Set-TransportRule", Identity=NAME, ExpiryDate=None)
