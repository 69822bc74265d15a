"""What a run is about: to bring about what the tutorial asks, to go on where an earlier attempt stopped, or to go back.

A section plans, approves and verifies by its course alone, so that all three go through the same gate and the same
writing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from runbook import settling
from runbook.errors import DriftFound, NotTakenBack, PlanRefused
from runbook.history import History
from runbook.inputs import Effective
from runbook.kinds import BY_TYPE, KINDS, VALUE_TYPES
from runbook.library import Document
from runbook.plan import Change, Plan
from runbook.runs import still_valid
from runbook.section import approving
from runbook.section.approving import Approval
from runbook.section.observing import read_for
from runbook.section.planning import plan_all, plan_section, tenant_scope
from runbook.tenants import Connection
from runbook.undo import Circumstances, remaining

Made = Mapping[tuple[str, tuple[str, str]], str]
_HALFWAY = {kind.type: kind.halfway for kind in KINDS}


class Course(Protocol):
    """Say what is to be done in a section, and whose word it needs."""

    @property
    def whole(self) -> bool:
        """True when the properties that a plan does not change must stay as they were while it is carried out."""

    @property
    def rest(self) -> bool:
        """True when what somebody else has set meanwhile is left, by decision."""

    @property
    def keeps_promises(self) -> bool:
        """True when mail shall then land where the tutorial says."""

    @property
    def aim(self) -> str:
        """Words for what the tenant shall be like: "the tenant is …"."""

    def failure(self, detail: str) -> DriftFound:
        """Return the error of a verification that found something else."""

    def plan(self, section: str, inputs: Sequence[Effective]) -> Plan:
        """Read the tenant and return what is to be done in a section."""

    def approved(self, plan: Plan, approve: str, stored: Mapping[str, Any] | None, made: Made) -> Approval:
        """Return the approval of a plan. Raises PlanRefused. `made` is what this run has made already."""

    def everywhere(self, plan: Plan, stored: Mapping[str, Any] | None) -> list[Plan]:
        """Before a run's first write: return the plans of all its sections, made anew.

        Raises PlanRefused or UnreadableState when one of them is not what was approved.
        """

    def settled(self, plan: Plan) -> tuple[Change, ...]:
        """Return changes of an earlier attempt that, by this plan's reading, took effect although nobody heard so."""

    def verification(self, section: str, inputs: Sequence[Effective]) -> Plan:
        """Return a fresh plan that is empty when the section has come about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """Bring about what the tutorial asks."""

    document: Document
    tenant_inputs: Mapping[str, Any]
    domains: tuple[str, ...]
    connection: Connection

    aim = "as the tutorial asks"
    whole, rest, keeps_promises = True, False, True

    def failure(self, detail: str) -> DriftFound:
        """Return the error that names what is not as the tutorial asks."""
        return DriftFound(detail, "Plan and apply again, or ask who changed it.")

    def plan(self, section: str, inputs: Sequence[Effective]) -> Plan:
        """Compare the tenant with the tutorial."""
        return plan_section(self.document, section, inputs, self.domains, self.connection)

    def approved(self, plan: Plan, approve: str, stored: Mapping[str, Any] | None, made: Made) -> Approval:
        """Take the approval of exactly this plan."""
        return approving.check(plan, approve, stored, made)

    def everywhere(self, plan: Plan, stored: Mapping[str, Any] | None) -> list[Plan]:
        """Plan all sections anew when one approval covers them all."""
        if stored is None:
            return [plan]
        plans = plan_all(self.document, stored["parameters"], self.tenant_inputs, self.domains, self.connection)
        approving.unchanged_everywhere(plans, stored)
        return plans

    def settled(self, plan: Plan) -> tuple[Change, ...]:
        """There was no earlier attempt."""
        return ()

    def verification(self, section: str, inputs: Sequence[Effective]) -> Plan:
        """Compare the tenant with the tutorial once more."""
        return self.plan(section, inputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Onward:
    """Go on where an earlier attempt of the same run stopped: look first, then do what is left of the approved plan."""

    base: Course
    """What the run was about in the beginning."""
    history: History
    connection: Connection

    @property
    def whole(self) -> bool:
        """Return what the run demanded in the beginning."""
        return self.base.whole

    @property
    def rest(self) -> bool:
        """Return what was decided in the beginning."""
        return self.base.rest

    @property
    def keeps_promises(self) -> bool:
        """Return what the run was after in the beginning."""
        return self.base.keeps_promises

    @property
    def aim(self) -> str:
        """Return what the run was after in the beginning."""
        return self.base.aim

    def failure(self, detail: str) -> DriftFound:
        """Return the error that the run would have had in the beginning."""
        return self.base.failure(detail)

    def plan(self, section: str, inputs: Sequence[Effective]) -> Plan:
        """Return what is left of the approved plan."""
        approved = self._approved_plan(section)
        if approved is None:
            return self.base.plan(section, inputs)
        _same_tenant(approved, self.connection, self.history.path.name)
        now = read_for(self.connection.services, approved.changes)
        return remaining(
            approved,
            now,
            Circumstances(
                types=VALUE_TYPES,
                begun=self.history.begun_in(section),
                unfinished=self.history.unfinished_in(section),
                halfway=_HALFWAY,
                whole=self.whole,
                rest=self.rest,
                handles=self.history.handles,
                unseen=self._unseen,
                elsewhere=self.history.changed_outside(section),
                taken=self.history.taken_away,
                own=self.history.taken_away,
            ),
        )

    def _unseen(self, change: Change) -> str:
        late = settling.unseen(Plan(section="", scope={}, changes=(change,)), self.history.done_at, datetime.now(UTC))
        return settling.unseen_text(late[0]) if late else ""

    def approved(self, plan: Plan, approve: str, stored: Mapping[str, Any] | None, made: Made) -> Approval:
        """What is left of an approved plan is approved; a part that somebody else has moved is not."""
        if self._approved_plan(plan.section) is None:
            return self.base.approved(plan, approve, stored, made)
        approving.check_open_parts(plan)
        approving.check_made(plan)
        whole = self.history.approval or {}
        still_valid(whole)
        by = str(whole.get("approved_by", "the first attempt's approval"))
        return Approval(plan_hash=plan.hash, approved_by=by, how="approved plan, taken up again")

    def everywhere(self, plan: Plan, stored: Mapping[str, Any] | None) -> list[Plan]:
        """See that nothing of what is left was moved, in any section, before the first write of this attempt."""
        if not self.history.plans:
            return self.base.everywhere(plan, stored)
        plans = [self.plan(section, ()) for section in self.history.plans]
        for item in plans:
            approving.check_open_parts(item)
        return plans

    def settled(self, plan: Plan) -> tuple[Change, ...]:
        """Return what an earlier attempt had begun, and what the tenant now shows to have come about."""
        unfinished = self.history.unfinished_in(plan.section)
        return tuple(c for c in plan.changes if c.action == "none" and c.key in unfinished)

    def verification(self, section: str, inputs: Sequence[Effective]) -> Plan:
        """Verify as the run would have done without the interruption."""
        return self.base.verification(section, inputs)

    def _approved_plan(self, section: str) -> Plan | None:
        return self.history.plans.get(section)


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """Take back what an earlier run has changed, and nothing else."""

    past: History
    rest: bool
    """True to leave what somebody else has set since, and take back the rest."""
    connection: Connection

    aim = "as before the run"
    whole = keeps_promises = False

    def failure(self, detail: str) -> DriftFound:
        """Return the error that names what has not been taken back."""
        return NotTakenBack(detail, "Roll the run back again to see what is left.")

    def plan(self, section: str, inputs: Sequence[Effective] = ()) -> Plan:
        """Return what is left to take back in a section."""
        inverse = self._inverse(section)
        now = read_for(self.connection.services, inverse.changes)
        return remaining(
            inverse,
            now,
            Circumstances(
                types=VALUE_TYPES,
                begun=self.past.begun_in(section),
                unfinished=self.past.unfinished_in(section),
                halfway=_HALFWAY,
                handles=self.past.handles,
                own=self.past.created,
                whole=False,
                rest=self.rest,
                stays=_stays,
            ),
        )

    def approved(self, plan: Plan, approve: str, stored: Mapping[str, Any] | None, made: Made) -> Approval:
        """Take the approval of exactly this plan."""
        return approving.check(plan, approve, stored, made)

    def everywhere(self, plan: Plan, stored: Mapping[str, Any] | None) -> list[Plan]:
        """Plan the way back of all sections anew."""
        if stored is None:
            return [plan]
        plans = [self.plan(item["section"]) for item in stored["sections"]]
        approving.unchanged_everywhere(plans, stored)
        return plans

    def settled(self, plan: Plan) -> tuple[Change, ...]:
        """There was no earlier attempt."""
        return ()

    def verification(self, section: str, inputs: Sequence[Effective]) -> Plan:
        """See that nothing is left to take back."""
        return self.plan(section)

    def _inverse(self, section: str) -> Plan:
        """The inverse of what the run began in a section; empty where it began nothing. Raises PlanRefused."""
        here = tenant_scope(self.connection)
        scope: dict[str, Any] = {"takes_back": self.past.path.name, "rest": self.rest}
        inverse = self.past.inverses.get(section)
        if inverse is None:
            return Plan(section=section, scope={"tenant": here, "inputs": {}, **scope}, changes=())
        _same_tenant(inverse, self.connection, self.past.path.name)
        begun = tuple(change for change in inverse.changes if change.key in self.past.begun_in(section))
        return Plan(section=section, scope={**inverse.scope, **scope}, changes=begun)


def _same_tenant(plan: Plan, connection: Connection, run: str) -> None:
    """Raise PlanRefused when a plan was made for another directory, account or cloud than the tenant has now."""
    there: Any = plan.scope["tenant"]
    here = tenant_scope(connection)
    if any(there[name] != here[name] for name in ("tenant_id", "cloudflare_account_id", "cloud")):
        raise PlanRefused(
            f"The run {run} was on another tenant, account or cloud than {here['name']} is now.",
            "Nothing was written.",
        )


def _stays(change: Change) -> str:
    kind = BY_TYPE[change.kind]
    return kind.stays if change.action == _WAY_BACK[kind.lasts] else ""


_WAY_BACK = {"create": "delete", "update": "update"}
