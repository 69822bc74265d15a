"""A section with a person in front of it: the same cells, each showing a panel that stays alive.

Nothing is decided here: every act is the section's own. A panel shows how things stand, an edit makes the plan visibly
void. While one thing is worked on nothing else is begun, whichever thread it comes from: a front end may send cells
to one and clicks to another.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from IPython.display import display

from runbook.errors import InputError, PlanRefused, RunbookError
from runbook.inputs import Effective
from runbook.plan import Change, Plan
from runbook.section import Section
from runbook.views import View
from runbook.walkthrough import closing, steps
from runbook.walkthrough.look import paragraph
from runbook.walkthrough.panel import Panel, Shown

_UNFORESEEN = "Something went wrong that nobody foresaw"


class Walkthrough:
    """What a notebook's cells hold when a person is there. Every method may be called again, in any order."""

    def __init__(self, section: Section, reopen: Callable[[Section], Section]) -> None:
        from runbook.walkthrough.panels import Panels

        self.section, self._reopen = section, reopen
        self.given = {item.field.name: item.value for item in section.effective}
        self.closed = False
        """Whether the record was written; what is done after that belongs to a run of its own."""
        self.retired = False
        """Whether another walkthrough has taken this one's place."""
        self.busy = ""
        """What is being worked on; empty when nothing is."""
        self._one = threading.Lock()
        self.void = False
        """Whether an edit has made a plan void that was there."""
        self.results: dict[str, View] = {}
        self.steps: dict[tuple[str, str], tuple[Change, str]] = {}
        self._panels = Panels(self)
        self._link: Any = None

    @property
    def effective(self) -> tuple[Effective, ...]:
        return self.section.effective

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        return self.section._repr_mimebundle_(**options)

    # What the cells call

    def inputs(self) -> Shown:
        """Show the form, with what the tenant has now beside each control."""
        return self._panels.form()

    def plan(self) -> Panel:
        """Read the tenant and show what would change. Nothing is written."""
        self.make_plan()
        return self._panels.show("plan")

    def gate(self) -> Panel:
        """Show the field and the button that approve the plan."""
        return self._panels.show("gate")

    def apply(self) -> Panel:
        """Carry out the plan if it has been approved; else show the button that will."""
        if self.section.approved:
            self.carry_out()
        return self._panels.show("apply")

    def verify(self) -> Panel:
        """Read everything again and compare, once there is something to verify; and show the button that does."""
        if self.can_verify:
            self.check()
        return self._panels.show("verify")

    def finish(self) -> Panel:
        """Write the record once there is something to record; and show the button that does."""
        # A link to a file is one in a cell's output, not in a widget: only there the front end knows where it leads.
        self._link = display(View("", ""), display_id=True)
        if self.section.has_written or self.section.verified:
            self.record()
        return self._panels.show("finish")

    def frame(self) -> Any:
        """Return the plan as a pandas DataFrame, one row a property. Raises PlanRefused without a plan."""
        return self.section.frame()

    # What the panels call

    @property
    def can_verify(self) -> bool:
        """Whether something was applied, or nothing had to be."""
        plan = self.section.current
        return plan is not None and (self.section.applied or plan.is_empty)

    def edit(self, changed: Mapping[str, Any]) -> None:
        """Take edited inputs; a plan made from the old ones is void. Raises RunbookError if they cannot be used."""
        if not self._one.acquire(blocking=False):
            raise InputError(f"{self.busy or 'Something else is being done'}: wait for its end.", "Then edit again.")
        try:
            self._refuse_if_retired()
            self._edit(changed)
        finally:
            self._one.release()
            self._panels.listen()
            self._panels.refresh()

    def _edit(self, changed: Mapping[str, Any]) -> None:
        had = self.section.current is not None
        self.section.edited(changed)  # before anything ends: what cannot be used changes nothing
        self._begin_anew()
        self.section.edit(changed)
        self.void = self.void or had
        self._forget("gate", "apply", "verify")
        self._panels.clear_name()

    def _forget(self, *parts: str) -> None:
        for part in parts:
            self.results.pop(part, None)

    def make_plan(self) -> None:
        """Plan anew; what was approved, applied or verified before is no longer shown."""

        def act() -> View:
            self._forget("gate", "apply", "verify")
            self.steps.clear()
            self._begin_anew()
            self._panels.clear_name()
            view = self.section.plan()
            self.void = False
            self._panels.reread(self.section.current)
            return view

        self._work("plan", "Reading the tenant", act)

    def approve(self, tenant: str, plan_hash: str) -> None:
        """Approve the plan that was shown, if the tenant's name is typed right and it has not been approved yet."""

        def act() -> View:
            if not self.section.approved:
                self.section.approve(tenant, plan_hash)
                self._panels.clear_name()
            return View("", "")  # the status says it

        self._work("gate", "Approving", act)

    def carry_out(self) -> None:
        """Apply the approved plan; each change is shown as it goes."""

        def act() -> View:
            plan = self.section.current
            self.steps = {change.key: (change, "waiting") for change in (plan.pending if plan else ())}
            view = self.section.apply(self._step)
            self._panels.reread(None)
            return view

        self._work("apply", "Writing", act)

    def check(self) -> None:
        """Verify by fresh reads. After the record was written, this is a run of its own, which plans first."""
        if self.closed:
            self.make_plan()
            if not self.can_verify:
                failed = self.closed or self.section.current is None
                text = "It could not be planned anew" if failed else "The tenant is not as it was left"
                self.results["verify"] = _told(f"{text}: see the plan.")
                self._panels.refresh()
                return
        self._work("verify", "Reading the tenant again", self.section.verify)

    def record(self) -> None:
        """Verify what can be verified and has not been, and write the record."""

        def act() -> View:
            if self.closed:
                return self.results["finish"]
            return self._recorded()

        self._work("finish", "Writing the record", act)

    def _recorded(self) -> View:
        if self.can_verify and not self.section.verified:
            try:
                self.results["verify"] = self.section.verify()
            except RunbookError as error:  # the record says so
                self.results["verify"] = _told(str(error))
        view = self.section.finish()
        link = closing.recorded(self.section)
        self.closed = True
        if self._link is not None:
            self._link.update(link)
        return View(f"{view.text}\n{link.text}", view.html)

    def _begin_anew(self) -> None:
        """After something was written, or recorded, go on in a run of its own: a record is about one plan."""
        if not (self.closed or self.section.has_written):
            return
        if not self.closed:
            self._recorded()
        self._let_go()  # first, since a simulated tenant that this kernel serves ends with it
        fresh = self._reopen(self.section)
        if edits := self.edits:
            fresh.edit(edits)
        self.section, self.closed = fresh, False
        self.results.clear()

    @property
    def edits(self) -> dict[str, Any]:
        """The values in effect that came from the form."""
        return {item.field.name: item.value for item in self.effective if item.source == "form"}

    def retire(self) -> None:
        """End this walkthrough for one that takes its place: wait for what is being done, record what was written."""
        with self._one:
            self.retired = True
            if self.section.has_written and not self.closed:
                self._recorded()
            self._let_go()
        self._panels.refresh()

    def look(self, inputs: Sequence[Effective]) -> Plan:
        """Read the tenant for the form. Raises RunbookError, also while something else is done or after the record."""
        if not self._one.acquire(blocking=False):
            raise InputError(f"{self.busy or 'Something else is being done'}.", "Run the cell again when it has ended.")
        try:
            self._refuse_if_retired()
            return self.section.look(inputs)
        finally:
            self._one.release()

    def _let_go(self) -> None:
        self.section.setup.connection.close()

    def _refuse_if_retired(self) -> None:
        if self.retired:
            raise PlanRefused("This section was opened anew; this panel is of before.", "Run the cells below again.")

    def _step(self, change: Change, status: str) -> None:
        self.steps[change.key] = (change, status)
        self._panels.refresh()

    def _work(self, part: str, what: str, act: Callable[[], View]) -> None:
        """Do one thing while all buttons are off, and keep what came of it. An error is shown, not raised."""
        if not self._one.acquire(blocking=False):
            return
        try:
            self.busy = what
            self._panels.refresh()
            self._refuse_if_retired()
            self.results[part] = act()
        except RunbookError as error:
            self.results[part] = _told(str(error))
        except BaseException as error:
            self.results[part] = _told(f"{_UNFORESEEN}: {type(error).__name__}. Plan again to see what is left to do.")
            raise
        finally:
            self.busy = ""
            self._one.release()
            self._panels.refresh()

    def progress(self) -> View:
        """Return how each change of the plan being applied stands."""
        return steps.view(list(self.steps.values()))


def _told(text: str) -> View:
    return View(text, paragraph(text, "error"))
