"""Acceptance case A1: two quarantine policies whose rights are swapped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Kit
from faults.far_end import FarEnd, serving

from runbook import simulated

USER, ADMIN = "UserNotifyUserRelease", "UserNotifyAdminRelease"
BOTH_BITS = Path(__file__).parent.parent / "cases" / "tutorials" / "s16-both-release-bits.md"


@pytest.fixture
def far(kit: Kit) -> Iterator[FarEnd]:
    with serving(kit) as made:
        yield made


def test_a1_swapped_rights_are_two_updates_that_name_the_flags(far: FarEnd) -> None:
    for name, value in ((USER, 11), (ADMIN, 7)):
        far.admin("New-QuarantinePolicy", Name=name, EndUserQuarantinePermissionsValue=value, ESNEnabled=True)
    # They have other content than ours, so they are somebody's until it is decided that they are not (A6).
    assert far.plan().returncode == 4
    planned = far.plan("-p", f"adopt={USER}, {ADMIN}")
    assert planned.returncode == 3
    updates = [item for item in far.changes() if item["kind"] == "QuarantinePolicy"]
    assert [(item["action"], item["identity"]) for item in updates] == [("update", USER), ("update", ADMIN)]
    user, admin = "7 (delete, preview, release)", "11 (delete, preview, request release)"
    assert f"EndUserQuarantinePermissionsValue: {admin} -> {user}" in planned.stdout
    assert f"EndUserQuarantinePermissionsValue: {user} -> {admin}" in planned.stdout
    assert far.apply().returncode == 0
    assert far.held("QuarantinePolicy", USER)["EndUserQuarantinePermissionsValue"] == 7
    assert far.held("QuarantinePolicy", ADMIN)["EndUserQuarantinePermissionsValue"] == 11
    text = (far.kit.newest("apply") / "record.html").read_text()
    assert text.index(admin) < text.index(user), "the first row's value before is the one that was found"
    section = next(
        item for item in far.kit.result("apply")["sections"] if item["section"] == "create-quarantine-policies"
    )
    before = {change["identity"]: change["observed"] for change in section["plan"]["changes"]}
    assert before[USER]["EndUserQuarantinePermissionsValue"] == 11
    assert before[ADMIN]["EndUserQuarantinePermissionsValue"] == 7
    assert far.plan("-p", f"adopt={USER}, {ADMIN}").returncode == 0
    assert far.plan().returncode == 0, "what is as wanted needs no decision any more"


def test_a1_both_release_flags_are_refused_before_any_call(far: FarEnd) -> None:
    far.forget()
    planned = far.plan("--tutorial", str(BOTH_BITS))
    assert planned.returncode == 4
    asked = [row["cmdlet"] for row in simulated.requests_log(far.kit.state)]
    assert asked == []
