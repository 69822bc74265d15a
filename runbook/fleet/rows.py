"""A tenant's row in a fleet: how its run ended, in plain JSON values, and what the fleet's end is by all rows.

Pure: a row is made from a result's content, or from what is known of a tenant that has none. The reason is one
sentence; all that the run knows stands in its own record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runbook import outcome_words
from runbook.archive import sections
from runbook.errors import ExitCode, RunbookError
from runbook.fleet import reasons

NOT_STARTED = "not started"
KILLED = "killed"
WORST_FIRST = (
    KILLED,
    "failed",
    "interrupted",
    "unknown",
    "refused",
    NOT_STARTED,
    "drift",
    "changes pending",
    "left to a person",
    "changed",
    "unchanged",
)
"""What a row's status may be."""
GOOD = frozenset({"changed", "unchanged"})
"""The statuses of which nobody has to look at anything."""
_GRAVE = (
    ExitCode.INTERRUPTED,
    ExitCode.FAILED,
    ExitCode.USAGE,
    ExitCode.UNREADABLE,
    ExitCode.REFUSED,
    ExitCode.CHANGES,
    ExitCode.DONE,
)
"""Exit codes, the gravest first, in the order of `runbook.result.exit_code`."""
_STATUS = {
    ExitCode.REFUSED: "refused",
    ExitCode.UNREADABLE: "unknown",
    ExitCode.INTERRUPTED: "interrupted",
    ExitCode.CHANGES: "changes pending",
}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Whose row it is, and what the fleet knows of it beside the run's result."""

    tenant: str
    group: str
    ring: str
    seconds: float = 0.0
    """Wall time of all attempts together."""
    attempts: int = 0


def finished(place: Place, result: Mapping[str, Any]) -> Row:
    """Return the row of a tenant whose run has a result. Raises KeyError or TypeError for what is no result."""
    status = str(result["status"])
    return _row(place, status, int(result["exit_code"]), reasons.of_result(result), result)


def killed(place: Place, how: str, result: Mapping[str, Any] | None = None) -> Row:
    """Return the row of a tenant whose process did not come to its end; `how` says what ended it.

    `result` is what was put together afterwards from the files that the process has left, if it was.
    """
    return _row(place, KILLED, ExitCode.FAILED, reasons.of_killed(how, result), result)


def interrupted(place: Place, how: str) -> Row:
    """Return the row of a tenant whose process was ended with the whole fleet run, before it could say how far it was.

    Such a row is no end: the tenant is gone on with when the fleet run is resumed.
    """
    reason = reasons.one_sentence(f"Interrupted: {how}; resume the fleet run to go on with it")
    return _row(place, _STATUS[ExitCode.INTERRUPTED], ExitCode.INTERRUPTED, reason, None)


def not_started(place: Place, why: str, *, exit_code: int = ExitCode.REFUSED) -> Row:
    """Return the row of a tenant that nothing was done for: because a ring was stopped, or `exit_code` says why."""
    return _row(place, NOT_STARTED, exit_code, reasons.one_sentence(f"Not started: {why}"), None)


def stopped(place: Place, error: RunbookError) -> Row:
    """Return the row of a tenant whose run could not be begun as asked: no credential, no approval, no such input."""
    status = _STATUS.get(error.exit_code, "failed")
    return _row(place, status, error.exit_code, reasons.of_error(error.summary, error.detail, error.remedy), None)


def _row(place: Place, status: str, exit_code: int, reason: str, result: Mapping[str, Any] | None) -> Row:
    found = [] if result is None else [_section(item, result) for item in result["sections"]]
    return {
        "tenant": place.tenant,
        "group": place.group,
        "ring": place.ring,
        "status": status,
        "exit_code": exit_code,
        "reason": reason,
        "run": "" if result is None else str(result["run"]),
        "plan": "" if result is None else str(result.get("plan_hash") or ""),
        "seconds": round(place.seconds, 3),
        "attempts": place.attempts,
        "sections": found,
        "outlook": None if result is None else _outlook(result),
    }


def _section(item: Mapping[str, Any], result: Mapping[str, Any]) -> Row:
    mode = str(result["mode"])
    stands = sections.standing(item, mode=mode, back=bool(result.get("takes_back")))
    return {
        "section": str(item["section"]),
        "title": str(item["title"]),
        "status": str(item["status"]),
        "found": stands.word,
        "verified": stands.verified,
        "changed": stands.changed,
        "pending": stands.pending,
        "drift": stands.drift,
        "error": reasons.of_section(item, stands.drift),
    }


def _outlook(result: Mapping[str, Any]) -> dict[str, int] | None:
    outlook = result.get("outlook")
    if outlook is None:
        return None
    tally = outcome_words.tally(outlook)
    return {"kept": tally.kept, "broken": tally.broken, "unknown": tally.promises - tally.kept - tally.broken}


def counts(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many rows there are of each status that there is, the worst first."""
    found = [str(row["status"]) for row in rows]
    return {status: found.count(status) for status in sorted(set(found), key=rank)}


def rank(status: str) -> int:
    """Rank a status, worst first; one that this version does not know is looked at before all others."""
    return WORST_FIRST.index(status) if status in WORST_FIRST else -1


def badness(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what rows are sorted by, worst first: the status, the worst section, how many are bad, the name."""
    words = [word(item) for item in row["sections"]]
    bad = [sections.WORST_FIRST.index(word) for word in words if word in sections.WORST_FIRST]
    drift = sum(item["drift"] for item in row["sections"])
    broken = (row["outlook"] or {"broken": 0})["broken"]
    return rank(row["status"]), min(bad, default=len(sections.WORST_FIRST)), -len(bad), -drift, -broken, row["tenant"]


def word(item: Mapping[str, Any]) -> str:
    """Say how a section of a row stands, in a word or three; for a row that has no word for it, from its counts."""
    counted = {"verified": item["verified"], "not as asked": item["drift"], "changes pending": item["pending"]}
    return str(item.get("found") or next((name for name, count in counted.items() if count), item["status"]))


def exit_code(rows: Iterable[Mapping[str, Any]]) -> int:
    """Return the fleet's exit code; the gravest of its rows decides, and one that is not known is a failure."""
    found = {code if code in _GRAVE else ExitCode.FAILED for code in (int(row["exit_code"]) for row in rows)}
    return next((code for code in _GRAVE if code in found), ExitCode.DONE)


def status(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return in a word how a fleet ended, in agreement with its exit code."""
    code = exit_code(rows)
    found = {row["status"] for row in rows}
    if code == ExitCode.DONE:
        return "changed" if "changed" in found else "unchanged"
    if code == ExitCode.CHANGES:
        return next((word for word in ("drift", "changes pending", "left to a person") if word in found), "drift")
    return _STATUS.get(code, "failed")


def summary(
    rows: Sequence[Row], *, fleet: str, mode: str, inventory: str, tutorial: str, started: str, ended: str, why: str
) -> dict[str, Any]:
    """Return what ``summary.json`` holds: `rows` in the inventory's order; `why` it stopped early, or nothing."""
    return {
        "format": 1,
        "fleet": fleet,
        "mode": mode,
        "inventory": inventory,
        "tutorial": tutorial,
        "started": started,
        "finished": ended,
        "status": status(rows),
        "exit_code": exit_code(rows),
        "counts": counts(rows),
        "stopped": why,
        "tenants": list(rows),
    }
