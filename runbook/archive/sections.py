"""How one section of a run stands, from the run's result: the same words and counts in every list over many runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runbook.result import has_nothing_to_check, is_left, is_verified

WORST_FIRST = (
    "failed",
    "interrupted",
    "unknown",
    "refused",
    "not as asked",
    "not verified",
    "not run",
    "changes pending",
    "left to a person",
)
"""What a section is called that is not as it should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a run found of one section and did to it."""

    word: str
    """How it is, in a word or three: one of `WORST_FIRST`, or that it is well."""
    verified: bool
    """Whether all that the section asks for was read back as asked."""
    changed: int
    """Changes that were made."""
    pending: int
    """Changes that were planned, and not made in this run."""
    drift: int
    """Properties that the run's last reading found to be otherwise than asked; 0 also where nothing could be read."""


def standing(item: Mapping[str, Any], *, mode: str, back: bool) -> Standing:
    """Return how a section of a result stands; `back` for a rollback. Raises KeyError or TypeError for no section."""
    pending = list(_pending(item))
    return Standing(
        word=word(item, mode=mode, back=back),
        verified=is_verified(item),
        changed=len(item["made"]),
        pending=len(pending),
        drift=_drift(item, pending),
    )


def _pending(item: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    made = {(change["kind"], change["identity"]) for change in item["made"]}
    for change in (item["plan"] or {"changes": ()})["changes"]:
        if change["action"] != "none" and (change["kind"], change["identity"]) not in made:
            yield change


def _drift(item: Mapping[str, Any], pending: list[Mapping[str, Any]]) -> int:
    """Count by the fresh read where there was one, else by the plan; a thing that is to go or to come is one at least.

    After changes without a fresh read nothing is known of what was changed: only what is still pending counts.
    """
    if item["verification"]:
        return sum(1 for check in item["verification"]["checks"] if not check["ok"])
    return sum(max(1, sum(1 for part in change["properties"] if part.get("changed"))) for change in pending)


def word(item: Mapping[str, Any], *, mode: str, back: bool) -> str:
    """Say how a section is. Only what was read back as asked is well; a plan and a rollback verify no tutorial."""
    if item["status"] in ("interrupted", "unknown", "refused"):
        return str(item["status"])
    if item["verification"] and not all(check["ok"] for check in item["verification"]["checks"]):
        return "not as asked"
    if item["status"] == "failed":
        return "failed"
    if is_verified(item):
        return "as before" if back else "as wanted" if mode == "plan" else "verified"
    if not item["plan"]:
        return "not run"
    if has_nothing_to_check(item):
        return "nothing to check"
    if is_left(item):
        return "left to a person"
    pending = any(change["action"] != "none" for change in item["plan"]["changes"])
    return "changes pending" if mode == "plan" and pending else "not verified"
