"""The keyboard alone is enough: to reach a control, to change it, to plan, to approve and to apply."""

from __future__ import annotations

from collections.abc import Callable

from browser.walkthrough import APPLY, APPROVE, NAME, PLAN, TENANT, Walkthrough
from conftest import Kit
from playwright.sync_api import Locator, expect

from runbook import simulated

ANTI_SPAM = "04"
DAYS = "Retention days"
MOST_TABS = 40
Begin = Callable[[str], Walkthrough]


def reach(walk: Walkthrough, part: str, control: Locator) -> None:
    """Go to a cell with the arrow keys, as JupyterLab has it, and from there to one of its controls with Tab."""
    keys = walk.lab.page.keyboard
    keys.press("Escape")
    walk.lab.select_with_keys(part)
    for _ in range(MOST_TABS):
        keys.press("Tab")
        if control.evaluate("node => node === document.activeElement"):
            return
    raise AssertionError(f"{MOST_TABS} times Tab did not lead to the control of {part}")


def test_change_plan_approve_and_apply_with_keys_only(begin: Begin, set_up: Kit) -> None:
    walk = begin(ANTI_SPAM)
    keys = walk.lab.page.keyboard
    reach(walk, "inputs", walk.field(DAYS))
    keys.press("Control+A")
    keys.type("20")
    keys.press("Tab")
    expect(walk.void("plan")).to_be_attached()
    reach(walk, "plan", walk.button("plan", PLAN))
    keys.press("Enter")
    expect(walk.void("plan")).to_have_count(0)
    reach(walk, "gate", walk.lab.area("gate").get_by_label(NAME, exact=True))
    keys.type(TENANT)
    keys.press("Tab")
    expect(walk.button("gate", APPROVE)).to_be_focused()
    keys.press("Space")
    expect(walk.button("apply", APPLY)).to_be_enabled()
    reach(walk, "apply", walk.button("apply", APPLY))
    keys.press("Enter")
    walk.wait_applied()
    (policy,) = [
        row for row in simulated.objects(set_up.state)["HostedContentFilterPolicy"] if row["Name"] == "Default"
    ]
    assert policy["QuarantineRetentionPeriod"] == 20
    assert len(set_up.writes()) == 1


def test_a_key_that_is_typed_in_a_form_is_no_command_of_jupyterlab(begin: Begin) -> None:
    walk = begin(ANTI_SPAM)
    cells = walk.lab.notebook.locator(".jp-Cell").count()
    name = walk.lab.area("gate").get_by_label(NAME, exact=True)
    name.click()
    name.press_sequentially("ddabx")  # in JupyterLab: delete a cell, insert one above and below, cut one
    expect(name).to_have_value("ddabx")
    assert walk.lab.notebook.locator(".jp-Cell").count() == cells
