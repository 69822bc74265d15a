"""Go through the rings of a fleet run: begin tenants while there is room, and stop where it must be stopped.

Nothing here knows how a tenant is carried out, nor where: a `Crew` does that, on this machine or on others.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from runbook.errors import ExitCode, UsageError
from runbook.fleet import reasons, rows
from runbook.fleet.crew import Crew, Ended, Row
from runbook.fleet.folder import FleetFolder
from runbook.fleet.order import Order
from runbook.fleet.progress import Progress

NOTHING_DONE = "nothing was carried out in the first ring"
_TICK_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How many tenants may fail before no further one is begun: a number, a share of all, or any."""

    count: int | None = None
    percent: float | None = None

    @classmethod
    def read(cls, text: str) -> Allowance:
        """Read ``2`` or ``5%``. Raises UsageError."""
        found = re.fullmatch(r"(\d{1,6})|(\d{1,3}(?:\.\d+)?)\s*%", text.strip())
        if found is None or (found[2] and float(found[2]) > 100):
            raise UsageError(f"{text!r} is no number of failures.", "Write a number, such as 2, or a share: 5%.")
        return cls(count=int(found[1])) if found[1] else cls(percent=float(found[2]))

    def exceeded(self, failures: int, total: int) -> bool:
        """Whether so many failures of so many tenants are too many."""
        if self.percent is not None:
            return failures * 100 > self.percent * total
        return self.count is not None and failures > self.count


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What a fleet run goes through."""

    mode: str
    rings: Sequence[tuple[str, Sequence[Order]]]
    in_flight: int
    allowance: Allowance
    kept: Mapping[str, Row] = field(default_factory=dict)
    """Rows of tenants that are finished already, from an earlier attempt at the same fleet run."""
    looked_at: frozenset[str] = frozenset()
    """Tenants whose failure somebody has seen since, and allowed: in the first ring they hold back nobody any more."""

    @property
    def total(self) -> int:
        return sum(len(orders) for _, orders in self.rings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Somebody wants the fleet run to stop: no further tenant is begun."""

    reason: str
    """A sentence without its full stop."""
    running: Literal["end", "interrupt", "kill"] = "end"
    """What becomes of tenants that run: they come to their end, are interrupted, or are killed."""


def is_failure(row: Mapping[str, Any], mode: str) -> bool:
    """Whether a tenant's end counts as a failure: for a run that only reads, drift and open parts are answers."""
    answers = {ExitCode.DONE, ExitCode.CHANGES} | (set() if mode == "apply" else {ExitCode.REFUSED})
    return row["status"] != rows.NOT_STARTED and row["exit_code"] not in answers


def held_back(course: Course, ended: Mapping[str, Row]) -> str:
    """Say why no further tenant is begun after those that have ended; empty if that is no reason.

    Asked after the first ring, or a later one: a first ring that nothing was done for has proven nothing.
    """
    failures = sum(1 for row in ended.values() if is_failure(row, course.mode))
    if course.allowance.exceeded(failures, course.total):
        return f"{failures} tenant{'s' if failures > 1 else ''} failed, which is more than was allowed"
    if course.mode != "apply" or len(course.rings) < 2:
        return ""
    ring = [ended[order.tenant] for order in course.rings[0][1] if order.tenant in ended]
    failed = [row["tenant"] for row in ring if is_failure(row, course.mode) and row["tenant"] not in course.looked_at]
    if failed:
        return f"{failed[0]}, in the first ring, failed"
    return NOTHING_DONE if all(row["status"] == rows.NOT_STARTED for row in ring) else ""


def conduct(
    course: Course,
    crew: Crew,
    watch: Progress,
    *,
    asked_to_stop: Callable[[], Stop | None] = lambda: None,
    finish: Callable[[Row], None] = lambda row: None,
) -> tuple[list[Row], str]:
    """Carry out all rings; return a row for every tenant, in the order of the rings, and why it stopped early.

    `asked_to_stop` is asked all the time. `finish` keeps a row of which no process could say that it is the tenant's
    last.
    """
    conducting = _Conducting(course, crew, watch, asked_to_stop, finish)
    for number, (name, orders) in enumerate(course.rings):
        conducting.ring(name, orders, is_canary=number == 0 and len(course.rings) > 1)
    return conducting.rows(), conducting.stopped


