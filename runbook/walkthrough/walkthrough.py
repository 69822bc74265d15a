"""A section with a person in front of it: the same cells, each showing a panel that stays alive.

Nothing is decided here: every act is the section's own. A panel shows how things stand, an edit makes the plan visibly
void. While one thing is worked on nothing else is begun, whichever thread it comes from: a front end may send cells
to one and clicks to another.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from IPython.display import display

from runbook import views
from runbook.errors import InputError, RunbookError
from runbook.inputs import Effective
from runbook.plan import Change
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
        self.edits: dict[str, Any] = {}
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
            self._edit(changed)
        finally:
            self._one.release()
        self._panels.listen()
        self._panels.refresh()

    def _edit(self, changed: Mapping[str, Any]) -> None:
        had = self.section.current is not None
        self._begin_anew()
        self.section.edit(changed)
        for item in self.effective:
            if item.field.name in changed:
                self.edits[item.field.name] = changed[item.field.name]
        self.void = self.void or had
        for part in ("gate", "apply", "verify"):
            self.results.pop(part, None)

    def make_plan(self) -> None:
        """Plan anew; what was approved, applied or verified before is no longer shown."""

        def act() -> View:
            for name in ("gate", "apply", "verify"):
                self.results.pop(name, None)
            self.steps.clear()
            self._begin_anew()
            view = self.section.plan()
            self.void = False
            return view

        self._work("plan", "Reading the tenant", act)

    def approve(self, tenant: str) -> None:
        """Approve the present plan, if the tenant's name is typed right and it has not been approved yet."""
        if not self.section.approved:

            def act() -> View:
                self.section.approve(tenant)
                return View("", "")  # the status says it

            self._work("gate", "Approving", act)

    def carry_out(self) -> None:
        """Apply the approved plan; each change is shown as it goes."""
        plan = self.section.current
        if plan is not None:
            self.steps = {change.key: (change, "waiting") for change in plan.pending}
        self._work("apply", "Writing", lambda: self.section.apply(self._step))
        self._panels.refresh()

    def check(self) -> None:
        """Verify by fresh reads. After the record was written, this is a run of its own, which plans first."""
        if self.closed:
            self.make_plan()
            if not self.can_verify:
                text = "The tenant is not as it was left: see the plan for what differs."
                self.results["verify"] = _told(text)
                self._panels.refresh()
                return
        self._work("verify", "Reading the tenant again", self.section.verify)

    def record(self) -> None:
        """Write the record of what was done so far."""

        def act() -> View:
            view = self.section.finish()
            link = closing.recorded(self.section)
            self.closed = True
            if self._link is not None:
                self._link.update(link)
            return View(f"{view.text}\n{link.text}", view.html)

        if not self.closed:
            self._work("finish", "Writing the record", act)

    def _begin_anew(self) -> None:
        """After something was written, or recorded, go on in a run of its own: a record is about one plan."""
        if not (self.closed or self.section.has_written):
            return
        if not self.closed:
            self.section.finish()
            closing.recorded(self.section)
        self.close()  # first, since a simulated tenant that this kernel serves ends with it
        self.section = self._reopen(self.section)
        for name, value in self.edits.items():
            self.section.edit({name: value})
        self.closed = False
        self.results.clear()

    def close(self) -> None:
        """Let the tenant go; a section that is opened anew has its own connection."""
        self.section.setup.connection.close()

    def _step(self, change: Change, status: str) -> None:
        self.steps[change.key] = (change, status)
        self._panels.refresh()

    def _work(self, part: str, what: str, act: Callable[[], View]) -> None:
        """Do one thing while all buttons are off, and keep what came of it. An error is shown, not raised."""
        if not self._one.acquire(blocking=False):
            return
        self.busy = what
        self._panels.refresh()
        try:
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


def message(text: str, sort: str = "") -> View:
    """Return a sentence as the panels show it."""
    return View(views.plain_lines(text), paragraph(text, sort))
