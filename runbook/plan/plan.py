"""The plan of a section: its changes and problems, what may be done with it, and its stored form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runbook.plan.model import Change, Problem
from runbook.plan.stored import change_from_json, change_json, plan_digest
from runbook.values import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The ordered changes of one section on one tenant, computed once and applied as they stand."""

    section: str
    scope: Mapping[str, Json]
    """What the plan was made for: tenant, tutorial text, inputs, decisions."""
    changes: tuple[Change, ...]
    problems: tuple[Problem, ...] = ()
    seen: tuple[Mapping[str, str], ...] = field(default=(), compare=False)
    """Kind, name and identifier of everything in the lists that were read; no part of the plan as it is stored."""

    @property
    def pending(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.action != "none")

    @property
    def is_empty(self) -> bool:
        """Nothing for this kit to do, and everything was read; something may be left to a person."""
        return not self.pending and not self.open

    @property
    def open(self) -> tuple[Problem, ...]:
        """What stands in the way of carrying out the rest."""
        return tuple(item for item in self.problems if item.presence != "left")

    @property
    def left(self) -> tuple[Problem, ...]:
        """What is left to a person."""
        return tuple(item for item in self.problems if item.presence == "left")

    @property
    def is_as_asked(self) -> bool:
        """Nothing to do, and everything was read; what somebody else's things do beside it does not count."""
        return not self.pending and all(item.other for item in self.problems)

    @property
    def is_done(self) -> bool:
        """As asked, but for what is left to a person, of which this says nothing."""
        return not self.pending and all(item.other for item in self.open)

    @property
    def can_apply(self) -> bool:
        return not self.open

    @property
    def hash(self) -> str:
        """SHA-256 over the canonical JSON of everything in the plan; see `plan_digest`."""
        return plan_digest(plan_json(self))


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return the plan as plain JSON: the same plan gives the same bytes once it is made canonical."""
    return {
        "section": plan.section,
        "scope": dict(plan.scope),
        "changes": [change_json(change) for change in plan.changes],
        "problems": [
            {
                "kind": item.kind,
                "identity": item.identity,
                "presence": item.presence,
                "reason": item.reason,
                "lines": list(item.lines),
                "other": item.other,
            }
            for item in plan.problems
        ],
    }


def plan_from_json(stored: Mapping[str, Any]) -> Plan:
    """Return the plan that `plan_json` wrote down. Raises KeyError or TypeError for anything else."""
    return Plan(
        section=stored["section"],
        scope=dict(stored["scope"]),
        changes=tuple(change_from_json(item, stored["section"]) for item in stored["changes"]),
        problems=tuple(
            Problem(section=stored["section"], **{**item, "lines": tuple(item["lines"])}) for item in stored["problems"]
        ),
    )
