"""Acceptance case A6: somebody else's object has the name of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Kit
from faults.far_end import FarEnd, serving

NAME = "Area 1 Deliver to Junk Email folder"
CASES = Path(__file__).parent.parent / "cases" / "tutorials"
OTHER_CASE = NAME.upper()
FOREIGN = {"HeaderContainsMessageHeader": "X-Ours", "HeaderContainsWords": ["yes"], "SetSCL": -1}


@pytest.fixture
def far(kit: Kit) -> Iterator[FarEnd]:
    with serving(kit) as made:
        yield made


def problems(far: FarEnd) -> list[dict[str, Any]]:
    stored = json.loads((far.kit.newest("plan") / "plan.json").read_text())
    return [item for part in stored["sections"] for item in part["problems"]]


def test_a6_a_foreign_rule_of_our_name_stops_apply_and_offers_three_ways(far: FarEnd) -> None:
    far.admin("New-TransportRule", Name=OTHER_CASE, **FOREIGN)
    before = far.held("TransportRule", NAME)
    planned = far.plan()
    assert planned.returncode == 4
    assert [(item["identity"], item["presence"]) for item in problems(far)] == [(NAME, "undecided")]
    said = problems(far)[0]["reason"]
    for words in (repr(OTHER_CASE), "SetSCL is -1, not 5", f'"adopt={NAME}"', f'"rename={NAME}=NEW NAME"', "leave it"):
        assert words in said
        assert words in planned.stdout
    assert "by hand: Set-TransportRule" not in planned.stdout
    script = far.kit("plan", "--tenant", "demo", "--as", "powershell").stdout
    assert "TransportRule -Identity" not in script
    applied = far.apply()
    assert applied.returncode == 4
    assert "adopt" in applied.stderr
    assert far.writes() == []
    assert far.held("TransportRule", NAME) == before


def test_a6_verify_still_names_every_difference(far: FarEnd) -> None:
    far.admin("New-TransportRule", Name=OTHER_CASE, **FOREIGN)
    done = far.kit("verify", "--tenant", "demo")
    assert done.returncode == 3
    assert f"{NAME}, SetSCL (line 118 of the tutorial): found -1, wanted 5" in done.stdout
    assert f"{NAME}, HeaderContainsWords (line 115 of the tutorial): found yes, wanted SUSPICIOUS, BULK" in done.stdout


def test_a6_adopt_takes_the_rule_over_and_stores_the_old_one(far: FarEnd) -> None:
    far.admin("New-TransportRule", Name=OTHER_CASE, **FOREIGN)
    before = far.held("TransportRule", NAME)
    assert far.plan("-p", f"adopt={NAME}").returncode == 3
    change = next(item for item in far.changes() if item["identity"] == NAME)
    assert (change["action"], change["handle"]) == ("update", before["Guid"])
    assert change["observed"]["SetSCL"] == -1
    assert {item["name"]: item["before"] for item in change["properties"]}["HeaderContainsWords"] == ["yes"]
    assert far.apply().returncode == 0
    after = far.held("TransportRule", NAME)
    assert (after["Guid"], after["Name"], after["SetSCL"]) == (before["Guid"], OTHER_CASE, 5)
    assert "New-TransportRule" not in far.writes()
    record = (far.kit.newest("apply") / "record.html").read_text()
    assert "adopt" in record
    assert NAME in record


def test_a6_rename_creates_beside_the_foreign_rule(far: FarEnd) -> None:
    far.admin("New-TransportRule", Name=OTHER_CASE, **FOREIGN)
    before = far.held("TransportRule", NAME)
    decision = f"rename={NAME}=Gateway junk"
    assert far.plan("-p", decision).returncode == 3
    assert far.apply().returncode == 0
    assert {**far.held("TransportRule", NAME), "Priority": 0} == {**before, "Priority": 0}
    assert far.held("TransportRule", "Gateway junk")["SetSCL"] == 5
    assert far.kit("verify", "--tenant", "demo", "-p", decision).returncode == 0
    assert "Gateway junk" in (far.kit.newest("apply") / "record.html").read_text()


def test_a6_a_renamed_policy_is_named_so_by_the_anti_spam_policy(far: FarEnd) -> None:
    far.admin("New-QuarantinePolicy", Name="usernotifyuserrelease", EndUserQuarantinePermissionsValue=0)
    assert far.plan().returncode == 4
    assert far.plan("-p", "rename=UserNotifyUserRelease=Gateway release").returncode == 3
    assert far.apply().returncode == 0
    policy = far.held("HostedContentFilterPolicy", "Default")
    assert policy["HighConfidenceSpamQuarantineTag"] == "Gateway release"
    assert policy["PhishQuarantineTag"] == "UserNotifyAdminRelease"
    assert far.held("QuarantinePolicy", "UserNotifyUserRelease")["EndUserQuarantinePermissionsValue"] == 0
    assert far.held("QuarantinePolicy", "Gateway release")["EndUserQuarantinePermissionsValue"] == 7


def test_a6_a_rule_with_more_than_ours_cannot_be_adopted(far: FarEnd) -> None:
    far.admin("New-TransportRule", Name=NAME, ExceptIfFromScope="InOrganization", **FOREIGN)
    planned = far.plan("-p", f"adopt={NAME}")
    assert planned.returncode == 4
    assert "ExceptIfFromScope: InOrganization" in planned.stdout
    assert "cannot be adopted" in planned.stdout
    assert '"rename=' in planned.stdout
    assert '"adopt=' not in planned.stdout
    assert far.writes() == []


def test_a6_a_new_name_that_is_taken_by_other_content_is_a_collision_again(far: FarEnd) -> None:
    far.admin("New-TransportRule", Name=NAME, **FOREIGN)
    planned = far.plan("-p", f"rename={NAME}=Company disclaimer")
    assert planned.returncode == 4
    assert "'Company disclaimer'" in problems(far)[0]["reason"]
    assert far.writes() == []


@pytest.mark.parametrize("text", ["s41-created-twice", "s41-created-twice-in-other-letters"])
def test_a6_a_text_with_two_rules_of_one_name_is_an_error(kit: Kit, text: str) -> None:
    path = CASES / f"{text}.md"
    compiled = json.loads(kit("compile", str(path), "--format", "json").stdout)
    blocking = [item for item in compiled["diagnostics"] if item["severity"] == "blocks"]
    assert [(item["code"], item["line"]) for item in blocking] == [("duplicate-identity", 21)]
    assert "more than once" in blocking[0]["message"]
    planned = kit("plan", "--tenant", "demo", "--tutorial", str(path))
    assert planned.returncode == 4
    assert "line 21: it is in this text more than once" in planned.stdout
    assert kit.writes() == []
