"""The panels of a walkthrough, by the words that a person reads. What the kit calls them stands here alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from browser.lab import Lab
from playwright.sync_api import Locator, expect

ERROR = ".runbook-error"
VOID = ".runbook-void"
DIFFERENCE = ".runbook-difference"
STEP = ".runbook-step"
NAME = "Tenant's name"
PLAN = "Plan again"
APPROVE = "Approve this plan"
APPLY = "Apply the approved plan"
VERIFY = "Verify"
TENANT = "demo"
DONE = r"Applied: \d+ change"
RESULT = r"\d+ of \d+ properties"
LATER = ("plan", "gate", "apply", "verify")
"""The panels that an edit of the inputs makes void."""


@dataclass(frozen=True)
class Walkthrough:
    """What a person does with a section's panels once all cells have been run."""

    lab: Lab

    def field(self, label: str) -> Locator:
        """The control of an input, by its label."""
        return self.lab.area("inputs").get_by_label(label, exact=True)

    def row(self, label: str) -> Locator:
        """All that stands beside an input: the outermost box around its control that holds no other control."""
        control = 'self::input[not(@type="radio")] or self::select or self::textarea or @role="radiogroup"'
        alone = f"count(descendant-or-self::*[{control}]) = 1"
        return self.field(label).locator(f"xpath=(ancestor-or-self::*[{alone}])[1]")

    def fill(self, label: str, value: str | bool) -> None:
        """Give an input a value in the way its control wants, and leave the control."""
        control = self.field(label)
        control.scroll_into_view_if_needed()
        tag = control.evaluate("node => node.tagName.toLowerCase() + ' ' + (node.type || node.getAttribute('role'))")
        if isinstance(value, bool):
            control.set_checked(value)
        elif tag.startswith("select"):
            control.select_option(label=value)
        elif "radiogroup" in tag:
            control.get_by_role("radio", name=value, exact=True).check()
        else:
            control.fill(value)
            control.press("Tab")

    def value(self, label: str) -> str | bool:
        """What the control of an input shows."""
        control = self.field(label)
        if control.get_attribute("type") == "checkbox":
            return control.is_checked()
        if control.evaluate("node => node.tagName") == "SELECT":
            return control.evaluate("node => node.selectedOptions[0].label")
        if control.get_attribute("role") == "radiogroup":
            return control.locator("input:checked").evaluate("node => node.labels[0].textContent.trim()")
        return control.input_value()

    def error(self, label: str) -> Locator:
        return self.row(label).locator(ERROR)

    def void(self, part: str) -> Locator:
        """The words in a panel that say that the plan no longer holds."""
        return self.lab.area(part).locator(VOID)

    def button(self, part: str, name: str) -> Locator:
        return self.lab.area(part).get_by_role("button", name=name, exact=True)

    def edit(self, values: Mapping[str, str | bool]) -> None:
        """Fill in the form, and wait until the plan is said to be void."""
        for label, value in values.items():
            self.fill(label, value)
        expect(self.void("plan")).to_be_attached()

    def plan(self) -> str:
        """Plan again; the plan's text."""
        self.button("plan", PLAN).click()
        expect(self.void("plan")).to_have_count(0)
        expect(self.lab.area("plan").locator(DIFFERENCE).first).to_be_attached()
        self.lab.idle()
        return self.lab.text("plan")

    def type_name(self, name: str = TENANT) -> None:
        self.lab.area("gate").get_by_label(NAME, exact=True).fill(name)

    def approve(self, name: str = TENANT) -> None:
        """Type a name and press the button; whatever comes of it."""
        self.type_name(name)
        self.button("gate", APPROVE).click()

    def approved(self) -> None:
        """Approve with the tenant's own name, and wait until the plan may be applied."""
        self.approve()
        expect(self.lab.area("gate")).to_contain_text(re.compile("approved", re.IGNORECASE))
        expect(self.button("apply", APPLY)).to_be_enabled()

    def steps(self) -> Locator:
        """The lines of progress of apply, one a change."""
        return self.lab.area("apply").locator(STEP)

    def applied(self) -> None:
        """Apply, and wait for the end of it."""
        self.button("apply", APPLY).click()
        self.wait_applied()

    def wait_applied(self) -> None:
        expect(self.lab.area("apply")).to_contain_text(re.compile(DONE))
        self.lab.idle()

    def watch(self, part: str) -> None:
        """Begin to watch whether a panel's button is off before the panel says that the work is done."""
        self.lab.area(part).evaluate(
            """(panel, [name, done]) => {
              const look = (_, watching) => {
                const button = [...panel.querySelectorAll("button")].find(b => b.textContent.trim() === name);
                if (!button || !button.disabled || new RegExp(done).test(panel.textContent)) return;
                watching.disconnect();
                panel.dataset.busy = "seen";
              };
              new MutationObserver(look).observe(panel, {subtree: true, childList: true, attributes: true});
            }""",
            [APPLY, DONE],
        )

    def was_off_at_work(self, part: str) -> bool:
        return self.lab.area(part).get_attribute("data-busy") == "seen"

    def verify(self, result: str = RESULT) -> str:
        """Verify, and wait for a result; the result's text."""
        self.button("verify", VERIFY).click()
        expect(self.lab.area("verify")).to_contain_text(re.compile(result))
        self.lab.idle()
        return self.lab.text("verify")

    def through(self) -> None:
        """Approve the present plan and apply it."""
        self.approved()
        self.applied()
