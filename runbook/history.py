"""What a run has done, from its journal alone: enough to understand it, to go on with it, and to take it back.

Events that matter here: ``plan-approved`` (the whole approval), ``before-first-write`` (per section the plan, its
inverse and the objects as they were), ``change-started``, ``change-done``, ``change-failed``, ``run-finished``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runbook import journal
from runbook.errors import UsageError
from runbook.plan import Plan, plan_from_json

Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A run as its journal tells it."""

    path: Path
    """The run's folder."""
    tenant: str
    mode: str
    tutorial: str
    approval: Mapping[str, Any] | None
    """The approval that the run acted on; None for a run of a single section or a walkthrough."""
    plans: Mapping[str, Plan]
    """Per section that was about to write, the plan as it was to be carried out."""
    inverses: Mapping[str, Plan]
    begun: frozenset[Key]
    """Changes whose writes may have been sent."""
    unfinished: frozenset[Key]
    """Those of them that are not known to have come to their end."""
    takes_back: str
    """Folder of the run that this one takes back; empty for any other run."""
    rest: bool
    resumed: bool
    """True once it was taken up again."""
    finished: bool
    """True when the run came to its own end, whatever that was."""


@dataclass(slots=True)
class _Collected:
    tenant: str = ""
    mode: str = ""
    tutorial: str = ""
    approval: Mapping[str, Any] | None = None
    plans: dict[str, Plan] = field(default_factory=dict)
    inverses: dict[str, Plan] = field(default_factory=dict)
    begun: set[Key] = field(default_factory=set)
    unfinished: set[Key] = field(default_factory=set)
    takes_back: str = ""
    rest: bool = False
    resumed: bool = False
    finished: bool = False

    def take(self, event: str, data: Mapping[str, Any]) -> None:
        if event == "run-started":
            self.tenant, self.mode, self.tutorial = data["tenant"], data["mode"], data["tutorial"]
            self.takes_back, self.rest = data.get("takes_back", ""), data.get("rest", False)
        elif event == "section-opened" and not self.tenant:
            self.tenant, self.mode, self.tutorial = data["tenant"], data["mode"], data.get("tutorial", "")
        elif event == "plan-approved":
            self.approval = data["approval"]
        elif event == "before-first-write":
            for item in data["sections"]:
                self.plans.setdefault(item["section"], plan_from_json(item["plan"]))
                self.inverses.setdefault(item["section"], plan_from_json(item["inverse"]))
        elif event == "change-started":
            key = (data["kind"], data["identity"])
            self.begun.add(key)
            self.unfinished.add(key)
        elif event == "change-done":
            self.unfinished.discard((data["kind"], data["identity"]))
        elif event in ("run-finished", "run-resumed"):
            self.finished = event == "run-finished"
            self.resumed = self.resumed or event == "run-resumed"


def read_history(path: Path) -> History:
    """Return what a run's journal tells. Raises JournalError when the journal is not whole, UsageError without one."""
    file = path / "journal.jsonl"
    if not file.is_file():
        raise UsageError(f"{path} has no journal, so nothing is known of what was done.")
    return _history(path, journal.read(file))


def _history(path: Path, entries: Iterable[Mapping[str, Any]]) -> History:
    found = _Collected()
    for entry in entries:
        found.take(entry["event"], entry["data"])
    return History(
        path=path,
        tenant=found.tenant,
        mode=found.mode,
        tutorial=found.tutorial,
        approval=found.approval,
        plans=found.plans,
        inverses=found.inverses,
        begun=frozenset(found.begun),
        unfinished=frozenset(found.unfinished),
        takes_back=found.takes_back,
        rest=found.rest,
        resumed=found.resumed,
        finished=found.finished,
    )
