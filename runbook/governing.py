"""A change of the Default anti-spam policy that would reach nobody is asked about before it is made.

Pure: a plan and what was read in, the plan with a problem or a note out. Which policy is in force for whom is
`runbook.outcome.precedence`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from runbook import naming
from runbook.outcome.governed import winning_over
from runbook.outcome.precedence import DEFAULT, Scope, scopes
from runbook.outcome.recipients import Roster
from runbook.outcome.surroundings import POLICY, POLICY_RULE, PRESET_RULE, Surroundings
from runbook.plan import Change, Plan, Problem


def edits_default(plan: Plan) -> bool:
    """Whether a plan is about the Default anti-spam policy."""
    return any(_is_default(change) for change in plan.changes)


def _is_default(change: Change) -> bool:
    return change.kind == POLICY and change.identity.strip().lower() == DEFAULT.lower()


def settle(plan: Plan, found: Surroundings, domains: Sequence[str], roster: Roster | None, *, consent: bool) -> Plan:
    """Return the plan with a Problem where Default is in force for nobody and nobody has consented to that.

    Which recipients it does not reach stands in a note of the change. Rules that could not be read leave unknown for
    whom it is in force, and such a plan is not applied.
    """
    changes: list[Change] = []
    problems: list[Problem] = []
    for change in plan.changes:
        if not _is_default(change):
            changes.append(change)
            continue
        unread = [found.part(name).unknown for name in (PRESET_RULE, POLICY_RULE) if found.part(name).unknown]
        if unread:
            problems.append(Problem.of(change, "unknown", f"for whom it is in force could not be read: {unread[0]}"))
            changes.append(change)
            continue
        winning = winning_over(found, domains, roster)
        if winning and change.action != "none" and not consent:
            problems.append(_nobody(change, winning))
        changes.append(replace(change, notes=(*change.notes, *_notes(found, winning))))
    return replace(plan, changes=tuple(changes), problems=(*plan.problems, *problems))


def _notes(found: Surroundings, winning: Sequence[Scope]) -> Iterable[str]:
    if winning:
        yield f"it is in force for 0 recipients of these domains: before it {_come(winning)} {_names(winning)}"
        return
    before = [scope for scope in scopes(found) if scope.row is not None]
    if before:
        yield f"it is not in force for the recipients of {_names(before)}"


def _come(several: Sequence[Scope]) -> str:
    return "comes" if len(several) == 1 else "come"


def _names(several: Sequence[Scope]) -> str:
    return ", ".join(scope.text for scope in several)


def _nobody(change: Change, winning: Sequence[Scope]) -> Problem:
    reason = (
        f"it would be changed for nobody: before it {_come(winning)} {_names(winning)}, for every recipient of these "
        f"domains, so it governs 0 recipients. Decide: change it all the same (-p {naming.NOBODY}=true), or leave it "
        "and change the policy that is in force"
    )
    return Problem.of(change, "undecided", reason, winning[0].rule)
