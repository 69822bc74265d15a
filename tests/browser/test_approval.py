"""Nothing is written before the tenant's name was typed, and nothing twice. The tenant's own log is the judge."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest
from browser.walkthrough import APPLY, APPROVE, ERROR, VERIFY, Walkthrough
from conftest import Kit
from playwright.sync_api import expect

from runbook import simulated

QUARANTINE = "02"
ONE_SET = 2
"""The quarantine policies that section 2 creates, each by one write."""
SEED = 20261128
ORDERS = 3
SLOW_MS = 120
Begin = Callable[[str], Walkthrough]


def test_from_a_wrong_name_to_the_drift(begin: Begin, tenant: Kit) -> None:
    walk = begin(QUARANTINE)
    expect(walk.button("apply", APPLY)).to_be_disabled()
    walk.approve("dmeo")
    expect(walk.lab.area("gate").locator(ERROR)).to_contain_text("dmeo")
    expect(walk.button("apply", APPLY)).to_be_disabled()
    assert tenant.writes() == []
    walk.through()
    assert len(tenant.writes()) == walk.steps().count() == ONE_SET
    assert re.search("4 of 4 properties", walk.verify())
    assert tenant("sim", "set", "QuarantinePolicy", "UserNotifyUserRelease", "ESNEnabled", "false").returncode == 0
    drift = walk.verify("3 of 4 properties")
    rows = walk.lab.area("verify").get_by_role("row").filter(has_text="ESNEnabled").all_text_contents()
    (row,) = [row for row in rows if "UserNotifyUserRelease" in row]
    for part in ("yes", "no", "54"):
        assert part in row, f"{part}: {drift}"
    assert len(tenant.writes()) == ONE_SET
    assert walk.lab.errors() == []


@pytest.mark.parametrize("clicks", [1, 2])
def test_however_often_apply_is_clicked_one_set_of_writes_is_sent(clicks: int, begin: Begin, tenant: Kit) -> None:
    served = simulated.start(tenant.state, latency_ms=SLOW_MS)
    try:
        walk = begin(QUARANTINE)
        walk.approved()
        walk.watch("apply")
        walk.button("apply", APPLY).click(click_count=clicks)
        walk.wait_applied()
        assert walk.was_off_at_work("apply")
        expect(walk.button("apply", APPLY)).to_be_disabled()
        assert len(tenant.writes()) == ONE_SET
        walk.button("verify", VERIFY).click(click_count=clicks)
        walk.lab.idle()
        walk.lab.run("apply")
        assert len(tenant.writes()) == ONE_SET
    finally:
        served.stop()


def test_a_second_approval_of_the_same_plan_writes_nothing(begin: Begin, tenant: Kit) -> None:
    walk = begin(QUARANTINE)
    walk.through()
    walk.lab.run("gate")
    for press in (walk.approve, walk.button("apply", APPLY).click):
        button = walk.button("gate", APPROVE) if press == walk.approve else walk.button("apply", APPLY)
        if button.count() and button.is_enabled():
            press()
            walk.lab.idle()
    assert len(tenant.writes()) == ONE_SET


def test_cells_run_again_in_any_order_raise_nothing_and_write_nothing(begin: Begin, tenant: Kit) -> None:
    walk = begin(QUARANTINE)
    chance = random.Random(SEED)
    for number in range(ORDERS):
        order = walk.lab.code_parts()
        chance.shuffle(order)
        for part in order:
            walk.lab.run(part)
        assert walk.lab.errors() == [], f"order {number}: {order}"
        assert tenant.writes() == [], f"order {number}: {order}"
    walk.lab.run_all()
    walk.through()
    assert len(tenant.writes()) == ONE_SET