class _Conducting:
    def __init__(
        self,
        course: Course,
        crew: Crew,
        watch: Progress,
        asked_to_stop: Callable[[], Stop | None],
        finish: Callable[[Row], None],
    ) -> None:
        self._course, self._crew, self._watch = course, crew, watch
        self._asked_to_stop, self._finish = asked_to_stop, finish
        self._rows: dict[str, Row] = dict(course.kept)
        self._failures = sum(1 for row in course.kept.values() if is_failure(row, course.mode))
        self._is_ending = False
        """Whether those that run are being interrupted or killed."""
        self.stopped = ""

    def ring(self, name: str, orders: Sequence[Order], *, is_canary: bool) -> None:
        queue = deque(order for order in orders if order.tenant not in self._rows)
        if not self.stopped:
            self._watch.ring(name, len(orders))
            for order in orders:
                if order.tenant in self._rows:
                    self._watch.ended(self._rows[order.tenant])
        self._see_whether_to_stop()
        while self._crew.running() or (queue and not self.stopped):
            while queue and not self.stopped and self._crew.running() < self._course.in_flight:
                order = queue.popleft()
                self._watch.started(order.tenant)
                self._crew.start(order)
                self._see_whether_to_stop()
            self._watch.tick()
            for event in self._crew.wait(_TICK_SECONDS):
                if isinstance(event, Ended):
                    self._take(event)
            self._see_whether_to_stop()
        if is_canary and not self.stopped:
            self.stopped = held_back(self._course, self._rows)

    def rows(self) -> list[Row]:
        found = []
        for _, orders in self._course.rings:
            for order in orders:
                place = rows.Place(tenant=order.tenant, group=order.group, ring=order.ring)
                found.append(self._rows.get(order.tenant) or rows.not_started(place, self.stopped))
        return found

    def _take(self, ended: Ended) -> None:
        order, row = ended.order, ended.row
        if not ended.begun:
            if not order.close and not FleetFolder(Path(order.folder)).begun(order.tenant):
                return  # it is told as not started
            ended = replace(ended, how="what had begun of it was not gone on with")
        if row is None and self._is_ending:
            # It did not come to its end because of that, so it is not finished; a resumed run goes on with it.
            row = rows.interrupted(_place(order, ended), ended.how)
        elif row is None and not order.close:
            # Whatever is left of it becomes a record, in a process of its own.
            self._crew.start(replace(order, close=True, why=_ended_how(ended), seconds=ended.seconds))
            return
        elif row is None:
            place = replace(_place(order, ended), seconds=order.seconds)
            row = rows.killed(place, f"{order.why}; and no record could be made of it: {ended.how}", None)
            self._finish(row)
        elif ended.too_long and row["exit_code"] == ExitCode.INTERRUPTED:  # else it was at its end just then
            # Nobody has interrupted the fleet: this tenant has failed.
            reason = reasons.of_too_long(ended.seconds, row["sections"])
            row = {**row, "exit_code": ExitCode.FAILED, "reason": reason}
            self._finish(row)
        self._rows[order.tenant] = row
        self._failures += is_failure(row, self._course.mode)
        self._watch.ended(row)

    def _see_whether_to_stop(self) -> None:
        if not self.stopped and self._course.allowance.exceeded(self._failures, self._course.total):
            self.stopped = held_back(self._course, self._rows)
        stop = self._asked_to_stop()
        if stop is None:
            return
        self.stopped = self.stopped or stop.reason
        self._is_ending = self._is_ending or stop.running != "end"
        if stop.running == "interrupt":
            self._crew.interrupt()
        elif stop.running == "kill":
            self._crew.kill()


def _place(order: Order, ended: Ended) -> rows.Place:
    return rows.Place(tenant=order.tenant, group=order.group, ring=order.ring, seconds=ended.seconds, attempts=1)


def _ended_how(ended: Ended) -> str:
    if ended.too_long:
        return f"It ran longer than it may, did not stop when it was asked to, and was killed ({ended.how})"
    return ended.how[:1].upper() + ended.how[1:]
