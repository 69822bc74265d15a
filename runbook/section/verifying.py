"""Read a section again and say how it is: what is as asked, what is not, and what may not be seen everywhere yet."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runbook import journal, settling, views
from runbook.history import made_at
from runbook.plan import Plan, plan_json
from runbook.section import observing
from runbook.section.setup import Setup


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBack:
    """What a fresh reading says about a section."""

    fresh: Plan
    checks: Sequence[Mapping[str, Any]]
    problems: Sequence[Mapping[str, Any]]
    unseen: Sequence[Mapping[str, Any]]
    """Changes that were made and do not show yet, within the time that they may take."""
    verification: Mapping[str, Any]
    """The same as the section's result keeps it."""

    def beside(self, left: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return lines on what no property tells; `left` is what was seen of what is left to a person."""
        return [
            *views.settling_lines(self.verification),
            *views.problem_lines({"problems": [item for item in self.problems if item["other"]]}),
            *views.problem_lines({"problems": [item for item in self.problems if not item["other"]]}),
            *views.left_lines(left),
        ]

    def detail(self) -> str:
        """Name what is not as it should be, a line each."""
        missing = [f"  {item['identity']}: {item['reason']}" for item in self.problems if not item["other"]]
        return "\n".join([*views.check_lines(self.checks), *missing, *views.settling_lines({"pending": self.unseen})])


def settled(setup: Setup, *, wait: bool) -> tuple[Plan, float]:
    """Return a fresh plan, and how many seconds were waited until it was as asked, or waiting was given up."""

    def look() -> Plan:
        return setup.course.verification(setup.section.id, setup.inputs)

    fresh = look()
    if not wait or fresh.is_done:
        return fresh, 0.0
    seen, began = [fresh], time.monotonic()

    def as_asked() -> bool:
        seen[0] = look()
        return seen[0].is_done

    setup.patience.poll(as_asked)
    return seen[0], round(time.monotonic() - began, 1)


def judged(setup: Setup, fresh: Plan, seconds: float, applied: Plan | None) -> ReadBack:
    """Hold a fresh reading against what was asked; `applied` is the plan that was carried out just before, if any."""
    checks = observing.checks(fresh)
    problems = plan_json(fresh)["problems"]
    now = datetime.fromisoformat(journal.now())
    unseen = settling.unseen(fresh, made_at(journal.read(setup.folder.journal)), now)
    verification = {
        "at": journal.now(),
        "ok": fresh.is_as_asked,
        "checks": checks,
        "problems": problems,
        "pending": [*settling.pending(fresh, now), *unseen],
        "partial": settling.partial(applied, checks) if applied is not None else [],
        "waited_seconds": seconds,
    }
    return ReadBack(fresh=fresh, checks=checks, problems=problems, unseen=unseen, verification=verification)
