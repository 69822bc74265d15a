"""Whether a fleet run that ended early may be gone on with, and by whose word.

What failed is finished, and counts for as long as the fleet run is gone on with. So a run that its failures have
stopped begins nothing more until somebody who has looked at them allows as many: that word stands in the journal with a
name, and ``fleet.json`` stays what was asked in the beginning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runbook import journal
from runbook.errors import ExitCode, UsageError
from runbook.fleet import rows
from runbook.fleet.asking import allowance_of
from runbook.fleet.conduct import NOTHING_DONE, Course, held_back, is_failure
from runbook.fleet.crew import Row
from runbook.fleet.folder import FleetFolder
from runbook.journal import Journal
from runbook.runs import person, read_json

_ALLOWED = "failures-allowed"
_ANEW = "Begin a new one, with the first ring's plans approved:\n\n    runbook fleet apply INVENTORY --approve HASH\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """How many failures are allowed, as it was written, and which tenants' failures had been looked at by then."""

    max_failures: str
    looked_at: frozenset[str] = frozenset()


def last_word(asked: Mapping[str, Any], folder: FleetFolder) -> Word:
    """Return what holds for a fleet run now: what was allowed last, or what was asked in the beginning."""
    word = Word(max_failures=asked["max_failures"])
    for entry in journal.read(folder.journal):
        if entry["event"] == _ALLOWED:
            data = entry["data"]
            word = Word(max_failures=data["max_failures"], looked_at=frozenset(data["failed"]))
    return word


def lifted(course: Course, max_failures: str, folder: FleetFolder) -> Course:
    """Return the course with so many failures allowed, those that there are among them. Raises UsageError."""
    failed = _failed(course, course.kept)
    more = replace(course, allowance=allowance_of(max_failures, course.mode), looked_at=frozenset(failed))
    if more.allowance.exceeded(len(failed), course.total):
        raise UsageError(
            f"--max-failures {max_failures} is less than what failed already in {folder.name}: {len(failed)} of "
            f"{course.total} tenants.",
            _looked_at(folder, len(failed)),
        )
    if _held(more, more.kept) == NOTHING_DONE:
        raise UsageError(f"{folder.name} cannot be gone on with: {NOTHING_DONE}.", _ANEW)
    return more


def note(log: Journal, max_failures: str, course: Course) -> None:
    """Write down that somebody allows so many failures, and whose they had seen."""
    log.append(_ALLOWED, max_failures=max_failures, failed=sorted(course.looked_at), by=person())


def refuse_if_held(course: Course, folder: FleetFolder) -> None:
    """Raise UsageError, with the command that goes on, where nothing would be begun and that was told already.

    A supervisor that was killed before it could tell is gone on with, for the sake of the summary.
    """
    why = _held(course, course.kept)
    if not why or not _left(course, course.kept) or not _is_told(folder):
        return
    if why == NOTHING_DONE:
        raise UsageError(f"{folder.name} cannot be gone on with: {why}.", _ANEW)
    raise UsageError(
        f"{folder.name} was stopped by its failures: {why}.", _looked_at(folder, len(_failed(course, course.kept)))
    )


def command(course: Course, found: Sequence[Row], max_failures: str, folder: FleetFolder) -> str:
    """Return the command that goes on with a fleet run which ended so; empty where none does, or nothing is left."""
    ended = {row["tenant"]: row for row in found if _has_ended(row, course)}
    why = _held(course, ended)
    if not _left(course, ended) or why == NOTHING_DONE:
        return ""
    going_on = f"runbook fleet resume {folder.name}"
    if not why:
        return going_on
    failures = len(_failed(course, ended))
    enough = bool(max_failures) and not course.allowance.exceeded(failures, course.total)
    return f"{going_on} --max-failures {max_failures if enough else failures}"


def _held(course: Course, ended: Mapping[str, Row]) -> str:
    """Say why nothing would be begun; a first ring that has not ended is gone on with before it holds anybody back."""
    too_many = course.allowance.exceeded(len(_failed(course, ended)), course.total)
    if not too_many and any(order.tenant not in ended for order in course.rings[0][1]):
        return ""
    return held_back(course, ended)


def _has_ended(row: Row, course: Course) -> bool:
    """Whether a row is a tenant's last; one that was interrupted or not begun is gone on with."""
    return row["tenant"] in course.kept or (
        row["status"] != rows.NOT_STARTED and row["exit_code"] != ExitCode.INTERRUPTED
    )


def _left(course: Course, ended: Mapping[str, Row]) -> bool:
    return any(order.tenant not in ended for _, orders in course.rings for order in orders)


def _failed(course: Course, ended: Mapping[str, Row]) -> list[str]:
    return [name for name, row in ended.items() if is_failure(row, course.mode)]


def _looked_at(folder: FleetFolder, failures: int) -> str:
    return (
        "See what failed and why; to go on with those that were not started, allow as many:\n\n"
        f"    runbook fleet show {folder.name}\n"
        f"    runbook fleet resume {folder.name} --max-failures {failures}\n"
    )


def _is_told(folder: FleetFolder) -> bool:
    """Whether the summary tells all that the journal knows."""
    try:
        told = read_json(folder.summary)["journal"]["head"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return bool(told == journal.ending(folder.journal).head)
