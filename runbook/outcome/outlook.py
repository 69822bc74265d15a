"""Put together what is said of a message's way in a plan, a notebook and a record: one plain JSON value.

It holds the promise matrix, whom the edited policy is in force for, what stands beside our rules, how the policy
differs from Microsoft's presets, and what could not be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runbook.outcome import matrix
from runbook.outcome.baseline import against_presets
from runbook.outcome.governed import coverage
from runbook.outcome.matrix import Promised
from runbook.outcome.precedence import DEFAULT
from runbook.outcome.recipients import Roster
from runbook.outcome.surroundings import CONNECTOR, DOMAIN, POLICY, RULE, Surroundings, with_plans
from runbook.outcome.trace import beside

KINDS = frozenset({DOMAIN, POLICY, RULE, CONNECTOR, "QuarantinePolicy"})
"""Kinds of resources that decide where a message lands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of a tenant at one moment of a run."""

    before: Surroundings
    """As it was when the run began."""
    after: Surroundings | None = None
    """As it was read back once everything was applied; None until then."""
    plans: Sequence[Mapping[str, Any]] = ()
    """The plans of the run's sections so far, as JSON."""
    landed: Sequence[Mapping[str, Any]] = ()
    """Where test messages, or messages that a person followed, were seen to land."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What the tutorial and the run bring along."""

    promises: Sequence[Promised]
    domains: Sequence[str]
    roster: Roster | None = None


def outlook(seen: Seen, about: About, now: datetime) -> dict[str, Any]:
    """Return what is said of where mail lands. Equal arguments give equal values.

    What comes after is computed from the plans until the tenant was read back, and from that reading then.
    """
    will = seen.after or with_plans(seen.before, seen.plans)
    rules = [change["identity"] for plan in seen.plans for change in plan["changes"] if change["kind"] == RULE]
    edited = any(change["kind"] == POLICY for plan in seen.plans for change in plan["changes"])
    rows = matrix.rows(seen.before, will, about.promises, about.domains, now)
    return {
        "format": 1,
        "before_at": seen.before.read_at,
        "after_at": seen.after.read_at if seen.after else "",
        "rows": [_observed(row, seen.landed) for row in rows],
        "governed": coverage(will, DEFAULT, about.roster) if edited else None,
        "beside": [
            {"rule": item.rule, "other": item.other, "why": item.why}
            for item in beside(will, rules, matrix.egress_of(will))
        ],
        "presets": against_presets(will, DEFAULT) if edited else [],
        "unread": [{"what": name, "why": why} for name, why in will.unread],
        **not_planned(seen.plans),
    }


def not_planned(plans: Iterable[Mapping[str, Any]]) -> dict[str, list[dict[str, str]]]:
    """Return what plans (as JSON) leave out, so that no prediction counts it: what is open, what is for a person."""
    told: dict[str, list[dict[str, str]]] = {"undecided": [], "left": []}
    for item in (problem for plan in plans for problem in plan["problems"]):
        which = "left" if item["presence"] == "left" else "undecided"
        told[which].append({"identity": item["identity"], "reason": item["reason"]})
    return told


def _observed(row: dict[str, Any], landed: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Set beside a prediction what was seen of such messages; several that landed apart are all shown."""
    found = [
        item
        for item in landed
        if item["disposition"] == row["disposition"]
        and item["case"] == row["case"]
        and item["recipients"] in ("", *row["recipients"])
    ]
    if not found:
        return row
    texts = list(dict.fromkeys(matrix.ending_from_json(item).text for item in found))
    predicted = {_place(ending) for ending in row["after"]["endings"]}
    agrees = all(_place(item) in predicted for item in found)
    return {
        **row,
        "observed": {
            "text": " or ".join(texts),
            "as_predicted": agrees,
            "kept": _is_kept(row, found),
            "by": ", ".join(dict.fromkeys(str(item["by"]) for item in found)),
            "at": max(str(item["at"]) for item in found),
        },
    }


def _place(item: Mapping[str, Any]) -> tuple[Any, ...]:
    """What counts when a prediction and a sight are compared: the place and, in quarantine, the policy."""
    quarantined = item["place"] == "quarantine"
    return (item["place"], str(item.get("quarantine_policy") or "").lower() if quarantined else "")


def _is_kept(row: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> bool | None:
    promises = [matrix.Promised(disposition=row["disposition"], **item) for item in row["promised"]]
    return matrix.is_kept(promises, [matrix.ending_from_json(item) for item in found])
