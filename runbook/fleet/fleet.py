"""Carry out what is left of a fleet run, up to its summary, from its folder alone.

It makes no difference whether the run has just begun or its supervisor was killed: what was asked is on disk
(`asking`), and so is who is finished.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from runbook import journal, library
from runbook.errors import ExitCode, UsageError
from runbook.fleet import resuming, rows
from runbook.fleet.approvals import hash_of_plans
from runbook.fleet.asking import allowance_of, what_was_asked
from runbook.fleet.conduct import Course, Stop, conduct
from runbook.fleet.crew import Crew, Row
from runbook.fleet.folder import FleetFolder
from runbook.fleet.noting import Noted
from runbook.fleet.order import Order
from runbook.fleet.progress import Progress
from runbook.fleet.writing import write_all
from runbook.journal import Journal
from runbook.runs import Hold
from runbook.tenants.budgets import write_budgets

_LAST_BREATH_SECONDS = 10.0
_NO_PLAN = "no plan of it is approved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a fleet run ended."""

    folder: FleetFolder
    summary: Mapping[str, Any]

    @property
    def exit_code(self) -> int:
        return int(self.summary["exit_code"])


def go_on(
    folder: FleetFolder,
    crew: Callable[[], Crew],
    watch: Progress,
    *,
    asked_to_stop: Callable[[], Stop | None],
    max_failures: str = "",
) -> Outcome:
    """Carry out what is left of a fleet run, and write its summary; for one that has just begun that is all of it.

    `max_failures` is allowed anew, and lifts what the failures so far have stopped. `crew` is asked for once all that
    can be seen beforehand is in order; what it raises leaves the fleet run as it was.

    Raises UsageError when its supervisor still lives, its tutorial is another text by now, or its failures have
    stopped it and nobody has allowed more.
    """
    with _alone(folder):
        stop_before = _which(folder.stop)
        asked = what_was_asked(folder)
        _same_text(asked)
        journal.mend(folder.journal)
        word = resuming.last_word(asked, folder)
        course = _course(asked, folder, word)
        if max_failures:
            course, word = resuming.lifted(course, max_failures, folder), replace(word, max_failures=max_failures)
        else:
            resuming.refuse_if_held(course, folder)
        write_budgets(folder.traffic, asked.get("budgets", ()))
        working = crew()
        folder.halt.unlink(missing_ok=True)
        if _which(folder.stop) == stop_before:  # one that was written meanwhile is meant for this supervisor
            folder.stop.unlink(missing_ok=True)
        log = Journal(folder.journal)
        if max_failures:
            resuming.note(log, max_failures, course)
        if course.kept or any(folder.begun(order.tenant) for _, orders in course.rings for order in orders):
            log.append("fleet-resumed", finished=sorted(course.kept))
        try:
            found, why = conduct(
                course, working, Noted(watch, log, course.kept), asked_to_stop=asked_to_stop, finish=folder.finish
            )
        finally:
            working.close()
        command = resuming.command(course, found, word.max_failures, folder)
        return _close(folder, asked, found, log, stopped=why, going_on=command)


def _which(path: Path) -> tuple[int, int] | None:
    """Return what tells one file of a name from the next; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


@contextlib.contextmanager
def _alone(folder: FleetFolder) -> Iterator[Hold]:
    """Be the only supervisor. Of two that ask in the same moment the lock lets one; what still runs holds the folder.

    A killed supervisor's tenants are given time to write their last words. Raises UsageError.
    """
    deadline = time.monotonic() + _LAST_BREATH_SECONDS
    lock = FileLock(folder.lock, timeout=_LAST_BREATH_SECONDS)
    with contextlib.ExitStack() as held:
        try:
            held.callback(lock.acquire().lock.release)
        except Timeout:
            raise _not_ended(folder) from None
        while folder.is_held():
            if time.monotonic() > deadline:
                raise _not_ended(folder)
            time.sleep(0.1)
        yield held.enter_context(folder.hold())


def _not_ended(folder: FleetFolder) -> UsageError:
    return UsageError(
        f"The fleet run {folder.name} has not ended.",
        f"Wait for it, or stop it:\n\n    runbook fleet stop {folder.name}\n",
    )


def _same_text(asked: Mapping[str, Any]) -> None:
    document = library.load(asked["tutorial"])
    if document.compiled.tutorial.sha256 != asked["tutorial_sha256"]:
        raise UsageError(
            f"The tutorial {asked['tutorial']} is not the text that {asked['fleet']} began with.",
            "Put the former text back to go on, or begin a new fleet run.",
        )


def _course(asked: Mapping[str, Any], folder: FleetFolder, word: resuming.Word) -> Course:
    kept: dict[str, Row] = {}
    rings = []
    for item in asked["rings"]:
        orders = [Order(**values) for values in item["orders"]]
        for order in orders:
            row = folder.row(order.tenant)
            if row is None and asked["mode"] == "apply" and order.grant is None:
                place = rows.Place(tenant=order.tenant, group=order.group, ring=order.ring)
                row = rows.not_started(place, _NO_PLAN)
            if row is not None:
                kept[order.tenant] = row
        rings.append((item["ring"], orders))
    if asked["mode"] != "apply":  # a ring is there to hold a change back; to read, all can begin at once
        rings = [("all", [order for _, orders in rings for order in orders])]
    return Course(
        mode=asked["mode"],
        rings=rings,
        in_flight=asked["in_flight"],
        allowance=allowance_of(word.max_failures, asked["mode"]),
        kept=kept,
        looked_at=word.looked_at,
    )


def _close(
    folder: FleetFolder, asked: Mapping[str, Any], found: Sequence[Row], log: Journal, *, stopped: str, going_on: str
) -> Outcome:
    by_name = {row["tenant"]: row for row in found}
    ordered = [by_name[name] for name in asked["order"]]
    summary = {
        **rows.summary(
            ordered,
            fleet=folder.name,
            mode=asked["mode"],
            inventory=asked["inventory"],
            tutorial=asked["tutorial"],
            started=asked["started"],
            ended=journal.now(),
            why=stopped,
        ),
        **{name: asked[name] for name in ("path", "part", "inventory_sha256")},
        "to_go_on": going_on,
        "not_stored": [row["tenant"] for row in ordered if row.get("not_stored")],
        "plans_hash": hash_of_plans(ordered) if asked["mode"] == "plan" else "",
    }
    if summary["not_stored"] and summary["exit_code"] in (ExitCode.DONE, ExitCode.CHANGES):
        summary["exit_code"] = ExitCode.FAILED  # the tenants are as they are, and not all that was asked was done
    entry = log.append("fleet-ended", status=summary["status"], exit_code=summary["exit_code"], stopped=stopped)
    summary["journal"] = {"entries": entry["n"] + 1, "head": entry["hash"]}
    write_all(folder, summary)
    return Outcome(folder=folder, summary=summary)
