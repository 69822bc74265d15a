"""The panels of a section: which sentence and which buttons each has, by how the section stands."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import ipywidgets as widgets

from runbook.errors import RunbookError
from runbook.views import View
from runbook.walkthrough import tokens
from runbook.walkthrough.button import Button
from runbook.walkthrough.form import Form
from runbook.walkthrough.look import STYLE, framed, paragraph
from runbook.walkthrough.panel import Panel, Shown
from runbook.walkthrough.present import Present, present, without_overrides

if TYPE_CHECKING:
    from runbook.compile.result import ResourceDraft
    from runbook.inputs import Effective
    from runbook.plan import Plan
    from runbook.walkthrough.walkthrough import Walkthrough

_OVERTAKEN_SECONDS = 1.0
_VOID = "The inputs were changed: the plan is void, and so is what followed from it. Plan again."


class Panels:
    """All panels of one walkthrough; a cell that is run again shows its panel anew."""

    def __init__(self, walk: Walkthrough) -> None:
        self._walk = walk
        self.name = widgets.Text(
            description="Tenant's name",
            placeholder="type it to approve",
            continuous_update=False,  # else letters would come one by one, and a press of the button between them
            style={"description_width": "8em"},
            layout=widgets.Layout(width="min(26em, 100%)"),
        )
        self.planning = Button("Plan again", walk.make_plan)
        self.approving = Button("Approve this plan", self._approve, style="primary", pause_seconds=0)
        self.applying = Button("Apply the approved plan", walk.carry_out, style="primary", pause_seconds=0)
        self.verifying = Button("Verify", walk.check)
        self.recording = Button("Write the record", walk.record)
        self._made: dict[str, Panel] = {}
        self._form: Form | None = None

    def _approve(self) -> None:
        """Approve the plan that stands in the gate at this moment, and no other that may be made meanwhile."""
        plan = self._walk.section.current
        shown = plan.hash if plan else ""
        self._walk.approve(self._typed_name(), shown)

    def clear_name(self) -> None:
        """Empty the field: a name that was typed is for one plan."""
        self.name.value = ""

    def _typed_name(self) -> str:
        """Return the name in the field, once it is the tenant's, or does not change any more.

        A click may overtake what was typed just before it (they may come by different threads).
        """
        end = time.monotonic() + _OVERTAKEN_SECONDS
        while self.name.value.strip() != self._walk.section.tenant and time.monotonic() < end:
            time.sleep(0.05)
        return str(self.name.value)

    def form(self) -> Shown:
        """Return the form; the tenant is read for it, and if that fails the form says so and works all the same."""
        found, why = self._read(self._walk.look)
        self._form = form = Form(self._walk, found)
        head = paragraph(why, "error") if why else ""
        lights = framed(tokens.lights(self._walk.section.tenant))
        box = widgets.VBox([widgets.HTML(STYLE + framed(head)), form.widget, widgets.HTML(lights)])
        return Shown(box, lambda: "\n".join(part for part in (why, form.text()) if part))

    def reread(self, plan: Plan | None) -> None:
        """Show what the tenant has now beside the controls: from a plan made just now, else by reading it.

        Called by what holds the walkthrough for itself, so that nothing is read while a record is written.
        """
        if self._form is None or self._walk.retired:
            return
        if plan is None:
            found, why = self._read(self._walk.section.look)
            if why:
                return
        else:
            found = present(self._drafts(), plan)
        self._form.found(found)

    def _drafts(self) -> Sequence[ResourceDraft]:
        setup = self._walk.section.setup
        return setup.document.drafts(setup.section.id)

    def _read(self, look: Callable[[Sequence[Effective]], Plan]) -> tuple[dict[str, Present], str]:
        drafts = self._drafts()
        try:
            plan = look(without_overrides(drafts, self._walk.effective))
        except RunbookError as error:
            return {}, f"What the tenant has now could not be read. {error.detail} {error.remedy}"
        return present(drafts, plan), ""

    def show(self, part: str) -> Panel:
        """Return a cell's panel, made anew, as things stand."""
        controls = {
            "plan": [self.planning.widget],
            "gate": [self.name, self.approving.widget],
            "apply": [self.applying.widget],
            "verify": [self.verifying.widget],
            "finish": [self.recording.widget],
        }[part]
        self._made[part] = Panel(controls)
        self.refresh()
        return self._made[part]

    def listen(self) -> None:
        """Let every button take the next click, whenever it comes."""
        for button in (self.planning, self.approving, self.applying, self.verifying, self.recording):
            button.listen()

    def refresh(self) -> None:
        """Bring every panel and every button in line with how things stand."""
        section, idle = self._walk.section, not (self._walk.busy or self._walk.retired)
        ready = _can_be_approved(section.current) and not (section.applied or self._walk.closed)
        self.planning.enable(idle)
        self.approving.enable(idle and ready and not section.approved)
        self.name.disabled = self.approving.widget.disabled
        self.applying.enable(idle and section.approved and not self._walk.closed)
        self.verifying.enable(idle and self._walk.can_verify)
        self.recording.enable(idle and section.current is not None and not self._walk.closed)
        if self._form is not None:
            self._form.disable(not idle)
        told: dict[str, Callable[[], View]] = {
            "plan": self._plan_status, "gate": self._gate_status, "apply": self._apply_status,
            "verify": self._verify_status, "finish": self._finish_status,
        }  # fmt: skip
        for part, panel in self._made.items():
            panel.status(told[part]())
            panel.result(self._walk.results.get(part), dim=self._walk.void)

    def _void_or(self, otherwise: str, sort: str = "") -> View:
        if self._walk.busy:
            return _said(f"{self._walk.busy} …")
        if self._walk.retired:
            return _said("This section was opened anew; this panel is of before. Run the cell again.", "void")
        return _said(_VOID, "void") if self._walk.void else _said(otherwise, sort)

    def _plan_status(self) -> View:
        written = (
            "What was written stands below, at apply." if self._walk.section.has_written else "Nothing was written."
        )
        return self._void_or(written)

    def _gate_status(self) -> View:
        section = self._walk.section
        plan = section.current
        if plan is None:
            return self._void_or("Not decided: there is no plan. Run the plan's cell first.")
        if section.applied:
            return self._void_or("This plan has been carried out.", "good")
        if self._walk.closed:
            return self._void_or("The record is written. Plan again to go on, in a run of its own.")
        if plan.is_empty:
            return self._void_or("Nothing to approve: the plan changes nothing.")
        if not plan.can_apply:
            return self._void_or("This plan cannot be approved: a part of it is open. The plan says which.", "void")
        if section.approved:
            return self._void_or(
                f"Approved: plan {plan.hash[:12]}. The next cell, or its button, carries it out.", "good"
            )
        return self._void_or(
            f"Nothing is written before you approve. To approve plan {plan.hash[:12]}, type {section.tenant} and press "
            "the button."
        )

    def _apply_status(self) -> View:
        section, progress = self._walk.section, self._walk.progress()
        if self._walk.busy and progress.text:
            return View(f"{self._walk.busy}\n{progress.text}", progress.html)
        if section.approved:
            return self._void_or(
                f"Approved: {len(section.current.pending) if section.current else 0} change(s) to make."
            )
        if "apply" in self._walk.results:
            stood = self._void_or("")
            return View(f"{stood.text}\n{progress.text}".strip(), (stood.html if stood.text else "") + progress.html)
        if section.current is not None and section.current.is_empty:
            return self._void_or("Nothing to apply: 0 changes.")
        return self._void_or("Not run: there is no approved plan. Nothing was written.")

    def _verify_status(self) -> View:
        if self._walk.can_verify:
            return self._void_or("Verify again at any time: everything is read anew.")
        return self._void_or("Not verified: nothing has been applied.")

    def _finish_status(self) -> View:
        if self._walk.closed:
            return self._void_or("The record is written. Whatever you do next is a run of its own.", "good")
        section, record = self._walk.section, "The record then says what was read, approved, written and verified."
        if section.current is None:
            return self._void_or("Next: run the plan's cell.")
        if section.applied:
            return self._void_or(f"Next: verify, if that is not done, and write the record. {record}")
        if section.current.is_empty:
            return self._void_or(f"Nothing has to be written. {record}")
        if section.has_written:
            return self._void_or(
                f"Not all was carried out. Write the record, and plan again to see what is left. {record}"
            )
        return self._void_or(
            "Nothing was written. Next: read the difference above, type the tenant's name and approve, apply, verify. "
            f"{record}"
        )


def _can_be_approved(plan: Plan | None) -> bool:
    return plan is not None and not plan.is_empty and plan.can_apply


def _said(text: str, sort: str = "") -> View:
    return View(text, paragraph(text, sort))
