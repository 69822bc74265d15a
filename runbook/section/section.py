"""The object that a notebook's cells hold: inputs, plan, gate, apply, verify, finish."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from runbook import __version__, journal, views
from runbook.difference import lines_text
from runbook.errors import InputError, PlanRefused, RunbookError, UnreadableState
from runbook.history import read_history
from runbook.inputs import RUN_FIELDS, Effective, effective
from runbook.kinds import BY_TYPE
from runbook.locking import alone
from runbook.outcome.surroundings import POLICY, RULE
from runbook.outcome_views import outlook_view
from runbook.plan import Change, Plan, plan_json
from runbook.plan_views import checks_view, plan_view
from runbook.runs import person
from runbook.section import applying, approving, by_hand, landing, verifying
from runbook.section.approving import Approval
from runbook.section.frame import as_frame
from runbook.section.frontend import has_frontend
from runbook.section.setup import Setup
from runbook.section.state import SectionState
from runbook.section.unforeseen import without_secrets
from runbook.views import View
from tenantapi import Secret


class Section:
    """One section on one tenant. Cells may be run in any order and again: each says what it did or did not do."""

    def __init__(self, setup: Setup, state: SectionState) -> None:
        self._setup = setup
        self._state = state
        self._plan: Plan | None = None
        self._approval: Approval | None = None
        self._sealed = False
        self._applied = ""  # hash of the plan that was carried out
        self.interactive = setup.values["mode"] == "walkthrough" and has_frontend()

    @property
    def mode(self) -> str:
        return str(self._setup.values["mode"])

    @property
    def heading(self) -> str:
        return self._setup.section.heading

    @property
    def tenant(self) -> str:
        return self._setup.connection.tenant.name

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return self.banner()._repr_mimebundle_()

    def banner(self) -> View:
        """Say which section, tenant and mode this is, and where the run's files are."""
        tutorial = self._setup.document.compiled.tutorial
        where = "the simulated tenant" if self._setup.simulated else f"tenant {self._setup.connection.tenant.tenant_id}"
        rows = [
            (
                "section",
                f"{self.heading} ({lines_text([tutorial.place(self._setup.section.first)])} of the tutorial)",
            ),
            ("tenant", f"{self.tenant} ({where})"),
            ("mode", self.mode),
            ("tutorial", f"{tutorial.title}, SHA-256 {tutorial.sha256[:12]}"),
            ("run", self._setup.folder.path.name),
            ("kit", f"runbook {__version__}, Python {platform.python_version()}"),
        ]
        return views.facts(f"{self.heading} on {self.tenant}", rows)

    def inputs(self) -> View:
        """Show the effective values of the inputs, and where each came from."""
        return views.inputs_view(self._setup.inputs)

    @property
    def effective(self) -> tuple[Effective, ...]:
        return self._setup.inputs

    @property
    def setup(self) -> Setup:
        """What the section was opened with, and the inputs in effect now."""
        return self._setup

    @property
    def current(self) -> Plan | None:
        """The plan that may be approved; None before there is one, and after an edit has made it void."""
        return self._plan

    @property
    def approved(self) -> bool:
        """Whether exactly the present plan has been approved and not been tried yet."""
        return self._plan is not None and self._approval is not None and self._approval.plan_hash == self._plan.hash

    @property
    def applied(self) -> bool:
        """Whether exactly the present plan has been carried out."""
        return self._plan is not None and self._applied == self._plan.hash

    @property
    def has_written(self) -> bool:
        """Whether a change was begun, in this run of the section."""
        return any(item["status"] != "not-run" for item in self._state.content["changes"]) or bool(
            self._state.content["made"]
        )

    @property
    def verified(self) -> bool:
        """Whether the present plan's outcome has been read back, whatever was found."""
        return self._state.content["verification"] is not None

    @without_secrets
    def look(self, inputs: Sequence[Effective]) -> Plan:
        """Read the tenant for a person who fills the inputs in: nothing is planned by it, nothing is written.

        Raises InputError, UnreadableState or what else a plan would.
        """
        self._refuse_if_sealed()  # what is read is noted in the run's journal
        return self._setup.course.plan(self._setup.section.id, inputs)

    def seal(self) -> None:
        """Take nothing more: the run has been recorded."""
        self._sealed, self._approval = True, None

    def _refuse_if_sealed(self) -> None:
        if self._sealed:
            raise PlanRefused("This run has been recorded; nothing is added to it.", "Plan again, in a new run.")

    def edit(self, changed: Mapping[str, Any]) -> None:
        """Take edited inputs from the form; a plan made from the old ones is void. Raises InputError."""
        self._refuse_if_sealed()
        merged = self.edited(changed)
        self._setup = replace(self._setup, inputs=merged)
        self._plan = self._approval = None
        self._state.inputs(merged)

    def edited(self, changed: Mapping[str, Any]) -> tuple[Effective, ...]:
        """Return the inputs as an edit would make them; nothing is taken yet. Raises InputError."""
        if fixed := sorted(set(changed) & set(RUN_FIELDS)):
            raise InputError(
                f"{', '.join(fixed)} cannot be edited: this section was opened with it.",
                "Change it in the cell of parameters, and run that cell and the next one again.",
            )
        keep = {item.field.name: item.value for item in self._setup.inputs if item.value is not None}
        fields = [item.field for item in self._setup.inputs]
        checked = {item.field.name: item for item in effective(fields, {**keep, **changed}, {}, source="form")}
        return tuple(
            checked[item.field.name] if checked[item.field.name].value != item.value else item
            for item in self._setup.inputs
        )

    @without_secrets
    def plan(self) -> View:
        """Read the tenant and show what would change. Nothing is written.

        Raises UnreadableState, after noting what was read, when a part of the state is unknown.
        """
        self._refuse_if_sealed()
        self._plan = self._approval = None  # until the new one has been shown as a whole
        plan: Plan = self._guarded(self._fresh_plan)
        open_keys = {(item.kind, item.identity) for item in plan.problems}  # what is undecided is done by no hand
        hands = {c.key: BY_TYPE[c.kind].by_hand(c) for c in plan.pending if c.key not in open_keys}
        self._state.planned(plan, hands)
        self._setup.journal.append("planned", section=plan.section, hash=plan.hash, changes=len(plan.pending))
        applying.note_settled(self._setup.journal, self._setup.course.settled(plan))
        view = plan_view(plan_json(plan), title=self._title("plan"), plan_hash=plan.hash, hands=hands)
        unknown = [item for item in plan.problems if item.presence == "unknown"]
        if unknown:
            _show(view)
            reasons = "; ".join(f"{item.identity}: {item.reason}" for item in unknown)
            self._fail(UnreadableState(f"Not everything could be read: {reasons}", "Nothing was written."))
        whole = self._with_landing(view, self._guarded(lambda: landing.after_planning(self._setup, plan)))
        self._plan = plan
        return whole

    def _with_landing(self, view: View, outlook: Mapping[str, Any] | None) -> View:
        """Show below a plan or a check where mail lands, as far as the section is about that."""
        kinds = {draft.type for draft in self._setup.document.drafts(self._setup.section.id)}
        what = "matrix" if RULE in kinds else "policy" if POLICY in kinds else ""
        if outlook is None or not what:
            return view
        below = outlook_view(outlook, what)
        return View(f"{view.text}\n\n{below.text}", view.html + below.html)

    def frame(self) -> Any:
        """Return the plan as a pandas DataFrame, one row a property. Raises PlanRefused without a plan."""
        return as_frame(self._plan)

    def _title(self, what: str) -> str:
        return f"{self.heading} on {self.tenant}, {what}"

    def _fresh_plan(self) -> Plan:
        return self._setup.course.plan(self._setup.section.id, self._setup.inputs)

    @without_secrets
    def gate(self) -> View:
        """Decide whether the plan may be applied.

        Raises PlanRefused in mode apply when this very plan has not been approved.
        """
        plan = self._plan
        if plan is None:
            return views.message("Not decided: there is no plan yet. Run the cell above.")
        if plan.is_empty:
            return views.message(f"Nothing to approve: {self._why_nothing(plan)}.")
        if self.interactive and self.approved:
            return views.message(f"Approved: plan {plan.hash[:12]}.")
        if self.mode != "apply":
            return views.message(f"Not approved: mode {self.mode} never writes. The plan is {plan.hash}.")
        stored = approving.stored_approval(self._setup.folder)
        approve = self._setup.values["approve"]
        self._approval = self._guarded(lambda: self._approved_by(plan, approve, stored))
        self._note_approval()
        return views.message(f"Approved: plan {plan.hash[:12]} by {self._approval.approved_by}.")

    def _why_nothing(self, plan: Plan) -> str:
        if plan.left:
            return f"there is nothing for this kit to do, and {len(plan.left)} left to a person"
        if not plan.changes:
            return "this section sets nothing here"
        return f"the tenant is already {self._setup.course.aim}"

    def approve(self, tenant: str, plan_hash: str = "") -> View:
        """Approve the present plan by typing the tenant's name (what the button does).

        Raises PlanRefused, also when `plan_hash`, the plan that the person had before them, is not the present one.
        """
        self._refuse_if_sealed()
        if self._plan is None:
            raise PlanRefused("There is no plan to approve.", "Run the plan's cell first.")
        if plan_hash not in ("", self._plan.hash):
            raise PlanRefused("The plan was made anew meanwhile.", "Read the present one, and approve that.")
        if tenant.strip() != self.tenant:
            raise PlanRefused(f"{tenant!r} is not the name of this tenant.", f"Type {self.tenant} to approve.")
        self._approval = self._approved_by(self._plan, self._plan.hash, None)
        self._approval = replace(self._approval, approved_by=person(), how="tenant's name typed")
        self._note_approval()
        return views.message(f"Approved: plan {self._plan.hash[:12]}. Run the next cell to apply it.")

    def _approved_by(self, plan: Plan, approve: str, stored: Mapping[str, Any] | None) -> Approval:
        made = read_history(self._setup.folder.path).done if stored is not None else {}
        return self._setup.course.approved(plan, approve, stored, made)

    def _note_approval(self) -> None:
        assert self._approval is not None
        given = {
            "plan": self._approval.plan_hash,
            "approved_by": self._approval.approved_by,
            "how": self._approval.how,
        }
        self._setup.journal.append("approved", section=self._setup.section.id, **given)
        self._state.save(approval=given, phase="approved")

    @without_secrets
    def apply(self, told: Callable[[Change, str], None] = lambda change, status: None) -> View:
        """Carry out the approved plan. Does nothing, and says so, without an approved present plan.

        `told` hears how each change stands: running, changed, failed, interrupted, unknown.

        Raises PlanRefused if the tenant moved, ApplyFailed if a call failed; the record tells what was done.
        """
        self._refuse_if_sealed()
        plan = self._plan
        if plan is not None and plan.is_empty:
            return views.message("Nothing to apply: 0 changes.")
        if plan is None or not self.approved:
            return views.message("Not run: there is no approved plan. Nothing was written.")
        self._approval = None  # an approval is good for one attempt
        self._state.save(phase="applying")
        self._guarded(lambda: self._apply(plan, told))
        self._applied = plan.hash
        self._state.save(phase="applied")
        return views.message(f"Applied: {len(plan.pending)} change(s). Not verified yet: run the next cell.")

    def _apply(self, plan: Plan, told: Callable[[Change, str], None]) -> None:
        setup = self._setup
        services = setup.connection.services
        stored = approving.stored_approval(setup.folder)
        plans = [plan] if self._attempt_has_written() else setup.course.everywhere(plan, stored)
        approving.permitted(services, [change for item in plans for change in item.pending])
        applying.store_before(services, plans, setup.journal)

        def note(change: Change, status: str, error: str) -> None:
            self._state.change(change.kind, change.identity, status, error)
            told(change, status)

        # A run over all sections holds the tenant already; a walkthrough holds it while it writes.
        with contextlib.nullcontext() if stored is not None else alone(self.tenant):
            applying.apply_changes(services, plan, setup.journal, setup.patience, note)

    def _attempt_has_written(self) -> bool:
        """Whether this attempt at the run has begun a change; an earlier one's checks do not count for this one."""
        written = False
        for entry in journal.read(self._setup.folder.journal):
            written = entry["event"] == "change-started" or (written and entry["event"] != "run-resumed")
        return written

    @without_secrets
    def verify(self) -> View:
        """Read everything again and compare. After an apply, wait (bounded) for it to become visible.

        Raises DriftFound in the modes apply and verify when a property is not as asked.
        """
        self._refuse_if_sealed()
        plan = self._plan
        just_applied = self._state.content["phase"] == "applied"
        if plan is None or not (self.applied or plan.is_empty or self.mode == "verify"):
            return views.message("Not verified: nothing has been applied, and the plan above has changes pending.")
        self._state.save(verification=None)  # an earlier one says nothing of what is found now, or cannot be
        fresh, seconds = self._guarded(lambda: verifying.settled(self._setup, wait=just_applied))
        left = by_hand.seen(self._setup)
        self._state.save(left_to_person=left)
        self._guarded(lambda: approving.still_listed([fresh], {plan.section: plan_json(plan)}))
        unknown = [item for item in fresh.problems if item.presence == "unknown"]
        if unknown:
            reasons = "; ".join(f"{item.identity}: {item.reason}" for item in unknown)
            self._fail(UnreadableState(f"Not verified, not everything could be read: {reasons}"))
        found = verifying.judged(self._setup, fresh, seconds, plan if just_applied else None)
        if not found.checks and not fresh.problems:
            return views.message("Nothing to verify: this section sets nothing that an API could read.")
        seen = [dict(item) for item in fresh.seen]
        self._state.save(phase="verified", verification=dict(found.verification), seen=seen, error=None)
        noted = {"ok": fresh.is_as_asked, "properties": len(found.checks), "waited_seconds": seconds}
        self._setup.journal.append("verified", section=fresh.section, **noted)
        title, aim = self._title("verification"), self._setup.course.aim
        view = checks_view(found.checks, title=title, aim=aim, ok=fresh.is_done, beside=found.beside(left))
        if not fresh.is_done and not self.interactive:
            _show(view)
            self._fail(self._setup.course.failure(found.detail()))
        return self._with_landing(view, self._guarded(lambda: landing.after_verifying(self._setup, fresh)))

    @without_secrets
    def finish(self) -> View:
        """Close the section: write its result and say what changed and where the run's files are."""
        content = self._state.content
        changed = content["made"]
        verified = bool(content["verification"] and content["verification"]["ok"])
        checks = (content["verification"] or {"checks": [{"ok": False}]})["checks"]
        left = bool(self._plan and self._plan.left and self._plan.can_apply) and all(item["ok"] for item in checks)
        status = content["status"] if content["error"] else self._final_status(len(changed), verified or left)
        self._state.save(status=status, finished=journal.now(), phase="finished")
        self._setup.journal.append("section-finished", section=self._setup.section.id, status=status)
        if not self.interactive:  # a person may run any cell again
            self._setup.connection.close()
        words = {True: "verified by fresh reads", False: "not verified"}[verified]
        words = "what is not left to a person was read back as asked" if left else words
        said = [f"{self.heading}: {status}, {len(changed)} change(s) made, {words}.", *by_hand.open_steps(self._setup)]
        return views.message("\n".join([*said, f"Files of this run: {self._setup.folder.path}"]))

    def _final_status(self, changed: int, verified: bool) -> str:
        if self._plan is None:
            return "not-run"
        if changed:
            return "changed"
        return "unchanged" if verified else "not-run"

    def _guarded(self, step: Any) -> Any:
        """Run a step; an error is noted in the section's result before it reaches the notebook."""
        try:
            return step()
        except RunbookError as error:
            self._fail(error)

    def secrets(self) -> tuple[Secret, ...]:
        """Return the credentials that nothing of this section may show."""
        return self._setup.connection.services.secrets()

    def tell(self, error: RunbookError) -> None:
        """Note an error in the section's result and raise it."""
        self._fail(error)

    def _fail(self, error: RunbookError) -> None:
        self._state.fail(error)
        self._setup.journal.append(
            "section-stopped", section=self._setup.section.id, why=type(error).__name__, detail=error.detail
        )
        if not self.interactive:
            self._setup.connection.close()
        raise error


def _show(view: View) -> None:
    from IPython.display import display

    display(view)
